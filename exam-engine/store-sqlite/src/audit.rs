//! The site's audit log.

use crate::SqliteStore;
use crate::attempts::note_time;
use crate::convert::{execute, limit, row, rows, time};
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::{AuditRecord, NewAudit};
use exam_store::{AuditLog, Page, StoreError};
use rusqlite::{Connection, Row, params};

/// Appends an act within the transaction of what it did, so that neither is kept without the other.
pub(crate) fn append(connection: &Connection, new: &NewAudit) -> rusqlite::Result<AuditRecord> {
    let last: Option<(i64, String)> =
        row(connection, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let record = AuditRecord::seal(last.as_ref().map(|(seq, hash)| (*seq, hash.as_str())), new);
    execute(
        connection,
        "INSERT INTO audit (seq, at, actor, act, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            record.seq,
            record.at.ms(),
            record.actor.map(PersonId::bytes),
            record.act,
            record.subject,
            record.detail,
            record.hash
        ],
    )?;
    note_time(connection, new.at)?;
    Ok(record)
}

#[async_trait]
impl AuditLog for SqliteStore {
    async fn append_audit(&self, new: NewAudit) -> Result<AuditRecord, StoreError> {
        self.writer.write(move |connection| Ok(append(connection, &new)?)).await
    }

    async fn audit_records(&self, page: Page<i64>) -> Result<Vec<AuditRecord>, StoreError> {
        let sql = "SELECT seq, at, actor, act, subject, detail, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?";
        let after = page.after.unwrap_or(0);
        self.readers.read(move |connection| rows(connection, sql, params![after, limit(page.limit)], record)).await
    }

    async fn latest_audit_records(&self, page: Page<i64>) -> Result<Vec<AuditRecord>, StoreError> {
        let sql =
            "SELECT seq, at, actor, act, subject, detail, hash FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?";
        let before = page.after.unwrap_or(i64::MAX);
        self.readers.read(move |connection| rows(connection, sql, params![before, limit(page.limit)], record)).await
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        seq: row.get(0)?,
        at: time(row, 1)?,
        actor: row.get::<_, Option<[u8; 16]>>(2)?.map(PersonId::from_bytes),
        act: row.get(3)?,
        subject: row.get(4)?,
        detail: row.get(5)?,
        hash: row.get(6)?,
    })
}
