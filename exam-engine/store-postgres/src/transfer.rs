//! A whole site, taken in from another back end: schema and rows in one transaction, so that a move which was
//! cut short leaves nothing and is simply begun again. What there is to fill is asked of the server's catalogue.

use crate::connect::{Database, Session};
use crate::convert::{Json, JsonText, Time, get};
use crate::failure::{commit_error, store_error, words};
use crate::{OpenError, Options, check, migrate};
use bytes::BytesMut;
use exam_core::Timestamp;
use exam_store::StoreError;
use exam_store::transfer::{Column, Row, Table, Value};
use futures_util::TryStreamExt;
use std::collections::BTreeSet;
use std::pin::pin;
use tokio::sync::mpsc;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// Moving takes as long as it takes; the transaction waits for the file it reads, too.
const PATIENT: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '10s'";
/// A server that starts writes there before it does anything else, and gives up when it has to wait.
const NOBODY_ELSE: &str = "LOCK TABLE settings IN EXCLUSIVE MODE";
/// Everything of ours but the schema's own memory, with its columns in their order.
const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, a.atttypid = 'jsonb'::regtype, a.atttypid, \
    a.attidentity <> '' FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations' \
    ORDER BY c.relname, a.attnum";
/// Which table refers to which.
const REFERENCES: &str = "SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint \
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid";

/// A site's place, open for everything at once.
#[derive(Debug)]
pub struct Arrival {
    session: Session,
    tables: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    table: Table,
    types: Vec<Type>,
    /// The column that numbers rows by itself.
    numbered: Option<String>,
}

impl Arrival {
    /// Begins to take a site in: makes the schema where there is none, and keeps servers from starting on it until
    /// the end. Nothing is there for others before [`Self::commit`].
    ///
    /// # Errors
    /// See [`crate::PostgresStore::open`].
    pub async fn begin(url: &str, options: &Options) -> Result<Self, OpenError> {
        let session = Self::session(url, options, "BEGIN").await?;
        migrate::bring_up(&session, options.must_exist).await?;
        session.run(PATIENT).await.map_err(failed)?;
        let tables = targets(&session).await.map_err(OpenError::Connect)?;
        session.run(NOBODY_ELSE).await.map_err(failed)?;
        Ok(Self { session, tables })
    }

    /// Looks at a site as it is at this moment.
    ///
    /// # Errors
    /// See [`crate::PostgresStore::open`].
    pub async fn look(url: &str, options: &Options) -> Result<Self, OpenError> {
        let session = Self::session(url, options, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
        session.run(PATIENT).await.map_err(failed)?;
        let tables = targets(&session).await.map_err(OpenError::Connect)?;
        if tables.is_empty() {
            return Err(OpenError::Unfit("there is no site in it"));
        }
        Ok(Self { session, tables })
    }

    async fn session(url: &str, options: &Options, begin: &str) -> Result<Session, OpenError> {
        let session = Database::parse(url, options)?.session().await.map_err(OpenError::Connect)?;
        check(&session).await?;
        session.run(begin).await.map_err(failed)?;
        Ok(session)
    }

    /// The tables to be filled, each after those it refers to.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().map(|target| &target.table)
    }

    /// The tables that hold something already.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn filled(&self) -> Result<Vec<&str>, StoreError> {
        let mut filled = Vec::new();
        for Target { table, .. } in &self.tables {
            let asked = format!("SELECT FROM {} LIMIT 1", table.name);
            let rows = self.session.client().query(&asked, &[]).await.map_err(|error| store_error(&error))?;
            if !rows.is_empty() {
                filled.push(table.name.as_str());
            }
        }
        Ok(filled)
    }

    /// Fills a table with the rows that come; returns how many the server took.
    ///
    /// # Errors
    /// A row does not fit, or the server does not answer; the transaction is spent.
    pub async fn fill(&self, table: &Table, mut rows: mpsc::Receiver<Vec<Row>>) -> Result<u64, StoreError> {
        let target = self.target(table)?;
        let failed = |error: tokio_postgres::Error| store_error(&error);
        let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.column_list());
        let sink = self.session.client().copy_in(&copy).await.map_err(failed)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &target.types));
        while let Some(chunk) = rows.recv().await {
            for row in chunk {
                writer.as_mut().write_raw(row.iter().map(Given)).await.map_err(failed)?;
            }
        }
        let taken = writer.finish().await.map_err(failed)?;
        if let Some(column) = &target.numbered {
            // Within the transaction, unlike setval.
            let last = format!("SELECT coalesce(max({column}), 0) + 1 FROM {}", table.name);
            let rows = self.session.client().query(&last, &[]).await.map_err(failed)?;
            let next: i64 = rows.first().map_or(Ok(1), |row| get(row, 0))?;
            let restart = format!("ALTER TABLE {} ALTER COLUMN {column} RESTART WITH {next}", table.name);
            self.session.run(&restart).await.map_err(failed)?;
        }
        Ok(taken)
    }

    /// Reads a table's rows, ordered by the columns named, a few at a time.
    ///
    /// # Errors
    /// The server does not answer, or what `each` returned.
    pub async fn rows(
        &self,
        table: &Table,
        order: &str,
        mut each: impl FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let failed = |error: tokio_postgres::Error| store_error(&error);
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
        let sql = format!("SELECT {} FROM {}{order}", table.column_list(), table.name);
        let none: [&(dyn ToSql + Sync); 0] = [];
        let mut stream = pin!(self.session.client().query_raw(&sql, none).await.map_err(failed)?);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            each((0..row.len()).map(|column| get::<Read>(&row, column).map(|read| read.0)).collect::<Result<_, _>>()?)?;
        }
        Ok(())
    }

    /// Makes it a site, all at once and durably.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] when the server was lost at this very moment; nothing is kept otherwise.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.session.run("COMMIT").await.map_err(|error| commit_error(&error))
    }

    fn target(&self, table: &Table) -> Result<&Target, StoreError> {
        let found = self.tables.iter().find(|target| target.table == *table);
        found.ok_or_else(|| StoreError::Corrupt(format!("there is no table {}", table.name)))
    }
}

fn failed(error: tokio_postgres::Error) -> OpenError {
    OpenError::Schema(words(&error))
}

async fn targets(session: &Session) -> Result<Vec<Target>, StoreError> {
    let mut targets: Vec<Target> = Vec::new();
    for row in session.rows(COLUMNS, &[]).await? {
        let (table, name): (String, String) = (get(&row, 0)?, get(&row, 1)?);
        if targets.last().is_none_or(|target| target.table.name != table) {
            let table = Table { name: table, columns: Vec::new() };
            targets.push(Target { table, types: Vec::new(), numbered: None });
        }
        let Some(target) = targets.last_mut() else { continue };
        let kind = Type::from_oid(get(&row, 3)?);
        let kind = kind.ok_or_else(|| StoreError::Corrupt(format!("column {name} is of a type of its own")))?;
        if get(&row, 4)? {
            target.numbered = Some(name.clone());
        }
        target.table.columns.push(Column { name, is_json: get(&row, 2)? });
        target.types.push(kind);
    }
    let mut references = BTreeSet::new();
    for row in session.rows(REFERENCES, &[]).await? {
        references.insert((get::<String>(&row, 0)?, get::<String>(&row, 1)?));
    }
    Ok(in_order(targets, &references))
}

/// Each after those it refers to. Tables that refer to each other in a circle, which ours do not, come last.
fn in_order(mut left: Vec<Target>, references: &BTreeSet<(String, String)>) -> Vec<Target> {
    let mut ordered = Vec::new();
    loop {
        let names: BTreeSet<String> = left.iter().map(|target| target.table.name.clone()).collect();
        let waits =
            |target: &Target| references.iter().any(|(from, to)| *from == target.table.name && names.contains(to));
        let (waiting, ready): (Vec<_>, Vec<_>) = left.into_iter().partition(waits);
        if ready.is_empty() {
            ordered.extend(waiting);
            return ordered;
        }
        ordered.extend(ready);
        left = waiting;
    }
}

/// A value to be written as whatever type its column is of.
#[derive(Debug)]
struct Given<'a>(&'a Value);

/// A value as it was read.
#[derive(Debug)]
struct Read(Value);

type Fault = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Given<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match (self.0, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(ms), &Type::TIMESTAMPTZ) => Time(Timestamp::from_ms(*ms)).to_sql(ty, out),
            (Value::Int(number), &Type::BOOL) => (*number != 0).to_sql(ty, out),
            (Value::Int(number), &Type::INT2) => i16::try_from(*number)?.to_sql(ty, out),
            (Value::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(ty, out),
            (Value::Int(number), &Type::INT8) => number.to_sql(ty, out),
            (Value::Text(text), &Type::TEXT) => text.to_sql(ty, out),
            (Value::Text(text), &Type::JSONB) => Json(text.clone()).to_sql(ty, out),
            (Value::Bytes(bytes), &Type::UUID) => Uuid::from_slice(bytes)?.to_sql(ty, out),
            (Value::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            _ => Err(format!("the value does not fit a column of type {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Read {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(match *ty {
            Type::TIMESTAMPTZ => Value::Int(Time::from_sql(ty, raw)?.0.ms()),
            Type::BOOL => Value::Int(i64::from(bool::from_sql(ty, raw)?)),
            Type::INT2 => Value::Int(i64::from(i16::from_sql(ty, raw)?)),
            Type::INT4 => Value::Int(i64::from(i32::from_sql(ty, raw)?)),
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::TEXT => Value::Text(String::from_sql(ty, raw)?),
            Type::JSONB => Value::Text(JsonText::from_sql(ty, raw)?.0.to_owned()),
            Type::UUID | Type::BYTEA => Value::Bytes(raw.to_vec()),
            _ => return Err(format!("a column of type {ty} is none of ours").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
