//! Used tickets.

use crate::PostgresStore;
use crate::convert::Time;
use crate::failure::store_error;
use async_trait::async_trait;
use exam_core::Timestamp;
use exam_store::{StoreError, Tickets};

#[async_trait]
impl Tickets for PostgresStore {
    async fn spend_ticket(&self, nonce: [u8; 16], expires_at: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO spent_tickets (nonce, expires_at) VALUES ($1, $2) ON CONFLICT (nonce) DO NOTHING";
        let transaction = self.writers.begin().await?;
        let spent = transaction.execute(sql, &[&&nonce[..], &Time(expires_at)]).await;
        let spent = spent.map_err(|error| store_error(&error))?;
        transaction.commit().await?;
        Ok(spent == 1)
    }

    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let transaction = self.writers.begin().await?;
        let purged = transaction.execute("DELETE FROM spent_tickets WHERE expires_at < $1", &[&Time(now)]).await;
        let purged = purged.map_err(|error| store_error(&error))?;
        transaction.commit().await?;
        Ok(purged)
    }
}
