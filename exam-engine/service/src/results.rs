//! Results of an exam, for those who oversee its people.

use crate::{Engine, EngineError, Identity};
use exam_core::access::Act;
use exam_core::attempt::Mode;
use exam_core::exam::{Exam, ExamState};
use exam_core::ids::{AttemptId, ExamId};
use exam_core::person::Person;
use exam_core::release::exam_visibility;
use exam_store::attempts::AttemptFilter;
use exam_store::{AttemptRow, Page};

/// One attempt and whose it is.
#[derive(Clone, Debug)]
pub struct ResultView {
    /// The attempt.
    pub row: AttemptRow,
    /// The learner.
    pub person: Person,
    /// Whether score, pass and hours may be told: released, or asked for by an administrator.
    pub told: bool,
}

impl Engine {
    /// The attempts in exam mode of the people whom the caller oversees, newest first.
    ///
    /// # Errors
    /// The caller oversees nobody, or there is no such published exam.
    pub async fn exam_results(
        &self,
        identity: &Identity,
        exam: ExamId,
        page: Page<AttemptId>,
    ) -> Result<Vec<ResultView>, EngineError> {
        let scope = self.scope(identity).await?;
        let exam = self.published(exam).await?;
        let filter = AttemptFilter { mode: Some(Mode::Exam), state: None };
        let rows = self.attempts_within(&scope, exam.id, filter, page).await?;
        let people = self.people_named(rows.iter().map(|row| row.learner)).await?;
        let released = exam_visibility(&exam.rules, self.now()).released;
        let told = released || identity.may(Act::ManagePeople).is_ok();
        let view = |row: AttemptRow| {
            let person = people.get(&row.learner)?.clone();
            Some(ResultView { person, told: told && !row.state.is_live(), row })
        };
        Ok(rows.into_iter().filter_map(view).collect())
    }

    async fn published(&self, id: ExamId) -> Result<Exam, EngineError> {
        let exam = self.store.exam(id).await?.ok_or(EngineError::NotFound)?;
        if matches!(exam.state, ExamState::Published { .. }) { Ok(exam) } else { Err(EngineError::NotFound) }
    }
}
