//! The one way a command takes: turn, decide, commit, apply.

use crate::engine::Stats;
use crate::events::{AttemptEvent, Event, Events};
use crate::expiry::Alarm;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::outlive::Outlive;
use crate::rows::{Hand, Prepared, fold, hours_facts, prepare};
use crate::slots::{Slot, Turn};
use crate::{Engine, EngineError, LoadedExam};
use exam_core::attempt::decide::Decided;
use exam_core::attempt::{
    Attempt, Command, Context, Decision, HoursFacts, Mode, Step, StepBody, command::Actor, decide,
};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_core::integrity::Origin;
use exam_core::{Refusal, Timestamp};
use exam_store::{CommitError, Store};
use question_bank::pool::Pool;
use std::sync::Arc;

/// What a command did.
pub(crate) struct Done {
    pub(crate) decided: Decided,
    /// The attempt it was done to, and its exam.
    pub(crate) slot: Arc<Slot>,
    pub(crate) exam: Arc<LoadedExam>,
}

impl Engine {
    pub(crate) async fn command(
        &self,
        learner: PersonId,
        attempt: AttemptId,
        command: &Command,
        actor: Actor,
        origin: Option<&Origin>,
    ) -> Result<Done, EngineError> {
        self.command_with(learner, attempt, command, actor, origin, None).await
    }

    /// The one way a command takes: turn, decide, commit, apply. A regrade brings the pool to mark by.
    pub(crate) async fn command_with(
        &self,
        learner: PersonId,
        attempt: AttemptId,
        command: &Command,
        actor: Actor,
        origin: Option<&Origin>,
        pool: Option<&Pool>,
    ) -> Result<Done, EngineError> {
        let (slot, exam) = self.slot_of(learner, attempt).await?;
        let mut turn = slot.turn().await.ok_or(EngineError::Overloaded)?;
        let mut granted = self.granted_before(learner, command, &exam).await?;
        let mut fresh = false;
        for _ in 0..CONFLICT_RETRIES_MAX {
            if slot.read_current(|state| state.learner == learner) != Some(true) {
                self.reload(&slot, learner, attempt).await?;
                fresh = true;
            }
            let facts = hours_facts(&exam, attempt, granted);
            // Read once: a receipt signs the very time its step is kept with, and what was in time stays so.
            let now = self.now();
            let judged = self.judge(&slot, &exam, pool, &facts, command, origin, now)?;
            // Judged from a cache that another node may have overtaken: look once more.
            if self.options.shared_store && !fresh && refuses(&judged) {
                slot.forget();
                continue;
            }
            let decided = judged?;
            if decided.steps.is_empty() {
                return Ok(Done { decided, slot, exam });
            }
            let prepared = self.seal(&slot, &decided, actor, learner, &facts, now)?;
            let keep = self.keeper.clone().keep(turn, Arc::clone(&slot), Arc::clone(&exam), prepared);
            let (turn_back, kept) = Outlive::new(keep).await;
            match kept {
                Ok(()) => {
                    if slot.read(|attempt| attempt.phase.closed_at()).flatten().is_some() {
                        self.slots.over(attempt, now);
                    }
                    return Ok(Done { decided, slot, exam });
                }
                Err(CommitError::Store(error)) => {
                    Stats::add(&self.stats().failures, 1);
                    return Err(error.into());
                }
                Err(conflict) => {
                    granted |= conflict == CommitError::AlreadyGranted;
                    Stats::add(&self.stats().conflicts, 1);
                    turn = turn_back;
                }
            }
        }
        Err(EngineError::Overloaded)
    }

    /// The slot with its state loaded, and the exam.
    pub(crate) async fn slot_of(
        &self,
        learner: PersonId,
        attempt: AttemptId,
    ) -> Result<(Arc<Slot>, Arc<LoadedExam>), EngineError> {
        let slot = self.slots.get(attempt);
        let known = slot.read_current(|state| (state.learner, state.exam));
        let exam = match known {
            Some((owner, exam)) if owner == learner => exam,
            Some(_) => return Err(EngineError::NotFound),
            None => self.reload(&slot, learner, attempt).await?,
        };
        Ok((slot, self.loaded(exam).await?))
    }

    /// Folds the attempt from its steps, looked up by its learner.
    async fn reload(&self, slot: &Slot, learner: PersonId, attempt: AttemptId) -> Result<ExamId, EngineError> {
        for _ in 0..CONFLICT_RETRIES_MAX {
            let forgotten = slot.forgotten();
            let rows = self.store.steps(learner, attempt).await?;
            if rows.is_empty() {
                self.slots.drop_slot(attempt);
                return Err(EngineError::NotFound);
            }
            let state = fold(learner, attempt, &rows)?;
            let exam = state.exam;
            if slot.offer(state, forgotten) {
                return Ok(exam);
            }
        }
        Err(EngineError::Overloaded)
    }

    async fn granted_before(
        &self,
        learner: PersonId,
        command: &Command,
        exam: &LoadedExam,
    ) -> Result<bool, EngineError> {
        match command {
            Command::Submit { .. }
            | Command::Expire
            | Command::Regrade { .. }
            | Command::DecideCase { decision: Decision::Cleared, .. } => {
                Ok(self.store.is_granted(learner, exam.course.id, exam.course.credit_year).await?)
            }
            _ => Ok(false),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call site, all of them plain")]
    fn judge(
        &self,
        slot: &Slot,
        exam: &LoadedExam,
        pool: Option<&Pool>,
        hours: &HoursFacts,
        command: &Command,
        origin: Option<&Origin>,
        now: Timestamp,
    ) -> Result<Result<Decided, Refusal>, EngineError> {
        let timing = |item| exam.timing.get(item);
        let context = Context {
            now,
            rules: &exam.exam.rules,
            pool: pool.unwrap_or(&exam.pool),
            hours,
            origin,
            timing: &timing,
            heuristics: self.options.heuristics,
        };
        slot.read(|attempt| decide(attempt, command, &context))
            .ok_or_else(|| EngineError::Internal("an attempt was forgotten in its own turn".into()))
    }

    fn seal(
        &self,
        slot: &Slot,
        decided: &Decided,
        actor: Actor,
        learner: PersonId,
        facts: &HoursFacts,
        now: Timestamp,
    ) -> Result<Prepared, EngineError> {
        let hand = Hand { actor, node: self.options.node, voice: self.keeper.voice };
        slot.read(|attempt| prepare(attempt, decided, now, hand, learner, facts))
            .ok_or_else(|| EngineError::Internal("an attempt was forgotten in its own turn".into()))?
    }
}

/// Whether anything in a decision is a refusal.
fn refuses(judged: &Result<Decided, Refusal>) -> bool {
    match judged {
        Ok(decided) => decided.steps.is_empty() && decided.answers.iter().any(Result::is_err),
        Err(_) => true,
    }
}

/// Keeps what was decided and applies it. It outlives its caller: a client that hangs up ends its
/// request, and must not end this between the commit and the cache.
#[derive(Clone)]
pub(crate) struct Keeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) stats: Arc<Stats>,
    /// Wakes the expiry worker.
    pub(crate) alarm: Arc<Alarm>,
    /// Names this engine in announcements.
    pub(crate) voice: u64,
    pub(crate) events: Arc<Events>,
}

impl Keeper {
    async fn keep(
        self,
        turn: Turn,
        slot: Arc<Slot>,
        exam: Arc<LoadedExam>,
        prepared: Prepared,
    ) -> (Turn, Result<(), CommitError>) {
        let Prepared { commit, steps, learner, attempt } = prepared;
        let kept = self.store.commit(commit).await;
        match &kept {
            Ok(()) => {
                self.apply(&slot, &exam, &steps);
                self.tell(learner, attempt, exam.exam.id, &steps);
            }
            Err(_) => slot.forget(),
        }
        (turn, kept)
    }

    /// After the commit: the cache says what the store says.
    fn apply(&self, slot: &Slot, exam: &LoadedExam, steps: &[Step]) {
        let applied = slot.change(|attempt| {
            // Who heard of the commit before it was answered may have read these steps from the store already.
            let behind = attempt.seq;
            for step in steps.iter().filter(|step| step.seq > behind) {
                self.note(attempt, exam, step);
                attempt.apply(step)?;
            }
            Ok::<(), exam_core::attempt::FoldError>(())
        });
        // It is kept; a cache that does not follow is given up.
        if let Some(Err(error)) = applied {
            tracing::error!(%error, "a kept step does not follow the cached ones");
            slot.forget();
        }
    }

    /// After the cache: whoever is told reads what is told.
    fn tell(&self, learner: PersonId, attempt: AttemptId, exam: ExamId, steps: &[Step]) {
        self.events.touch(exam, attempt);
        for event in steps.iter().filter_map(|step| AttemptEvent::of(learner, attempt, step)) {
            self.events.tell(&Event::Attempt(event));
        }
    }

    fn note(&self, attempt: &Attempt, exam: &LoadedExam, step: &Step) {
        match &step.body {
            StepBody::Flagged(_) => Stats::add(&self.stats.flags, 1),
            StepBody::HoursGranted { .. } => Stats::add(&self.stats.grants, 1),
            StepBody::Expired => Stats::add(&self.stats.expiries, 1),
            StepBody::Answered { slot, offline: false, .. } if attempt.mode == Mode::Exam => {
                let index = *slot as usize - 1;
                let first = attempt.answers.get(index).is_some_and(Option::is_none);
                if let Some(paper_slot) = attempt.paper.slot(index).filter(|_| first) {
                    exam.timing.add(paper_slot.item, step.at.since(attempt.observer.last_answer_at()));
                }
            }
            StepBody::Resumed { .. } | StepBody::Extended { .. } => self.alarm.ring(),
            _ => {}
        }
    }
}
