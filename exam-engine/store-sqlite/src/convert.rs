//! Columns to values. A column that does not read makes the whole row [`exam_store::StoreError::Corrupt`].

use crate::limits::PAGE_ROWS_MAX;
use exam_core::attempt::Mode;
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::log::{CommandId, StepRow};
use exam_core::{PersonId, Timestamp};
use exam_store::StoreError;
use question_bank::Points;
use rusqlite::types::Type;
use rusqlite::{Connection, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// All rows of a query.
pub(crate) fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}

/// The first row of a query, if there is one.
pub(crate) fn row<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Runs a statement; returns how many rows it changed.
pub(crate) fn execute(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(params)
}

/// The rows a page may have, for `LIMIT`.
pub(crate) fn limit(asked: u32) -> u32 {
    asked.min(PAGE_ROWS_MAX)
}

/// A time.
pub(crate) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_ms)
}

/// A time, if there is one.
pub(crate) fn time_opt(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_ms))
}

/// Points or hours.
pub(crate) fn points(row: &Row<'_>, column: usize) -> rusqlite::Result<Points> {
    row.get(column).map(Points::from_hundredths)
}

/// One of the names an enum has in rows.
pub(crate) fn named<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let name: String = row.get(column)?;
    parse(&name).ok_or_else(|| unreadable(column, format!("no such name: {name}")))
}

/// A value kept as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| unreadable(column, error.to_string()))?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error.to_string()))
}

/// A value kept as JSON, if there is one.
pub(crate) fn json_opt<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    if row.get_ref(column)?.data_type() == Type::Null { Ok(None) } else { json(row, column).map(Some) }
}

/// A value as the JSON that is kept.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A count, which SQLite keeps signed.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column)?.try_into().map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, -1))
}

/// An epoch as a column; studies are counted from one.
pub(crate) const fn epoch(epoch: u64) -> i64 {
    epoch.cast_signed()
}

/// A step of a log, from the ten columns that both tables of steps have after the log's own key.
pub(crate) fn step<L>(row: &Row<'_>, log: impl Fn([u8; 16]) -> L) -> rusqlite::Result<StepRow<L>> {
    let command: Option<[u8; 16]> = row.get(6)?;
    let digest: Option<[u8; 16]> = row.get(7)?;
    Ok(StepRow {
        learner: PersonId::from_bytes(row.get(0)?),
        log: log(row.get(1)?),
        seq: row.get(2)?,
        at: time(row, 3)?,
        actor: row.get::<_, Option<[u8; 16]>>(4)?.map(PersonId::from_bytes),
        node: row.get(5)?,
        command: command.zip(digest).map(|(command, digest)| (CommandId::from_bytes(command), digest)),
        body: row.get(8)?,
        hash: row.get(9)?,
    })
}

fn unreadable(column: usize, reason: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, reason.into())
}

/// The name of a mode in rows.
pub(crate) const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Exam => "exam",
        Mode::Practice => "practice",
    }
}

/// Reads a mode.
pub(crate) fn mode(row: &Row<'_>, column: usize) -> rusqlite::Result<Mode> {
    named(row, column, |name| [Mode::Exam, Mode::Practice].into_iter().find(|mode| mode_name(*mode) == name))
}

/// The two names of a bucket in rows.
pub(crate) const fn bucket_names(bucket: Bucket) -> (&'static str, &'static str) {
    let subject = match bucket.subject {
        Subject::Public => "public",
        Subject::Professional => "professional",
    };
    let obligation = match bucket.bucket {
        Obligation::Compulsory => "compulsory",
        Obligation::Elective => "elective",
    };
    (subject, obligation)
}

/// Reads a bucket from two neighbouring columns.
pub(crate) fn bucket(row: &Row<'_>, column: usize) -> rusqlite::Result<Bucket> {
    let (subject, obligation): (String, String) = (row.get(column)?, row.get(column + 1)?);
    Bucket::ALL
        .into_iter()
        .find(|bucket| bucket_names(*bucket) == (subject.as_str(), obligation.as_str()))
        .ok_or_else(|| unreadable(column, format!("no such bucket: {subject} {obligation}")))
}
