//! The hours ledger. Written by [`crate::Attempts::commit`] only, beside the grade.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::hours::LedgerEntry;
use exam_core::{CourseId, PersonId};

/// The ledger.
#[async_trait]
pub trait Ledger {
    /// A person's entries of a credit year, oldest first.
    async fn entries(&self, learner: PersonId, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError>;

    /// Whether (learner, course, year) has its entry.
    async fn is_granted(&self, learner: PersonId, course: CourseId, credit_year: i16) -> Result<bool, StoreError>;
}
