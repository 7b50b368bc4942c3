//! The readers: a few connections, each used by one blocking thread at a time.

use crate::connect::Database;
use crate::failure::{Cause, cause, store_error};
use exam_store::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The pool.
#[derive(Debug)]
pub(crate) struct Readers {
    database: Arc<Database>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    count: u32,
}

impl Readers {
    /// Opens `count` connections, at least one.
    pub(crate) fn open(database: Arc<Database>, count: u32) -> rusqlite::Result<Self> {
        let count = count.max(1);
        let idle = (0..count).map(|_| database.reader()).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self {
            database,
            idle: Arc::new(Mutex::new(idle)),
            permits: Arc::new(Semaphore::new(count as usize)),
            count,
        })
    }

    /// Reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let (database, idle) = (Arc::clone(&self.database), Arc::clone(&self.idle));
        let done = tokio::task::spawn_blocking(move || {
            let kept = idle.lock().pop();
            // One is missing after a read that panicked or met a failing disk.
            let connection = kept.map_or_else(|| database.reader(), Ok)?;
            let result = read(&connection);
            if !matches!(&result, Err(error) if cause(error) == Cause::Storage) {
                idle.lock().push(connection);
            }
            drop(permit);
            result
        });
        match done.await {
            Ok(result) => result.map_err(|error| store_error(&error)),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }

    /// Waits for reads under way, then closes all connections; later reads are refused.
    pub(crate) async fn close(&self) {
        let all = self.permits.acquire_many(self.count).await;
        self.permits.close();
        self.idle.lock().clear();
        drop(all);
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}
