//! The outbox.

use crate::SqliteStore;
use crate::convert::{execute, row, rows, time, time_opt};
use crate::failure::{Failure, missing};
use async_trait::async_trait;
use exam_core::{PartnerId, PersonId, Timestamp};
use exam_store::{Outbox, OutboxCount, OutboxRow, StoreError};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

/// Appends a telling within the transaction of what it tells.
pub(crate) fn append(connection: &Connection, new: &OutboxRow) -> Result<(), Failure> {
    let sql =
        "INSERT INTO outbox (learner, id, partner, body, created_at, attempts, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let (learner, id, partner) = (new.learner.bytes(), new.id.into_bytes(), new.partner.bytes());
    let times = (new.created_at.ms(), new.due_at.ms());
    execute(connection, sql, params![learner, id, partner, new.body, times.0, new.attempts, times.1])
        .map_err(missing)?;
    Ok(())
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim_due(&self, now: Timestamp, lease_ms: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let find = "SELECT learner, id, partner, body, created_at, attempts, ?2 FROM outbox \
                    WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?3";
        let lease = "UPDATE outbox SET due_at = ?3 WHERE learner = ?1 AND id = ?2";
        let until = now.plus_ms(lease_ms).ms();
        self.writer
            .write(move |connection| {
                let claimed = rows(connection, find, params![now.ms(), until, limit], outbox_row)?;
                for row in &claimed {
                    execute(connection, lease, params![row.learner.bytes(), row.id.into_bytes(), until])?;
                }
                Ok(claimed)
            })
            .await
    }

    async fn outbox_done(&self, row: &OutboxRow) -> Result<(), StoreError> {
        let sql = "DELETE FROM outbox WHERE learner = ? AND id = ?";
        let key = (row.learner.bytes(), row.id.into_bytes());
        self.writer.write(move |connection| Ok(execute(connection, sql, key).map(drop)?)).await
    }

    async fn outbox_retry(&self, row: &OutboxRow, at: Option<Timestamp>) -> Result<(), StoreError> {
        let sql = "UPDATE outbox SET attempts = ?4 + 1, due_at = ?5 WHERE learner = ?1 AND id = ?2 AND due_at = ?3";
        let (learner, id, claimed) = (row.learner.bytes(), row.id.into_bytes(), row.due_at.ms());
        let (attempts, at) = (row.attempts, at.map(Timestamp::ms));
        self.writer
            .write(move |connection| {
                Ok(execute(connection, sql, params![learner, id, claimed, attempts, at]).map(drop)?)
            })
            .await
    }

    async fn outbox_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM outbox WHERE due_at IS NOT NULL";
        let due = self.readers.read(move |connection| row(connection, sql, [], |row| time_opt(row, 0))).await?;
        Ok(due.flatten())
    }

    async fn outbox_counts(&self) -> Result<Vec<OutboxCount>, StoreError> {
        let sql =
            "SELECT partner, count(due_at), count(*) - count(due_at) FROM outbox GROUP BY partner ORDER BY partner";
        let count = |row: &Row<'_>, column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        let counts = move |row: &Row<'_>| {
            let partner = PartnerId::from_bytes(row.get(0)?);
            Ok(OutboxCount { partner, waiting: count(row, 1)?, given_up: count(row, 2)? })
        };
        self.readers.read(move |connection| rows(connection, sql, [], counts)).await
    }
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        learner: PersonId::from_bytes(row.get(0)?),
        id: Uuid::from_bytes(row.get(1)?),
        partner: PartnerId::from_bytes(row.get(2)?),
        body: row.get(3)?,
        created_at: time(row, 4)?,
        attempts: row.get(5)?,
        due_at: time(row, 6)?,
    })
}
