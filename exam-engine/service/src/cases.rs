//! Cases: the attempts that people have to look at, the evidence, and what they decide. Every decision names a person.

use crate::{Engine, EngineError, Identity, TimelineView};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::attempt::{Attempt, Case, CaseEntry, Command, CommandId, Decision, Step, StepRow, command::Actor};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_store::attempts::CaseFilter;
use exam_store::{AttemptRow, CaseMark, Page};
use std::collections::HashMap;

/// One line of the list of cases.
#[derive(Clone, Debug)]
pub struct CaseLine {
    /// The attempt it is about.
    pub row: AttemptRow,
    /// Where it stands.
    pub mark: CaseMark,
    /// The learner's name.
    pub learner_name: String,
    /// The exam's title.
    pub exam_title: String,
}

/// A case with all its evidence.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// The attempt, its log and the names of the people in it.
    pub log: TimelineView,
    /// The log, read.
    pub steps: Vec<Step>,
    /// The case.
    pub case: Case,
    /// The exam's title.
    pub exam_title: String,
}

/// What an act on a case did.
#[derive(Clone, Debug)]
pub struct CaseOutcome {
    /// The attempt it is about, as it is now.
    pub attempt: Attempt,
    /// The act as it was taken; `None` where it opened a case that was not there.
    pub entry: Option<CaseEntry>,
    /// The number of its step.
    pub seq: u32,
    /// When it was taken.
    pub at: Timestamp,
    /// The name of the person who acted.
    pub by_name: String,
    /// Who acted.
    pub by: Option<PersonId>,
    /// Whether the same command acted before.
    pub replayed: bool,
}

impl Engine {
    /// The cases, those of the newest attempts first. Three questions to the store, however many there are.
    ///
    /// # Errors
    /// The caller is no reviewer, or the store does not answer.
    pub async fn cases(
        &self,
        identity: &Identity,
        filter: CaseFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<CaseLine>, EngineError> {
        identity.may(Act::ReviewCases)?;
        let rows = self.store.cases(filter, page).await?;
        let names = self.names(rows.iter().map(|row| row.learner)).await?;
        let titles = self.exam_titles(rows.iter().map(|row| row.exam)).await?;
        let line = |row: AttemptRow| {
            Some(CaseLine {
                mark: row.case?,
                learner_name: names.get(&row.learner).cloned().unwrap_or_default(),
                exam_title: titles.get(&row.exam).cloned().unwrap_or_default(),
                row,
            })
        };
        Ok(rows.into_iter().filter_map(line).collect())
    }

    /// A case with its evidence.
    ///
    /// # Errors
    /// The caller is no reviewer, or there is no such case.
    pub async fn case(&self, identity: &Identity, attempt: AttemptId) -> Result<CaseFile, EngineError> {
        identity.may(Act::ReviewCases)?;
        let row = self.store.attempt(attempt).await?.ok_or(EngineError::NotFound)?;
        let titles = self.exam_titles([row.exam]).await?;
        let exam_title = titles.get(&row.exam).cloned().unwrap_or_default();
        let log = self.log_of(row).await?;
        let case = log.attempt.case.as_deref().cloned().ok_or(EngineError::NotFound)?;
        let steps: Result<Vec<Step>, _> = log.rows.iter().map(StepRow::read).collect();
        let steps = steps.map_err(|error| EngineError::Internal(error.to_string()))?;
        Ok(CaseFile { log, steps, case, exam_title })
    }

    /// Asks for a look at an attempt, or for another one at what was decided.
    ///
    /// # Errors
    /// The caller may not, there is no such attempt, or its state does not allow it.
    pub async fn open_case(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        command: CommandId,
        reason: String,
    ) -> Result<CaseOutcome, EngineError> {
        identity.may(Act::ReviewCases)?;
        let row = self.store.attempt(attempt).await?.ok_or(EngineError::NotFound)?;
        identity.may(Act::DecideCase { owner: row.learner })?;
        let may_reopen = identity.may(Act::ReopenCase { owner: row.learner }).is_ok();
        let asked = Command::OpenCase { command, reason, may_reopen };
        self.act_on_case(identity, row, command, &asked).await
    }

    /// Decides a case.
    ///
    /// # Errors
    /// The caller may not, there is no such case, or its state does not allow it.
    pub async fn decide_case(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        command: CommandId,
        decision: Decision,
        reason: String,
    ) -> Result<CaseOutcome, EngineError> {
        identity.may(Act::ReviewCases)?;
        let row = self.store.attempt(attempt).await?.filter(|row| row.case.is_some()).ok_or(EngineError::NotFound)?;
        identity.may(Act::DecideCase { owner: row.learner })?;
        let asked = Command::DecideCase { command, by: identity.id(), decision, reason };
        self.act_on_case(identity, row, command, &asked).await
    }

    async fn act_on_case(
        &self,
        identity: &Identity,
        row: AttemptRow,
        command: CommandId,
        asked: &Command,
    ) -> Result<CaseOutcome, EngineError> {
        let done = self.command(row.learner, row.id, asked, Actor::Person(identity.id()), None).await?;
        let replayed = done.decided.replayed;
        let log = self.log_of(row).await?;
        let taken = log.rows.iter().find(|step| step.command.is_some_and(|(id, _)| id == command));
        let taken = taken.ok_or_else(|| EngineError::Internal("an act on a case left no step".into()))?;
        let record = log.attempt.case.iter().flat_map(|case| &case.record);
        Ok(CaseOutcome {
            entry: record.into_iter().find(|entry| entry.seq == taken.seq).cloned(),
            seq: taken.seq,
            at: taken.at,
            by: taken.actor,
            by_name: taken.actor.and_then(|by| log.names.get(&by).cloned()).unwrap_or_default(),
            attempt: log.attempt,
            replayed,
        })
    }

    /// The titles of exams, by id.
    async fn exam_titles(&self, ids: impl IntoIterator<Item = ExamId>) -> Result<HashMap<ExamId, String>, EngineError> {
        let mut ids: Vec<ExamId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let exams = self.store.exams_by_ids(ids).await?;
        Ok(exams.into_iter().map(|exam| (exam.id, exam.title)).collect())
    }
}
