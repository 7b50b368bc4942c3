//! The back end for several nodes: one PostgreSQL database that all of them work on. Every module but these
//! has the name it has in `exam_store`, and holds the SQL of its rows: `lane` (group commit), `lines`
//! (connections that many read by at once), `pool` (those that one uses at a time), `connect` (address, settings,
//! reconnecting), `migrate` (schema), `convert` (columns), `failure` (errors).
//!
//! Unique keys arbitrate between nodes; there are no locks that outlive a transaction and no clock of the
//! database. What a commit of an attempt writes is keyed by its learner, and each statement on it names
//! the learner, so that a sharding PostgreSQL answers from one shard.
//!
//! How to add the next row: a migration (see `migrations/README.md`), the trait's function in
//! `exam_store`, its SQL in the module of that name here, its promise in `exam_store::story`.

mod announcements;
mod attempts;
mod audit;
mod banks;
mod certificates;
mod connect;
mod convert;
mod courses;
mod exams;
mod failure;
mod lane;
mod ledger;
mod lessons;
mod limits;
mod lines;
mod migrate;
mod notebook;
mod outbox;
mod partners;
mod people;
mod pool;
mod sessions;
mod settings;
mod tickets;
mod times;
mod tls;
mod transfer;
mod units;

use announcements::Ears;
use connect::Database;
use exam_store::{Commit, LessonCommit, StoreError};
use lane::Lanes;
use limits::{ATTEMPT_LANES, LINES};
use lines::Lines;
use pool::Pool;
use std::sync::Arc;
pub use transfer::Arrival;

/// How to open a database.
#[derive(Clone)]
pub struct Options {
    /// This node's number.
    pub node: u16,
    /// The password, where the address has none.
    pub password: Option<String>,
    /// Connections that read, each used by one at a time; what is found by a key goes over others.
    pub readers: u32,
    /// Connections that write what is no commit of an attempt or a lesson; those have their own.
    pub writers: u32,
    /// Whether a database without a site in it is refused instead of getting one.
    pub must_exist: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { node: 1, password: None, readers: 6, writers: 3, must_exist: false }
    }
}

/// A database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address does not read.
    #[error("the database's address is not understood: {reason}")]
    Address {
        /// What is wrong with it; never the address itself, which may hold a password.
        reason: &'static str,
    },
    /// The certificates to check the server's by cannot be read.
    #[error("sslrootcert cannot be read: {0}")]
    Certificates(String),
    /// The server does not let us in, or is not there.
    #[error("cannot connect to the database: {0}")]
    Connect(StoreError),
    /// The database is none that we can work on.
    #[error("the database cannot be used: {0}")]
    Unfit(&'static str),
    /// The schema is newer than this server, or a migration failed.
    #[error("the schema cannot be brought up to date: {0}")]
    Schema(String),
}

/// The store. [`Self::close`] writes what is queued; dropping it does not wait for that.
#[derive(Debug)]
pub struct PostgresStore {
    lines: Lines,
    readers: Pool,
    writers: Pool,
    attempts: Lanes<Commit>,
    lessons: Lanes<LessonCommit>,
    ears: Ears,
    node: i32,
}

impl PostgresStore {
    /// Opens the database at `url`, such as `postgres://keju@db.example/keju`, and brings its schema up to date.
    ///
    /// # Errors
    /// The address is wrong, the server is not there, or the schema is newer than this server.
    pub async fn open(url: &str, options: &Options) -> Result<Self, OpenError> {
        let database = Database::parse(url, options)?;
        let session = database.session().await.map_err(OpenError::Connect)?;
        check(&session).await?;
        migrate::migrate(&session, options.must_exist).await?;
        let ears = Ears::open(Arc::clone(&database)).await.map_err(OpenError::Connect)?;
        let node = i32::from(options.node);
        Ok(Self {
            attempts: Lanes::start(&database, node, ATTEMPT_LANES),
            lessons: Lanes::start(&database, node, 1),
            lines: Lines::new(Arc::clone(&database), LINES),
            readers: Pool::new(Arc::clone(&database), options.readers),
            writers: Pool::new(database, options.writers),
            ears,
            node,
        })
    }

    /// Writes what is queued and closes all connections; later calls are refused as [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.attempts.stop().await;
        self.lessons.stop().await;
        self.lines.close();
        self.readers.close();
        self.writers.close();
        self.ears.close();
    }
}

/// What the schema cannot see to.
async fn check(session: &connect::Session) -> Result<(), OpenError> {
    let asked = "SELECT current_setting('server_encoding') = 'UTF8', current_setting('fsync') = 'on', \
                 current_setting('server_version_num')::integer >= 140000";
    let rows = session.rows(asked, &[]).await.map_err(OpenError::Connect)?;
    let Some(row) = rows.first() else { return Ok(()) };
    if !row.get::<_, bool>(0) {
        return Err(OpenError::Unfit("its encoding is not UTF8: make it with ENCODING 'UTF8' TEMPLATE template0"));
    }
    if !row.get::<_, bool>(1) {
        tracing::warn!("the database server runs with fsync = off: a power cut loses acknowledged answers");
    }
    if !row.get::<_, bool>(2) {
        return Err(OpenError::Unfit("PostgreSQL 14 or newer is needed"));
    }
    Ok(())
}
