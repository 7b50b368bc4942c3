//! Pools of connections: a few that read, a few that write what is no commit of an attempt. Each is used
//! by one at a time.

use crate::connect::{Database, Param, Session};
use crate::failure::{Verdict, commit_error, store_error, verdict};
use crate::limits::{POOL_TIMEOUT, SILENCE_TIMEOUT};
use exam_store::StoreError;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::Row;

/// A server that has written a commit and waits for its standby answers a timeout with success: there must be none.
const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";

/// The pool.
#[derive(Debug)]
pub(crate) struct Pool {
    database: Arc<Database>,
    idle: Arc<Mutex<Vec<Session>>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    /// At most `count` connections, each made when it is needed first.
    pub(crate) fn new(database: Arc<Database>, count: u32) -> Self {
        let permits = Arc::new(Semaphore::new(count.max(1) as usize));
        Self { database, idle: Arc::default(), permits }
    }

    /// Reads by one statement. A connection that turns out to be gone is replaced once: reading twice does no harm.
    pub(crate) async fn read(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let first = self.take().await?;
        match first.session().query(sql, params).await {
            Err(error) if verdict(&error) == Verdict::Lost => {
                drop(first);
                self.forget_idle();
                self.take().await?.session().rows(sql, params).await
            }
            other => other.map_err(|error| store_error(&error)),
        }
    }

    /// Begins a transaction; dropped without a commit it is rolled back.
    pub(crate) async fn begin(&self) -> Result<Transaction, StoreError> {
        let place = self.take().await?;
        match place.session().run("BEGIN").await {
            Ok(()) => Ok(Transaction { place: Some(place) }),
            Err(error) if verdict(&error) == Verdict::Lost => {
                drop(place);
                self.forget_idle();
                let place = self.take().await?;
                place.session().run("BEGIN").await.map_err(|error| store_error(&error))?;
                Ok(Transaction { place: Some(place) })
            }
            Err(error) => Err(store_error(&error)),
        }
    }

    async fn take(&self) -> Result<Place, StoreError> {
        let waiting = Arc::clone(&self.permits).acquire_owned();
        let permit = match tokio::time::timeout(POOL_TIMEOUT, waiting).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(StoreError::Unavailable("the store is closed".to_owned())),
            Err(_) => return Err(StoreError::Unavailable("all connections to the database are busy".to_owned())),
        };
        let kept = std::iter::from_fn(|| self.idle.lock().pop()).find(|session| !session.is_closed());
        let session = match kept {
            Some(session) => session,
            None => self.database.session().await?,
        };
        Ok(Place { session: Some(session), idle: Arc::clone(&self.idle), permit: Some(permit) })
    }

    /// The database was restarted: what lies idle is gone as well.
    fn forget_idle(&self) {
        self.idle.lock().clear();
    }

    /// Later calls are refused; connections in use close when they come back.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.forget_idle();
    }
}

/// A connection in use; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    session: Option<Session>,
    idle: Arc<Mutex<Vec<Session>>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    #[expect(clippy::expect_used, reason = "the session is taken at the end alone")]
    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().expect("a place in use has its session")
    }

    /// Closes the connection instead of giving it back.
    fn discard(mut self) {
        self.session.take();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(session) = self.session.take().filter(|session| !session.is_closed()) {
            self.idle.lock().push(session);
        }
        // After the session is back, or the next one would make another.
        drop(self.permit.take());
    }
}

/// A transaction on a connection of its own.
#[derive(Debug)]
pub(crate) struct Transaction {
    place: Option<Place>,
}

impl std::ops::Deref for Transaction {
    type Target = Session;

    #[expect(clippy::expect_used, reason = "the place is taken by commit and drop alone")]
    fn deref(&self) -> &Session {
        self.place.as_ref().expect("a transaction under way has its place").session()
    }
}

impl Transaction {
    /// Returns when it is durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let Some(place) = self.place.take() else { return Ok(()) };
        let committed = match tokio::time::timeout(SILENCE_TIMEOUT, place.session().run(COMMIT)).await {
            Ok(committed) => committed.map_err(|error| commit_error(&error)),
            Err(_) => Err(StoreError::Unknown("the database does not answer".to_owned())),
        };
        if committed.is_err() {
            // Whatever state it is in, nobody else is to find it so.
            place.discard();
        }
        committed
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    // What cannot be rolled back is closed, which rolls it back.
                    if place.session().run("ROLLBACK").await.is_err() {
                        place.discard();
                    }
                });
            }
            Err(_) => place.discard(),
        }
    }
}
