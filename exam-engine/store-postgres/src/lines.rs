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
    /// The connection; replaced when it is gone by one that is still to be made. Whoever comes first makes it, the
    /// others wait.
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
        self.is_open()?;
        let line = self.line();
        let first = line.session();
        let reading = async {
            match self.ask(line, &first, sql, params).await {
                Err(Trouble::Database(error)) if verdict(&error) == Verdict::Lost => {
                    line.forget(&first);
                    self.is_open()?;
                    self.ask(line, &line.session(), sql, params).await
                }
                other => other,
            }
        };
        match tokio::time::timeout(READ_TIMEOUT, reading).await {
            Ok(read) => read.map_err(|trouble| match trouble {
                Trouble::Database(error) => store_error(&error),
                Trouble::Store(error) => error,
            }),
            Err(_) => {
                // Whoever comes next does not wait behind what is not answered.
                line.forget(&first);
                Err(StoreError::Unavailable("the database does not answer".to_owned()))
            }
        }
    }

    async fn ask(
        &self,
        line: &Line,
        session: &OnceCell<Session>,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, Trouble> {
        let _place = Place::take(&line.waiting);
        let session = session.get_or_try_init(|| self.database.session()).await?;
        session.query(sql, params).await.map_err(Trouble::Database)
    }

    /// The first one that few wait at, so that those who come together share one; when many wait everywhere, that with
    /// the fewest.
    fn line(&self) -> &Line {
        let waiting = |line: &&Line| line.waiting.load(Ordering::Relaxed);
        let free = self.lines.iter().find(|line| waiting(line) < LINE_STATEMENTS);
        // There is one at least.
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
    fn session(&self) -> Arc<OnceCell<Session>> {
        Arc::clone(&self.session.lock())
    }

    /// Its next connection is another, unless it has one already.
    fn forget(&self, gone: &Arc<OnceCell<Session>>) {
        let mut current = self.session.lock();
        if Arc::ptr_eq(&current, gone) {
            *current = Arc::default();
        }
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
