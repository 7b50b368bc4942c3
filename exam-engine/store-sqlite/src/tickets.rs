//! Used tickets.

use crate::SqliteStore;
use crate::convert::execute;
use async_trait::async_trait;
use exam_core::Timestamp;
use exam_store::{StoreError, Tickets};

#[async_trait]
impl Tickets for SqliteStore {
    async fn spend_ticket(&self, nonce: [u8; 16], expires_at: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO spent_tickets (nonce, expires_at) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING";
        self.writer.write(move |connection| Ok(execute(connection, sql, (nonce, expires_at.ms()))? == 1)).await
    }

    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM spent_tickets WHERE expires_at < ?";
        self.writer.write(move |connection| Ok(execute(connection, sql, [now.ms()])? as u64)).await
    }
}
