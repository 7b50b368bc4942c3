//! What a decision becomes in the store, and keeping it.

use super::completion::CompletionFacts;
use super::{Live, StudyHandle, StudySlot, forgotten};
use crate::engine::Stats;
use crate::events::{Event, Events};
use crate::outlive::Outlive;
use crate::slots::Turn;
use crate::{Engine, EngineError};
use exam_core::Timestamp;
use exam_core::ids::{LessonId, PersonId};
use exam_core::lesson::{Decided, Lesson, LessonStepBody, LessonStepRow, Phase, Told};
use exam_core::log::{Actor, StepRow};
use exam_store::{Announcement, CommitError, Fence, LessonCommit, ProgressRow, ProgressState, Store, StoreError};
use std::sync::Arc;
use tokio::sync::Notify;

/// A commit, the state after it, and what is then told.
pub(super) struct Prepared {
    commit: LessonCommit,
    next: Lesson,
    told: Vec<Told>,
}

/// Folds a lesson's log; an empty one is a lesson that was never opened.
pub(crate) fn fold(learner: PersonId, lesson: LessonId, rows: &[LessonStepRow]) -> Result<Lesson, EngineError> {
    let steps: Result<Vec<_>, _> = rows.iter().map(StepRow::read).collect();
    let steps = steps.map_err(internal)?;
    Lesson::fold(learner, lesson, &steps).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}

/// Numbers and seals what was decided on `before`; the state after it.
fn seal(
    before: &Lesson,
    decided: &Decided,
    actor: Actor,
    node: u16,
    now: Timestamp,
) -> Result<(Vec<LessonStepRow>, Lesson), EngineError> {
    let at = now.max(before.last_at);
    let mut next = before.clone();
    if let Some(credit) = &decided.credit {
        next.earn(credit);
    }
    let mut rows = Vec::with_capacity(decided.steps.len());
    for new in &decided.steps {
        let row = StepRow::seal(before.learner, before.lesson, next.seq + 1, &next.head, at, actor, node, new)
            .map_err(internal)?;
        next.apply(&row.read().map_err(internal)?).map_err(internal)?;
        rows.push(row);
    }
    Ok((rows, next))
}

/// The row of a lesson as its state tells it.
fn progress_row(state: &Lesson, epoch: u64) -> ProgressRow {
    let completed_at = match state.phase {
        Phase::Completed { at } => Some(at),
        _ => None,
    };
    let last_beat = state.study.as_ref().and_then(|study| study.last_beat);
    ProgressRow {
        learner: state.learner,
        lesson: state.lesson,
        seq: state.seq,
        epoch,
        state: if completed_at.is_some() { ProgressState::Completed } else { ProgressState::InProgress },
        covered: state.covered.clone(),
        position_ms: last_beat.map_or_else(|| state.covered.furthest(), |beat| beat.position_ms),
        asked: state.asked,
        passed: state.passed,
        completed_at,
        hours: state.hours_granted,
        updated_at: state.last_at,
    }
}

/// Makes the commit of what was decided on `before`.
pub(super) fn prepare(
    before: &Lesson,
    decided: &Decided,
    fence: Fence,
    facts: Option<&CompletionFacts>,
    node: u16,
    now: Timestamp,
) -> Result<Prepared, EngineError> {
    let (steps, next) = seal(before, decided, Actor::Person(before.learner), node, now)?;
    let at = next.last_at;
    let granted = decided.steps.iter().any(|step| matches!(step.body, LessonStepBody::HoursGranted { .. }));
    let grant = facts.filter(|_| granted).and_then(|facts| facts.hours.ledger_entry(next.learner, next.lesson, at));
    let outbox = facts.and_then(|facts| facts.telling(&next, at));
    let announcements = match &fence {
        Fence::Take { to, .. } => vec![Announcement::StudyTaken { learner: to.learner, epoch: to.epoch }],
        Fence::Hold { .. } => Vec::new(),
    };
    let row = progress_row(&next, fence.epoch());
    let told = next.told_after(before.told).unwrap_or_default();
    Ok(Prepared { commit: LessonCommit { steps, row, fence, grant, outbox, announcements }, next, told })
}

impl Engine {
    /// Makes the commit of what the study of a handle decided.
    pub(super) fn prepare_held(
        &self,
        handle: &StudyHandle,
        decided: &Decided,
        facts: Option<&CompletionFacts>,
        now: Timestamp,
    ) -> Result<Prepared, EngineError> {
        let fence = Fence::Hold { study: handle.study, epoch: handle.epoch };
        let prepared = handle.slot.read(|live| prepare(&live.state, decided, fence, facts, self.options.node, now));
        prepared.ok_or_else(forgotten)?
    }

    /// Keeps a commit and applies it, whatever becomes of the caller: a client that hangs up ends its request, and must not
    /// end this between the commit and the cache.
    ///
    /// Gives the turn back with what became of it: what is told, or the conflict that asks for another look.
    pub(super) async fn keep_study(
        &self,
        turn: Turn,
        slot: &Arc<StudySlot>,
        prepared: Prepared,
    ) -> Result<(Turn, Result<Vec<Told>, CommitError>), EngineError> {
        let keeper = StudyKeeper {
            store: Arc::clone(&self.store),
            stats: Arc::clone(&self.keeper.stats),
            events: Arc::clone(&self.keeper.events),
            outbox: Arc::clone(&self.outbox),
        };
        let kept = Outlive::new(keeper.keep(turn, Arc::clone(slot), prepared)).await;
        match kept {
            (_, Err(CommitError::Store(error))) => {
                Stats::add(&self.stats().failures, 1);
                Err(error.into())
            }
            (turn, Err(conflict)) => {
                Stats::add(&self.stats().conflicts, 1);
                Ok((turn, Err(conflict)))
            }
            (turn, Ok(told)) => Ok((turn, Ok(told))),
        }
    }
}

struct StudyKeeper {
    store: Arc<dyn Store>,
    stats: Arc<Stats>,
    events: Arc<Events>,
    outbox: Arc<Notify>,
}

impl StudyKeeper {
    async fn keep(
        self,
        turn: Turn,
        slot: Arc<StudySlot>,
        prepared: Prepared,
    ) -> (Turn, Result<Vec<Told>, CommitError>) {
        let Prepared { commit, next, told } = prepared;
        let (took, tells) = (matches!(commit.fence, Fence::Take { .. }), commit.outbox.is_some());
        let epoch = commit.fence.epoch();
        if let Err(error) = self.store.commit_lesson(commit).await {
            // Certainly not kept, so what is known still holds, and what was earned since is not lost.
            let certain = matches!(error, CommitError::Store(StoreError::Full | StoreError::Unavailable(_)));
            if !certain {
                slot.forget();
            }
            return (turn, Err(error));
        }
        self.count(&told, took);
        let learner = next.learner;
        // Later than what is known, which was not given up: this has the turn.
        slot.offer(Live { state: next, dirty: false }, slot.forgotten());
        if took {
            self.events.tell(&Event::StudyTaken { learner, epoch });
        }
        if tells {
            self.outbox.notify_one();
        }
        (turn, Ok(told))
    }

    fn count(&self, told: &[Told], took: bool) {
        use exam_core::lesson::ToldWhat;
        Stats::add(&self.stats.studies, u64::from(took));
        for told in told {
            match &told.what {
                ToldWhat::Challenge { .. } => Stats::add(&self.stats.challenges, 1),
                ToldWhat::Verdict { .. } => Stats::add(&self.stats.verdicts, 1),
                ToldWhat::Completed { .. } => Stats::add(&self.stats.completions, 1),
                ToldWhat::Locked { .. } => {}
            }
        }
    }
}
