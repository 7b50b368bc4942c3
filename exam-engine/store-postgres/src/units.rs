//! The tree of units.

use crate::PostgresStore;
use crate::audit;
use crate::connect::read_all;
use crate::convert::{get, limit, named};
use crate::failure::store_error;
use crate::people::found;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::unit::{Level, Unit};
use exam_store::{Page, StoreError, Units};
use tokio_postgres::Row;

#[async_trait]
impl Units for PostgresStore {
    async fn put_units(&self, units: Vec<Unit>, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO units (code, name, level, parent) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (code) DO UPDATE SET name = excluded.name, parent = excluded.parent";
        let transaction = self.writers.begin().await?;
        for unit in &units {
            transaction
                .execute(sql, &[&unit.code, &unit.name, &unit.level.name(), &unit.parent])
                .await
                .map_err(|error| store_error(&error))?;
        }
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn delete_unit(&self, code: &str, audit: NewAudit) -> Result<bool, StoreError> {
        let held = "SELECT 1 FROM units WHERE parent = $1 UNION ALL SELECT 1 FROM people WHERE unit = $1 LIMIT 1";
        let transaction = self.writers.begin().await?;
        if !transaction.rows(held, &[&code]).await?.is_empty() {
            return Ok(false);
        }
        let gone = transaction.execute("DELETE FROM units WHERE code = $1", &[&code]).await;
        found(gone.map_err(|error| store_error(&error))?)?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn units(&self, page: Page<String>) -> Result<Vec<Unit>, StoreError> {
        let sql = "SELECT code, name, level, parent FROM units WHERE code > $1 ORDER BY code LIMIT $2";
        let after = page.after.unwrap_or_default();
        read_all(&self.readers.read(sql, &[&after, &limit(page.limit)]).await?, unit)
    }

    async fn units_by_codes(&self, codes: Vec<String>) -> Result<Vec<Unit>, StoreError> {
        let sql = "SELECT code, name, level, parent FROM units WHERE code = ANY($1) ORDER BY code";
        read_all(&self.readers.read(sql, &[&codes]).await?, unit)
    }

    async fn codes_below(&self, code: &str, level: Level) -> Result<Vec<String>, StoreError> {
        let sql = "WITH RECURSIVE below (code) AS (SELECT code FROM units WHERE code = $1 AND level = $2 \
                   UNION SELECT u.code FROM units u JOIN below b ON u.parent = b.code) \
                   SELECT code FROM below ORDER BY code";
        read_all(&self.readers.read(sql, &[&code, &level.name()]).await?, |row| get(row, 0))
    }
}

fn unit(row: &Row) -> Result<Unit, StoreError> {
    Ok(Unit { code: get(row, 0)?, name: get(row, 1)?, level: named(row, 2, Level::parse)?, parent: get(row, 3)? })
}
