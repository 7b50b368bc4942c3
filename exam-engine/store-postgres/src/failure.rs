//! What can go wrong inside of a statement, and what it means for whoever asked.

use crate::lane::Trouble;
use exam_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// What an error says about the transaction it struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The statement was refused: nothing of its transaction is kept, the connection is fine.
    Refused,
    /// The server ended the transaction so that another can go on; it may be tried again.
    Again,
    /// The server is there and cannot work: nothing is kept.
    Away,
    /// The connection is gone, and with it the answer.
    Lost,
}

/// What an error of the client library says.
pub(crate) fn verdict(error: &Error) -> Verdict {
    let Some(db) = error.as_db_error() else {
        // A value that does not fit its column never left this process.
        return if is_conversion(error) { Verdict::Refused } else { Verdict::Lost };
    };
    if !is_plain(db) {
        return Verdict::Lost;
    }
    let code = db.code();
    if [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(code) {
        return Verdict::Again;
    }
    match code.code().get(..2) {
        // Resources, intervention by an operator or a timeout, a read-only standby, a lock that was not given.
        Some("53" | "57" | "58" | "08" | "25" | "55" | "XX") if *code != SqlState::IN_FAILED_SQL_TRANSACTION => {
            Verdict::Away
        }
        _ => Verdict::Refused,
    }
}

/// An error after which the session goes on.
fn is_plain(db: &DbError) -> bool {
    match db.parsed_severity() {
        Some(severity) => severity == Severity::Error,
        None => db.severity() == "ERROR",
    }
}

fn is_conversion(error: &Error) -> bool {
    // The library tells a value that does not fit from a failing network by the source alone.
    let source = std::error::Error::source(error);
    !error.is_closed() && source.is_some_and(|source| source.downcast_ref::<std::io::Error>().is_none())
}

/// The error of a statement before anything was committed.
pub(crate) fn store_error(error: &Error) -> StoreError {
    let words = words(error);
    match error.as_db_error().map(DbError::code) {
        Some(code) if *code == SqlState::DISK_FULL => StoreError::Full,
        _ => match verdict(error) {
            Verdict::Refused => StoreError::Corrupt(words),
            Verdict::Again | Verdict::Away | Verdict::Lost => StoreError::Unavailable(words),
        },
    }
}

/// The error of a statement after which the transaction may or may not be kept.
pub(crate) fn commit_error(error: &Error) -> StoreError {
    match verdict(error) {
        Verdict::Lost => StoreError::Unknown(words(error)),
        _ => store_error(error),
    }
}

/// Without the server's DETAIL, which quotes rows: no personal data in logs.
pub(crate) fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} {}", db.code().code(), db.message()),
        None => {
            let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
            format!("{error}{source}")
        }
    }
}

/// Whether a unique key stopped the statement.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
}

/// Names the unique field that stopped an insert or update; a row that refers to nothing is not found.
pub(crate) fn taken(error: &Error, field: &'static str) -> StoreError {
    if !is_duplicate(error) {
        return missing(error);
    }
    let key = error.as_db_error().and_then(DbError::constraint).unwrap_or_default();
    // Primary keys are named by the server: people_pkey, with a shard's number behind it where there are shards.
    StoreError::Taken { field: if key.contains("_pkey") && field != "token_hash" { "id" } else { field } }
}

/// A row that refers to nothing is [`StoreError::NotFound`].
pub(crate) fn missing(error: &Error) -> StoreError {
    match error.code() {
        Some(code) if *code == SqlState::FOREIGN_KEY_VIOLATION => StoreError::NotFound,
        _ => store_error(error),
    }
}

/// A row that refers to nothing is told as such; whatever else the server says stands.
pub(crate) fn refusal(error: Error) -> Trouble {
    match missing(&error) {
        StoreError::NotFound => Trouble::Refused(StoreError::NotFound.into()),
        _ => Trouble::Database(error),
    }
}
