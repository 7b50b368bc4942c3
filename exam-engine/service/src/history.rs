//! A learner's attempts, past and present.

use crate::{Engine, EngineError, Identity, LoadedExam};
use exam_core::access::Act;
use exam_core::attempt::Mode;
use exam_core::release::exam_visibility;
use exam_store::AttemptRow;
use std::sync::Arc;

/// One's own attempt, as far as it may be shown.
#[derive(Clone)]
pub struct OwnAttempt {
    /// The attempt.
    pub row: AttemptRow,
    /// The exam it is an attempt at.
    pub exam: Arc<LoadedExam>,
    /// Whether it may be told if it passed, and the hours it granted.
    pub released: bool,
    /// Whether its score may be told.
    pub score: bool,
}

impl Engine {
    /// The caller's attempts at all exams, newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn own_attempts(&self, identity: &Identity) -> Result<Vec<OwnAttempt>, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let now = self.now();
        let mut found = Vec::new();
        for row in self.store.attempts_of(identity.id(), None).await?.into_iter().rev() {
            let exam = self.loaded(row.exam).await?;
            let allowed = exam_visibility(&exam.exam.rules, now);
            let closed = !row.state.is_live();
            // Practice told everything as it went.
            let practice = row.mode == Mode::Practice;
            let (released, score) = (closed && (practice || allowed.released), closed && (practice || allowed.score));
            found.push(OwnAttempt { row, exam, released, score });
        }
        Ok(found)
    }
}
