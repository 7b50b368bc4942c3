//! The copying of the write-ahead log into the database, beside the writer.
//!
//! SQLite by itself lets the commit that finds the log long copy it, and whoever waits for that commit waits for the
//! copying too. Here a thread with a connection of its own copies while the writer goes on, and again what was written
//! meanwhile, until little is left. That rest the writer copies, between two transactions: the log begins at its start
//! again once all of it is copied and the next transaction finds no reader in it.
//!
//! The longer the log may become, the more often a page stands in it, which is copied once. Where the thread does not
//! come after, the writer copies all of it itself, so that the log has a greatest length as well.

use crate::connect::Database;
use crate::limits::{LOG_COPIER_NICE, LOG_PASSES_MAX, LOG_REST_SHARE};
use parking_lot::Mutex;
use rusqlite::{Connection, hooks::Wal};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

thread_local! {
    /// The pages in the log after this thread's last commit.
    static LOGGED: Cell<u32> = const { Cell::new(0) };
}

/// Lets commits of a connection say how long the log is, instead of copying it.
pub(crate) fn watch(connection: &Connection) {
    fn note(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
        LOGGED.set(pages.unsigned_abs());
        Ok(())
    }
    connection.wal_hook(Some(note));
}

/// How long the log may become, in pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogPages {
    /// From here on it is copied.
    pub(crate) long: u32,
    /// From here on the writer does it, whoever waits.
    pub(crate) most: u32,
}

impl LogPages {
    /// So little that the writer may copy it.
    fn rest(self) -> u32 {
        (self.long / LOG_REST_SHARE).max(1)
    }
}

/// The thread that copies, as the writer sees it.
#[derive(Debug)]
pub(crate) struct Copier {
    pages: LogPages,
    /// As long as the log has to be for the next copying to begin: longer than usual when all of it was copied a moment
    /// ago and a reader kept it from beginning again.
    begins_at: u32,
    shared: Arc<Shared>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The pages in the log after the writer's last commit.
    logged: AtomicU32,
    /// Little is left: the writer's turn.
    handed_over: AtomicBool,
    /// Held while the thread copies.
    copying: Mutex<()>,
}

impl Copier {
    /// Starts the thread.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(database: Arc<Database>, pages: LogPages) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        // One that is under way or waits already sees what comes now.
        let (wake, woken) = sync_channel(1);
        let thread = {
            let shared = Arc::clone(&shared);
            let thread = Thread { database, connection: None, pages, shared };
            Builder::new().name("keju-copier".to_owned()).spawn(move || thread.serve(&woken))?
        };
        Ok(Self { pages, begins_at: pages.long, shared, wake: Some(wake), thread: Some(thread) })
    }

    /// After the writer's transaction, whose callers have been answered.
    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        let logged = LOGGED.get();
        self.shared.logged.store(logged, Ordering::Relaxed);
        if logged < self.pages.long {
            self.begins_at = self.pages.long;
        }
        if logged < self.begins_at {
            return;
        }
        let too_long = logged >= self.pages.most;
        if too_long || self.shared.handed_over.swap(false, Ordering::Acquire) {
            // Of a log that is too long the thread may be copying still: nobody else is in the way once it is done.
            let _alone = too_long.then(|| self.shared.copying.lock());
            self.begins_at = finish(connection, logged, self.pages.rest());
        } else if let Some(wake) = &self.wake {
            // Full: it is awake, or about to be.
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Copier {
    /// Waits for the thread, so that the writer's connection is the last one to close.
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was logged by the hook.
            let _ = thread.join();
        }
    }
}

/// Copies what is left of the log, on the writer's thread; gives the length from which on it is to be tried again. Should
/// it fail, the log becomes longer: nothing that was committed depends on it.
fn finish(connection: &Connection, logged: u32, rest: u32) -> u32 {
    if let Err(error) = copy(connection) {
        tracing::warn!(%error, "the write-ahead log is not copied");
    }
    logged + rest
}

struct Thread {
    database: Arc<Database>,
    connection: Option<Connection>,
    pages: LogPages,
    shared: Arc<Shared>,
}

impl Thread {
    fn serve(mut self, woken: &Receiver<()>) {
        give_way();
        while woken.recv().is_ok() {
            if self.shared.handed_over.load(Ordering::Relaxed) {
                // Woken by a commit before the writer saw it.
                continue;
            }
            if let Err(error) = self.copy() {
                tracing::warn!(%error, "the write-ahead log is left to the writer");
                self.connection = None;
            }
            self.shared.handed_over.store(true, Ordering::Release);
        }
    }

    /// Copies until little is left, or as often as it makes sense.
    fn copy(&mut self) -> rusqlite::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.copier()?),
        };
        for _ in 0..LOG_PASSES_MAX {
            let copied = {
                let _copying = self.shared.copying.lock();
                copy(connection)?
            };
            let left = |copied: u32| self.shared.logged.load(Ordering::Relaxed).saturating_sub(copied);
            // The writer is at it: it is its turn.
            if copied.is_none_or(|copied| left(copied) <= self.pages.rest()) {
                break;
            }
        }
        Ok(())
    }
}

/// Nobody waits for the copying while the log is short enough, and everybody waits for answers.
#[cfg(target_os = "linux")]
fn give_way() {
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LOG_COPIER_NICE) {
        tracing::debug!(%error, "the copying of the write-ahead log has the priority of everything else");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

/// Copies what no reader needs as it was; gives how many pages of the log are in the database by now, unless somebody
/// else copies.
fn copy(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |row| {
        let (busy, copied): (bool, i64) = (row.get(0)?, row.get(2)?);
        Ok((!busy).then(|| u32::try_from(copied).unwrap_or_default()))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::{Options, SqliteStore};
    use exam_store::Settings;
    use std::path::Path;

    const PAGE_BYTES: u64 = 4_096;
    const LONG: u32 = 64;

    fn open(folder: &Path) -> SqliteStore {
        let options = Options { log_pages: LONG, ..Options::default() };
        SqliteStore::open(folder.join("keju.db"), &options).unwrap()
    }

    fn bytes_of(path: &Path) -> u64 {
        std::fs::metadata(path).map_or(0, |file| file.len())
    }

    /// Each takes some pages of its own.
    async fn write(store: &SqliteStore, names: std::ops::Range<u32>) {
        for name in names {
            store.setting_or_insert(&format!("setting-{name}"), vec![7; 10_000]).await.unwrap();
        }
    }

    async fn is_all_there(store: &SqliteStore, names: std::ops::Range<u32>) -> bool {
        for name in names {
            if store.setting(&format!("setting-{name}")).await.unwrap().is_none() {
                return false;
            }
        }
        true
    }

    #[tokio::test]
    async fn the_log_is_copied_and_begins_again_while_commits_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let [database, log] = ["keju.db", "keju.db-wal"].map(|name| folder.path().join(name));
        write(&store, 0..400).await;
        let (copied, logged) = (bytes_of(&database), bytes_of(&log));
        assert!(copied > 300 * 2 * PAGE_BYTES, "copied: {copied}");
        // By how much it may be longer is one commit.
        assert!(logged < u64::from(LONG * 4 + 16) * (PAGE_BYTES + 24), "the log has a greatest length: {logged}");
        store.close().await;
        assert!(!log.exists(), "whoever closes last copies all of it");
        assert!(is_all_there(&open(folder.path()), 0..400).await);
    }

    #[tokio::test]
    async fn a_reader_keeps_the_log_and_the_log_keeps_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        write(&store, 0..1).await;
        let reader = rusqlite::Connection::open(folder.path().join("keju.db")).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM settings").unwrap();
        let seen = || reader.query_row("SELECT count(*) FROM settings", [], |row| row.get::<_, u32>(0)).unwrap();
        let before = seen();
        write(&store, 1..300).await;
        assert_eq!(seen(), before, "it sees the state in which it began");
        let grown = bytes_of(&folder.path().join("keju.db-wal"));
        assert!(grown > 299 * 2 * PAGE_BYTES, "nothing that it may need was copied over: {grown}");
        reader.execute_batch("COMMIT").unwrap();
        write(&store, 300..700).await;
        let after = bytes_of(&folder.path().join("keju.db-wal"));
        assert!(after < grown + 100 * 3 * PAGE_BYTES, "then the log begins again: {grown} and {after}");
        assert!(is_all_there(&store, 0..700).await);
    }
}
