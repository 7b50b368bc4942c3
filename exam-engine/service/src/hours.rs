//! A person's year.

use crate::{Engine, EngineError, Identity};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::hours::{GrantSource, LedgerEntry, YearQuota, YearSummary, summarize};
use exam_core::release::exam_visibility;

/// A ledger entry with what it came from.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// The entry.
    pub entry: LedgerEntry,
    /// The course's title.
    pub course_title: String,
}

/// A year with its entries.
#[derive(Clone, Debug)]
pub struct YearView {
    /// Required and earned.
    pub summary: YearSummary,
    /// Entries, oldest first.
    pub entries: Vec<EntryView>,
}

impl Engine {
    /// The caller's year. Entries of results that are not released yet do not show: they would tell
    /// the grade by another door.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn year(&self, identity: &Identity, credit_year: i16) -> Result<YearView, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let now = self.now();
        let mut entries = Vec::new();
        for entry in self.store.entries(identity.id(), credit_year).await? {
            if self.is_released(entry.source, now).await? {
                let course = self.store.course(entry.course).await?;
                entries.push(EntryView { course_title: course.map(|course| course.title).unwrap_or_default(), entry });
            }
        }
        let summary = summarize(&YearQuota::default(), entries.iter().map(|view| &view.entry));
        Ok(YearView { summary, entries })
    }

    /// Whether an entry may show: one by an exam tells its grade, one by a lesson tells nothing new.
    async fn is_released(&self, source: GrantSource, now: Timestamp) -> Result<bool, EngineError> {
        let GrantSource::Exam { attempt } = source else { return Ok(true) };
        match self.store.attempt(attempt).await? {
            Some(row) => Ok(exam_visibility(&self.loaded(row.exam).await?.exam.rules, now).released),
            None => Ok(true),
        }
    }
}
