//! A node: a cache of attempts, turns, and jobs under way. Modelled on the service: it decides on the
//! cached state, commits, and folds what was committed; whoever loses reloads. A crash forgets all of it.

mod attempt;
mod regrade;
mod seal;
mod start;
mod study;
mod view;

pub(crate) use attempt::AttemptJob;
use attempt::{From, Outcome, Work};
use regrade::RegradeJob;
use start::{StartFacts, StartJob};
use study::{SaveJob, Studies, StudyJob};

use super::checker::Observed;
use super::client::{Kept, Reply, Request};
use super::clock::NodeClock;
use super::env::Env;
use super::planted::Bug;
use super::schedule::{Envelope, Event, NodeIndex, Ticket};
use super::store::StudyFacts;
use exam_core::attempt::command::Actor;
use exam_core::attempt::{Attempt, Command, StepRow};
use exam_core::{AttemptId, Timestamp};
use exam_store::{CommitError, StoreError};
use std::collections::{BTreeMap, VecDeque};

/// A job of a node.
pub(crate) type JobId = u64;

/// How often a command is decided again after another node was faster.
const CONFLICT_RETRIES_MAX: u32 = 5;
/// The longest the expiry worker sleeps.
const EXPIRY_SLEEP_MS_MAX: i64 = 30_000;
/// How long after the end a worker still looks whether a resumption made something due.
const QUIET_MS: i64 = 1_800_000;
/// How long after the end beats may still be under way.
const STUDIES_END_MS: i64 = 60_000;

pub(crate) struct Node {
    pub(crate) index: NodeIndex,
    pub(crate) up: bool,
    pub(crate) clock: NodeClock,
    /// Counts starts: what was under way in an earlier life is not heard of again.
    life: u64,
    slots: BTreeMap<AttemptId, Slot>,
    jobs: BTreeMap<JobId, Job>,
    jobs_begun: JobId,
    studies: Studies,
}

/// One attempt's place in memory.
#[derive(Default)]
struct Slot {
    state: Option<Attempt>,
    /// Counts how often the state was forgotten: what was read before is not put back after.
    forgotten: u64,
    holder: Option<JobId>,
    waiting: VecDeque<JobId>,
}

enum Job {
    Attempt(Box<AttemptJob>),
    Start(Box<StartJob>),
    Regrade(Box<RegradeJob>),
    Study(Box<StudyJob>),
    Save(SaveJob),
}

/// What a job waits for.
pub(crate) enum Input {
    /// The log, and how often the slot had been forgotten when it was read.
    Rows(Result<Vec<StepRow>, StoreError>, u64),
    /// Whether the hours are granted.
    Granted(Result<bool, StoreError>),
    /// What became of a commit.
    Committed(Result<(), CommitError>),
    /// What a start has to know.
    StartFacts(Box<Result<StartFacts, StoreError>>),
    /// What a study has to know.
    StudyFacts(Box<Result<StudyFacts, StoreError>>),
}

impl Slot {
    fn forget(&mut self) {
        self.state = None;
        self.forgotten += 1;
    }
}

impl Node {
    pub(crate) fn new(index: NodeIndex, wall_error_ms: i64) -> Self {
        let clock = NodeClock::new(wall_error_ms);
        Self {
            index,
            up: false,
            clock,
            life: 0,
            slots: BTreeMap::new(),
            jobs: BTreeMap::new(),
            jobs_begun: 0,
            studies: Studies::default(),
        }
    }

    /// The number that stands in steps.
    pub(crate) const fn number(&self) -> u16 {
        self.index as u16 + 1
    }

    pub(crate) fn start(&mut self, env: &mut Env) {
        if self.up {
            return;
        }
        let Ok(floor) = env.store.latest_time() else {
            return env.later(1_000, Event::Fault(super::schedule::Fault::NodeStart(self.index)));
        };
        self.up = true;
        self.life += 1;
        let server = self.clock.start(env.now_ms, floor);
        env.note(|| format!("node {} starts at {server}", self.number()));
        env.observed.push(Observed::NodeStarted { node: self.number(), real_ms: env.now_ms, server });
        env.later(50, Event::Tick(self.index, self.life));
        env.later(5_000, Event::Save(self.index, self.life));
    }

    pub(crate) fn crash(&mut self, env: &mut Env) {
        if self.up {
            env.lessons.crashes.push((self.number(), env.now_ms));
            env.note(|| format!("node {} crashes with {} jobs", self.number(), self.jobs.len()));
        }
        self.up = false;
        self.slots.clear();
        self.jobs.clear();
        self.forget_studies(env);
    }

    /// What it holds in memory.
    pub(crate) fn caches(&self) -> impl Iterator<Item = &Attempt> {
        self.slots.values().filter_map(|slot| slot.state.as_ref())
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    fn now(&mut self, env: &Env) -> Timestamp {
        if env.is(Bug::WallClock) { self.clock.wall(env.now_ms) } else { self.clock.now(env.now_ms) }
    }

    fn ticket(&self, job: JobId) -> Ticket {
        Ticket { node: self.index, life: self.life, job }
    }

    fn begin(&mut self, job: Job) -> JobId {
        self.jobs_begun += 1;
        self.jobs.insert(self.jobs_begun, job);
        self.jobs_begun
    }

    /// A request arrives.
    pub(crate) fn deliver(&mut self, env: &mut Env, envelope: Envelope) {
        if !self.up {
            return;
        }
        match &*envelope.request {
            Request::Start { .. } => {
                let id = self.begin(Job::Start(Box::new(StartJob::new(envelope))));
                self.start_read(env, id);
            }
            Request::Regrade { .. } => self.begin_regrade(env, envelope),
            _ => {
                let Some(attempt) = envelope.request.attempt() else { return };
                let command = envelope.request.command();
                let work = command.map_or(Work::View, |command| Work::Command { command, pool: None });
                self.begin_attempt(env, AttemptJob::of_client(envelope, attempt, work));
            }
        }
    }

    /// A job goes on.
    pub(crate) fn resume(&mut self, env: &mut Env, ticket: Ticket, input: Input) {
        if !self.up || ticket.life != self.life {
            return;
        }
        match self.jobs.get(&ticket.job) {
            Some(Job::Attempt(_)) => self.attempt_input(env, ticket.job, input),
            Some(Job::Start(_)) => self.start_input(env, ticket.job, input),
            Some(Job::Study(_)) => self.study_input(env, ticket.job, input),
            Some(Job::Save(_)) => {
                if let Input::Committed(outcome) = input {
                    self.saved(env, ticket.job, &outcome);
                }
            }
            Some(Job::Regrade(_)) | None => {}
        }
    }

    /// The expiry worker: asks what is due. Now and then it asks too early, as a worker with an old list
    /// would: the rules must hold whoever asks.
    pub(crate) fn tick(&mut self, env: &mut Env, life: u64) {
        if !self.up || life != self.life {
            return;
        }
        let now = self.now(env);
        let early_ms = if env.rng.percent(30) { env.rng.between(0, 40_000) } else { 0 };
        let due = env.store.attempts_due(now.plus_ms(early_ms));
        for row in due.unwrap_or_default() {
            let work = Work::Command { command: Command::Expire, pool: None };
            self.begin_attempt(env, AttemptJob::of_server(From::Worker, &row, Actor::System, work));
        }
        let asleep = match env.store.next_due() {
            Ok(Some(due)) if env.is_rough() => (due.since(now) + 1).clamp(500, EXPIRY_SLEEP_MS_MAX),
            Ok(Some(due)) => (due.since(now) + 1).max(500),
            Ok(None) if !env.is_rough() && env.now_ms > env.world.ends_ms + QUIET_MS => return,
            Ok(None) => EXPIRY_SLEEP_MS_MAX,
            Err(_) => 1_000,
        };
        env.later(asleep, Event::Tick(self.index, life));
    }

    /// A job is done; whoever asked is told.
    fn finish(&mut self, env: &mut Env, id: JobId, outcome: Outcome) {
        let Some(Job::Attempt(job)) = self.jobs.remove(&id) else { return };
        self.release(env, id, job.attempt);
        match &job.from {
            From::Worker => {}
            From::Job(parent) => self.child_done(env, *parent, outcome),
            From::Client(envelope) => {
                if !job.answered {
                    let reply = self.reply(env, &job, outcome);
                    Self::send(env, envelope, reply);
                }
            }
        }
    }

    fn child_done(&mut self, env: &mut Env, parent: JobId, outcome: Outcome) {
        match self.jobs.get(&parent) {
            Some(Job::Start(_)) => self.start_child_done(env, parent, outcome),
            Some(Job::Regrade(_)) => self.regrade_child_done(env, parent, outcome),
            _ => {}
        }
    }

    fn reply(&self, env: &Env, job: &AttemptJob, outcome: Outcome) -> Reply {
        let decided = match outcome {
            Outcome::Decided(decided) => decided,
            Outcome::Refused(refusal) => return Reply::Refused(refusal),
            Outcome::NotFound => return Reply::NotFound,
            Outcome::Failed => return Reply::Failed,
            Outcome::Seen(seen) => return Reply::Seen(seen),
        };
        let Work::Command { command: Command::Answer { answers, .. }, .. } = &job.work else { return Reply::Done };
        let state = self.slots.get(&job.attempt).and_then(|slot| slot.state.as_ref());
        let kept = decided.answers.iter().zip(answers).map(|(answered, input)| {
            let answered = answered.clone()?;
            Ok(Kept {
                receipt: env.world.facts.receipts.sign(job.attempt, &answered),
                feedback: state.and_then(|state| view::feedback(env, state, input)),
            })
        });
        Reply::Answers(kept.collect())
    }

    fn send(env: &mut Env, envelope: &Envelope, reply: Reply) {
        if let Some(delay) = env.travel() {
            env.later(delay, Event::Reply(envelope.client, envelope.op, reply));
        }
    }
}
