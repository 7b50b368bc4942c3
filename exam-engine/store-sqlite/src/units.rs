//! The tree of units.

use crate::SqliteStore;
use crate::audit;
use crate::convert::{execute, limit, named, row, rows, to_json};
use crate::people::found;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::unit::{Level, Unit};
use exam_store::{Page, StoreError, Units};
use rusqlite::{Row, params};

#[async_trait]
impl Units for SqliteStore {
    async fn put_units(&self, units: Vec<Unit>, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO units (code, name, level, parent) VALUES (?, ?, ?, ?) \
                   ON CONFLICT (code) DO UPDATE SET name = excluded.name, parent = excluded.parent";
        self.writer
            .write(move |connection| {
                for unit in &units {
                    execute(connection, sql, params![unit.code, unit.name, unit.level.name(), unit.parent])?;
                }
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn delete_unit(&self, code: &str, audit: NewAudit) -> Result<bool, StoreError> {
        let held = "SELECT 1 FROM units WHERE parent = ?1 UNION ALL SELECT 1 FROM people WHERE unit = ?1 LIMIT 1";
        let code = code.to_owned();
        self.writer
            .write(move |connection| {
                if row(connection, held, [&code], |_| Ok(()))?.is_some() {
                    return Ok(false);
                }
                found(execute(connection, "DELETE FROM units WHERE code = ?", [&code])?)?;
                audit::append(connection, &audit)?;
                Ok(true)
            })
            .await
    }

    async fn units(&self, page: Page<String>) -> Result<Vec<Unit>, StoreError> {
        let sql = "SELECT code, name, level, parent FROM units WHERE code > ? ORDER BY code LIMIT ?";
        let key = (page.after.unwrap_or_default(), limit(page.limit));
        self.readers.read(move |connection| rows(connection, sql, key, unit)).await
    }

    async fn units_by_codes(&self, codes: Vec<String>) -> Result<Vec<Unit>, StoreError> {
        let sql = "SELECT code, name, level, parent FROM units \
                   WHERE code IN (SELECT value FROM json_each(?)) ORDER BY code";
        let codes = to_json(&codes)?;
        self.readers.read(move |connection| rows(connection, sql, [codes], unit)).await
    }

    async fn codes_below(&self, code: &str, level: Level) -> Result<Vec<String>, StoreError> {
        let sql = "WITH RECURSIVE below (code) AS (SELECT code FROM units WHERE code = ? AND level = ? \
                   UNION SELECT u.code FROM units u JOIN below b ON u.parent = b.code) \
                   SELECT code FROM below ORDER BY code";
        let key = (code.to_owned(), level.name());
        self.readers.read(move |connection| rows(connection, sql, key, |row| row.get(0))).await
    }
}

fn unit(row: &Row<'_>) -> rusqlite::Result<Unit> {
    Ok(Unit { code: row.get(0)?, name: row.get(1)?, level: named(row, 2, Level::parse)?, parent: row.get(3)? })
}
