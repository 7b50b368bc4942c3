//! Lessons, what learners do in them, and the fence that lets one study of a learner earn at a time.

use crate::{Announcement, CommitError, OutboxRow, Page, StoreError};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::hours::LedgerEntry;
use exam_core::lesson::{Coverage, LessonPolicy};
use exam_core::log::StepRow;
use exam_core::{BankId, CourseId, LessonId, PartnerId, PersonId, StudyId, Timestamp};
use question_bank::Points;

/// A lesson. Fixed once it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonRow {
    /// The id.
    pub id: LessonId,
    /// The author's name for it, unique.
    pub code: String,
    /// The course it was made for.
    pub course: CourseId,
    /// Shown to learners.
    pub title: String,
    /// How long it plays.
    pub duration_ms: i64,
    /// The bank its questions come from.
    pub bank: BankId,
    /// The bank's revision.
    pub bank_revision: i64,
    /// The hash of that revision.
    pub bank_version: String,
    /// Gaps, rewinds, rates.
    pub policy: LessonPolicy,
    /// Hours of its own; `None` where the course's hours count.
    pub hours: Option<Points>,
    /// Since when.
    pub created_at: Timestamp,
}

/// Where a learner stands in a lesson, as rows know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProgressState {
    /// Begun.
    InProgress,
    /// Covered and passed.
    Completed,
}

impl ProgressState {
    /// The name in the protocol and in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::InProgress, Self::Completed].into_iter().find(|state| state.name() == name)
    }
}

/// What lists need of a learner's lesson without folding its steps, and the coverage earned since the last
/// step. Derived: written with every step, the coverage also between steps by [`Lessons::save_progress`].
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressRow {
    /// Whose.
    pub learner: PersonId,
    /// In which lesson.
    pub lesson: LessonId,
    /// The last step of the log.
    pub seq: u32,
    /// The epoch of the study that took it.
    pub epoch: u64,
    /// Where it stands.
    pub state: ProgressState,
    /// What is covered.
    pub covered: Coverage,
    /// Where the player was last.
    pub position_ms: i64,
    /// Challenges asked.
    pub asked: u32,
    /// Challenges answered rightly.
    pub passed: u32,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// Hours it granted.
    pub hours: Points,
    /// The last write of this row.
    pub updated_at: Timestamp,
}

/// The study of a learner that may earn: there is one, whatever the lesson and the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyRow {
    /// Whose.
    pub learner: PersonId,
    /// The study.
    pub study: StudyId,
    /// Counts the learner's studies; the highest one is the active one.
    pub epoch: u64,
    /// In which lesson.
    pub lesson: LessonId,
    /// The partner that sent the learner.
    pub partner: Option<PartnerId>,
    /// Since when.
    pub opened_at: Timestamp,
}

/// By what right a commit changes a learner's lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fence {
    /// It opens a study and takes over from whatever was active.
    Take {
        /// The epoch that was active; `None`: the learner never studied.
        from: Option<u64>,
        /// The study that is active from now on; its epoch is higher.
        to: StudyRow,
    },
    /// It belongs to the study that is active.
    Hold {
        /// The study.
        study: StudyId,
        /// Its epoch.
        epoch: u64,
    },
}

impl Fence {
    /// The epoch the commit belongs to.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        match self {
            Self::Take { to, .. } => to.epoch,
            Self::Hold { epoch, .. } => *epoch,
        }
    }
}

/// One command's effect on one learner's lesson: all of it or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonCommit {
    /// Consecutive steps of one log, at least one.
    pub steps: Vec<StepRow<LessonId>>,
    /// The row as of the last of them.
    pub row: ProgressRow,
    /// By what right.
    pub fence: Fence,
    /// Hours it earns.
    pub grant: Option<LedgerEntry>,
    /// What a partner is to be told.
    pub outbox: Option<OutboxRow>,
    /// Made known to all nodes once it is kept.
    pub announcements: Vec<Announcement>,
}

impl LessonCommit {
    /// Whether all that is in it concerns one learner's lesson and its steps follow each other.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with what does not fit.
    pub fn check(&self) -> Result<(), StoreError> {
        let wrong = |reason: &str| Err(StoreError::Corrupt(format!("a commit {reason}")));
        let (first, row) = (self.steps.first(), &self.row);
        let Some(first) = first else { return wrong("without steps") };
        if self.steps.iter().any(|step| (step.learner, step.log) != (row.learner, row.lesson)) {
            return wrong("with steps of another log than its row's");
        }
        if self.steps.iter().zip(first.seq..).any(|(step, seq)| step.seq != seq) {
            return wrong("whose steps do not follow each other");
        }
        if self.steps.last().is_none_or(|last| last.seq != row.seq) || row.epoch != self.fence.epoch() {
            return wrong("whose row is not as of its last step");
        }
        match &self.fence {
            Fence::Take { from, to } => {
                let higher = from.is_none_or(|from| to.epoch > from);
                if (to.learner, to.lesson) != (row.learner, row.lesson) || !higher {
                    return wrong("that opens another study than its row's");
                }
            }
            Fence::Hold { .. } => {}
        }
        Ok(())
    }
}

/// Coverage earned since the last step, to be kept with little effort: it changes the row only.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Whose.
    pub learner: PersonId,
    /// In which lesson.
    pub lesson: LessonId,
    /// By which study.
    pub epoch: u64,
    /// After which step.
    pub seq: u32,
    /// What is covered.
    pub covered: Coverage,
    /// Where the player was last.
    pub position_ms: i64,
    /// When it was earned.
    pub at: Timestamp,
}

/// Lessons.
#[async_trait]
pub trait Lessons {
    /// Makes a lesson; [`StoreError::Taken`] when the code is.
    async fn create_lesson(&self, lesson: LessonRow, audit: NewAudit) -> Result<(), StoreError>;

    /// By id.
    async fn lesson(&self, id: LessonId) -> Result<Option<LessonRow>, StoreError>;

    /// By code.
    async fn lesson_by_code(&self, code: &str) -> Result<Option<LessonRow>, StoreError>;

    /// All, by code; of one course when it is given: those made for it and those it lists.
    async fn lessons(&self, course: Option<CourseId>) -> Result<Vec<LessonRow>, StoreError>;

    /// Replaces the lessons of other courses that a course lists; [`StoreError::NotFound`] when the course or
    /// one of the lessons is not there, [`StoreError::Taken`] when one comes twice.
    async fn set_course_lessons(
        &self,
        course: CourseId,
        lessons: Vec<LessonId>,
        audit: NewAudit,
    ) -> Result<(), StoreError>;

    /// Lessons of other courses that courses list, by course and in the order given.
    async fn course_lessons(&self) -> Result<Vec<(CourseId, LessonId)>, StoreError>;

    /// Keeps a commit. Many commits at once are gathered into one transaction; returns when this one is durable.
    /// [`CommitError::StudyTaken`] when another study has taken over meanwhile.
    async fn commit_lesson(&self, commit: LessonCommit) -> Result<(), CommitError>;

    /// All steps of a learner's lesson in order; empty when there are none.
    async fn lesson_steps(&self, learner: PersonId, lesson: LessonId) -> Result<Vec<StepRow<LessonId>>, StoreError>;

    /// A learner's row of a lesson.
    async fn progress(&self, learner: PersonId, lesson: LessonId) -> Result<Option<ProgressRow>, StoreError>;

    /// A learner's rows of all lessons, by lesson.
    async fn progress_of(&self, learner: PersonId) -> Result<Vec<ProgressRow>, StoreError>;

    /// Keeps coverage, all of it in one transaction. One answer per checkpoint: false where its study is not
    /// the active one any more, or a step or a later checkpoint came after it, and then nothing was changed.
    async fn save_progress(&self, checkpoints: Vec<Checkpoint>) -> Result<Vec<bool>, StoreError>;

    /// A learner's active study, or the last one.
    async fn study(&self, learner: PersonId) -> Result<Option<StudyRow>, StoreError>;

    /// All logs, for audits, by learner and lesson.
    async fn lesson_logs(&self, page: Page<(PersonId, LessonId)>) -> Result<Vec<(PersonId, LessonId)>, StoreError>;
}
