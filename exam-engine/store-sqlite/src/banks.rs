//! Banks and their items. What was written (`item_versions`) is never changed; which version stands in
//! which state, from which revision on and until which one, is told by `item_spans`.

use crate::SqliteStore;
use crate::attempts::note_time;
use crate::audit;
use crate::convert::{execute, json, limit, named, row, rows, to_json};
use crate::failure::{Failure, is_duplicate, missing, taken};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::{BankId, ExamId, Timestamp};
use exam_store::{BankRow, Banks, ItemRow, ItemState, Page, StoreError};
use question_bank::Item;
use rusqlite::{Connection, Row, params};

#[async_trait]
impl Banks for SqliteStore {
    async fn create_bank(&self, bank: BankRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO banks (id, code, title, revision) VALUES (?, ?, ?, ?)";
        self.writer
            .write(move |connection| {
                execute(connection, sql, params![bank.id.bytes(), bank.code, bank.title, bank.revision])
                    .map_err(|error| taken(error, "code"))?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn bank(&self, id: BankId) -> Result<Option<BankRow>, StoreError> {
        let sql = "SELECT id, code, title, revision FROM banks WHERE id = ?";
        self.readers.read(move |connection| row(connection, sql, [id.bytes()], bank_row)).await
    }

    async fn bank_by_code(&self, code: &str) -> Result<Option<BankRow>, StoreError> {
        let sql = "SELECT id, code, title, revision FROM banks WHERE code = ?";
        let code = code.to_owned();
        self.readers.read(move |connection| row(connection, sql, [code], bank_row)).await
    }

    async fn banks(&self, page: Page<String>) -> Result<Vec<BankRow>, StoreError> {
        let sql =
            "SELECT id, code, title, revision FROM banks WHERE code >= ?1 AND code IS NOT ?2 ORDER BY code LIMIT ?3";
        let from = page.after.clone().unwrap_or_default();
        let key = (from, page.after, limit(page.limit));
        self.readers.read(move |connection| rows(connection, sql, key, bank_row)).await
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
        self.writer
            .write(move |connection| {
                let revision = next_revision(connection, bank)?;
                for item in &items {
                    put_item(connection, bank, revision, item, state, at)?;
                }
                note_time(connection, at)?;
                audit::append(connection, &audit)?;
                Ok(revision)
            })
            .await
    }

    async fn set_item_state(
        &self,
        bank: BankId,
        codes: Vec<String>,
        state: ItemState,
        at: Timestamp,
        audit: NewAudit,
    ) -> Result<i64, StoreError> {
        self.writer
            .write(move |connection| {
                let revision = next_revision(connection, bank)?;
                for code in &codes {
                    set_state(connection, bank, revision, code, state)?;
                }
                note_time(connection, at)?;
                audit::append(connection, &audit)?;
                Ok(revision)
            })
            .await
    }

    async fn items(&self, bank: BankId, page: Page<String>) -> Result<Vec<ItemRow>, StoreError> {
        let sql = "SELECT v.body, v.version, s.state, s.since FROM item_spans s INDEXED BY item_spans_current \
                   JOIN item_versions v ON v.id = s.item_version \
                   WHERE s.bank = ?1 AND s.until IS NULL AND s.code >= ?2 AND s.code IS NOT ?3 \
                   ORDER BY s.code LIMIT ?4";
        let from = page.after.clone().unwrap_or_default();
        let key = (bank.bytes(), from, page.after, limit(page.limit));
        self.readers.read(move |connection| rows(connection, sql, key, item_row)).await
    }

    async fn items_at(&self, bank: BankId, revision: i64) -> Result<Vec<Item>, StoreError> {
        let sql = "SELECT v.body FROM item_spans s JOIN item_versions v ON v.id = s.item_version \
                   WHERE s.bank = ?1 AND s.since <= ?2 AND (s.until IS NULL OR s.until > ?2) AND s.state = 'ready' \
                   ORDER BY s.code";
        let key = (bank.bytes(), revision);
        self.readers.read(move |connection| rows(connection, sql, key, |row| json(row, 0))).await
    }

    async fn content_hashes(&self, bank: BankId) -> Result<Vec<[u8; 32]>, StoreError> {
        let sql = "SELECT v.content_hash FROM item_spans s INDEXED BY item_spans_current \
                   JOIN item_versions v ON v.id = s.item_version \
                   WHERE s.bank = ? AND s.until IS NULL ORDER BY s.code";
        self.readers.read(move |connection| rows(connection, sql, [bank.bytes()], |row| row.get(0))).await
    }

    async fn put_key_version(
        &self,
        exam: ExamId,
        version: &str,
        items: String,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let version = version.to_owned();
        self.writer
            .write(move |connection| {
                put_key_version(connection, exam, &version, &items, at)?;
                Ok(note_time(connection, at)?)
            })
            .await
    }

    async fn key_version(&self, exam: ExamId, version: &str) -> Result<Option<String>, StoreError> {
        let version = version.to_owned();
        self.readers.read(move |connection| read_key_version(connection, exam, &version)).await
    }
}

/// An item as it is written.
struct Written {
    code: String,
    body: String,
    content_hash: [u8; 32],
}

fn written((item, content_hash): (Item, [u8; 32])) -> Result<Written, StoreError> {
    Ok(Written { body: to_json(&item)?, code: item.code, content_hash })
}

fn next_revision(connection: &Connection, bank: BankId) -> Result<i64, Failure> {
    let sql = "UPDATE banks SET revision = revision + 1 WHERE id = ? RETURNING revision";
    let revision = row(connection, sql, [bank.bytes()], |row| row.get(0))?;
    Ok(revision.ok_or(StoreError::NotFound)?)
}

fn put_item(
    connection: &Connection,
    bank: BankId,
    revision: i64,
    item: &Written,
    state: ItemState,
    at: Timestamp,
) -> Result<(), Failure> {
    let sql = "INSERT INTO item_versions (bank, code, version, content_hash, body, at) SELECT ?1, ?2, \
               1 + coalesce((SELECT max(version) FROM item_versions WHERE bank = ?1 AND code = ?2), 0), ?3, ?4, ?5";
    let values = params![bank.bytes(), item.code, item.content_hash, item.body, at.ms()];
    execute(connection, sql, values)?;
    let id = connection.last_insert_rowid();
    close_span(connection, bank, revision, &item.code)?;
    open_span(connection, bank, revision, &item.code, state, id)
}

fn set_state(
    connection: &Connection,
    bank: BankId,
    revision: i64,
    code: &str,
    state: ItemState,
) -> Result<(), Failure> {
    let sql = "SELECT item_version FROM item_spans WHERE bank = ? AND code = ? AND until IS NULL";
    let id: Option<i64> = row(connection, sql, params![bank.bytes(), code], |row| row.get(0))?;
    let id = id.ok_or(StoreError::NotFound)?;
    close_span(connection, bank, revision, code)?;
    open_span(connection, bank, revision, code, state, id)
}

fn close_span(connection: &Connection, bank: BankId, revision: i64, code: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE item_spans SET until = ?3 WHERE bank = ?1 AND code = ?2 AND until IS NULL";
    execute(connection, sql, params![bank.bytes(), code, revision]).map(drop)
}

fn open_span(
    connection: &Connection,
    bank: BankId,
    revision: i64,
    code: &str,
    state: ItemState,
    item_version: i64,
) -> Result<(), Failure> {
    let sql = "INSERT INTO item_spans (bank, code, since, state, item_version) VALUES (?, ?, ?, ?, ?)";
    // A code that comes twice in one revision.
    execute(connection, sql, params![bank.bytes(), code, revision, state.name(), item_version])
        .map(drop)
        .map_err(|error| taken(error, "code"))
}

fn put_key_version(
    connection: &Connection,
    exam: ExamId,
    version: &str,
    items: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let sql = "INSERT INTO key_versions (exam, version, items, at) VALUES (?, ?, ?, ?)";
    match execute(connection, sql, params![exam.bytes(), version, items, at.ms()]) {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => match read_key_version(connection, exam, version)? {
            // A repeat.
            Some(kept) if kept == items => Ok(()),
            _ => Err(StoreError::Taken { field: "version" }.into()),
        },
        Err(error) => Err(missing(error)),
    }
}

fn read_key_version(connection: &Connection, exam: ExamId, version: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT items FROM key_versions WHERE exam = ? AND version = ?";
    row(connection, sql, params![exam.bytes(), version], |row| row.get(0))
}

fn bank_row(row: &Row<'_>) -> rusqlite::Result<BankRow> {
    Ok(BankRow { id: BankId::from_bytes(row.get(0)?), code: row.get(1)?, title: row.get(2)?, revision: row.get(3)? })
}

fn item_row(row: &Row<'_>) -> rusqlite::Result<ItemRow> {
    Ok(ItemRow {
        item: json(row, 0)?,
        version: row.get(1)?,
        state: named(row, 2, ItemState::parse)?,
        revision: row.get(3)?,
    })
}
