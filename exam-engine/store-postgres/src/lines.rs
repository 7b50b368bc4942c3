//! Lines: connections that many read by at once. Each statement is sent without waiting for the answers to those before
//! it, so that the server finds the next one when it has done with one, and neither side is woken for each. For what is
//! found by a key and answered in no time; what may take longer has a connection of its own, see [`crate::pool`].

use crate::connect::{Database, Param, Session};
use crate::failure::{Verdict, store_error, verdict};
use crate::limits::{LINE_STATEMENTS, READ_TIMEOUT};
use exam_store::StoreError;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::OnceCell;
use tokio_postgres::{Error, Row};

/// The lines; each is made when it is needed first.
#[derive(Debug)]
pub(crate) struct Lines {
    database: Arc<Database>,
    lines: Vec<Line>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Line {
    /// Statements that have been sent and not been answered.
    waiting: AtomicUsize,
    /// The connection; replaced by an empty one when it is gone. Whoever comes first makes it, the others wait.
    session: Mutex<Arc<OnceCell<Session>>>,
}

impl Lines {
    /// So many at most.
    pub(crate) fn new(database: Arc<Database>, count: usize) -> Self {
        let lines = (0..count.max(1)).map(|_| Line::default()).collect();
        Self { database, lines, closed: AtomicBool::new(false) }
    }

    /// Reads by one statement. A connection that turns out to be gone is replaced once: reading twice does no harm.
    pub(crate) async fn read(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let silent = || StoreError::Unavailable("the database does not answer".to_owned());
        let line = self.line();
        let reading = async {
            match line.ask(&self.database, sql, params).await {
                Err(Trouble::Database(error)) if verdict(&error) == Verdict::Lost => {
                    self.is_open()?;
                    line.ask(&self.database, sql, params).await
                }
                other => other,
            }
        };
        self.is_open()?;
        let read = tokio::time::timeout(READ_TIMEOUT, reading).await.map_err(|_| silent())?;
        read.map_err(|trouble| match trouble {
            Trouble::Database(error) => store_error(&error),
            Trouble::Store(error) => error,
        })
    }

    /// The first one that few wait at, so that those who come together share one; when many wait everywhere, that with
    /// the fewest.
    fn line(&self) -> &Line {
        let waiting = |line: &&Line| line.waiting.load(Ordering::Relaxed);
        let free = self.lines.iter().find(|line| waiting(line) < LINE_STATEMENTS);
        free.or_else(|| self.lines.iter().min_by_key(waiting)).unwrap_or(&self.lines[0])
    }

    fn is_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        Ok(())
    }

    /// Later calls are refused; the connections close when nobody waits for an answer any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        for line in &self.lines {
            *line.session.lock() = Arc::default();
        }
    }
}

/// Why a statement has no answer.
enum Trouble {
    Database(Error),
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Line {
    async fn ask(&self, database: &Database, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, Trouble> {
        let _place = Place::take(&self.waiting);
        let cell = Arc::clone(&self.session.lock());
        let session = cell.get_or_try_init(|| database.session()).await?;
        let asked = session.query(sql, params).await;
        if session.is_closed() {
            let mut current = self.session.lock();
            if Arc::ptr_eq(&current, &cell) {
                *current = Arc::default();
            }
        }
        asked.map_err(Trouble::Database)
    }
}

/// One of those who wait at a line; given back however the waiting ends.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
