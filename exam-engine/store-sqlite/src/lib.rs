//! The embedded back end: one SQLite file, one writer thread that commits many commands at once, a few
//! readers. Every module but these has the name it has in `exam_store`, and holds the SQL of its rows:
//! `writer` (group commit), `reader` (the pool), `connect` (file, lock, settings), `migrate` (schema),
//! `convert` (columns), `failure` (errors).
//!
//! How to add the next row: a migration (see `migrations/README.md`), the trait's function in
//! `exam_store`, its SQL in the module of that name here, its promise in `exam_store::story`.

mod announcements;
mod attempts;
mod audit;
mod banks;
mod certificates;
mod checkpoint;
mod connect;
mod convert;
mod courses;
mod exams;
mod failure;
mod ledger;
mod lessons;
mod limits;
mod migrate;
mod notebook;
mod outbox;
mod partners;
mod people;
mod reader;
mod sessions;
mod settings;
mod tickets;
mod transfer;
mod units;
mod writer;

use connect::Database;
use exam_store::{Hub, StoreError};
use limits::LOG_PAGES;
use reader::Readers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
pub use transfer::Departure;
use writer::Writer;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections that read, at least one.
    pub readers: u32,
    /// How long to wait for another process that uses the file, such as a copying tool.
    pub busy_timeout: Duration,
    /// Pages of 4 KiB in the write-ahead log from which on they are copied into the database. It may become four times as
    /// long before commits wait for that.
    pub log_pages: u32,
    /// The file never grows beyond this; `None` leaves it to the disk. See [`SqliteStore::set_size_max`].
    pub size_max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, busy_timeout: Duration::from_secs(5), log_pages: LOG_PAGES, size_max_bytes: None }
    }
}

/// A database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server has it open.
    #[error("{} is in use by another server; stop that one first", path.display())]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// The file or its lock cannot be made or read.
    #[error("cannot make or read {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refuses the file.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The schema is newer than this server, or a migration failed.
    #[error("the schema cannot be brought up to date: {0}")]
    Schema(#[from] rusqlite_migration::Error),
    /// It is read as it is, and its schema is not the one that is read.
    #[error(
        "its schema is at step {found} and this release reads step {known}: start this release's server on it once, \
         or take the release it belongs to"
    )]
    OtherRelease {
        /// The database's.
        found: usize,
        /// This release's.
        known: usize,
    },
}

/// The store. Dropping it waits until what is queued is written; [`Self::close`] does so without
/// blocking the runtime.
#[derive(Debug)]
pub struct SqliteStore {
    // Before the writer: the last connection to close copies the write-ahead log into the database.
    readers: Readers,
    writer: Writer,
    database: Arc<Database>,
    hub: Hub,
}

impl SqliteStore {
    /// Opens the database at `path`, making it if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// Another server has it open, the file cannot be made or is no database of ours, or its schema is newer.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let (database, lock) = Database::claim(path, options)?;
        let database = Arc::new(database);
        let mut connection = database.writer()?;
        migrate::migrate(&mut connection)?;
        let readers = Readers::open(Arc::clone(&database), options.readers)?;
        let hub = Hub::default();
        let writer = Writer::start(Arc::clone(&database), connection, lock, hub.clone())
            .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
        Ok(Self { readers, writer, database, hub })
    }

    /// Writes what is queued, closes all connections and lets go of the lock; later calls are refused as
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.stop().await;
    }

    /// Sets the largest size of the file from now on, on a disk shared with others. It never shrinks
    /// what is there; writing beyond it is [`StoreError::Full`], reading goes on.
    ///
    /// # Errors
    /// The store is closed.
    pub async fn set_size_max(&self, bytes: Option<u64>) -> Result<(), StoreError> {
        self.database.set_size_max(bytes);
        let database = Arc::clone(&self.database);
        self.writer.write(move |connection| Ok(database.apply_size_max(connection)?)).await
    }
}

/// Copies a database, also one that a server has open, into a new file.
///
/// # Errors
/// There is no database at `from`, a file at `to` already, or no room.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), OpenError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::File { path, source }
    };
    std::fs::metadata(from).map_err(file(from))?;
    drop(connect::create_private(to).map_err(file(to))?);
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = rusqlite::Connection::open_with_flags(from, flags)?;
    source.busy_timeout(Duration::from_secs(30))?;
    // Into the empty file made above: one consistent state, without what was deleted.
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}
