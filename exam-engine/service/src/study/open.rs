//! Opening and resuming.

use super::{Live, StudyError, StudyHandle, StudySlot, commit, completion, open_challenge};
use crate::lessons::LoadedLesson;
use crate::limits::CONFLICT_RETRIES_MAX;
use crate::slots::Turn;
use crate::tickets::{Pass, Purpose};
use crate::{Engine, EngineError};
use exam_core::Timestamp;
use exam_core::ids::{PersonId, StudyId};
use exam_core::integrity::Origin;
use exam_core::lesson::{Asked, Command, Context, Lesson, Told, decide};
use exam_store::{Announcement, Fence, StudyRow};
use question_bank::Seed;
use std::sync::Arc;

/// What a client says it had when it was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The study.
    pub study: StudyId,
    /// The last message it has.
    pub seq: u32,
    /// Names the connection, at random: other nodes are told that it has the study from now on.
    pub claim: u64,
}

/// A study that a connection may go on with.
pub struct OpenedStudy {
    /// For the commands that follow.
    pub handle: StudyHandle,
    /// Where it stands.
    pub welcome: Welcome,
    /// What the client missed.
    pub replay: Replay,
}

/// Where a study stands.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The number of the last message told.
    pub seq: u32,
    /// What is covered.
    pub covered_ms: i64,
    /// The furthest covered point.
    pub furthest_ms: i64,
    /// The challenge that takes an answer now.
    pub challenge: Option<Asked>,
    /// When the next question comes, during a cool-down or a lock.
    pub wait_until: Option<Timestamp>,
    /// Whether the lesson is completed.
    pub completed: bool,
    /// The engine's time, that the times above are to be compared with.
    pub now: Timestamp,
}

/// What a client missed while it was away.
#[derive(Clone, Debug, PartialEq)]
pub enum Replay {
    /// Nothing, or it has just begun.
    None,
    /// These messages, without a gap.
    Messages(Vec<Told>),
    /// More than is known, or what never was: it has to begin anew.
    Resync,
}

/// Who opens what, and how.
struct Opening<'a> {
    learner: PersonId,
    pass: &'a Pass,
    lesson: &'a Arc<LoadedLesson>,
    slot: &'a Arc<StudySlot>,
    origin: &'a Arc<Origin>,
}

impl Engine {
    /// Opens a study of the lesson that the pass is for, and takes over from whatever study of the learner is active;
    /// or resumes the active one.
    ///
    /// # Errors
    /// [`StudyError::TakenOver`] if what is to be resumed is not the active study, [`StudyError::NotFound`] if the pass
    /// is for no lesson, or the store does not keep it.
    pub async fn open_study(
        &self,
        pass: &Pass,
        resume: Option<Resume>,
        origin: &Arc<Origin>,
    ) -> Result<OpenedStudy, StudyError> {
        let Purpose::Lesson(lesson) = pass.purpose else { return Err(StudyError::NotFound) };
        let lesson = self.loaded_lesson(lesson).await?;
        let learner = pass.person().id;
        let slot = self.studies.get(learner);
        let turn = slot.turn().await.ok_or(EngineError::Overloaded)?;
        let opening = Opening { learner, pass, lesson: &lesson, slot: &slot, origin };
        match resume {
            Some(resume) => self.resume_study(&opening, resume).await,
            None => self.begin_study(&opening, turn).await,
        }
    }

    async fn begin_study(&self, opening: &Opening<'_>, mut turn: Turn) -> Result<OpenedStudy, StudyError> {
        let study = StudyId(uuid::Uuid::now_v7());
        for _ in 0..CONFLICT_RETRIES_MAX {
            // What is taken over here loses nothing of what it has earned.
            self.flush_slot(opening.slot).await?;
            let active = self.store.study(opening.learner).await?;
            let from = active.map(|active| active.epoch);
            let before = self.load_study(opening.learner, opening.lesson.row.id).await?;
            let epoch = from.map_or(1, |from| from + 1);
            let now = self.now();
            let (partner, seed) = (opening.pass.partner(), Seed::from_bytes(rand::random()));
            let command = Command::Open { study, epoch, seed, partner };
            let hours = completion::nothing(opening.lesson);
            let context = Context {
                now,
                rules: &opening.lesson.rules,
                pool: &opening.lesson.pool,
                hours: &hours,
                origin: Some(&**opening.origin),
            };
            let decided = decide(&before, &command, &context)?;
            let (learner, lesson) = (opening.learner, opening.lesson.row.id);
            let to = StudyRow { learner, study, epoch, lesson, partner, opened_at: now };
            let fence = Fence::Take { from, to };
            let prepared = commit::prepare(&before, &decided, fence, None, self.options.node, now)?;
            match self.keep_study(turn, opening.slot, prepared).await? {
                (_, Ok(_)) => {
                    return opening.opened(study, epoch, Replay::None, self.now()).ok_or(StudyError::TakenOver);
                }
                (turn_back, Err(_)) => turn = turn_back,
            }
        }
        Err(EngineError::Overloaded.into())
    }

    async fn resume_study(&self, opening: &Opening<'_>, resume: Resume) -> Result<OpenedStudy, StudyError> {
        let active = self.store.study(opening.learner).await?;
        let active = active.filter(|active| active.study == resume.study && active.lesson == opening.lesson.row.id);
        let epoch = active.ok_or(StudyError::TakenOver)?.epoch;
        let handle = opening.handle(resume.study, epoch);
        if self.options.shared_store {
            // It may have gone on at another node meanwhile.
            self.refresh_study(&handle).await?;
        } else if !matches!(handle.standing(), super::Standing::Current) {
            self.reload_study(&handle).await?;
        }
        if self.options.shared_store {
            let (learner, claim) = (opening.learner, resume.claim);
            self.store.announce(vec![Announcement::StudyResumed { learner, epoch, claim }]).await?;
        }
        let missed = opening.slot.read(|live| live.state.told_after(resume.seq)).flatten();
        let replay = match missed {
            None => Replay::Resync,
            Some(missed) if missed.is_empty() => Replay::None,
            Some(missed) => Replay::Messages(missed),
        };
        opening.opened(resume.study, epoch, replay, self.now()).ok_or(StudyError::TakenOver)
    }
}

impl Opening<'_> {
    fn handle(&self, study: StudyId, epoch: u64) -> StudyHandle {
        StudyHandle {
            learner: self.learner,
            study,
            epoch,
            lesson: Arc::clone(self.lesson),
            origin: Arc::clone(self.origin),
            slot: Arc::clone(self.slot),
        }
    }

    /// `None` if the slot holds another study by now.
    fn opened(&self, study: StudyId, epoch: u64, replay: Replay, now: Timestamp) -> Option<OpenedStudy> {
        let of_this = |live: &Live| (live.epoch() == epoch).then(|| welcome(&live.state, now));
        let welcome = self.slot.read(of_this).flatten()?;
        Some(OpenedStudy { handle: self.handle(study, epoch), welcome, replay })
    }
}

fn welcome(state: &Lesson, now: Timestamp) -> Welcome {
    Welcome {
        seq: state.told,
        covered_ms: state.covered.total(),
        furthest_ms: state.covered.furthest(),
        challenge: open_challenge(state, now),
        wait_until: state.wake_at(),
        completed: state.is_completed(),
        now,
    }
}
