//! The site's audit log. Its chain has one end, so whoever appends holds a lock from reading that end to
//! the commit; acts of people are few.

use crate::PostgresStore;
use crate::connect::{Session, read_all};
use crate::convert::{Time, get, limit, time};
use crate::failure::store_error;
use crate::pool::Transaction;
use crate::times::note_time;
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::{AuditRecord, NewAudit};
use exam_store::{AuditLog, Page, StoreError};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Who notes the time of what is no commit of an attempt.
pub(crate) const SITE: &str = "site";

/// Any number will do that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7310596230046)";

/// The end of the chain, held until the transaction ends.
pub(crate) struct Head(Option<(i64, String)>);

/// Locks and reads the end of the chain.
pub(crate) async fn head(session: &Session) -> Result<Head, Error> {
    session.run(LOCK).await?;
    // A statement of its own: it sees what was committed while the first one waited.
    let rows = session.query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", &[]).await?;
    Ok(Head(rows.first().map(|row| Ok::<_, Error>((row.try_get(0)?, row.try_get(1)?))).transpose()?))
}

/// Appends an act behind the end.
pub(crate) async fn append_after(session: &Session, head: &mut Head, new: &NewAudit) -> Result<AuditRecord, Error> {
    let record = AuditRecord::seal(head.0.as_ref().map(|(seq, hash)| (*seq, hash.as_str())), new);
    let actor = record.actor.map(|actor| actor.0);
    session
        .execute(
            "INSERT INTO audit (seq, at, actor, act, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[&record.seq, &Time(record.at), &actor, &record.act, &record.subject, &record.detail, &record.hash],
        )
        .await?;
    head.0 = Some((record.seq, record.hash.clone()));
    Ok(record)
}

/// Appends an act within the transaction of what it did, so that neither is kept without the other. To be
/// called last: everybody else who appends waits from here to the commit.
pub(crate) async fn append(transaction: &Transaction, node: i32, new: &NewAudit) -> Result<AuditRecord, StoreError> {
    let appended = async {
        let mut head = head(transaction).await?;
        let record = append_after(transaction, &mut head, new).await?;
        note_time(transaction, node, SITE, new.at).await?;
        Ok(record)
    };
    appended.await.map_err(|error: Error| store_error(&error))
}

#[async_trait]
impl AuditLog for PostgresStore {
    async fn append_audit(&self, new: NewAudit) -> Result<AuditRecord, StoreError> {
        let transaction = self.writers.begin().await?;
        let record = append(&transaction, self.node, &new).await?;
        transaction.commit().await?;
        Ok(record)
    }

    async fn audit_records(&self, page: Page<i64>) -> Result<Vec<AuditRecord>, StoreError> {
        let sql = "SELECT seq, at, actor, act, subject, detail, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = self.readers.read(sql, &[&page.after.unwrap_or(0), &limit(page.limit)]).await?;
        read_all(&rows, record)
    }

    async fn latest_audit_records(&self, page: Page<i64>) -> Result<Vec<AuditRecord>, StoreError> {
        let sql =
            "SELECT seq, at, actor, act, subject, detail, hash FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
        let rows = self.readers.read(sql, &[&page.after.unwrap_or(i64::MAX), &limit(page.limit)]).await?;
        read_all(&rows, record)
    }
}

fn record(row: &Row) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        seq: get(row, 0)?,
        at: time(row, 1)?,
        actor: get::<Option<Uuid>>(row, 2)?.map(PersonId),
        act: get(row, 3)?,
        subject: get(row, 4)?,
        detail: get(row, 5)?,
        hash: get(row, 6)?,
    })
}
