//! Settings, and what concerns the database as a whole.

use crate::SqliteStore;
use crate::connect::{create_private, sync_folder_of};
use crate::convert::{execute, row};
use crate::failure::store_error;
use async_trait::async_trait;
use exam_store::{Settings, StoreError};
use rusqlite::{Connection, params};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

#[async_trait]
impl Settings for SqliteStore {
    async fn setting_or_insert(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let name = name.to_owned();
        self.writer
            .write(move |connection| {
                let sql = "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
                execute(connection, sql, params![name, value])?;
                Ok(read_setting(connection, &name)?.ok_or(StoreError::NotFound)?)
            })
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| read_setting(connection, &name)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // The transaction of a job that changes nothing is begun as one that writes, and leaves nothing.
        let probe = |connection: &Connection| row(connection, "SELECT 1 FROM settings LIMIT 1", [], |_| Ok(()));
        self.readers.read(probe).await?;
        self.writer.write(move |connection| Ok(probe(connection).map(drop)?)).await
    }

    async fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        let (database, path) = (Arc::clone(&self.database), path.to_owned());
        let copy = move || {
            create_private(&path).map_err(|error| file_error(&error))?;
            let copied = database
                .reader()
                .map_err(|error| store_error(&error))
                .and_then(|connection| copy_into(&connection, &path));
            if copied.is_err() {
                // Half a copy is worse than none; the first error is the one worth telling.
                let _ = std::fs::remove_file(&path);
            }
            copied
        };
        tokio::task::spawn_blocking(copy).await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }
}

fn read_setting(connection: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    row(connection, "SELECT value FROM settings WHERE name = ?", [name], |row| row.get(0))
}

/// Copies the database as of one instant; writing goes on beside it.
fn copy_into(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let name = path.to_str().ok_or_else(|| StoreError::Unavailable("the path is not UTF-8".to_owned()))?;
    connection.execute("VACUUM INTO ?", [name]).map_err(|error| store_error(&error))?;
    // SQLite leaves this copy to the page cache.
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| file_error(&error))?;
    sync_folder_of(path).map_err(|error| file_error(&error))
}

fn file_error(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Taken { field: "path" },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Unavailable(error.to_string()),
    }
}
