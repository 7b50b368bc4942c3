//! A whole site, read for another back end: one consistent state, in the terms of [`exam_store::transfer`].

use crate::connect::Database;
use crate::failure::store_error;
use crate::migrate::{NUMBER, number_of};
use crate::{OpenError, Options};
use exam_store::StoreError;
use exam_store::transfer::{Row, Table, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// Tables that are laid out otherwise here: the name there, the names of what it is made from, and its rows.
const OTHERWISE: [(&str, &str, &str); 3] = [
    (
        "steps",
        "steps",
        "SELECT a.learner, a.id AS attempt, s.seq, s.at, s.actor, s.node, s.command, s.digest, s.body, s.hash \
         FROM steps s JOIN attempts a ON a.no = s.attempt_no",
    ),
    (
        "lesson_steps",
        "lesson_steps",
        "SELECT p.learner, p.lesson, s.seq, s.at, s.actor, s.node, s.command, s.digest, s.body, s.hash \
         FROM lesson_steps s JOIN lesson_progress p ON p.no = s.progress_no",
    ),
    // Of no node: those begin at one.
    ("latest_times", "latest_time", "SELECT 0 AS node, 'moved' AS writer, at FROM latest_time WHERE at IS NOT NULL"),
];
/// A row's number within the file, which stands for its key.
const STAYS: &str = "no";

/// A site to be read whole.
#[derive(Debug)]
pub struct Departure {
    connection: Connection,
    _lock: Option<File>,
}

impl Departure {
    /// Opens the database at `path`, which has to be there and of this release. `alone` keeps every server away
    /// from it until this is dropped, and is refused while one runs; otherwise one may run, and what it writes from
    /// here on is not seen.
    ///
    /// # Errors
    /// There is no database, it is in use, or its schema is another one.
    pub fn open(path: &Path, alone: bool) -> Result<Self, OpenError> {
        std::fs::metadata(path).map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        let lock = if alone { Some(Database::claim(path, &Options::default())?.1) } else { None };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Options::default().busy_timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        // The state of the first read, until the connection is closed.
        connection.execute_batch("BEGIN")?;
        let found = number_of(&connection)?;
        if found != NUMBER {
            return Err(OpenError::OtherRelease { found, known: NUMBER });
        }
        Ok(Self { connection, _lock: lock })
    }

    /// Its tables by name, each with the names of its columns.
    ///
    /// # Errors
    /// The file does not read.
    pub fn tables(&self) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        self.catalogue().map_err(|error| store_error(&error))
    }

    fn catalogue(&self) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let mut names = self.connection.prepare(sql)?;
        let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut tables = BTreeMap::new();
        for own in names {
            let there = OTHERWISE.iter().find(|(_, from, _)| *from == own).map_or(own.as_str(), |(there, ..)| there);
            let statement = self.connection.prepare(&format!("SELECT * FROM ({}) LIMIT 0", rows_of(there)))?;
            let columns = statement.column_names().into_iter().filter(|column| *column != STAYS);
            tables.insert(there.to_owned(), columns.map(str::to_owned).collect());
        }
        Ok(tables)
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// The file does not read.
    pub fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM ({})", rows_of(&table.name));
        let count = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|error| store_error(&error))
    }

    /// Hands out the rows of a table one by one until one is refused.
    ///
    /// # Errors
    /// The file does not read, or what `each` returned.
    pub fn rows(&self, table: &Table, mut each: impl FnMut(Row) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let failed = |error: rusqlite::Error| store_error(&error);
        let sql = format!("SELECT {} FROM ({})", table.column_list(), rows_of(&table.name));
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = |column| row.get_ref(column).map_err(failed).and_then(value);
            each((0..table.columns.len()).map(read).collect::<Result<Row, _>>()?)?;
        }
        Ok(())
    }
}

/// What the rows of a table are read from.
fn rows_of(table: &str) -> String {
    let otherwise = OTHERWISE.iter().find(|(there, ..)| *there == table);
    otherwise.map_or_else(|| format!("SELECT * FROM {table}"), |(_, _, rows)| (*rows).to_owned())
}

fn value(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            Value::Text(text.to_owned())
        }
        ValueRef::Real(_) => return Err(StoreError::Corrupt("a number that is not whole".to_owned())),
    })
}
