//! A whole site moved from a file into a PostgreSQL database, and the two compared: `keju migrate`.

use anyhow::{Context, anyhow, bail};
use exam_service::MovedLogs;
use exam_store::StoreError;
use exam_store::transfer::{Row, Table, TableDigest};
use exam_store_postgres::Arrival;
use exam_store_sqlite::Departure;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Rows that are handed over at once …
const CHUNK_ROWS: usize = 500;
/// … and how many such heaps wait at most: memory stays bounded however large the site is.
const CHUNKS_WAITING: usize = 4;
/// How often a long table tells how far it is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What a table holds, by its name.
type Digests = BTreeMap<String, TableDigest>;

/// Tells the person at the terminal how far it is.
pub type Tell = fn(&str);

/// Brings everything over, unless something is there already; the transaction stays open.
///
/// # Errors
/// One of them has what the other does not know, the database holds a site, or one of them does not answer.
pub async fn bring_over(from: Departure, to: &Arrival, tell: Tell) -> anyhow::Result<(Departure, Digests)> {
    let filled = to.filled().await?;
    if !filled.is_empty() {
        bail!("there is a site in that database already (in {}): give an empty one", filled.join(", "));
    }
    let tables: Vec<Table> = to.tables().cloned().collect();
    same_tables(&from, &tables)?;
    let (mut from, mut digests) = (from, Digests::new());
    for table in tables {
        let (back, digest) = bring_table(from, to, &table, tell).await?;
        from = back;
        digests.insert(table.name, digest);
    }
    Ok((from, digests))
}

async fn bring_table(
    from: Departure,
    to: &Arrival,
    table: &Table,
    tell: Tell,
) -> anyhow::Result<(Departure, TableDigest)> {
    let (chunks, rows) = mpsc::channel(CHUNKS_WAITING);
    let shared = Arc::new(table.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let read = read_table(&from, &shared, tell, |chunk| {
            chunks.blocking_send(chunk).map_err(|_| StoreError::Unavailable("the database takes no more".to_owned()))
        });
        // Before the place is given up: nobody waits for more rows of a table that failed.
        drop(chunks);
        (from, read)
    });
    let filled = to.fill(table, rows).await;
    let (from, read) = reading.await.context("reading the file failed")?;
    let place = || format!("in {}", table.name);
    // When both failed, reading came first unless it says that nobody listens any more.
    let digest = match (read, filled) {
        (Ok(digest), Ok(taken)) if taken == digest.rows => digest,
        (Ok(digest), Ok(taken)) => bail!("{} rows of {} were sent and {taken} taken", digest.rows, table.name),
        (Err(StoreError::Unavailable(_)) | Ok(_), Err(error)) => return Err(error).with_context(place),
        (Err(error), _) => return Err(error).with_context(place),
    };
    tell(&format!("{} {}", table.name, digest.rows));
    Ok((from, digest))
}

/// Reads a table in heaps of rows, each of which the other side can hold.
fn read_table(
    from: &Departure,
    table: &Table,
    tell: Tell,
    mut send: impl FnMut(Vec<Row>) -> Result<(), StoreError>,
) -> Result<TableDigest, StoreError> {
    let (mut digest, mut chunk, mut told) = (TableDigest::default(), Vec::new(), Instant::now());
    let mut all = None;
    from.rows(table, |row| {
        if let Some(unfit) = table.unfit(&row) {
            return Err(StoreError::Corrupt(format!("{unfit}, which PostgreSQL cannot hold: change it there first")));
        }
        digest.add(table, &row);
        chunk.push(row);
        if chunk.len() < CHUNK_ROWS {
            return Ok(());
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let all =
                all.get_or_insert_with(|| from.count(table).map_or_else(|_| "?".to_owned(), |count| count.to_string()));
            tell(&format!("{} {} of {all} …", table.name, digest.rows));
        }
        send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK_ROWS)))
    })?;
    if !chunk.is_empty() {
        send(chunk)?;
    }
    Ok(digest)
}

/// Both know the same tables and columns, or something would be left behind.
fn same_tables(from: &Departure, tables: &[Table]) -> anyhow::Result<()> {
    let mut there = BTreeMap::new();
    for table in tables {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        there.insert(table.name.as_str(), columns);
    }
    let mut only_here = Vec::new();
    for (name, columns) in from.tables()? {
        let known = there.remove(name.as_str()).unwrap_or_default();
        only_here.extend(
            columns.iter().filter(|column| !known.contains(&column.as_str())).map(|column| format!("{name}.{column}")),
        );
        only_here.extend(
            known
                .iter()
                .filter(|column| !columns.iter().any(|own| own == *column))
                .map(|column| format!("{name}.{column}")),
        );
    }
    only_here.extend(there.into_keys().map(str::to_owned));
    if only_here.is_empty() {
        return Ok(());
    }
    bail!("only one of the two databases knows {}: both have to be of this release", only_here.join(", "))
}

/// Digests of what the file holds, for a comparison without a move.
///
/// # Errors
/// One of them has what the other does not know, or the file does not read.
pub async fn read_only(from: Departure, to: &Arrival, tell: Tell) -> anyhow::Result<Digests> {
    let tables: Vec<Table> = to.tables().cloned().collect();
    same_tables(&from, &tables)?;
    let reading = tokio::task::spawn_blocking(move || {
        let read = |table: Table| Ok((table.name.clone(), read_table(&from, &table, tell, |_| Ok(()))?));
        tables.into_iter().map(read).collect::<Result<Digests, StoreError>>()
    });
    Ok(reading.await.context("reading the file failed")??)
}

/// Reads everything back: it has to be what was sent, every chain has to hold, and a sample of the logs has to come
/// to what their rows say. Returns everything that does not hold, in words.
///
/// # Errors
/// The database does not answer.
pub async fn compare(sent: &Digests, to: &Arrival, tell: Tell) -> anyhow::Result<Vec<String>> {
    let (mut logs, mut faults) = (MovedLogs::default(), Vec::new());
    let (ordered, others): (Vec<&Table>, Vec<&Table>) =
        to.tables().partition(|table| !MovedLogs::order(&table.name).is_empty());
    for (tables, ends_logs) in [(ordered, true), (others, false)] {
        for table in tables {
            let mut found = TableDigest::default();
            let looking = to.rows(table, MovedLogs::order(&table.name), |row| {
                found.add(table, &row);
                logs.look(table, &row)
            });
            looking.await.with_context(|| format!("in {}", table.name))?;
            let sent = sent.get(&table.name).ok_or_else(|| anyhow!("{} was not sent", table.name))?;
            if found.rows != sent.rows {
                faults.push(format!("{} has {} rows and not {}", table.name, found.rows, sent.rows));
            } else if found != *sent {
                faults.push(format!("{} holds other rows than the file", table.name));
            }
        }
        if ends_logs {
            logs.logs_are_read();
        }
    }
    let (report, folded) = logs.report();
    tell(&format!("{} records of the site, {} steps of {} attempts", report.records, report.steps, report.attempts));
    tell(&format!("{} steps of {} lessons; {folded} logs folded", report.lesson_steps, report.lessons));
    faults.extend(report.faults);
    Ok(faults)
}
