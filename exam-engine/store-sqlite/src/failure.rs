//! What can go wrong inside of a statement, and whose fault it is.

use exam_store::{CommitError, StoreError};
use rusqlite::{ErrorCode, ffi};

/// A job was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The rows say no.
    Refused(CommitError),
    /// SQLite does.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for CommitError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Sqlite(error) => store_error(&error).into(),
        }
    }
}

/// Whom a failure concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The job alone.
    Job,
    /// Another process holds the file.
    Busy,
    /// No space.
    Full,
    /// The file or the machine: nothing this connection says can be relied on.
    Storage,
}

impl Failure {
    /// Whom it concerns.
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Refused(_) => Cause::Job,
            Self::Sqlite(error) => cause(error),
        }
    }
}

/// Whom an error of SQLite concerns.
pub(crate) fn cause(error: &rusqlite::Error) -> Cause {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Cause::Busy,
        Some(ErrorCode::DiskFull) => Cause::Full,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed,
        ) => Cause::Storage,
        _ => Cause::Job,
    }
}

/// The error as callers know it, for statements that read or that no constraint stops.
pub(crate) fn store_error(error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error;
    match (error, error.sqlite_error_code()) {
        (_, Some(ErrorCode::DiskFull)) => StoreError::Full,
        (_, Some(ErrorCode::ConstraintViolation | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        | (
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::QueryReturnedNoRows,
            _,
        ) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// Names the unique field that stopped an insert or update of `table.field`: [`StoreError::Taken`]; a row
/// that refers to nothing is [`StoreError::NotFound`].
pub(crate) fn taken(error: rusqlite::Error, field: &'static str) -> Failure {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            let named = error.to_string();
            // "UNIQUE constraint failed: people.username"
            let field = if named.ends_with(".id") { "id" } else { field };
            StoreError::Taken { field }.into()
        }
        _ => missing(error),
    }
}

/// A row that refers to nothing is [`StoreError::NotFound`].
pub(crate) fn missing(error: rusqlite::Error) -> Failure {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::NotFound.into(),
        _ => error.into(),
    }
}

/// Whether a unique key stopped the statement.
pub(crate) fn is_duplicate(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY))
}
