//! The writer: one thread, one connection, and one transaction for all that waits (group commit).
//!
//! There is no timer: the thread takes what is there, writes it, answers, and takes what came
//! meanwhile, so that batches grow with the load. A caller is answered after the commit, never before.
//!
//! The callers of a batch are answered by one task of their runtime, which a thread outside of it wakes once:
//! waking each of them from here would be a lock and often a system call for each.
//!
//! A batch is first written plainly. Should a job fail half-way, everything is rolled back and written
//! again with a savepoint around each job, so that the one that fails fails alone. A commit that fails
//! is never tried again on the same connection: what an fsync has lost once it does not report twice,
//! so the callers are told that the outcome is unknown and the file is opened afresh.

use crate::attempts::{Memory, apply, note_time};
use crate::checkpoint::Copier;
use crate::connect::Database;
use crate::failure::{Cause, Failure, cause, store_error};
use crate::limits::{BATCH_JOBS_MAX, BUSY_RETRIES_MAX, QUEUE_JOBS_MAX};
use exam_store::{Announcement, Commit, CommitError, Hub, StoreError};
use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// The way to the writer's thread.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Message>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    hub: Hub,
}

impl Writer {
    /// Starts the thread on an open connection. The lock is let go when the thread ends.
    pub(crate) fn start(
        database: Arc<Database>,
        connection: Connection,
        lock: File,
        hub: Hub,
    ) -> std::io::Result<Self> {
        let (queue, inbox) = mpsc::channel(QUEUE_JOBS_MAX);
        let copier = Copier::start(Arc::clone(&database), database.log_pages())?;
        let worker = Worker { database, connection: Some(connection), copier, memory: Memory::default() };
        let thread = Builder::new().name("keju-writer".to_owned()).spawn(move || {
            worker.serve(inbox);
            drop(lock);
        })?;
        Ok(Self { queue: Some(queue), thread: Mutex::new(Some(thread)), hub })
    }

    /// Keeps a commit; returns when it is durable. Then its announcements are made.
    pub(crate) async fn commit(&self, mut commit: Commit) -> Result<(), CommitError> {
        let (reply, answer) = oneshot::channel();
        let say = (self.hub.clone(), std::mem::take(&mut commit.announcements));
        self.ask(Box::new(Keep { commit, say, reply }), answer).await
    }

    /// Does `work` within a transaction; returns when that is durable. The work may be done several
    /// times over, and only what its last time did is kept. Then the announcements are made, whether or
    /// not anybody still waits.
    pub(crate) async fn run<T, W>(&self, work: W, announcements: Vec<Announcement>) -> Result<T, CommitError>
    where
        T: Send + 'static,
        W: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let say = (self.hub.clone(), announcements);
        self.ask(Box::new(Task { work, result: None, say, reply }), answer).await
    }

    async fn ask<T>(
        &self,
        job: Box<dyn Job>,
        answer: oneshot::Receiver<Result<T, CommitError>>,
    ) -> Result<T, CommitError> {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(Message::Job(job, Handle::try_current().ok())).await.map_err(|_| closed())?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unknown("the writer ended without an answer".to_owned()).into()))
    }

    /// As [`Self::run`], for work that is no commit of an attempt.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.write_and_say(work, Vec::new()).await
    }

    /// As [`Self::write`], with announcements.
    pub(crate) async fn write_and_say<T, W>(&self, work: W, announcements: Vec<Announcement>) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.run(work, announcements).await.map_err(|error| match error {
            CommitError::Store(error) => error,
            other => StoreError::Corrupt(other.to_string()),
        })
    }

    /// Writes what waits, then ends the thread; later work is refused.
    pub(crate) async fn stop(&self) {
        if let Some(queue) = &self.queue {
            // Refused: the thread has ended already.
            let _ = queue.send(Message::Stop).await;
        }
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer's thread ended by a panic");
            }
        }
    }
}

impl Drop for Writer {
    /// Waits until what is queued is written, so that the file is free afterwards.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread was logged by the hook; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

enum Message {
    /// And the runtime of whoever waits for it.
    Job(Box<dyn Job>, Option<Handle>),
    Stop,
}

/// Something to be done within a transaction, and whoever waits for it.
trait Job: Send {
    fn apply(&mut self, connection: &Connection, memory: &mut Memory) -> Result<(), Failure>;
    fn answer(self: Box<Self>, outcome: Result<(), CommitError>);
}

/// A commit of an attempt.
struct Keep {
    commit: Commit,
    say: (Hub, Vec<Announcement>),
    reply: oneshot::Sender<Result<(), CommitError>>,
}

impl Job for Keep {
    fn apply(&mut self, connection: &Connection, memory: &mut Memory) -> Result<(), Failure> {
        apply(connection, memory, &self.commit)
    }

    fn answer(self: Box<Self>, outcome: Result<(), CommitError>) {
        let Self { say: (hub, announcements), reply, .. } = *self;
        if outcome.is_ok() {
            hub.say(announcements);
        }
        // Nobody waits any more: it is kept all the same.
        let _ = reply.send(outcome);
    }
}

struct Task<T, W> {
    work: W,
    result: Option<T>,
    say: (Hub, Vec<Announcement>),
    reply: oneshot::Sender<Result<T, CommitError>>,
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: FnMut(&Connection) -> Result<T, Failure> + Send,
{
    fn apply(&mut self, connection: &Connection, _memory: &mut Memory) -> Result<(), Failure> {
        self.result = Some((self.work)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), CommitError>) {
        let unknown = || StoreError::Unknown("committed without a result".to_owned()).into();
        let Self { result, say: (hub, announcements), reply, .. } = *self;
        if outcome.is_ok() {
            hub.say(announcements);
        }
        // Nobody waits any more: the work is done all the same.
        let _ = reply.send(outcome.and_then(|()| result.ok_or_else(unknown)));
    }
}

type Batch = Vec<Box<dyn Job>>;
type Verdict = Result<(), CommitError>;

struct Worker {
    database: Arc<Database>,
    /// `None` after a failure that this connection cannot be trusted after.
    connection: Option<Connection>,
    copier: Copier,
    memory: Memory,
}

impl Worker {
    fn serve(mut self, mut inbox: mpsc::Receiver<Message>) {
        while let Some(message) = inbox.blocking_recv() {
            let (batch, callers) = gather(message, &mut inbox);
            // The jobs of a batch that panics are dropped, which their callers see as an unknown outcome.
            if catch_unwind(AssertUnwindSafe(|| self.write(batch, callers.as_ref()))).is_err() {
                tracing::error!("a write panicked; the database is opened again");
                self.connection = None;
                self.memory.forget();
            }
        }
        drop(self.copier);
        if let Some(Err((_, error))) = self.connection.map(Connection::close) {
            tracing::error!(%error, "the database did not close cleanly");
        }
    }

    fn write(&mut self, mut batch: Batch, callers: Option<&Handle>) {
        let (mut apart, mut retries) = (false, 0);
        while !batch.is_empty() {
            let fault = match self.attempt(&mut batch, apart) {
                Ok(verdicts) => {
                    answer(batch, verdicts, callers);
                    if let Some(connection) = &self.connection {
                        self.copier.after_commit(connection);
                    }
                    return;
                }
                Err(fault) => fault,
            };
            self.memory.undo();
            match fault {
                Fault::Spoiled => apart = true,
                Fault::Died { job, error } => batch.remove(job).answer(Err(error)),
                Fault::Busy(_) if retries < BUSY_RETRIES_MAX => retries += 1,
                Fault::Busy(error) => refuse(&mut batch, &store_error(&error)),
                Fault::Failed(error) => {
                    tracing::error!(%error, jobs = batch.len(), "a transaction failed; the database is opened again");
                    self.connection = None;
                    self.memory.forget();
                    refuse(&mut batch, &error);
                }
            }
        }
    }

    fn attempt(&mut self, batch: &mut Batch, apart: bool) -> Result<Vec<Verdict>, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.writer().map_err(|error| Fault::Failed(store_error(&error)))?),
        };
        transact(connection, &mut self.memory, batch, apart)
    }
}

/// What waits, and the runtime of whoever asked for the last of it.
fn gather(first: Message, inbox: &mut mpsc::Receiver<Message>) -> (Batch, Option<Handle>) {
    let (mut batch, mut callers) = (Batch::new(), None);
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Job(job, runtime) => {
                batch.push(job);
                callers = runtime;
            }
            // What is queued already is still done; then the receiver ends the loop.
            Message::Stop => inbox.close(),
        }
        next = if batch.len() < BATCH_JOBS_MAX { inbox.try_recv().ok() } else { None };
    }
    (batch, callers)
}

/// Tells every caller what came of its job.
fn answer(batch: Batch, verdicts: Vec<Verdict>, callers: Option<&Handle>) {
    let several = batch.len() > 1;
    let tell = move || {
        for (job, verdict) in batch.into_iter().zip(verdicts) {
            job.answer(verdict);
        }
    };
    match callers {
        Some(runtime) if several => drop(runtime.spawn(async move { tell() })),
        _ => tell(),
    }
}

fn refuse(batch: &mut Batch, error: &StoreError) {
    for job in batch.drain(..) {
        job.answer(Err(error.clone().into()));
    }
}

/// Why a transaction was not committed.
enum Fault {
    /// A job failed after it had changed something, which only a savepoint can undo.
    Spoiled,
    /// This job made SQLite end the whole transaction.
    Died { job: usize, error: CommitError },
    /// Another process writes to the file; nothing was changed.
    Busy(rusqlite::Error),
    /// The storage failed.
    Failed(StoreError),
}

impl Fault {
    /// Of `BEGIN`, a savepoint or a job that met a failing disk: nothing was committed.
    fn before_commit(error: rusqlite::Error) -> Self {
        match cause(&error) {
            Cause::Busy => Self::Busy(error),
            Cause::Full => Self::Failed(StoreError::Full),
            Cause::Storage | Cause::Job => Self::Failed(StoreError::Unavailable(error.to_string())),
        }
    }

    /// Of `COMMIT`. Without space the frame that would make it valid was not written; after anything
    /// else the next start may or may not find it.
    fn at_commit(error: &rusqlite::Error) -> Self {
        match cause(error) {
            Cause::Full => Self::Failed(StoreError::Full),
            _ => Self::Failed(StoreError::Unknown(error.to_string())),
        }
    }
}

fn transact(
    connection: &mut Connection,
    memory: &mut Memory,
    batch: &mut Batch,
    apart: bool,
) -> Result<Vec<Verdict>, Fault> {
    // What an attempt at the same transaction noted before was rolled back with it.
    memory.take_latest();
    let mut transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Fault::before_commit)?;
    let mut verdicts = Vec::with_capacity(batch.len());
    for (index, job) in batch.iter_mut().enumerate() {
        let verdict = if apart {
            let savepoint = transaction.savepoint().map_err(Fault::before_commit)?;
            apply_apart(savepoint, memory, job.as_mut(), index)
        } else {
            apply_plainly(&transaction, memory, job.as_mut())
        };
        verdicts.push(verdict?);
    }
    if let Some(latest) = memory.take_latest() {
        note_time(&transaction, latest).map_err(Fault::before_commit)?;
    }
    transaction.commit().map_err(|error| Fault::at_commit(&error))?;
    memory.settle();
    Ok(verdicts)
}

fn apply_plainly(transaction: &Connection, memory: &mut Memory, job: &mut dyn Job) -> Result<Verdict, Fault> {
    let before = transaction.total_changes();
    let Err(failure) = job.apply(transaction, memory) else { return Ok(Ok(())) };
    // A statement that fails undoes itself; a job that had changed nothing else leaves nothing behind.
    let traceless = transaction.total_changes() == before && !transaction.is_autocommit();
    match failure {
        Failure::Sqlite(error) if is_storage(&error) => Err(Fault::before_commit(error)),
        failure if traceless && failure.cause() == Cause::Job => Ok(Err(failure.into())),
        _ => Err(Fault::Spoiled),
    }
}

fn apply_apart(
    mut savepoint: rusqlite::Savepoint<'_>,
    memory: &mut Memory,
    job: &mut dyn Job,
    index: usize,
) -> Result<Verdict, Fault> {
    let done = job.apply(&savepoint, memory);
    if done.is_err() {
        memory.undo();
    }
    match done {
        Ok(()) => savepoint.commit().map(Ok).map_err(Fault::before_commit),
        Err(Failure::Sqlite(error)) if is_storage(&error) => Err(Fault::before_commit(error)),
        Err(failure) if savepoint.is_autocommit() => {
            savepoint.set_drop_behavior(rusqlite::DropBehavior::Ignore);
            Err(Fault::Died { job: index, error: failure.into() })
        }
        Err(failure) => savepoint.finish().map(|()| Err(failure.into())).map_err(Fault::before_commit),
    }
}

/// Whether the error concerns the whole transaction, not the job that met it.
fn is_storage(error: &rusqlite::Error) -> bool {
    matches!(cause(error), Cause::Busy | Cause::Storage)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use crate::convert::row;
    use crate::{Options, SqliteStore};
    use exam_store::{CommitError, Settings, StoreError};
    use rusqlite::Connection;

    fn open() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("keju.db"), &Options::default()).unwrap();
        (folder, store)
    }

    /// Keeps the writer busy until the sender is dropped, so that what is asked meanwhile is one batch.
    async fn busy(store: &SqliteStore, until: std::sync::mpsc::Receiver<()>) {
        // It may be part of that batch, and share its fate.
        let _ = store.writer.write(move |_| Ok(until.recv().is_err())).await;
    }

    fn set(connection: &Connection, name: &str) -> rusqlite::Result<usize> {
        connection.execute("INSERT INTO settings (name, value) VALUES (?, x'00')", [name])
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_unknown_to_all_and_the_file_is_opened_afresh() {
        let (_folder, store) = open();
        let mark = |connection: &Connection| Ok(connection.execute_batch("CREATE TEMP TABLE mark (x)")?);
        store.writer.write(mark).await.unwrap();
        // A reference checked at the end of the transaction: nothing but COMMIT can fail by it.
        let broken = store.writer.write(|connection| {
            connection.pragma_update(None, "defer_foreign_keys", true)?;
            let orphan = "INSERT INTO sessions VALUES (zeroblob(32), zeroblob(16), 0, 0)";
            Ok(connection.execute(orphan, [])?)
        });
        let innocent = store.setting_or_insert("innocent", vec![1]);
        let (free, until) = std::sync::mpsc::channel();
        let ((), broken, innocent, ()) = tokio::join!(busy(&store, until), broken, innocent, async move { drop(free) });
        assert!(matches!(broken, Err(StoreError::Unknown(_))), "{broken:?}");
        assert!(matches!(innocent, Err(StoreError::Unknown(_))), "{innocent:?}");
        assert_eq!(store.setting("innocent").await.unwrap(), None);
        assert_eq!(store.setting_or_insert("innocent", vec![2]).await.unwrap(), [2]);
        let marked = store.writer.write(|connection| {
            Ok(row(connection, "SELECT 1 FROM sqlite_temp_schema WHERE name = 'mark'", [], |_| Ok(()))?.is_some())
        });
        assert!(!marked.await.unwrap(), "another connection writes now");
    }

    #[tokio::test]
    async fn a_panic_hangs_nobody_and_the_writer_goes_on() {
        let (_folder, store) = open();
        let panics = store.writer.run(
            |connection| -> Result<(), _> {
                set(connection, "half")?;
                panic!("planted")
            },
            Vec::new(),
        );
        assert!(matches!(panics.await, Err(CommitError::Store(StoreError::Unknown(_)))));
        assert_eq!(store.setting("half").await.unwrap(), None);
        store.ping().await.unwrap();
    }

    #[tokio::test]
    async fn a_job_that_ends_the_transaction_fails_alone() {
        let (_folder, store) = open();
        let ends = store.writer.write(|connection| {
            set(connection, "ends")?;
            // As SQLite does by itself when some errors strike.
            connection.execute_batch("ROLLBACK")?;
            Err::<(), _>(StoreError::Full.into())
        });
        let innocent = store.setting_or_insert("innocent", vec![1]);
        let (free, until) = std::sync::mpsc::channel();
        let ((), ends, innocent, ()) = tokio::join!(busy(&store, until), ends, innocent, async move { drop(free) });
        assert_eq!(ends, Err(StoreError::Full));
        assert_eq!(store.setting("ends").await.unwrap(), None);
        assert_eq!(innocent.unwrap(), [1]);
    }

    #[tokio::test]
    async fn a_file_held_by_another_process_is_unavailable_until_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keju.db");
        let options = Options { busy_timeout: std::time::Duration::from_millis(5), ..Options::default() };
        let store = SqliteStore::open(&path, &options).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let held = store.setting_or_insert("name", vec![1]).await;
        assert!(matches!(held, Err(StoreError::Unavailable(_))), "{held:?}");
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(store.setting_or_insert("name", vec![1]).await.unwrap(), [1]);
    }
}
