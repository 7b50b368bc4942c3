//! What was taken out of notebooks.

use crate::PostgresStore;
use crate::connect::read_all;
use crate::convert::{Time, get, time};
use crate::failure::missing;
use async_trait::async_trait;
use exam_core::{BankId, PersonId};
use exam_store::{Notebook, RemovalRow, StoreError};
use tokio_postgres::Row;

#[async_trait]
impl Notebook for PostgresStore {
    async fn remove_from_notebook(&self, learner: PersonId, removal: RemovalRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO notebook_removals (learner, bank, code, at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (learner, bank, code) DO UPDATE SET at = greatest(notebook_removals.at, excluded.at)";
        let RemovalRow { bank, code, at } = removal;
        let transaction = self.writers.begin().await?;
        let removed = transaction.execute(sql, &[&learner.0, &bank.0, &code, &Time(at)]).await;
        removed.map_err(|error| missing(&error))?;
        transaction.commit().await
    }

    async fn notebook_removals(&self, learner: PersonId) -> Result<Vec<RemovalRow>, StoreError> {
        let sql = "SELECT bank, code, at FROM notebook_removals WHERE learner = $1 ORDER BY bank, code";
        read_all(&self.lines.read(sql, &[&learner.0]).await?, removal)
    }
}

fn removal(row: &Row) -> Result<RemovalRow, StoreError> {
    Ok(RemovalRow { bank: BankId(get(row, 0)?), code: get(row, 1)?, at: time(row, 2)? })
}
