//! Banks and their items. What was written (`item_versions`) is never changed; which version stands in
//! which state, from which revision on and until which one, is told by `item_spans`. Whoever changes a
//! bank holds its row until the commit, so that revisions follow each other.

use crate::PostgresStore;
use crate::audit::{self, SITE};
use crate::connect::{Session, read_all, read_first};
use crate::convert::{Time, bytes, count, get, json, limit, named, to_json};
use crate::failure::{is_duplicate, missing, store_error, taken};
use crate::limits::ITEMS_CHUNK;
use crate::times::note_time;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::{BankId, ExamId, Timestamp};
use exam_store::{BankRow, Banks, ItemRow, ItemState, Page, StoreError};
use question_bank::Item;
use std::collections::HashMap;
use tokio_postgres::Row;

#[async_trait]
impl Banks for PostgresStore {
    async fn create_bank(&self, bank: BankRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO banks (id, code, title, revision) VALUES ($1, $2, $3, $4)";
        let transaction = self.writers.begin().await?;
        transaction
            .execute(sql, &[&bank.id.0, &bank.code, &bank.title, &bank.revision])
            .await
            .map_err(|error| taken(&error, "code"))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn bank(&self, id: BankId) -> Result<Option<BankRow>, StoreError> {
        let sql = "SELECT id, code, title, revision FROM banks WHERE id = $1";
        read_first(&self.readers.read(sql, &[&id.0]).await?, bank_row)
    }

    async fn bank_by_code(&self, code: &str) -> Result<Option<BankRow>, StoreError> {
        let sql = "SELECT id, code, title, revision FROM banks WHERE code = $1";
        read_first(&self.readers.read(sql, &[&code]).await?, bank_row)
    }

    async fn banks(&self, page: Page<String>) -> Result<Vec<BankRow>, StoreError> {
        let sql = "SELECT id, code, title, revision FROM banks \
                   WHERE code >= coalesce($1::text, '') AND code IS DISTINCT FROM $1 ORDER BY code LIMIT $2";
        read_all(&self.readers.read(sql, &[&page.after, &limit(page.limit)]).await?, bank_row)
    }

    async fn put_items(
        &self,
        bank: BankId,
        items: Vec<(Item, [u8; 32])>,
        state: ItemState,
        at: Timestamp,
        audit: NewAudit,
    ) -> Result<i64, StoreError> {
        let items = tokio::task::spawn_blocking(move || items.into_iter().map(written).collect::<Result<Vec<_>, _>>());
        let items = items.await.map_err(|error| StoreError::Unavailable(error.to_string()))??;
        let transaction = self.writers.begin().await?;
        let revision = next_revision(&transaction, bank).await?;
        for some in items.chunks(ITEMS_CHUNK) {
            put_some(&transaction, bank, revision, some, state, at).await?;
        }
        note_time(&transaction, self.node, SITE, at).await.map_err(|error| store_error(&error))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await?;
        Ok(revision)
    }

    async fn set_item_state(
        &self,
        bank: BankId,
        codes: Vec<String>,
        state: ItemState,
        at: Timestamp,
        audit: NewAudit,
    ) -> Result<i64, StoreError> {
        let transaction = self.writers.begin().await?;
        let revision = next_revision(&transaction, bank).await?;
        let closed = close_spans(&transaction, bank, revision, &codes).await?;
        if closed.len() != codes.len() {
            return Err(StoreError::NotFound);
        }
        let (codes, versions): (Vec<String>, Vec<i64>) = closed.into_iter().unzip();
        open_spans(&transaction, bank, revision, &codes, &versions, state).await?;
        note_time(&transaction, self.node, SITE, at).await.map_err(|error| store_error(&error))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await?;
        Ok(revision)
    }

    async fn items(&self, bank: BankId, page: Page<String>) -> Result<Vec<ItemRow>, StoreError> {
        let sql = "SELECT v.body, v.version, s.state, s.since FROM item_spans s \
                   JOIN item_versions v ON v.id = s.item_version \
                   WHERE s.bank = $1 AND s.until IS NULL AND s.code >= coalesce($2::text, '') \
                   AND s.code IS DISTINCT FROM $2 ORDER BY s.code LIMIT $3";
        read_all(&self.readers.read(sql, &[&bank.0, &page.after, &limit(page.limit)]).await?, item_row)
    }

    async fn items_at(&self, bank: BankId, revision: i64) -> Result<Vec<Item>, StoreError> {
        let sql = "SELECT v.body FROM item_spans s JOIN item_versions v ON v.id = s.item_version \
                   WHERE s.bank = $1 AND s.since <= $2 AND (s.until IS NULL OR s.until > $2) AND s.state = 'ready' \
                   ORDER BY s.code";
        let rows = self.readers.read(sql, &[&bank.0, &revision]).await?;
        // A large bank takes a while to read.
        let reading = tokio::task::spawn_blocking(move || read_all(&rows, |row| json(row, 0)));
        reading.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    async fn content_hashes(&self, bank: BankId) -> Result<Vec<[u8; 32]>, StoreError> {
        let sql = "SELECT v.content_hash FROM item_spans s JOIN item_versions v ON v.id = s.item_version \
                   WHERE s.bank = $1 AND s.until IS NULL ORDER BY s.code";
        read_all(&self.readers.read(sql, &[&bank.0]).await?, |row| bytes(row, 0))
    }

    async fn put_key_version(
        &self,
        exam: ExamId,
        version: &str,
        items: String,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO key_versions (exam, version, items, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        let transaction = self.writers.begin().await?;
        let put = transaction.execute(sql, &[&exam.0, &version, &items, &Time(at)]).await;
        if put.map_err(|error| missing(&error))? == 0 {
            let kept = transaction.rows(KEY_VERSION, &[&exam.0, &version]).await?;
            let kept: Option<String> = read_first(&kept, |row| get(row, 0))?;
            if kept.as_deref() != Some(&items) {
                return Err(StoreError::Taken { field: "version" });
            }
        }
        note_time(&transaction, self.node, SITE, at).await.map_err(|error| store_error(&error))?;
        transaction.commit().await
    }

    async fn key_version(&self, exam: ExamId, version: &str) -> Result<Option<String>, StoreError> {
        read_first(&self.readers.read(KEY_VERSION, &[&exam.0, &version]).await?, |row| get(row, 0))
    }
}

const KEY_VERSION: &str = "SELECT items FROM key_versions WHERE exam = $1 AND version = $2";

const INSERT_VERSIONS: &str = "INSERT INTO item_versions (bank, code, version, content_hash, body, at) \
    SELECT $1, u.code, u.version, u.content_hash, u.body, $6 \
    FROM unnest($2::text[], $3::integer[], $4::bytea[], $5::text[]) AS u (code, version, content_hash, body) \
    RETURNING code, id";

/// An item as it is written.
struct Written {
    code: String,
    body: String,
    content_hash: [u8; 32],
}

fn written((item, content_hash): (Item, [u8; 32])) -> Result<Written, StoreError> {
    Ok(Written { body: to_json(&item)?, code: item.code, content_hash })
}

async fn next_revision(session: &Session, bank: BankId) -> Result<i64, StoreError> {
    let sql = "UPDATE banks SET revision = revision + 1 WHERE id = $1 RETURNING revision";
    read_first(&session.rows(sql, &[&bank.0]).await?, |row| get(row, 0))?.ok_or(StoreError::NotFound)
}

async fn put_some(
    session: &Session,
    bank: BankId,
    revision: i64,
    items: &[Written],
    state: ItemState,
    at: Timestamp,
) -> Result<(), StoreError> {
    let codes: Vec<&str> = items.iter().map(|item| item.code.as_str()).collect();
    let latest = latest_versions(session, bank, &codes).await?;
    let versions: Vec<i32> = codes.iter().map(|code| 1 + latest.get(*code).copied().unwrap_or(0)).collect();
    let hashes: Vec<&[u8]> = items.iter().map(|item| &item.content_hash[..]).collect();
    let bodies: Vec<&str> = items.iter().map(|item| item.body.as_str()).collect();
    let put = session.query(INSERT_VERSIONS, &[&bank.0, &codes, &versions, &hashes, &bodies, &Time(at)]).await;
    // A code that comes twice in one revision.
    let rows = put.map_err(|error| taken(&error, "code"))?;
    let (mut codes, mut versions) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in &rows {
        codes.push(get::<String>(row, 0)?);
        versions.push(get::<i64>(row, 1)?);
    }
    close_spans(session, bank, revision, &codes).await?;
    open_spans(session, bank, revision, &codes, &versions, state).await
}

/// The number of the last version of each of these codes that has one. Asked by itself: a sharding PostgreSQL finds
/// nothing where a list of values is joined so that they stay without a match.
async fn latest_versions(session: &Session, bank: BankId, codes: &[&str]) -> Result<HashMap<String, i32>, StoreError> {
    let sql = "SELECT code, max(version) FROM item_versions WHERE bank = $1 AND code = ANY($2) GROUP BY code";
    let rows = session.rows(sql, &[&bank.0, &codes]).await?;
    Ok(read_all(&rows, |row| Ok((get(row, 0)?, get(row, 1)?)))?.into_iter().collect())
}

/// Ends what stood so far; returns the codes and the versions that stood.
async fn close_spans(
    session: &Session,
    bank: BankId,
    revision: i64,
    codes: &[String],
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "UPDATE item_spans SET until = $3 WHERE bank = $1 AND code = ANY($2) AND until IS NULL \
               RETURNING code, item_version";
    read_all(&session.rows(sql, &[&bank.0, &codes, &revision]).await?, |row| Ok((get(row, 0)?, get(row, 1)?)))
}

async fn open_spans(
    session: &Session,
    bank: BankId,
    revision: i64,
    codes: &[String],
    versions: &[i64],
    state: ItemState,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO item_spans (bank, code, since, state, item_version) \
               SELECT $1, u.code, $2, $3, u.version FROM unnest($4::text[], $5::bigint[]) AS u (code, version) \
               RETURNING code";
    let opened = session.execute(sql, &[&bank.0, &revision, &state.name(), &codes, &versions]).await;
    match opened {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(StoreError::Taken { field: "code" }),
        Err(error) => Err(store_error(&error)),
    }
}

fn bank_row(row: &Row) -> Result<BankRow, StoreError> {
    Ok(BankRow { id: BankId(get(row, 0)?), code: get(row, 1)?, title: get(row, 2)?, revision: get(row, 3)? })
}

fn item_row(row: &Row) -> Result<ItemRow, StoreError> {
    Ok(ItemRow {
        item: json(row, 0)?,
        version: count(row, 1)?,
        state: named(row, 2, ItemState::parse)?,
        revision: get(row, 3)?,
    })
}
