//! A learner's study of a lesson: opening, beats, answers, waking.
//!
//! One study of a learner earns at a time, whatever the lesson, the device and the node: its epoch is a fence in
//! the store, and every commit and every checkpoint has to hold it. Within a node the learner's slot takes one
//! command at a time, as an attempt's does. What is earned between steps is soft: in the slot, marked as dirty,
//! and kept in batches by `progress`.

mod commit;
mod completion;
mod open;

use crate::lessons::LoadedLesson;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::slots::{Slot, Slots, State};
use crate::{Engine, EngineError};
use exam_core::ids::{ChallengeId, LessonId, PersonId, StudyId};
use exam_core::integrity::Origin;
use exam_core::lesson::{Asked, Beat, Command, Context, Decided, Lesson, LessonHours, LessonStepBody, Told, decide};
use exam_core::log::CommandId;
use exam_core::{Refusal, Timestamp};
use exam_store::{Checkpoint, StoreError};
use question_bank::Response;
use std::sync::Arc;

pub(crate) use commit::fold;
pub use open::{OpenedStudy, Replay, Resume, Welcome};

/// What the slots of learners are.
pub(crate) type StudySlot = Slot<Live>;
/// All of them.
pub(crate) type Studies = Slots<PersonId, Live>;

/// The study that is live on this node.
pub(crate) struct Live {
    /// Folded, with what was earned since.
    pub(crate) state: Lesson,
    /// Whether something was earned that no checkpoint holds.
    pub(crate) dirty: bool,
}

impl Live {
    fn epoch(&self) -> u64 {
        self.state.study.as_ref().map_or(0, |study| study.epoch)
    }

    /// What has to be kept of it between steps.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        let study = self.state.study.as_ref()?;
        let beat = study.last_beat?;
        Some(Checkpoint {
            learner: self.state.learner,
            lesson: self.state.lesson,
            epoch: study.epoch,
            seq: self.state.seq,
            covered: self.state.covered.clone(),
            position_ms: beat.position_ms,
            at: beat.at,
        })
    }
}

impl State for Live {
    fn is_later_than(&self, other: &Self) -> bool {
        (self.epoch(), self.state.seq) > (other.epoch(), other.state.seq)
    }
}

/// A study that this connection opened or resumed. A clone is the same study.
#[derive(Clone)]
pub struct StudyHandle {
    learner: PersonId,
    study: StudyId,
    epoch: u64,
    lesson: Arc<LoadedLesson>,
    origin: Arc<Origin>,
    slot: Arc<StudySlot>,
}

impl StudyHandle {
    /// Whose.
    #[must_use]
    pub const fn learner(&self) -> PersonId {
        self.learner
    }

    /// The `session` of the protocol.
    #[must_use]
    pub const fn study(&self) -> StudyId {
        self.study
    }

    /// Its number among the learner's studies.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The lesson.
    #[must_use]
    pub fn lesson(&self) -> &Arc<LoadedLesson> {
        &self.lesson
    }

    /// When [`Engine::wake_study`] has something to do, whether or not the client says anything.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.slot.read(|live| live.state.wake_at().filter(|_| live.epoch() == self.epoch)).flatten()
    }

    fn standing(&self) -> Standing {
        let known = self.slot.read(|live| match live.epoch() {
            epoch if epoch > self.epoch => Standing::TakenOver,
            epoch if epoch == self.epoch => Standing::Current,
            _ => Standing::Unknown,
        });
        known.unwrap_or(Standing::Unknown)
    }
}

/// What the slot knows of a handle's study.
enum Standing {
    Current,
    TakenOver,
    /// The store has to be asked.
    Unknown,
}

/// A study does not go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StudyError {
    /// A newer study of the learner is the active one; this one earns nothing any more.
    #[error("a newer study has taken over")]
    TakenOver,
    /// No such lesson, or none that this pass is for.
    #[error("not found")]
    NotFound,
    /// As anything else is refused or fails.
    #[error(transparent)]
    Engine(EngineError),
}

impl From<EngineError> for StudyError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotFound => Self::NotFound,
            EngineError::Refused(Refusal::StudyTaken) => Self::TakenOver,
            other => Self::Engine(other),
        }
    }
}

impl From<Refusal> for StudyError {
    fn from(refusal: Refusal) -> Self {
        EngineError::Refused(refusal).into()
    }
}

impl From<StoreError> for StudyError {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

/// What a player may know of its coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditView {
    /// The beat it answers.
    pub n: u64,
    /// What is covered.
    pub covered_ms: i64,
    /// The furthest covered point.
    pub furthest_ms: i64,
}

/// What a beat led to.
#[derive(Clone, Debug, PartialEq)]
pub struct BeatOutcome {
    /// What is covered by now.
    pub credit: CreditView,
    /// What the client must not miss, durable already.
    pub told: Vec<Told>,
}

/// What an answer led to.
#[derive(Clone, Debug, PartialEq)]
pub struct ChallengeOutcome {
    /// What the client must not miss, durable already: the verdict, and what follows it.
    pub told: Vec<Told>,
    /// The answer came too late, and a fresh challenge is among what is told.
    pub refused: Option<Refusal>,
}

/// What a command did.
struct Done {
    told: Vec<Told>,
    refused: Option<Refusal>,
}

impl Engine {
    /// Takes a beat of the player.
    ///
    /// # Errors
    /// A newer study has taken over, or the store does not keep what the beat led to.
    pub async fn beat(&self, handle: &StudyHandle, beat: Beat) -> Result<BeatOutcome, StudyError> {
        let n = beat.n;
        let done = self.study_command(handle, &Command::Beat(beat)).await?;
        let covered = handle.slot.read(|live| (live.state.covered.total(), live.state.covered.furthest()));
        let (covered_ms, furthest_ms) = covered.unwrap_or_default();
        Ok(BeatOutcome { credit: CreditView { n, covered_ms, furthest_ms }, told: done.told })
    }

    /// Takes an answer to a challenge. What is told is durable.
    ///
    /// # Errors
    /// The rule that refuses it, a newer study has taken over, or the store does not keep it.
    pub async fn answer_challenge(
        &self,
        handle: &StudyHandle,
        command: CommandId,
        challenge: ChallengeId,
        response: Response,
    ) -> Result<ChallengeOutcome, StudyError> {
        let done = self.study_command(handle, &Command::Answer { command, challenge, response }).await?;
        Ok(ChallengeOutcome { told: done.told, refused: done.refused })
    }

    /// Does what the time has come for, see [`StudyHandle::wake_at`].
    ///
    /// # Errors
    /// A newer study has taken over, or the store does not keep it.
    pub async fn wake_study(&self, handle: &StudyHandle) -> Result<Vec<Told>, StudyError> {
        Ok(self.study_command(handle, &Command::Wake).await?.told)
    }

    /// Whether the study is still the learner's active one, by the store: for whoever may have missed its end.
    ///
    /// # Errors
    /// A newer study has taken over, or the store does not answer.
    pub async fn check_study(&self, handle: &StudyHandle) -> Result<(), StudyError> {
        let active = self.store.study(handle.learner).await?;
        if active.is_some_and(|active| (active.study, active.epoch) == (handle.study, handle.epoch)) {
            Ok(())
        } else {
            Err(StudyError::TakenOver)
        }
    }

    /// The connection is gone: what it earned is kept soon. The study can be resumed.
    pub fn close_study(&self, handle: StudyHandle) {
        if handle.slot.read(|live| live.dirty) == Some(true) {
            self.progress.hurry();
        }
    }

    /// The one way a command takes: turn, decide, commit, apply.
    async fn study_command(&self, handle: &StudyHandle, command: &Command) -> Result<Done, StudyError> {
        // Kept in memory while somebody is there.
        let _ = self.studies.peek(handle.learner);
        let mut turn = handle.slot.turn().await.ok_or(EngineError::Overloaded)?;
        let (mut fresh, mut granted) = (false, false);
        for _ in 0..CONFLICT_RETRIES_MAX {
            match handle.standing() {
                Standing::Current => {}
                Standing::TakenOver => return Err(StudyError::TakenOver),
                Standing::Unknown => {
                    self.reload_study(handle).await?;
                    fresh = true;
                }
            }
            let now = self.now();
            let mut hours = completion::nothing(&handle.lesson);
            let mut judged = self.judge_study(handle, command, &hours, now)?;
            // Judged from a cache that another node may have overtaken: look once more.
            if self.options.shared_store && !fresh && judged.is_err() {
                self.refresh_study(handle).await?;
                fresh = true;
                continue;
            }
            let mut facts = None;
            if judged.as_ref().is_ok_and(completes) {
                let found = self.completion_facts(handle, granted).await?;
                hours = found.hours.clone();
                judged = self.judge_study(handle, command, &hours, now)?;
                facts = Some(found);
            }
            let decided = judged?;
            if decided.steps.is_empty() {
                self.earn(handle, &decided);
                return Ok(Done { told: decided.replayed.into_iter().collect(), refused: decided.refused });
            }
            let prepared = self.prepare_held(handle, &decided, facts.as_ref(), now)?;
            match self.keep_study(turn, &handle.slot, prepared).await? {
                (_, Ok(told)) => return Ok(Done { told, refused: decided.refused }),
                (turn_back, Err(conflict)) => {
                    granted |= conflict == exam_store::CommitError::AlreadyGranted;
                    turn = turn_back;
                }
            }
        }
        Err(EngineError::Overloaded.into())
    }

    fn judge_study(
        &self,
        handle: &StudyHandle,
        command: &Command,
        hours: &LessonHours,
        now: Timestamp,
    ) -> Result<Result<Decided, Refusal>, EngineError> {
        let context = Context {
            now,
            rules: &handle.lesson.rules,
            pool: &handle.lesson.pool,
            hours,
            origin: Some(&*handle.origin),
        };
        handle.slot.read(|live| decide(&live.state, command, &context)).ok_or_else(forgotten)
    }

    /// A beat that led to nothing but credit: in memory, to be kept with the next batch.
    fn earn(&self, handle: &StudyHandle, decided: &Decided) {
        let Some(credit) = &decided.credit else { return };
        let became_dirty = handle.slot.change(|live| {
            live.state.earn(credit);
            credit.stretch.is_some() && !std::mem::replace(&mut live.dirty, true)
        });
        if became_dirty == Some(true) {
            self.progress.add(Arc::clone(&handle.slot), handle.lesson.rules.policy.heartbeat_ms);
        }
    }

    /// Reads the study's state from the store, if it is still the active one.
    async fn reload_study(&self, handle: &StudyHandle) -> Result<(), StudyError> {
        for _ in 0..CONFLICT_RETRIES_MAX {
            let before = handle.slot.forgotten();
            let active = self.store.study(handle.learner).await?;
            if active.is_none_or(|active| (active.study, active.epoch) != (handle.study, handle.epoch)) {
                return Err(StudyError::TakenOver);
            }
            let state = self.load_study(handle.learner, handle.lesson.row.id).await?;
            if handle.slot.offer(Live { state, dirty: false }, before) {
                return Ok(());
            }
        }
        Err(EngineError::Overloaded.into())
    }

    /// The same, if another node may have gone on; what this one has earned is kept before.
    async fn refresh_study(&self, handle: &StudyHandle) -> Result<(), StudyError> {
        self.flush_slot(&handle.slot).await?;
        handle.slot.forget();
        self.reload_study(handle).await
    }

    /// Folds a learner's lesson from its steps and its last checkpoint.
    async fn load_study(&self, learner: PersonId, lesson: LessonId) -> Result<Lesson, EngineError> {
        // The row first: a step that is kept between the two makes the checkpoint too old, never too new.
        let row = self.store.progress(learner, lesson).await?;
        let mut state = commit::fold(learner, lesson, &self.store.lesson_steps(learner, lesson).await?)?;
        if let Some(row) = row {
            state.restore(row.seq, row.epoch, &row.covered);
        }
        Ok(state)
    }
}

fn completes(decided: &Decided) -> bool {
    decided.steps.iter().any(|step| matches!(step.body, LessonStepBody::Completed { .. }))
}

fn forgotten() -> EngineError {
    EngineError::Internal("a study was forgotten in its own turn".into())
}

/// The challenge of a state that takes an answer now.
fn open_challenge(state: &Lesson, now: Timestamp) -> Option<Asked> {
    state.open_challenge(now).cloned()
}
