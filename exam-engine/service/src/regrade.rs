//! Regrading: marks closed attempts again by the bank's present keys. Shows the difference first; appends, never rewrites.
//!
//! Prompts stay as they were pinned: an item takes part only where its present version asks the very
//! same. Hours are granted where a pass comes newly; hours once granted stay, and are reported. What a person decided
//! not to count passes by no key.

use crate::loaded::blocking;
use crate::{Engine, EngineError, LoadedExam};
use exam_core::attempt::{Attempt, Command, Mode, command::Actor};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_store::attempts::AttemptFilter;
use exam_store::{ItemRow, ItemState, Page};
use question_bank::pool::Pool;
use question_bank::snapshot::Snapshot;
use question_bank::{Item, Points};
use std::collections::HashMap;
use std::sync::Arc;

/// What regrading does to one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct RegradeChange {
    /// The attempt.
    pub attempt: AttemptId,
    /// Before.
    pub score_before: Points,
    /// After.
    pub score_after: Points,
    /// Before.
    pub passed_before: bool,
    /// After.
    pub passed_after: bool,
    /// Whether hours stay although it passes no longer.
    pub hours_kept: bool,
}

/// What regrading does, or would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegradeReport {
    /// Items whose keys changed since the exam was published.
    pub items_changed: Vec<String>,
    /// Items whose text changed too, so that their new keys cannot be applied.
    pub items_skipped: Vec<String>,
    /// Closed attempts looked at.
    pub attempts: usize,
    /// Open attempts left alone.
    pub open: usize,
    /// Attempts that change.
    pub changes: Vec<RegradeChange>,
}

impl Engine {
    /// Regrades all closed attempts in exam mode; `dry_run` only reports.
    ///
    /// # Errors
    /// There is no such published exam, or the store does not answer.
    pub async fn regrade(
        &self,
        by: PersonId,
        exam: ExamId,
        reason: &str,
        dry_run: bool,
    ) -> Result<RegradeReport, EngineError> {
        let loaded = self.loaded(exam).await?;
        let (items, mut report) = self.corrected(&loaded).await?;
        // No key differs from the pinned ones: that too is a regrade, of what an earlier one changed.
        let pool = if report.items_changed.is_empty() {
            Arc::clone(&loaded.pool)
        } else {
            self.corrected_pool(exam, items, dry_run).await?
        };
        let mut after = None;
        let filter = AttemptFilter { mode: Some(Mode::Exam), state: None };
        loop {
            let rows = self.store.attempts_at(exam, filter, Page { after, limit: 500 }).await?;
            let Some(last) = rows.last() else { return Ok(report) };
            after = Some(last.id);
            for row in rows {
                if row.state.is_live() {
                    report.open += 1;
                    continue;
                }
                report.attempts += 1;
                let change = self.regrade_one(by, &loaded, &pool, row.learner, row.id, reason, dry_run).await?;
                report.changes.extend(change);
            }
        }
    }

    /// The pool to mark by; its items are kept before anything is marked by them.
    async fn corrected_pool(&self, exam: ExamId, items: Vec<Item>, dry_run: bool) -> Result<Arc<Pool>, EngineError> {
        let stored = serde_json::to_string(&items).map_err(|error| EngineError::Internal(error.to_string()))?;
        let pool = blocking(move || Snapshot::new(items).map(|snapshot| Arc::new(Pool::new(Arc::new(snapshot)))))
            .await?
            .map_err(|error| EngineError::Internal(error.to_string()))?;
        if !dry_run {
            self.store.put_key_version(exam, &pool.version().to_string(), stored, self.now()).await?;
        }
        Ok(pool)
    }

    #[expect(clippy::too_many_arguments, reason = "one call site, all of them plain")]
    async fn regrade_one(
        &self,
        by: PersonId,
        exam: &LoadedExam,
        pool: &Arc<Pool>,
        learner: PersonId,
        attempt: AttemptId,
        reason: &str,
        dry_run: bool,
    ) -> Result<Option<RegradeChange>, EngineError> {
        let (slot, _) = self.slot_of(learner, attempt).await?;
        let change = slot.read(|state| change(state, exam, pool)).flatten();
        let Some(change) = change else { return Ok(None) };
        if !dry_run {
            let command = Command::Regrade { reason: reason.to_owned() };
            self.command_with(learner, attempt, &command, Actor::Person(by), None, Some(pool)).await?;
        }
        Ok(Some(change))
    }

    /// The pinned items with the bank's present keys.
    async fn corrected(&self, exam: &LoadedExam) -> Result<(Vec<Item>, RegradeReport), EngineError> {
        let present = self.present_items(exam).await?;
        let mut report = RegradeReport::default();
        let mut items = exam.pool.snapshot().items().to_vec();
        for item in &mut items {
            let Some(row) = present.get(&item.code).filter(|row| row.state == ItemState::Ready) else { continue };
            if row.item.solution.key == item.solution.key {
                continue;
            }
            if row.item.prompt == item.prompt {
                report.items_changed.push(item.code.clone());
                item.solution = row.item.solution.clone();
            } else {
                report.items_skipped.push(item.code.clone());
            }
        }
        Ok((items, report))
    }

    async fn present_items(&self, exam: &LoadedExam) -> Result<HashMap<String, ItemRow>, EngineError> {
        let mut present = HashMap::new();
        let mut after = None;
        loop {
            let rows = self.store.items(exam.exam.bank, Page { after, limit: 5_000 }).await?;
            let Some(last) = rows.last() else { return Ok(present) };
            after = Some(last.item.code.clone());
            present.extend(rows.into_iter().map(|row| (row.item.code.clone(), row)));
        }
    }
}

fn change(attempt: &Attempt, exam: &LoadedExam, pool: &Pool) -> Option<RegradeChange> {
    let before = attempt.grade()?;
    let may_pass = !matches!(attempt.phase, exam_core::attempt::Phase::Terminated { .. });
    let after = exam_core::attempt::grade(attempt, pool, &exam.exam.rules, may_pass);
    let counts = attempt.invalidated().is_none();
    (after.score != before.score || after.passed != before.passed).then(|| RegradeChange {
        attempt: attempt.id,
        score_before: before.score,
        score_after: after.score,
        passed_before: before.passed && counts,
        passed_after: after.passed && counts,
        hours_kept: attempt.hours_granted > Points::ZERO && !after.passed,
    })
}
