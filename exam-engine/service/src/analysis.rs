//! Item analysis of an exam: reads the logs of its closed attempts a few at a time, one analysis at a time on a
//! node, and keeps what came out for a minute.

use crate::limits::{ANALYSES_KEPT, ANALYSIS_BATCH, ANALYSIS_KEPT_SECONDS};
use crate::loaded::blocking;
use crate::{Engine, EngineError, Identity, LoadedExam};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::analysis::GradedPaper;
use exam_core::attempt::{Mode, StepRow};
use exam_core::ids::ExamId;
use exam_store::attempts::AttemptFilter;
use exam_store::{AttemptRow, AttemptState, Page};
use moka::sync::Cache;
use question_bank::analysis::{Analysis, AnalysisReport, Groups, Scores};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Which attempts are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Which {
    /// Each learner's first: nobody has met an item before.
    #[default]
    First,
    /// All of them.
    All,
}

/// What came out.
pub struct ExamAnalysis {
    /// The exam, with the pool that items are named by.
    pub exam: Arc<LoadedExam>,
    /// Of which attempts.
    pub which: Which,
    /// As of when.
    pub at: Timestamp,
    /// The figures.
    pub report: AnalysisReport,
}

/// Analyses made lately, and the one place for making another.
pub(crate) struct Analyses {
    kept: Cache<(ExamId, Which), Arc<ExamAnalysis>>,
    place: Semaphore,
}

impl Analyses {
    pub(crate) fn new() -> Self {
        let kept = Cache::builder()
            .max_capacity(ANALYSES_KEPT)
            .time_to_live(Duration::from_secs(ANALYSIS_KEPT_SECONDS))
            .build();
        Self { kept, place: Semaphore::new(1) }
    }
}

impl Engine {
    /// What a published exam's closed attempts say of its items. Terminated attempts are left out.
    ///
    /// # Errors
    /// The caller is no author, or there is no such published exam.
    pub async fn analysis(
        &self,
        identity: &Identity,
        exam: ExamId,
        which: Which,
    ) -> Result<Arc<ExamAnalysis>, EngineError> {
        identity.may(Act::WriteExams)?;
        let exam = self.loaded(exam).await?;
        let key = (exam.exam.id, which);
        if let Some(kept) = self.analyses.kept.get(&key) {
            return Ok(kept);
        }
        let _place = self.analyses.place.acquire().await.map_err(|_| EngineError::Overloaded)?;
        if let Some(kept) = self.analyses.kept.get(&key) {
            return Ok(kept);
        }
        let at = self.now();
        let groups = self.groups(exam.exam.id, which).await?;
        let report = self.analyse(&exam, which, groups).await?;
        let made = Arc::new(ExamAnalysis { exam, which, at, report });
        self.analyses.kept.insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// Where the upper and the lower group begin: known from the rows, before any log is read.
    async fn groups(&self, exam: ExamId, which: Which) -> Result<Groups, EngineError> {
        let filter = AttemptFilter { mode: Some(Mode::Exam), state: None };
        let (mut scores, mut after) = (Scores::default(), None);
        loop {
            let rows = self.store.attempts_at(exam, filter, Page { after, limit: 1_000 }).await?;
            let Some(last) = rows.last() else { return Ok(scores.groups()) };
            after = Some(last.id);
            let counted = |row: &&AttemptRow| {
                let closed = matches!(row.state, AttemptState::Submitted | AttemptState::Expired);
                closed && (which == Which::All || row.number == 1)
            };
            rows.iter().filter(counted).filter_map(|row| row.score).for_each(|score| scores.add(score));
        }
    }

    async fn analyse(&self, exam: &LoadedExam, which: Which, groups: Groups) -> Result<AnalysisReport, EngineError> {
        let (mut analysis, mut after) = (Analysis::new(groups), None);
        loop {
            let page = Page { after, limit: ANALYSIS_BATCH };
            let rows = self.store.closed_logs_at(exam.exam.id, which == Which::First, page).await?;
            let pool = Arc::clone(&exam.pool);
            let Some(last) = rows.last() else { return blocking(move || analysis.report(&pool)).await };
            after = Some(last.log);
            analysis = blocking(move || {
                for log in rows.chunk_by(|one, other| one.log == other.log) {
                    if let Some(graded) = read(log)? {
                        graded.add_to(&mut analysis, &pool);
                    }
                }
                Ok::<_, EngineError>(analysis)
            })
            .await??;
        }
    }
}

fn read(log: &[StepRow]) -> Result<Option<GradedPaper>, EngineError> {
    GradedPaper::read(log).map_err(|error| EngineError::Internal(error.to_string()))
}
