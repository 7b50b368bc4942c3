//! Announcements: one process has the file, so they stay within it.

use crate::SqliteStore;
use async_trait::async_trait;
use exam_store::{Announcement, Announcements, Listener, StoreError};

#[async_trait]
impl Announcements for SqliteStore {
    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), StoreError> {
        self.hub.say(announcements);
        Ok(())
    }

    fn listen(&self) -> Listener {
        self.hub.listen()
    }
}
