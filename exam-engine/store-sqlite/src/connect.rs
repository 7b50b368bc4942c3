//! The file, its lock and its connections.

use crate::checkpoint::{self, LogPages};
use crate::limits::{LOG_BYTES_KEPT, LOG_PAGES_TIMES_MAX, READER_CACHE_KIB, STATEMENTS_MAX, WRITER_CACHE_KIB};
use crate::{OpenError, Options};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const PAGE_BYTES: u64 = 4_096;

/// Which database, and how its connections are made.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    busy_timeout: Duration,
    pages_max: AtomicU32,
    log_pages: u32,
}

impl Database {
    /// Takes the lock and makes the file unless it exists.
    pub(crate) fn claim(path: &Path, options: &Options) -> Result<(Self, File), OpenError> {
        let io = |source| OpenError::File { path: path.to_owned(), source };
        let lock = lock(path)?;
        if !path.try_exists().map_err(io)? {
            create_private(path).map_err(io)?;
            sync_folder_of(path).map_err(io)?;
        }
        let database = Self {
            path: path.to_owned(),
            busy_timeout: options.busy_timeout,
            pages_max: AtomicU32::new(pages(options.size_max_bytes)),
            log_pages: options.log_pages.max(1),
        };
        Ok((database, lock))
    }

    /// A connection that writes. There is one at a time.
    pub(crate) fn writer(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        let journal: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if journal != "wal" {
            // Some network file systems cannot share memory; without it readers would stop the writer.
            return Err(rusqlite::Error::InvalidParameterName(format!("journal_mode stays {journal}, not wal")));
        }
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        self.apply_size_max(&connection)?;
        checkpoint::watch(&connection);
        Ok(connection)
    }

    /// A connection that copies the write-ahead log. Both are made durable, in this order, whatever writers do.
    pub(crate) fn copier(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.pragma_update(None, "synchronous", "full")?;
        Ok(connection)
    }

    /// How long the write-ahead log may become.
    pub(crate) const fn log_pages(&self) -> LogPages {
        LogPages { long: self.log_pages, most: self.log_pages.saturating_mul(LOG_PAGES_TIMES_MAX) }
    }

    /// A connection that cannot write. Its pages are read, not mapped: a failing disk is then an error
    /// and not a signal that ends the process.
    pub(crate) fn reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    }

    /// Sets the largest size of the file for writers to come.
    pub(crate) fn set_size_max(&self, bytes: Option<u64>) {
        self.pages_max.store(pages(bytes), Ordering::Relaxed);
    }

    /// Holds a writer to the largest size.
    pub(crate) fn apply_size_max(&self, connection: &Connection) -> rusqlite::Result<()> {
        let pages_max = self.pages_max.load(Ordering::Relaxed);
        connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))
    }
}

fn pages(bytes: Option<u64>) -> u32 {
    // SQLite's own bound is one less than the largest u32.
    let most = u32::MAX - 1;
    bytes.map_or(most, |bytes| u32::try_from(bytes / PAGE_BYTES).unwrap_or(most).clamp(1, most))
}

/// Locks `<path>.lock` for as long as the returned file is open. The kernel lets go of it when the
/// process ends, however it does.
fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let io = |source| OpenError::File { path: name.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Makes an empty file only its owner may read: it will hold password hashes and identity numbers.
/// SQLite gives the files beside it the same mode.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the name of a new file durable.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
