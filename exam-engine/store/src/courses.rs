//! Courses.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::CourseId;
use exam_core::audit::NewAudit;
use exam_core::hours::Bucket;
use question_bank::Points;

/// A course of a credit year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseRow {
    /// The id.
    pub id: CourseId,
    /// The author's name for it, unique.
    pub code: String,
    /// Shown to learners.
    pub title: String,
    /// Where its hours count.
    pub bucket: Bucket,
    /// For which year.
    pub credit_year: i16,
    /// How many hours it grants.
    pub hours: Points,
}

/// Courses.
#[async_trait]
pub trait Courses {
    /// Makes a course; [`StoreError::Taken`] when the code is.
    async fn create_course(&self, course: CourseRow, audit: NewAudit) -> Result<(), StoreError>;

    /// By id.
    async fn course(&self, id: CourseId) -> Result<Option<CourseRow>, StoreError>;

    /// All, by code; of one year when it is given.
    async fn courses(&self, credit_year: Option<i16>) -> Result<Vec<CourseRow>, StoreError>;
}
