//! Starting an attempt.

use crate::engine::Stats;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::rows::news;
use crate::starts::Start;
use crate::{Engine, EngineError, Identity, LoadedExam, Wanted};
use exam_core::access::Act;
use exam_core::attempt::decide::content_digest;
use exam_core::attempt::step::Started;
use exam_core::attempt::{Attempt, Command, CommandId, Mode, NewStep, StepBody, StepRow, command::Actor};
use exam_core::exam::{Override, PersonalRules};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_core::integrity::Origin;
use exam_core::limits::OVERLAP_PAPERS_MAX;
use exam_core::start::{Admission, EarlierAttempt, admit};
use exam_core::{Refusal, Timestamp};
use exam_store::{AttemptRow, AttemptState, BeforeStart, Commit, CommitError, RowChange};
use question_bank::draw::{Avoid, Seed};
use question_bank::snapshot::ItemIndex;
use std::sync::Arc;

/// A started attempt.
#[derive(Clone, Debug)]
pub struct StartedAttempt {
    /// Its id.
    pub id: AttemptId,
    /// Whether an earlier start of the same command made it.
    pub replayed: bool,
}

/// What one try at starting needs to know.
struct Facts<'a> {
    identity: &'a Identity,
    exam: &'a Arc<LoadedExam>,
    command: CommandId,
    digest: [u8; 16],
    wanted: Wanted,
    origin: &'a Origin,
}

impl Facts<'_> {
    fn new<'a>(
        identity: &'a Identity,
        exam: &'a Arc<LoadedExam>,
        command: CommandId,
        wanted: Wanted,
        origin: &'a Origin,
    ) -> Result<Facts<'a>, EngineError> {
        wanted.check()?;
        let mode = [wanted.mode as u8];
        let mut content = vec![&b"start"[..], exam.exam.id.0.as_bytes(), &mode];
        let practice = wanted.practice.as_ref().map(serde_json::to_vec).transpose();
        let practice = practice.map_err(|error| EngineError::Internal(error.to_string()))?;
        content.extend(practice.as_deref());
        let digest = content_digest(&content);
        Ok(Facts { identity, exam, command, digest, wanted, origin })
    }
}

/// What stands before a start is drawn.
enum Looked {
    Started(StartedAttempt),
    Admitted { admission: Admission, all: Vec<AttemptRow>, now: Timestamp },
}

impl Engine {
    /// Starts an attempt, or finds the one this command started.
    ///
    /// # Errors
    /// The rule that forbids it, see [`exam_core::start::admit`].
    pub async fn start(
        &self,
        identity: &Identity,
        exam: ExamId,
        command: CommandId,
        wanted: impl Into<Wanted> + Send,
        origin: &Origin,
    ) -> Result<StartedAttempt, EngineError> {
        identity.may(Act::StartAttempt)?;
        let exam = self.open_exam(identity, exam).await?;
        let facts = Facts::new(identity, &exam, command, wanted.into(), origin)?;
        let under_way = self.starts.begin(identity.id());
        let started = self.start_begun(&facts, &under_way).await;
        under_way.end();
        started
    }

    async fn start_begun(&self, facts: &Facts<'_>, under_way: &Start<'_>) -> Result<StartedAttempt, EngineError> {
        for _ in 0..CONFLICT_RETRIES_MAX {
            match self.try_start(facts).await? {
                Some(started) if started.replayed => return Ok(started),
                Some(started) => {
                    if self.options.shared_store || !under_way.is_alone() {
                        self.settle(facts, started.id).await?;
                    }
                    return Ok(started);
                }
                None => Stats::add(&self.stats().conflicts, 1),
            }
        }
        Err(EngineError::Overloaded)
    }

    /// What a start would find before anything is drawn: the attempt this command started already, or the
    /// rule that forbids another one. `None` when it may start; nothing is changed.
    ///
    /// # Errors
    /// The rule that forbids it, see [`exam_core::start::admit`].
    pub async fn started_or_forbidden(
        &self,
        identity: &Identity,
        exam: ExamId,
        command: CommandId,
        wanted: impl Into<Wanted> + Send,
        origin: &Origin,
    ) -> Result<Option<StartedAttempt>, EngineError> {
        identity.may(Act::StartAttempt)?;
        let exam = self.open_exam(identity, exam).await?;
        let facts = Facts::new(identity, &exam, command, wanted.into(), origin)?;
        match self.look(&facts).await? {
            Looked::Started(started) => Ok(Some(started)),
            Looked::Admitted { .. } => Ok(None),
        }
    }

    /// One try; `None` when another start was faster and everything has to be looked at again.
    async fn try_start(&self, facts: &Facts<'_>) -> Result<Option<StartedAttempt>, EngineError> {
        let (admission, all, now) = match self.look(facts).await? {
            Looked::Started(started) => return Ok(Some(started)),
            Looked::Admitted { admission, all, now } => (admission, all, now),
        };
        if facts.wanted.mode == Mode::Exam {
            self.close_practices(facts, &all).await?;
        }
        let (attempt, commit) = self.prepare(facts, &admission, &all, now).await?;
        let due_at = match &commit.row {
            RowChange::Insert(row) => row.due_at,
            RowChange::Keep | RowChange::Update(_) => None,
        };
        match self.store.commit(commit).await {
            Ok(()) => {
                let id = attempt.id;
                facts.exam.exposure.count(&attempt.paper);
                let slot = self.slots.get(id);
                slot.offer(attempt, slot.forgotten());
                if let Some(due_at) = due_at {
                    self.keeper.alarm.comes_due(due_at);
                }
                self.events().touch(facts.exam.exam.id, id);
                Stats::add(&self.stats().starts, 1);
                Ok(Some(StartedAttempt { id, replayed: false }))
            }
            Err(CommitError::Store(error)) => {
                Stats::add(&self.stats().failures, 1);
                Err(error.into())
            }
            Err(_) => Ok(None),
        }
    }

    /// What this command started before, or whether the rules let it start now.
    async fn look(&self, facts: &Facts<'_>) -> Result<Looked, EngineError> {
        let BeforeStart { attempts: all, overrides } =
            self.store.before_start(facts.identity.id(), facts.exam.exam.id).await?;
        // What is known of the command comes first: its repeat is no start that rules could forbid.
        if let Some(started) = started_before(facts, &all)? {
            return Ok(Looked::Started(started));
        }
        let now = self.now();
        self.refuse_practice_beside_exam(facts, &all).await?;
        let exceptions: Vec<Override> = overrides.into_iter().map(|row| row.exception).collect();
        let personal = PersonalRules::new(&facts.exam.exam.rules, &exceptions);
        let earlier: Vec<EarlierAttempt> =
            all.iter().filter(|row| row.exam == facts.exam.exam.id).map(earlier_attempt).collect();
        match admit(&facts.exam.exam.rules, &personal, &earlier, facts.wanted.mode, now) {
            Ok(admission) => Ok(Looked::Admitted { admission, all, now }),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Looks once more after the commit: an exam and a practice that start at once do not see each other
    /// before it, but whichever commits last sees both. Where no other start can have been under way, there is
    /// nothing to see.
    async fn settle(&self, facts: &Facts<'_>, started: AttemptId) -> Result<(), EngineError> {
        let all = self.store.attempts_of(facts.identity.id(), None).await?;
        if facts.wanted.mode == Mode::Exam {
            return self.close_practices(facts, &all).await;
        }
        let beside = self.refuse_practice_beside_exam(facts, &all).await;
        if beside.is_err() {
            self.give_way(facts.identity.id(), started).await?;
        }
        beside
    }

    /// A practice would answer a running exam from the same bank.
    async fn refuse_practice_beside_exam(&self, facts: &Facts<'_>, all: &[AttemptRow]) -> Result<(), EngineError> {
        if facts.wanted.mode == Mode::Exam {
            return Ok(());
        }
        for row in all.iter().filter(|row| row.state.is_live() && row.mode == Mode::Exam) {
            if self.loaded(row.exam).await?.exam.bank == facts.exam.exam.bank {
                return Err(Refusal::AttemptOpen { attempt: row.id }.into());
            }
        }
        Ok(())
    }

    /// For the same reason open practices from the bank end when an exam starts.
    async fn close_practices(&self, facts: &Facts<'_>, all: &[AttemptRow]) -> Result<(), EngineError> {
        for row in all.iter().filter(|row| row.state.is_live() && row.mode == Mode::Practice) {
            if self.loaded(row.exam).await?.exam.bank == facts.exam.exam.bank {
                self.give_way(row.learner, row.id).await?;
            }
        }
        Ok(())
    }

    async fn give_way(&self, learner: PersonId, practice: AttemptId) -> Result<(), EngineError> {
        match self.command(learner, practice, &Command::GiveWay, Actor::System, None).await {
            Ok(_) | Err(EngineError::Refused(Refusal::AttemptClosed)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Draws the paper and writes the first step.
    async fn prepare(
        &self,
        facts: &Facts<'_>,
        admission: &Admission,
        all: &[AttemptRow],
        now: Timestamp,
    ) -> Result<(Attempt, Commit), EngineError> {
        let learner = facts.identity.id();
        let id = AttemptId(uuid::Uuid::now_v7());
        let started = self.draw(facts, admission, id, all, now).await?;
        let new = NewStep { command: Some((facts.command, facts.digest)), body: StepBody::Started(Box::new(started)) };
        let sealed = StepRow::seal(learner, id, 1, &[0; 32], now, Actor::Person(learner), self.options.node, &new)
            .map_err(|error| EngineError::Internal(error.to_string()))?;
        let step = exam_core::attempt::Step {
            seq: 1,
            at: now,
            actor: Actor::Person(learner),
            command: new.command,
            body: new.body,
            hash: sealed.hash,
        };
        let attempt = Attempt::begin(learner, id, &step).map_err(|error| EngineError::Internal(error.to_string()))?;
        let index = AttemptRow {
            start_command: facts.command,
            start_digest: facts.digest,
            ..crate::rows::attempt_row(&attempt, facts.command, facts.digest)
        };
        let announcements = vec![news(&index, &[], self.keeper.voice)];
        let row = RowChange::Insert(Box::new(index));
        let commit = Commit { steps: vec![sealed], row, grant: None, audit: None, announcements };
        Ok((attempt, commit))
    }

    async fn draw(
        &self,
        facts: &Facts<'_>,
        admission: &Admission,
        id: AttemptId,
        all: &[AttemptRow],
        now: Timestamp,
    ) -> Result<Started, EngineError> {
        let exam = facts.exam;
        let chosen = match &facts.wanted.practice {
            Some(practice) => Some(self.choose(exam, practice, facts.identity.id(), all, now).await?),
            None => None,
        };
        let (choice, plan) = chosen.unzip();
        let earlier = match facts.wanted.mode {
            Mode::Exam if exam.exam.rules.blueprint.overlap_max.is_some() => self.earlier_items(facts).await?,
            _ => Vec::new(),
        };
        let capped = if facts.wanted.mode == Mode::Exam { exam.exposure.capped() } else { Arc::from([]) };
        let seed = Seed::derive(&exam.secret, &id.bytes());
        let drawn = plan
            .as_ref()
            .unwrap_or(&exam.plan)
            .draw(&exam.pool, &seed, &Avoid { earlier: &earlier, capped: &capped })
            .map_err(|error| EngineError::Internal(error.to_string()))?;
        if !drawn.relaxed.is_empty() {
            tracing::warn!(exam = %exam.exam.id, attempt = %id, relaxed = ?drawn.relaxed, "a bound of the blueprint could not be kept");
        }
        Ok(Started {
            v: 1,
            exam: exam.exam.id,
            mode: facts.wanted.mode,
            number: admission.number,
            deadline: admission.deadline,
            grace_ms: exam.exam.rules.grace_ms,
            seed_commitment: seed.commitment(),
            paper: Arc::new(drawn.paper),
            avoided_earlier: earlier.iter().map(|item| item.0).collect(),
            avoided_capped: capped.iter().map(|item| item.0).collect(),
            choice,
            origin: Some(facts.origin.clone()),
        })
    }

    /// The items of the learner's earlier papers, sorted.
    async fn earlier_items(&self, facts: &Facts<'_>) -> Result<Vec<ItemIndex>, EngineError> {
        let rows = self.store.first_steps(facts.identity.id(), facts.exam.exam.id, OVERLAP_PAPERS_MAX as u32).await?;
        let mut items = Vec::new();
        for row in rows {
            let step = row.read().map_err(|error| EngineError::Internal(error.to_string()))?;
            if let StepBody::Started(started) = step.body {
                items.extend(started.paper.items());
            }
        }
        items.sort_unstable();
        items.dedup();
        Ok(items)
    }
}

/// What this very command started before.
fn started_before(facts: &Facts<'_>, all: &[AttemptRow]) -> Result<Option<StartedAttempt>, EngineError> {
    match all.iter().find(|row| row.start_command == facts.command) {
        Some(row) if row.start_digest == facts.digest => Ok(Some(StartedAttempt { id: row.id, replayed: true })),
        Some(_) => Err(Refusal::CommandReused.into()),
        None => Ok(None),
    }
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
