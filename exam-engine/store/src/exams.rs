//! Exams and personal exceptions.

use crate::{Page, StoreError};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::exam::{Exam, Override};
use exam_core::{ExamId, PersonId, Timestamp};

/// A personal exception, granted by a named person for a reason.
#[derive(Clone, Debug, PartialEq)]
pub struct OverrideRow {
    /// At which exam.
    pub exam: ExamId,
    /// For whom.
    pub person: PersonId,
    /// What.
    pub exception: Override,
    /// Why.
    pub reason: String,
    /// Who granted it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
}

/// Exams.
#[async_trait]
pub trait Exams {
    /// Makes an exam with its secret; [`StoreError::Taken`] when the code is.
    async fn create_exam(&self, exam: Exam, secret: [u8; 32], audit: NewAudit) -> Result<(), StoreError>;

    /// Replaces a draft, or publishes it; [`StoreError::NotFound`] unless it is stored as a draft.
    async fn update_draft(&self, exam: Exam, audit: NewAudit) -> Result<(), StoreError>;

    /// Sets when the results of a published exam are released.
    async fn set_results_at(&self, exam: ExamId, at: Option<Timestamp>, audit: NewAudit) -> Result<(), StoreError>;

    /// By id.
    async fn exam(&self, id: ExamId) -> Result<Option<Exam>, StoreError>;

    /// By code.
    async fn exam_by_code(&self, code: &str) -> Result<Option<Exam>, StoreError>;

    /// Those of these ids that there are, in any order.
    async fn exams_by_ids(&self, ids: Vec<ExamId>) -> Result<Vec<Exam>, StoreError>;

    /// All, by code.
    async fn exams(&self) -> Result<Vec<Exam>, StoreError>;

    /// The secret its seeds come from.
    async fn exam_secret(&self, id: ExamId) -> Result<Option<[u8; 32]>, StoreError>;

    /// Grants an exception.
    async fn add_override(&self, row: OverrideRow, audit: NewAudit) -> Result<(), StoreError>;

    /// A person's exceptions at an exam, oldest first.
    async fn overrides(&self, exam: ExamId, person: PersonId) -> Result<Vec<OverrideRow>, StoreError>;

    /// All exceptions at an exam with their numbers, the latest first.
    async fn overrides_at(&self, exam: ExamId, page: Page<i64>) -> Result<Vec<(i64, OverrideRow)>, StoreError>;
}
