//! One command on one attempt, or one look at it: find the slot, take the turn, decide, commit, fold.

use super::seal::{Sealed, seal};
use super::{CONFLICT_RETRIES_MAX, Input, Job, JobId, Node, view};
use crate::sim::client::Seen;
use crate::sim::env::Env;
use crate::sim::planted::Bug;
use crate::sim::schedule::{Envelope, Event, Write};
use exam_core::access::{self, Act, Verdict};
use exam_core::attempt::command::Actor;
use exam_core::attempt::decide::Decided;
use exam_core::attempt::{Attempt, Command, Context, Step, StepRow, decide};
use exam_core::integrity::{ItemTiming, Origin};
use exam_core::{AttemptId, PersonId, Refusal, Timestamp};
use exam_store::{AttemptRow, CommitError, StoreError};
use question_bank::Pool;
use std::sync::Arc;

pub(crate) struct AttemptJob {
    pub(super) from: From,
    pub(super) attempt: AttemptId,
    pub(super) work: Work,
    /// Whether the client was told before the job was done; only a planted bug does that.
    pub(super) answered: bool,
    actor: Actor,
    origin: Option<Origin>,
    /// Whether the state was reloaded for this command: a refusal is final then.
    fresh: bool,
    /// Whether the job still looks for its slot and has no turn yet.
    locating: bool,
    granted: bool,
    tries: u32,
    decided: Decided,
    sealed: Vec<Step>,
    apart: Option<exam_core::hours::LedgerEntry>,
}

pub(super) enum From {
    Client(Box<Envelope>),
    Worker,
    Job(JobId),
}

#[derive(Clone)]
pub(super) enum Work {
    View,
    Command { command: Command, pool: Option<Arc<Pool>> },
}

pub(super) enum Outcome {
    Decided(Decided),
    Refused(Refusal),
    NotFound,
    Failed,
    Seen(Box<Seen>),
}

impl AttemptJob {
    pub(super) fn of_client(envelope: Envelope, attempt: AttemptId, work: Work) -> Self {
        let person = envelope.caller.person;
        let origin = envelope.origin.clone().filter(|_| !matches!(work, Work::View));
        Self { origin, ..Self::new(From::Client(Box::new(envelope)), attempt, Actor::Person(person), work) }
    }

    pub(super) fn of_server(from: From, row: &AttemptRow, actor: Actor, work: Work) -> Self {
        Self::new(from, row.id, actor, work)
    }

    fn new(from: From, attempt: AttemptId, actor: Actor, work: Work) -> Self {
        Self {
            from,
            attempt,
            work,
            answered: false,
            actor,
            origin: None,
            fresh: false,
            locating: true,
            granted: false,
            tries: 0,
            decided: Decided::default(),
            sealed: Vec::new(),
            apart: None,
        }
    }

    /// Whether whoever asks may do this to an attempt of `owner`.
    fn allows(&self, owner: PersonId) -> bool {
        let From::Client(envelope) = &self.from else { return true };
        let act = match &self.work {
            Work::Command { command: Command::Proctor { .. }, .. } => Act::Proctor,
            Work::Command { command: Command::OpenCase { .. } | Command::DecideCase { .. }, .. } => {
                Act::DecideCase { owner }
            }
            _ => Act::TakeAttempt { owner },
        };
        access::decide(&envelope.caller, act) == Verdict::Allow
    }
}

impl Node {
    pub(super) fn begin_attempt(&mut self, env: &mut Env, job: AttemptJob) {
        let attempt = job.attempt;
        let cached = self.slots.entry(attempt).or_default().state.as_ref().map(|state| state.learner);
        let owner = match cached {
            Some(owner) => Ok(Some(owner)),
            None => env.store.attempt(attempt).map(|row| row.map(|row| row.learner)),
        };
        let allowed = owner.as_ref().is_ok_and(|owner| owner.is_some_and(|owner| job.allows(owner)));
        let id = self.begin(Job::Attempt(Box::new(job)));
        match owner {
            Err(_) => self.finish(env, id, Outcome::Failed),
            Ok(_) if !allowed => self.finish(env, id, Outcome::NotFound),
            Ok(_) if cached.is_some() => self.located(env, id),
            Ok(_) => self.read_rows(env, id),
        }
    }

    fn job(&mut self, id: JobId) -> Option<&mut AttemptJob> {
        match self.jobs.get_mut(&id) {
            Some(Job::Attempt(job)) => Some(job),
            _ => None,
        }
    }

    /// Reads the log now; it is folded a moment later, when it may be old.
    fn read_rows(&mut self, env: &mut Env, id: JobId) {
        let Some(attempt) = self.job(id).map(|job| job.attempt) else { return };
        let rows = env.store.steps(attempt);
        let forgotten = self.slots.entry(attempt).or_default().forgotten;
        let delay = env.moment();
        env.later(delay, Event::Job(self.ticket(id), Input::Rows(rows, forgotten)));
    }

    pub(super) fn attempt_input(&mut self, env: &mut Env, id: JobId, input: Input) {
        match input {
            Input::Rows(Ok(rows), forgotten) => self.rows_read(env, id, &rows, forgotten),
            Input::Granted(Ok(granted)) => {
                if let Some(job) = self.job(id) {
                    job.granted |= granted;
                }
                self.judge(env, id);
            }
            Input::Committed(outcome) => self.committed(env, id, outcome),
            Input::Rows(Err(_), _) | Input::Granted(Err(_)) => self.finish(env, id, Outcome::Failed),
            Input::StartFacts(_) | Input::StudyFacts(_) => {}
        }
    }

    fn rows_read(&mut self, env: &mut Env, id: JobId, rows: &[StepRow], forgotten: u64) {
        let Some(job) = self.job(id) else { return };
        let (attempt, locating) = (job.attempt, std::mem::take(&mut job.locating));
        let Some(folded) = fold(rows) else { return self.finish(env, id, Outcome::Failed) };
        let slot = self.slots.entry(attempt).or_default();
        // Never go back behind what is known, nor behind what was forgotten since.
        let newer = slot.state.as_ref().is_some_and(|known| known.seq >= folded.seq);
        let stale = locating && slot.forgotten != forgotten;
        if !newer && !stale {
            slot.state = Some(folded);
        }
        if locating {
            return self.located(env, id);
        }
        if let Some(job) = self.job(id) {
            job.fresh = true;
        }
        self.judge(env, id);
    }

    /// The slot is found: a look ends here, a command waits for its turn.
    fn located(&mut self, env: &mut Env, id: JobId) {
        let now = self.now(env);
        let Some(job) = self.job(id) else { return };
        job.locating = false;
        let attempt = job.attempt;
        let is_view = matches!(job.work, Work::View);
        let slot = self.slots.entry(attempt).or_default();
        if is_view {
            let seen = slot.state.as_ref().map(|state| Box::new(view::write(env, state, now)));
            return self.finish(env, id, seen.map_or(Outcome::Failed, Outcome::Seen));
        }
        if slot.holder.is_some() {
            slot.waiting.push_back(id);
        } else {
            slot.holder = Some(id);
            self.turn(env, id);
        }
    }

    /// It is this command's turn: what those that may grant hours have to know is read.
    fn turn(&mut self, env: &mut Env, id: JobId) {
        let Some(job) = self.job(id) else { return };
        let Work::Command { command, .. } = &job.work else { return };
        let may_grant = matches!(
            command,
            Command::Submit { .. } | Command::Expire | Command::Regrade { .. } | Command::DecideCase { .. }
        );
        let attempt = job.attempt;
        let delay = env.moment();
        let granted = if may_grant {
            let row = env.store.attempt(attempt);
            row.and_then(|row| {
                let facts = row.as_ref().and_then(|row| Some((row.learner, env.world.facts.exam(row.exam)?)));
                facts.map_or(Ok(false), |(learner, exam)| env.store.is_granted(learner, exam.course, exam.credit_year))
            })
        } else {
            Ok(false)
        };
        env.later(delay, Event::Job(self.ticket(id), Input::Granted(granted)));
    }

    pub(super) fn release(&mut self, env: &mut Env, id: JobId, attempt: AttemptId) {
        let Some(slot) = self.slots.get_mut(&attempt).filter(|slot| slot.holder == Some(id)) else { return };
        slot.holder = slot.waiting.pop_front();
        if let Some(next) = slot.holder {
            self.turn(env, next);
        }
    }

    fn judge(&mut self, env: &mut Env, id: JobId) {
        let now = self.now(env);
        let number = self.number();
        let Some(Job::Attempt(job)) = self.jobs.get_mut(&id) else { return };
        let slot = self.slots.entry(job.attempt).or_default();
        let (Some(state), Work::Command { command, pool }) = (&slot.state, &job.work) else {
            return self.read_rows(env, id);
        };
        let judged = decide_on(env, state, command, pool.as_deref(), job, now);
        // Judged from a cache that another node may have overtaken: look once more.
        if env.world.nodes > 1 && !job.fresh && is_refusal(env, &judged) {
            slot.forget();
            return self.read_rows(env, id);
        }
        match judged {
            Ok(decided) if decided.steps.is_empty() => self.finish(env, id, Outcome::Decided(decided)),
            Ok(decided) => {
                let Sealed { mut commit, steps } = seal(env, state, &decided, now, job.actor, number, job.granted);
                job.apart = if env.is(Bug::GrantApart) { commit.grant.take() } else { None };
                (job.decided, job.sealed) = (decided, steps);
                if env.is(Bug::CacheAhead) {
                    apply(&mut slot.state, &job.sealed);
                }
                self.ack_early(env, id);
                env.send(self.ticket(id), Write::Attempt(Box::new(commit)));
                if env.is(Bug::DroppedMidway) {
                    self.drop_midway(env, id);
                }
            }
            Err(refusal) => self.finish(env, id, Outcome::Refused(refusal)),
        }
    }

    /// What happens where a request's own task does the work and ends with its connection.
    fn drop_midway(&mut self, env: &mut Env, id: JobId) {
        let hung_up = |job: &&mut AttemptJob| matches!(&job.from, From::Client(envelope) if envelope.hung_up);
        if let Some(attempt) = self.job(id).filter(hung_up).map(|job| job.attempt) {
            self.jobs.remove(&id);
            self.release(env, id, attempt);
        }
    }

    fn ack_early(&mut self, env: &mut Env, id: JobId) {
        if !env.is(Bug::AckBeforeCommit) {
            return;
        }
        let Some(Job::Attempt(mut job)) = self.jobs.remove(&id) else { return };
        if let From::Client(envelope) = &job.from
            && !std::mem::replace(&mut job.answered, true)
        {
            let reply = self.reply(env, &job, Outcome::Decided(job.decided.clone()));
            Self::send(env, envelope, reply);
        }
        self.jobs.insert(id, Job::Attempt(job));
    }

    fn committed(&mut self, env: &mut Env, id: JobId, outcome: Result<(), CommitError>) {
        let Some(Job::Attempt(job)) = self.jobs.get_mut(&id) else { return };
        let slot = self.slots.entry(job.attempt).or_default();
        let ahead = env.is(Bug::CacheAhead);
        let pretend = env.is(Bug::UnknownIsDone);
        match outcome {
            Err(CommitError::Store(StoreError::Unknown(_))) if !pretend => {}
            Ok(()) | Err(CommitError::Store(StoreError::Unknown(_))) => {
                if !ahead {
                    apply(&mut slot.state, &job.sealed);
                }
                if let Some(entry) = job.apart.take() {
                    env.store.grant_apart(entry);
                }
                let decided = std::mem::take(&mut job.decided);
                return self.finish(env, id, Outcome::Decided(decided));
            }
            Err(CommitError::Store(_)) => {}
            Err(conflict) => {
                job.granted |= conflict == CommitError::AlreadyGranted;
                job.tries += 1;
                if !ahead {
                    slot.forget();
                }
                if job.tries < CONFLICT_RETRIES_MAX {
                    return self.judge(env, id);
                }
                return self.finish(env, id, Outcome::Failed);
            }
        }
        if !ahead {
            slot.forget();
        }
        self.finish(env, id, Outcome::Failed);
    }
}

/// Whether anything was refused: a batch of answers says so one by one. Where some were taken, the commit
/// proves that the cache was right.
fn is_refusal(env: &Env, judged: &Result<Decided, Refusal>) -> bool {
    match judged {
        Ok(decided) => {
            decided.steps.is_empty() && decided.answers.iter().any(Result::is_err) && !env.is(Bug::StaleRefusal)
        }
        Err(_) => true,
    }
}

fn decide_on(
    env: &Env,
    state: &Attempt,
    command: &Command,
    pool: Option<&Pool>,
    job: &AttemptJob,
    now: Timestamp,
) -> Result<Decided, Refusal> {
    let Some(exam) = env.world.facts.exam(state.exam) else { return Err(Refusal::WrongState("there is no such exam")) };
    let hours = env.world.hours(exam, state.id, job.granted);
    let timing = |_| ItemTiming { count: 50, mean_ln: 2.0, sd_ln: 0.4 };
    let context = Context {
        now,
        rules: &exam.rules,
        pool: pool.unwrap_or(&exam.pool),
        hours: &hours,
        origin: job.origin.as_ref(),
        timing: &timing,
        heuristics: env.heuristics,
    };
    decide(state, command, &context)
}

/// After the commit: the cache says what the store says, or nothing.
fn apply(state: &mut Option<Attempt>, steps: &[Step]) {
    let applied = state.as_mut().is_none_or(|state| steps.iter().all(|step| state.apply(step).is_ok()));
    if !applied {
        *state = None;
    }
}

fn fold(rows: &[StepRow]) -> Option<Attempt> {
    let steps: Vec<Step> = rows.iter().map(StepRow::read).collect::<Result<_, _>>().ok()?;
    let first = rows.first()?;
    Attempt::fold(first.learner, first.log, &steps).ok()
}
