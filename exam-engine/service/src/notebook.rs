//! The notebook of wrong answers (错题本). It is derived from the steps of the learner's latest attempts, so that it
//! is the same on every device and at every node; only what was taken out by hand is kept apart.
//!
//! An item is in it from a wrong answer on until it was right in as many later attempts as
//! [`NOTEBOOK_RIGHT_TO_LEAVE`], or was taken out. What an exam says about answers is in it only as far as the
//! release policy shows keys. An item that stands in an exam paper of the learner that is open, or whose results
//! are not out, is withheld whatever practice has told before: its key is not for this learner then (P10).

use crate::limits::{NOTEBOOK_ATTEMPTS_MAX, NOTEBOOK_ENTRIES_MAX, NOTEBOOK_RIGHT_TO_LEAVE, NOTEBOOK_STEPS_MAX};
use crate::{Engine, EngineError, Identity, LoadedExam};
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::attempt::{Mode, StepBody, StepRow};
use exam_core::ids::{AttemptId, BankId, PersonId};
use exam_core::release::exam_visibility;
use exam_store::{AttemptRow, RemovalRow};
use question_bank::paper::Paper;
use question_bank::{Points, Response, ScoringRule, marking};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A question that was answered wrong, as it stood in the paper where that happened last.
#[derive(Clone)]
pub struct NotebookEntry {
    /// The exam the attempt was at.
    pub exam: Arc<LoadedExam>,
    /// The attempt.
    pub attempt: AttemptId,
    /// The slot, from one.
    pub slot: u32,
    /// The attempt's paper.
    pub paper: Arc<Paper>,
    /// The item's code, for the engine alone.
    pub(crate) code: String,
    /// What was answered wrong.
    pub response: Response,
    /// In how many attempts it was wrong.
    pub wrong: u32,
    /// In how many attempts since then it was right.
    pub right: u32,
    /// When it was wrong last.
    pub at: Timestamp,
}

/// The notebook as it may be shown now.
#[derive(Clone)]
pub struct NotebookView {
    /// The latest mistake first.
    pub entries: Vec<NotebookEntry>,
    /// Entries that may not be shown now.
    pub withheld: usize,
}

/// What an attempt says about one of its slots.
struct Tried {
    /// The last wrong answer in it.
    wrong: Option<(Response, Timestamp)>,
}

type ItemKey = (BankId, String);

impl Engine {
    /// The caller's notebook.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn notebook(&self, identity: &Identity) -> Result<NotebookView, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let all = self.store.attempts_of(identity.id(), None).await?;
        self.notebook_of(identity.id(), &all, self.now()).await
    }

    /// Takes the question of a slot out of the caller's notebook.
    ///
    /// # Errors
    /// The attempt is not the caller's, or has no such slot.
    pub async fn remove_from_notebook(
        &self,
        identity: &Identity,
        attempt: AttemptId,
        slot: u32,
    ) -> Result<(), EngineError> {
        identity.may(Act::SeeCatalogue)?;
        let (_, exam) = self.slot_of(identity.id(), attempt).await?;
        let paper = self.paper_of(identity.id(), attempt).await?;
        let item = paper.slot_numbered(slot).and_then(|slot| exam.pool.item(slot.item));
        let code = item.ok_or(EngineError::NotFound)?.code.clone();
        let removal = RemovalRow { bank: exam.exam.bank, code, at: self.now() };
        Ok(self.store.remove_from_notebook(identity.id(), removal).await?)
    }

    /// The notebook, given all attempts of the learner.
    pub(crate) async fn notebook_of(
        &self,
        learner: PersonId,
        all: &[AttemptRow],
        now: Timestamp,
    ) -> Result<NotebookView, EngineError> {
        let mut kept: BTreeMap<ItemKey, NotebookEntry> = BTreeMap::new();
        for (exam, row, steps) in self.told_attempts(learner, all, now).await?.into_iter().rev() {
            let (paper, tried) = tried(&exam, row.mode, &steps)?;
            for (slot, tried) in tried {
                note(&mut kept, &exam, &paper, row.id, slot, tried);
            }
        }
        for removal in self.store.notebook_removals(learner).await? {
            let key = (removal.bank, removal.code);
            if kept.get(&key).is_some_and(|entry| entry.at <= removal.at) {
                kept.remove(&key);
            }
        }
        kept.retain(|_, entry| entry.right < NOTEBOOK_RIGHT_TO_LEAVE);
        let not_out = self.not_out(all, now).await?;
        let before = kept.len();
        kept.retain(|key, _| !not_out.contains(key));
        let withheld = before - kept.len();
        let mut entries: Vec<NotebookEntry> = kept.into_values().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.at, entry.attempt, entry.slot)));
        entries.truncate(NOTEBOOK_ENTRIES_MAX);
        Ok(NotebookView { entries, withheld })
    }

    /// The latest attempts whose right and wrong the learner has been told, newest first, with their steps.
    async fn told_attempts(
        &self,
        learner: PersonId,
        all: &[AttemptRow],
        now: Timestamp,
    ) -> Result<Vec<(Arc<LoadedExam>, AttemptRow, Vec<StepRow>)>, EngineError> {
        let (mut found, mut steps_read) = (Vec::new(), 0);
        for row in all.iter().rev() {
            if found.len() >= NOTEBOOK_ATTEMPTS_MAX || steps_read >= NOTEBOOK_STEPS_MAX {
                break;
            }
            let exam = self.loaded(row.exam).await?;
            // Practice tells as it goes.
            let told = match row.mode {
                Mode::Practice => true,
                Mode::Exam => !row.state.is_live() && exam_visibility(&exam.exam.rules, now).keys,
            };
            if told {
                let steps = self.store.steps(learner, row.id).await?;
                steps_read += steps.len();
                found.push((exam, row.clone(), steps));
            }
        }
        Ok(found)
    }

    /// Items of the learner's exam papers whose results are not out.
    async fn not_out(&self, all: &[AttemptRow], now: Timestamp) -> Result<HashSet<ItemKey>, EngineError> {
        let mut not_out = HashSet::new();
        for row in all.iter().filter(|row| row.mode == Mode::Exam) {
            let exam = self.loaded(row.exam).await?;
            if row.state.is_live() || !exam_visibility(&exam.exam.rules, now).released {
                let paper = self.paper_of(row.learner, row.id).await?;
                let codes = paper.items().filter_map(|item| exam.pool.item(item));
                not_out.extend(codes.map(|item| (exam.exam.bank, item.code.clone())));
            }
        }
        Ok(not_out)
    }
}

/// The paper of an attempt, and what was tried at which slot. In an exam the last answer counts; practice has told of
/// each.
fn tried(exam: &LoadedExam, mode: Mode, steps: &[StepRow]) -> Result<(Arc<Paper>, BTreeMap<u32, Tried>), EngineError> {
    let inconsistent = || EngineError::Internal("the log does not begin with a start".into());
    let mut paper: Option<Arc<Paper>> = None;
    let mut tried: BTreeMap<u32, Tried> = BTreeMap::new();
    for row in steps {
        let step = row.read().map_err(|error| EngineError::Internal(error.to_string()))?;
        match step.body {
            StepBody::Started(started) => paper = Some(started.paper),
            StepBody::Answered { slot, response, .. } => {
                if mode == Mode::Exam {
                    tried.remove(&slot);
                }
                let Some(response) = response else { continue };
                let paper = paper.as_ref().ok_or_else(inconsistent)?;
                let Some(correct) = is_correct(exam, paper, slot, &response) else { continue };
                let slot = tried.entry(slot).or_insert(Tried { wrong: None });
                if !correct {
                    slot.wrong = Some((response, step.at));
                }
            }
            _ => {}
        }
    }
    Ok((paper.ok_or_else(inconsistent)?, tried))
}

/// Enters what an attempt says about a slot.
fn note(
    kept: &mut BTreeMap<ItemKey, NotebookEntry>,
    exam: &Arc<LoadedExam>,
    paper: &Arc<Paper>,
    attempt: AttemptId,
    slot: u32,
    tried: Tried,
) {
    let Some(item) = paper.slot_numbered(slot).and_then(|slot| exam.pool.item(slot.item)) else { return };
    let key = (exam.exam.bank, item.code.clone());
    let Some((response, at)) = tried.wrong else {
        if let Some(entry) = kept.get_mut(&key) {
            entry.right += 1;
        }
        return;
    };
    let wrong = kept.get(&key).map_or(0, |entry| entry.wrong) + 1;
    let (exam, paper, code) = (Arc::clone(exam), Arc::clone(paper), item.code.clone());
    kept.insert(key, NotebookEntry { exam, attempt, slot, paper, code, response, wrong, right: 0, at });
}

/// Whether a response is wholly right, as practice tells it.
fn is_correct(exam: &LoadedExam, paper: &Paper, slot: u32, response: &Response) -> Option<bool> {
    let slot = paper.slot_numbered(slot)?;
    let said = marking::check_response(&exam.pool, slot, response).ok()?;
    let key = exam.pool.key(slot.item)?;
    Some(marking::mark(key, Some(&said), ScoringRule::AllOrNothing, Points::whole(1)).correct)
}
