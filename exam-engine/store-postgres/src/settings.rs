//! Settings, and what concerns the database as a whole.

use crate::PostgresStore;
use crate::connect::{Session, read_first};
use crate::convert::get;
use async_trait::async_trait;
use exam_store::{Settings, StoreError};
use std::path::Path;

#[async_trait]
impl Settings for PostgresStore {
    async fn setting_or_insert(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let transaction = self.writers.begin().await?;
        let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        transaction.rows(sql, &[&name, &value]).await?;
        let kept = read_setting(&transaction, name).await?;
        transaction.commit().await?;
        kept.ok_or(StoreError::NotFound)
    }

    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read_first(&self.lines.read(SETTING, &[&name]).await?, |row| get(row, 0))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.readers.read("SELECT 1", &[]).await?;
        let transaction = self.writers.begin().await?;
        // Each node its own name, so that none waits for another; dropped, it is rolled back.
        let name = format!("ping {}", self.node);
        let sql = "INSERT INTO settings (name, value) VALUES ($1, '') ON CONFLICT (name) DO NOTHING";
        transaction.rows(sql, &[&name]).await.map(drop)
    }

    async fn backup_to(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unavailable(
            "a PostgreSQL database is copied by its own tools: pg_dump, or pg_basebackup with archived logs".to_owned(),
        ))
    }
}

const SETTING: &str = "SELECT value FROM settings WHERE name = $1";

async fn read_setting(session: &Session, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    read_first(&session.rows(SETTING, &[&name]).await?, |row| get(row, 0))
}
