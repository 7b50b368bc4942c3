//! What was taken out of notebooks.

use crate::SqliteStore;
use crate::convert::{execute, rows, time};
use crate::failure::missing;
use async_trait::async_trait;
use exam_core::{BankId, PersonId};
use exam_store::{Notebook, RemovalRow, StoreError};
use rusqlite::{Row, params};

#[async_trait]
impl Notebook for SqliteStore {
    async fn remove_from_notebook(&self, learner: PersonId, removal: RemovalRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO notebook_removals (learner, bank, code, at) VALUES (?, ?, ?, ?) \
                   ON CONFLICT (learner, bank, code) DO UPDATE SET at = max(at, excluded.at)";
        self.writer
            .write(move |connection| {
                let RemovalRow { bank, code, at } = &removal;
                execute(connection, sql, params![learner.bytes(), bank.bytes(), code, at.ms()]).map_err(missing)?;
                Ok(())
            })
            .await
    }

    async fn notebook_removals(&self, learner: PersonId) -> Result<Vec<RemovalRow>, StoreError> {
        let sql = "SELECT bank, code, at FROM notebook_removals WHERE learner = ? ORDER BY bank, code";
        self.readers.read(move |connection| rows(connection, sql, [learner.bytes()], removal)).await
    }
}

fn removal(row: &Row<'_>) -> rusqlite::Result<RemovalRow> {
    Ok(RemovalRow { bank: BankId::from_bytes(row.get(0)?), code: row.get(1)?, at: time(row, 2)? })
}
