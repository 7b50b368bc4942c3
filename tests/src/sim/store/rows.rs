//! Lessons as a store keeps them: the rows, the commit and the fence, with the names and the meaning that
//! the store's traits give them.

use exam_core::hours::LedgerEntry;
use exam_core::lesson::{Coverage, LessonStepRow};
use exam_core::{LessonId, PersonId, StudyId};

/// The study of a learner that may earn: one, whatever the lesson and the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StudyRow {
    /// Whose.
    pub learner: PersonId,
    /// The study.
    pub study: StudyId,
    /// Counts the learner's studies.
    pub epoch: u64,
    /// In which lesson.
    pub lesson: LessonId,
}

/// Where a learner stands in a lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressRow {
    /// Whose.
    pub learner: PersonId,
    /// In which lesson.
    pub lesson: LessonId,
    /// The last step.
    pub seq: u32,
    /// The study's number.
    pub epoch: u64,
    /// What is covered.
    pub covered: Coverage,
    /// Whether it is completed.
    pub completed: bool,
}

/// By what right a commit changes a lesson.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fence {
    /// It opens a study and takes over.
    Take { from: Option<u64>, to: StudyRow },
    /// It belongs to the active study.
    Hold { study: StudyId, epoch: u64 },
}

/// One command's effect on one lesson: all of it or nothing.
#[derive(Clone, Debug)]
pub(crate) struct LessonCommit {
    pub(crate) steps: Vec<LessonStepRow>,
    pub(crate) row: ProgressRow,
    pub(crate) fence: Fence,
    pub(crate) grant: Option<LedgerEntry>,
}

/// Coverage earned since the last step: kept only if neither a step nor another study came meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) learner: PersonId,
    pub(crate) lesson: LessonId,
    pub(crate) epoch: u64,
    pub(crate) seq: u32,
    pub(crate) covered: Coverage,
}
