//! Starting an attempt: read, admit, let practices give way, draw, commit; lose a race and look again.

use super::attempt::{AttemptJob, From, Outcome, Work};
use super::seal::row_of;
use super::{CONFLICT_RETRIES_MAX, Input, Job, JobId, Node};
use crate::sim::client::{Reply, Request};
use crate::sim::env::Env;
use crate::sim::schedule::{Envelope, Event, Write};
use exam_core::access::{self, Act, Verdict};
use exam_core::attempt::command::Actor;
use exam_core::attempt::decide::content_digest;
use exam_core::attempt::{Attempt, Command, CommandId, Mode, NewStep, Started, Step, StepBody, StepRow};
use exam_core::exam::{Override, PersonalRules};
use exam_core::start::{Admission, EarlierAttempt, admit};
use exam_core::{AttemptId, BankId, ExamId, Refusal, Timestamp};
use exam_store::{AttemptRow, AttemptState, Commit, CommitError, RowChange, StoreError};
use question_bank::ItemIndex;
use question_bank::draw::{Avoid, Seed};
use std::sync::Arc;

pub(super) struct StartJob {
    envelope: Box<Envelope>,
    exam: ExamId,
    command: CommandId,
    mode: Mode,
    tries: u32,
    admission: Option<(Admission, Timestamp)>,
    practices: Vec<AttemptRow>,
    begun: Option<Attempt>,
}

/// What was read for one try.
pub(crate) struct StartFacts {
    by_command: Option<AttemptRow>,
    all: Vec<AttemptRow>,
    overrides: Vec<Override>,
}

impl StartJob {
    pub(super) fn new(envelope: Envelope) -> Self {
        let (exam, command, mode) = match &*envelope.request {
            Request::Start { exam, command, mode } => (*exam, *command, *mode),
            request => (ExamId(uuid::Uuid::nil()), request.command_id().unwrap_or_default(), Mode::Exam),
        };
        let envelope = Box::new(envelope);
        Self { envelope, exam, command, mode, tries: 0, admission: None, practices: Vec::new(), begun: None }
    }

    fn digest(&self) -> [u8; 16] {
        content_digest(&[b"start", &self.exam.bytes(), &[self.mode as u8]])
    }
}

impl Node {
    fn start_job(&mut self, id: JobId) -> Option<&mut StartJob> {
        match self.jobs.get_mut(&id) {
            Some(Job::Start(job)) => Some(job),
            _ => None,
        }
    }

    fn end_start(&mut self, env: &mut Env, id: JobId, reply: Reply) {
        if let Some(Job::Start(job)) = self.jobs.remove(&id) {
            Self::send(env, &job.envelope, reply);
        }
    }

    /// Reads now; it is judged a moment later.
    pub(super) fn start_read(&mut self, env: &mut Env, id: JobId) {
        let Some(job) = self.start_job(id) else { return };
        let (learner, exam, command) = (job.envelope.caller.person, job.exam, job.command);
        if access::decide(&job.envelope.caller, Act::StartAttempt) != Verdict::Allow {
            return self.end_start(env, id, Reply::NotFound);
        }
        let read = || -> Result<StartFacts, StoreError> {
            Ok(StartFacts {
                by_command: env.store.started_by(learner, command)?,
                all: env.store.attempts_of(learner)?,
                overrides: env.store.overrides(exam, learner)?,
            })
        };
        let facts = Box::new(read());
        let delay = env.moment();
        env.later(delay, Event::Job(self.ticket(id), Input::StartFacts(facts)));
    }

    pub(super) fn start_input(&mut self, env: &mut Env, id: JobId, input: Input) {
        match input {
            Input::StartFacts(facts) => match *facts {
                Ok(facts) => self.admit(env, id, &facts),
                Err(_) => self.end_start(env, id, Reply::Failed),
            },
            Input::Committed(outcome) => self.start_committed(env, id, outcome),
            Input::StudyFacts(_) | Input::Rows(..) | Input::Granted(_) => {}
        }
    }

    fn admit(&mut self, env: &mut Env, id: JobId, facts: &StartFacts) {
        let now = self.now(env);
        let Some(job) = self.start_job(id) else { return };
        match judge(env, job, facts, now) {
            Err(reply) => self.end_start(env, id, reply),
            Ok(admission) => {
                job.admission = Some((admission, now));
                if job.mode == Mode::Exam {
                    let bank = bank_of(env, job.exam);
                    let beside = |row: &&AttemptRow| {
                        row.state.is_live() && row.mode == Mode::Practice && bank_of(env, row.exam) == bank
                    };
                    job.practices = facts.all.iter().filter(beside).cloned().collect();
                }
                self.close_practices(env, id);
            }
        }
    }

    /// Open practices from the bank end when an exam starts, one after the other; then the paper is drawn.
    fn close_practices(&mut self, env: &mut Env, id: JobId) {
        let Some(job) = self.start_job(id) else { return };
        match job.practices.pop() {
            Some(row) => {
                let work = Work::Command { command: Command::GiveWay, pool: None };
                self.begin_attempt(env, AttemptJob::of_server(From::Job(id), &row, Actor::System, work));
            }
            None => self.draw(env, id),
        }
    }

    pub(super) fn start_child_done(&mut self, env: &mut Env, id: JobId, outcome: Outcome) {
        match outcome {
            Outcome::Decided(_) | Outcome::Refused(Refusal::AttemptClosed | Refusal::DeadlinePassed) => {
                self.close_practices(env, id);
            }
            _ => self.end_start(env, id, Reply::Failed),
        }
    }

    fn draw(&mut self, env: &mut Env, id: JobId) {
        let attempt = AttemptId(env.rng.uuid());
        let node = self.number();
        let Some(job) = self.start_job(id) else { return };
        let Some((attempt, commit)) = first_step(env, job, attempt, node) else {
            return self.end_start(env, id, Reply::Failed);
        };
        job.begun = Some(attempt);
        env.send(self.ticket(id), Write::Attempt(Box::new(commit)));
    }

    fn start_committed(&mut self, env: &mut Env, id: JobId, outcome: Result<(), CommitError>) {
        let Some(job) = self.start_job(id) else { return };
        match (outcome, job.begun.take()) {
            (Ok(()), Some(attempt)) => {
                let started = attempt.id;
                // Others may have read and changed it since it was durable: theirs is newer.
                self.slots.entry(started).or_default().state.get_or_insert(attempt);
                self.end_start(env, id, Reply::Started(started));
            }
            (Err(CommitError::Store(_)), _) | (Ok(()), None) => self.end_start(env, id, Reply::Failed),
            (Err(_), _) => {
                job.tries += 1;
                if job.tries < CONFLICT_RETRIES_MAX {
                    self.start_read(env, id);
                } else {
                    self.end_start(env, id, Reply::Failed);
                }
            }
        }
    }
}

fn bank_of(env: &Env, exam: ExamId) -> Option<BankId> {
    env.world.exam_index(exam).and_then(|index| env.world.banks.get(index)).copied()
}

fn judge(env: &Env, job: &StartJob, facts: &StartFacts, now: Timestamp) -> Result<Admission, Reply> {
    if let Some(row) = &facts.by_command {
        let same = row.start_digest == job.digest();
        return Err(if same { Reply::Started(row.id) } else { Reply::Refused(Refusal::CommandReused) });
    }
    let exam = env.world.facts.exam(job.exam).ok_or(Reply::NotFound)?;
    // A practice would answer a running exam from the same bank.
    let beside = |row: &&AttemptRow| {
        row.state.is_live() && row.mode == Mode::Exam && bank_of(env, row.exam) == bank_of(env, job.exam)
    };
    if let Some(open) = facts.all.iter().find(beside).filter(|_| job.mode == Mode::Practice) {
        return Err(Reply::Refused(Refusal::AttemptOpen { attempt: open.id }));
    }
    let personal = PersonalRules::new(&exam.rules, &facts.overrides);
    let earlier: Vec<EarlierAttempt> =
        facts.all.iter().filter(|row| row.exam == job.exam).map(earlier_attempt).collect();
    admit(&exam.rules, &personal, &earlier, job.mode, now).map_err(Reply::Refused)
}

fn earlier_attempt(row: &AttemptRow) -> EarlierAttempt {
    EarlierAttempt {
        id: row.id,
        mode: row.mode,
        number: row.number,
        closed_at: row.closed_at,
        finished: row.state == AttemptState::Submitted && row.answered > 0,
    }
}

/// Draws the paper and writes the first step; `None` when the store does not answer.
fn first_step(env: &Env, job: &StartJob, id: AttemptId, node: u16) -> Option<(Attempt, Commit)> {
    let exam = env.world.facts.exam(job.exam)?;
    let (admission, now) = job.admission.as_ref()?;
    let learner = job.envelope.caller.person;
    let earlier = if job.mode == Mode::Exam && exam.rules.blueprint.overlap_max.is_some() {
        earlier_items(&env.store.first_steps(learner, job.exam).ok()?)
    } else {
        Vec::new()
    };
    let seed = Seed::derive(&exam.secret, &id.bytes());
    let drawn = exam.plan.draw(&exam.pool, &seed, &Avoid { earlier: &earlier, capped: &[] }).ok()?;
    let started = Started {
        v: 1,
        exam: exam.id,
        mode: job.mode,
        number: admission.number,
        deadline: admission.deadline,
        grace_ms: exam.rules.grace_ms,
        seed_commitment: seed.commitment(),
        paper: Arc::new(drawn.paper),
        avoided_earlier: earlier.iter().map(|item| item.0).collect(),
        avoided_capped: Vec::new(),
        choice: None,
        origin: job.envelope.origin.clone(),
    };
    let new = NewStep { command: Some((job.command, job.digest())), body: StepBody::Started(Box::new(started)) };
    let actor = Actor::Person(learner);
    let row = StepRow::seal(learner, id, 1, &[0; 32], *now, actor, node, &new).ok()?;
    let step = Step { seq: 1, at: *now, actor, command: new.command, body: new.body, hash: row.hash };
    let attempt = Attempt::begin(learner, id, &step).ok()?;
    let index = row_of(&attempt, job.command, job.digest());
    let commit = Commit {
        steps: vec![row],
        row: RowChange::Insert(Box::new(index)),
        grant: None,
        audit: None,
        announcements: Vec::new(),
    };
    Some((attempt, commit))
}

/// The items of the learner's earlier papers, sorted.
fn earlier_items(rows: &[StepRow]) -> Vec<ItemIndex> {
    let mut items = Vec::new();
    for step in rows.iter().filter_map(|row| row.read().ok()) {
        if let StepBody::Started(started) = step.body {
            items.extend(started.paper.items());
        }
    }
    items.sort_unstable();
    items.dedup();
    items
}
