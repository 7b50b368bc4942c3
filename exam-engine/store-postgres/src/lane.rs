//! A lane: one task, one connection, and one transaction for the commits of all logs that wait (group
//! commit). Attempts have lanes and lessons have one, so that neither waits for the other. Of several lanes each
//! has learners of its own, so that what is kept of one learner stays in order; while one waits for the disk the
//! others write.
//!
//! There is no timer: the task takes what is there, writes it, answers, and takes what came meanwhile, so
//! that batches grow with the load. A caller is answered after the commit, never before.
//!
//! What can be written by few statements is tried in one go first, and all of it or nothing is kept; the rest
//! of a batch follows in a transaction of its own. Should a key be taken, it is written again such that every commit
//! gets its own verdict. Rows are written in the order of their learners, so that the lanes of several nodes wait for
//! each other in one order and never in a circle.

use crate::connect::{Database, Session};
use crate::failure::{Verdict, commit_error, store_error, verdict};
use crate::limits::{BATCH_COMMITS_MAX, DEADLOCK_RETRIES_MAX, NOTED_AHEAD_MS, QUEUE_COMMITS_MAX, SILENCE_TIMEOUT};
use crate::times::Noting;
use exam_core::{PersonId, Timestamp};
use exam_store::{CommitError, StoreError};
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_postgres::Error;
use uuid::Uuid;

/// Small batches against large tables: the plan made once, by indexes, is right even before the server has
/// counted the rows of a new table. Citus cannot plan lists of values before it has seen them.
const PLANS: &str = "SELECT set_config('plan_cache_mode', CASE WHEN EXISTS (SELECT FROM pg_extension \
                     WHERE extname = 'citus') THEN 'auto' ELSE 'force_generic_plan' END, false); \
                     SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";
/// A server that has written a commit and waits for its standby answers a timeout with success. The lane has a limit
/// of its own, after which nobody is told anything but that the outcome is unknown.
const PATIENT: &str = "SET statement_timeout = 0";

/// Commits that are not kept, by their place in the batch, and why.
pub(crate) type Failures = BTreeMap<usize, CommitError>;

/// A transaction cannot go on.
pub(crate) enum Trouble {
    /// The server says so.
    Database(Error),
    /// A rule does, by one of the commits.
    Refused(CommitError),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// What a transaction has written so far.
#[derive(Default)]
pub(crate) struct Written {
    /// Those that failed.
    pub(crate) failures: Failures,
    /// Whether any of them left something behind, so that all of it has to be rolled back.
    pub(crate) leaves_traces: bool,
}

impl Written {
    /// Notes that one failed.
    pub(crate) fn fail(&mut self, place: usize, error: CommitError, leaves_traces: bool) {
        self.failures.entry(place).or_insert(error);
        self.leaves_traces |= leaves_traces;
    }

    /// Those that have not failed so far, with their places.
    pub(crate) fn kept<'a, C>(&self, commits: &'a [&'a C]) -> Vec<(usize, &'a C)> {
        let all = commits.iter().copied().enumerate();
        all.filter(|(place, _)| !self.failures.contains_key(place)).collect()
    }
}

/// What a lane commits.
pub(crate) trait Work: std::fmt::Debug + Send + Sync + Sized + 'static {
    /// Who notes the time of its steps, see `Attempts::latest_time`.
    const WRITER: &'static str;

    /// Whether it can be written at all.
    fn check(&self) -> Result<(), StoreError>;

    /// What orders it among those of other nodes.
    fn key(&self) -> (PersonId, Uuid);

    /// The time of its last step.
    fn latest(&self) -> Option<Timestamp>;

    /// Whether [`Work::write_at_once`] knows how.
    fn fits_at_once(&self) -> bool;

    /// A whole transaction in one go, its commit included: all of it, or nothing. Of what cannot be at all nothing
    /// is kept, and it is told.
    fn write_at_once(
        session: &Session,
        commits: &[&Self],
        noting: &Noting<'_>,
    ) -> impl Future<Output = Result<Failures, Fault>> + Send;

    /// From BEGIN on everything but the COMMIT; every commit with its own verdict.
    fn write(
        session: &Session,
        commits: &[&Self],
        noting: &Noting<'_>,
    ) -> impl Future<Output = Result<Written, Trouble>> + Send;
}

/// The lanes of one kind of work.
#[derive(Debug)]
pub(crate) struct Lanes<C>(Vec<Lane<C>>);

impl<C: Work> Lanes<C> {
    /// Starts so many.
    pub(crate) fn start(database: &Arc<Database>, node: i32, count: usize) -> Self {
        let writer = |number| if number == 1 { C::WRITER.to_owned() } else { format!("{} {number}", C::WRITER) };
        Self((1..=count).map(|number| Lane::start(Arc::clone(database), node, writer(number))).collect())
    }

    /// Keeps a commit; returns when it is durable.
    pub(crate) async fn commit(&self, commit: C) -> Result<(), CommitError> {
        // The low half of an id is random.
        let place = commit.key().0.0.as_u64_pair().1 % (self.0.len() as u64).max(1);
        let lane = self.0.get(place as usize).ok_or_else(|| StoreError::Unavailable("there is no lane".to_owned()))?;
        lane.commit(commit).await
    }

    /// Writes what waits, then ends all of them.
    pub(crate) async fn stop(&self) {
        join_all(self.0.iter().map(Lane::stop)).await;
    }
}

/// The way to a lane's task.
#[derive(Debug)]
struct Lane<C> {
    queue: mpsc::Sender<Message<C>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
enum Message<C> {
    Job(Box<Job<C>>),
    Stop,
}

/// A commit, and whoever waits for it.
#[derive(Debug)]
struct Job<C> {
    commit: C,
    reply: oneshot::Sender<Result<(), CommitError>>,
}

impl<C: Work> Lane<C> {
    /// Starts the task; it connects when there is something to write.
    fn start(database: Arc<Database>, node: i32, writer: String) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE_COMMITS_MAX);
        let worker = Worker { database, session: None, node, writer, noted: None };
        Self { queue, task: Mutex::new(Some(tokio::spawn(worker.serve(inbox)))) }
    }

    async fn commit(&self, commit: C) -> Result<(), CommitError> {
        commit.check()?;
        let (reply, answer) = oneshot::channel();
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let job = Message::Job(Box::new(Job { commit, reply }));
        self.queue.send(job).await.map_err(|_| closed())?;
        let lost = || StoreError::Unknown("the lane ended without an answer".to_owned());
        answer.await.unwrap_or_else(|_| Err(lost().into()))
    }

    /// Writes what waits, then ends the task; later commits are refused.
    async fn stop(&self) {
        // Refused: the task has ended already.
        let _ = self.queue.send(Message::Stop).await;
        let task = self.task.lock().take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("a lane's task ended by a panic");
        }
    }
}

/// Why nothing of a batch is kept, or nobody knows.
pub(crate) enum Fault {
    /// A key was taken, or a row is not there; written with verdicts it is told whose.
    Clashed,
    /// These fail; what they had written was rolled back, with all the rest.
    Failed(Failures),
    /// The server refused a statement: by one of the commits, it does not say which.
    Refused(CommitError),
    /// The server ended the transaction in favour of another.
    Again(StoreError),
    /// The connection cannot be used any more.
    Gone(StoreError),
}

impl Fault {
    /// Of a statement before the commit.
    pub(crate) fn before(error: &Error) -> Self {
        match verdict(error) {
            Verdict::Refused => Self::Refused(store_error(error).into()),
            Verdict::Again => Self::Again(store_error(error)),
            Verdict::Away | Verdict::Lost => Self::Gone(store_error(error)),
        }
    }

    /// Of the commit, or of a statement that was sent together with it.
    pub(crate) fn at_commit(error: &Error) -> Self {
        match verdict(error) {
            Verdict::Lost => Self::Gone(commit_error(error)),
            _ => Self::before(error),
        }
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Database(error) => Self::before(&error),
            Trouble::Refused(error) => Self::Refused(error),
        }
    }
}

struct Worker {
    database: Arc<Database>,
    /// `None` before the first commit, and after a failure that a connection cannot be trusted after.
    session: Option<Session>,
    node: i32,
    writer: String,
    /// Nothing is noted to be kept later than this.
    noted: Option<Timestamp>,
}

impl Worker {
    async fn serve<C: Work>(mut self, mut inbox: mpsc::Receiver<Message<C>>) {
        while let Some(message) = inbox.recv().await {
            let mut batch = gather(message, &mut inbox);
            batch.sort_by_key(|job| job.commit.key());
            // The many that are written in one go do not wait for the round trips of the few that are not.
            let (many, few) = split(batch);
            self.write(many).await;
            self.write(few).await;
        }
    }

    /// Writes a batch and answers all of it, once everything is decided.
    async fn write<C: Work>(&mut self, batch: Vec<Job<C>>) {
        let (mut waiting, mut decided) = (batch, Vec::new());
        let (mut at_once, mut again) = (true, 0);
        while !waiting.is_empty() {
            let fault = match self.transact(&waiting, at_once).await {
                Ok(failures) => {
                    decided.extend(take(&mut waiting, failures));
                    decided.extend(waiting.drain(..).map(|job| (job, Ok(()))));
                    break;
                }
                Err(fault) => fault,
            };
            match fault {
                Fault::Clashed => at_once = false,
                Fault::Failed(failures) => decided.extend(take(&mut waiting, failures)),
                Fault::Again(_) if again < DEADLOCK_RETRIES_MAX => again += 1,
                Fault::Refused(_) if waiting.len() > 1 => {
                    for job in waiting.drain(..) {
                        Box::pin(self.write(vec![job])).await;
                    }
                }
                Fault::Refused(error) => decided.extend(waiting.drain(..).map(|job| (job, Err(error.clone())))),
                Fault::Again(error) | Fault::Gone(error) => {
                    tracing::error!(%error, commits = waiting.len(), "a transaction failed; a new connection is made");
                    self.session = None;
                    decided.extend(waiting.drain(..).map(|job| (job, Err(error.clone().into()))));
                }
            }
        }
        for (job, outcome) in decided {
            // Nobody waits any more: it is kept all the same.
            let _ = job.reply.send(outcome);
        }
    }

    /// One transaction. `Ok` means durable, but for those it names.
    async fn transact<C: Work>(&mut self, batch: &[Job<C>], at_once: bool) -> Result<Failures, Fault> {
        let commits: Vec<&C> = batch.iter().map(|job| &job.commit).collect();
        let latest = commits.iter().filter_map(|commit| commit.latest()).max();
        // A little ahead: one batch in hundreds has it to note, instead of nearly every one.
        let later = latest.filter(|latest| self.noted.is_none_or(|noted| noted < *latest));
        let later = later.map(|latest| latest.plus_ms(NOTED_AHEAD_MS));
        let at_once = at_once && commits.iter().all(|commit| commit.fits_at_once());
        let noting = Noting { node: self.node, writer: &self.writer, later };
        let work = async {
            let session = connected(&self.database, &mut self.session).await?;
            if at_once {
                // Whatever the server refuses: it does not say by whom.
                C::write_at_once(session, &commits, &noting).await.map_err(|fault| match fault {
                    Fault::Refused(_) => Fault::Clashed,
                    fault => fault,
                })
            } else {
                write_apart(session, &commits, &noting).await
            }
        };
        let silent = || StoreError::Unknown("the database does not answer".to_owned());
        let written = tokio::time::timeout(SILENCE_TIMEOUT, work).await;
        let failures = written.unwrap_or_else(|_| Err(Fault::Gone(silent())))?;
        self.noted = later.or(self.noted);
        Ok(failures)
    }
}

/// The session, made anew when there is none that works.
async fn connected<'a>(database: &Database, session: &'a mut Option<Session>) -> Result<&'a Session, Fault> {
    if session.as_ref().is_none_or(Session::is_closed) {
        *session = None;
        let new = database.session().await.map_err(Fault::Gone)?;
        for setting in [PLANS, PATIENT] {
            new.run(setting).await.map_err(|error| Fault::before(&error))?;
        }
        *session = Some(new);
    }
    session.as_ref().ok_or_else(|| Fault::Gone(StoreError::Unavailable("not connected".to_owned())))
}

async fn write_apart<C: Work>(session: &Session, commits: &[&C], noting: &Noting<'_>) -> Result<Failures, Fault> {
    let fault = match C::write(session, commits, noting).await {
        Ok(written) if written.leaves_traces => Fault::Failed(written.failures),
        Ok(written) => {
            session.run("COMMIT").await.map_err(|error| Fault::at_commit(&error))?;
            return Ok(written.failures);
        }
        Err(trouble) => Fault::from(trouble),
    };
    Err(roll_back(session, fault).await)
}

/// Ends a transaction that is not to be kept; what is to be told then.
pub(crate) async fn roll_back(session: &Session, fault: Fault) -> Fault {
    match session.run("ROLLBACK").await {
        Ok(()) => fault,
        Err(error) => match fault {
            // A connection that does not roll back is of no more use; nothing of this was committed.
            Fault::Refused(_) | Fault::Failed(_) | Fault::Clashed | Fault::Again(_) => Fault::Gone(store_error(&error)),
            gone @ Fault::Gone(_) => gone,
        },
    }
}

fn gather<C>(first: Message<C>, inbox: &mut mpsc::Receiver<Message<C>>) -> Vec<Job<C>> {
    let mut batch = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Job(job) => batch.push(*job),
            // What is queued already is still done; then the receiver ends the loop.
            Message::Stop => inbox.close(),
        }
        next = if batch.len() < BATCH_COMMITS_MAX { inbox.try_recv().ok() } else { None };
    }
    batch
}

/// Those that can be written at once, and the others; all commits of one learner stay together and in order.
fn split<C: Work>(batch: Vec<Job<C>>) -> (Vec<Job<C>>, Vec<Job<C>>) {
    let apart: HashSet<_> =
        batch.iter().filter(|job| !job.commit.fits_at_once()).map(|job| job.commit.key().0).collect();
    batch.into_iter().partition(|job| !apart.contains(&job.commit.key().0))
}

/// Takes those that failed out of the batch.
fn take<C>(batch: &mut Vec<Job<C>>, failures: Failures) -> Vec<(Job<C>, Result<(), CommitError>)> {
    // From behind, so that the places of the others stay.
    failures.into_iter().rev().map(|(place, error)| (batch.remove(place), Err(error))).collect()
}
