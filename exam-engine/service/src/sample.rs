//! Sample papers: what a blueprint makes of its bank, for the eyes of its author.

use crate::loaded::blocking;
use crate::{Engine, EngineError, Identity};
use exam_core::access::Act;
use exam_core::exam::ExamState;
use exam_core::ids::ExamId;
use question_bank::draw::{Avoid, DrawPlan, Seed};
use question_bank::paper::Paper;
use question_bank::pool::Pool;
use std::sync::Arc;

/// A paper as a learner might get it; it belongs to nobody and is kept nowhere.
pub struct SamplePaper {
    /// What it was drawn from.
    pub pool: Arc<Pool>,
    /// The paper.
    pub paper: Paper,
}

impl Engine {
    /// Draws a sample: of a draft from its bank as it is now, of a published exam from what it pinned. The seed is of
    /// no exam's secret, so that a sample tells nothing of anybody's paper.
    ///
    /// # Errors
    /// The caller is no author, there is no such exam, or the blueprint cannot be drawn: one fault per short stratum.
    pub async fn sample_paper(&self, identity: &Identity, id: ExamId) -> Result<SamplePaper, EngineError> {
        identity.may(Act::WriteExams)?;
        let exam = self.store.exam(id).await?.ok_or(EngineError::NotFound)?;
        let bank = self.store.bank(exam.bank).await?.ok_or(EngineError::NotFound)?;
        let revision = match exam.state {
            ExamState::Draft => bank.revision,
            ExamState::Published { bank_revision, .. } => bank_revision,
        };
        let pool = self.exams.pool(self.store.as_ref(), bank.id, revision).await?;
        let seed = Seed::derive(&rand::random(), &rand::random());
        let drawing = Arc::clone(&pool);
        let drawn = blocking(move || {
            let plan = DrawPlan::compile(&drawing, &exam.rules.blueprint)?;
            let drawn = plan.draw(&drawing, &seed, &Avoid { earlier: &[], capped: &[] });
            // What counts alone do not tell, the trial names.
            drawn.map_err(|_| plan.trial(&drawing, 1).err().unwrap_or_default())
        })
        .await?;
        Ok(SamplePaper { pool, paper: drawn.map_err(EngineError::Infeasible)?.paper })
    }
}
