//! The hours ledger. Written by [`crate::Attempts::commit`] and [`crate::Lessons::commit_lesson`] only, beside
//! the grade or the completion that earned them.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::hours::LedgerEntry;
use exam_core::{CourseId, LessonId, PersonId};

/// The ledger.
#[async_trait]
pub trait Ledger {
    /// A person's entries of a credit year, oldest first.
    async fn entries(&self, learner: PersonId, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError>;

    /// The entries of several people of a credit year, by person and oldest first.
    async fn entries_of(&self, learners: Vec<PersonId>, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Whether (learner, course, year) has its entry, by an exam or by the last of its lessons, and it was not
    /// taken back.
    async fn is_granted(&self, learner: PersonId, course: CourseId, credit_year: i16) -> Result<bool, StoreError>;

    /// Whether (learner, lesson, year) has its entry, of a lesson with hours of its own.
    async fn is_lesson_granted(
        &self,
        learner: PersonId,
        lesson: LessonId,
        credit_year: i16,
    ) -> Result<bool, StoreError>;
}
