//! Cases are listed, and what a decision takes back can be earned again: one grant stands at a time.

use super::conflicts::race;
use super::kit::{Log, YEAR, act, at, attempt, grant, new_exam, new_id, new_learner, plain, submitted};
use crate::attempts::{CaseFilter, CaseMark};
use crate::{AttemptRow, Commit, CommitError, Page, RowChange, Store};
use exam_core::attempt::CaseState;
use exam_core::hours::{GrantSource, LedgerEntry};
use exam_core::{CourseId, EntryId, PersonId};
use question_bank::Points;
use std::sync::Arc;

const RACERS: usize = 50;

pub(super) async fn cases_come_in_pages(store: &Arc<dyn Store>) {
    let (here, there) = (new_exam(store).await, new_exam(store).await);
    let exams = [here.id, there.id];
    let mut rows = Vec::new();
    for (number, state) in CaseState::ALL.into_iter().cycle().take(12).enumerate() {
        let learner = new_learner(store).await;
        let mut row = submitted(&attempt(learner, exams[number % 3 % 2], 1));
        row.case = Some(CaseMark { state, opened_at: at(7) });
        row.invalidated = state == CaseState::Confirmed;
        store.commit(Log::new(&row).start(&row)).await.unwrap();
        assert_eq!(store.attempt(row.id).await.unwrap(), Some(row.clone()));
        rows.push(row);
    }
    let without = attempt(new_learner(store).await, here.id, 1);
    store.commit(Log::new(&without).start(&without)).await.unwrap();
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    for state in CaseState::ALL.into_iter().map(Some).chain([None]) {
        for exam in exams {
            let filter = CaseFilter { state, exam: Some(exam) };
            let fits = |row: &&AttemptRow| {
                row.exam == exam && state.is_none_or(|state| row.case.is_some_and(|case| case.state == state))
            };
            let expected: Vec<_> = rows.iter().filter(fits).cloned().collect();
            assert_eq!(listed(store, filter, 2).await, expected, "{filter:?}");
            assert_eq!(listed(store, filter, 500).await, expected, "{filter:?}");
        }
    }
    let all = listed(store, CaseFilter::default(), 5).await;
    assert!(all.is_sorted_by(|one, two| one.id > two.id) && rows.iter().all(|row| all.contains(row)));
    a_case_changes_with_its_row(store, &rows[0]).await;
    let mut exams_found = store.exams_by_ids(vec![here.id, there.id, exam_core::ExamId(new_id())]).await.unwrap();
    exams_found.sort_by_key(|exam| exam.id);
    let mut expected = vec![here, there];
    expected.sort_by_key(|exam| exam.id);
    assert_eq!(exams_found, expected);
    assert_eq!(store.exams_by_ids(Vec::new()).await.unwrap(), []);
}

async fn listed(store: &Arc<dyn Store>, filter: CaseFilter, limit: u32) -> Vec<AttemptRow> {
    let (mut all, mut page) = (Vec::new(), Page { after: None, limit });
    loop {
        let rows = store.cases(filter, page.clone()).await.unwrap();
        let Some(last) = rows.last() else { return all };
        page.after = Some(last.id);
        all.extend(rows);
    }
}

async fn a_case_changes_with_its_row(store: &Arc<dyn Store>, row: &AttemptRow) {
    let steps = store.steps(row.learner, row.id).await.unwrap();
    let decided = AttemptRow {
        case: Some(CaseMark { state: CaseState::Confirmed, opened_at: at(7) }),
        invalidated: true,
        ..row.clone()
    };
    let decision = Log::after(row, &steps[0]).step(Some(new_id()), "decided", 90_000);
    let commit = Commit { row: RowChange::Update(Box::new(decided.clone())), ..plain(vec![decision]) };
    store.commit(commit).await.unwrap();
    assert_eq!(store.attempt(row.id).await.unwrap(), Some(decided));
}

/// A learner's attempts at one exam, each of which passes.
struct Passes {
    learner: PersonId,
    course: CourseId,
    rows: Vec<(AttemptRow, Log)>,
}

impl Passes {
    async fn new(store: &Arc<dyn Store>, count: u32) -> Self {
        let (learner, exam) = (new_learner(store).await, new_exam(store).await);
        let mut rows = Vec::new();
        for number in 1..=count {
            let row = submitted(&attempt(learner, exam.id, number));
            let mut log = Log::new(&row);
            store.commit(log.start(&row)).await.unwrap();
            rows.push((row, log));
        }
        Self { learner, course: exam.course, rows }
    }

    fn earn(&self, which: usize) -> Commit {
        let (row, log) = &self.rows[which];
        Commit { grant: Some(grant(row, self.course)), audit: Some(act("grant")), ..log.clone().answer("earned") }
    }

    fn lose(&self, which: usize, takes_back: EntryId, log: &Log) -> Commit {
        let (row, _) = &self.rows[which];
        let earned = grant(row, self.course);
        let entry = LedgerEntry {
            hours: Points::ZERO - earned.hours,
            source: GrantSource::Review { attempt: row.id, takes_back, by: self.learner },
            ..earned
        };
        Commit { grant: Some(entry), ..log.clone().answer("taken back") }
    }
}

pub(super) async fn what_is_taken_back_can_be_earned_again(store: &Arc<dyn Store>) {
    let passes = Passes::new(store, RACERS as u32).await;
    let granted = || async { store.is_granted(passes.learner, passes.course, YEAR).await.unwrap() };
    let mut ledger = Vec::new();
    for generation in 0..3 {
        // Whoever comes, one earns it.
        let commits: Vec<Commit> = (generation..RACERS).map(|which| passes.earn(which)).collect();
        let outcomes = race(store, commits.clone()).await;
        let winner = outcomes.iter().position(Result::is_ok).unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(())).count(), 1);
        assert!(
            outcomes
                .iter()
                .all(|outcome| matches!(outcome, Ok(()) | Err(CommitError::AlreadyGranted | CommitError::SeqTaken)))
        );
        assert!(granted().await);
        let entry = commits[winner].grant.clone().unwrap();
        ledger.push(entry.clone());
        // It is taken back once, whoever decides so, and meanwhile nobody earns anything.
        let log = Log::after(&passes.rows[generation + winner].0, commits[winner].steps.last().unwrap());
        let takers = (0..10).map(|node| passes.lose(generation + winner, entry.id, &log.at_node(node)));
        let takers: Vec<Commit> = takers.collect();
        let outcomes = race(store, takers.clone()).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(())).count(), 1);
        let taken = outcomes.iter().position(Result::is_ok).unwrap();
        ledger.push(takers[taken].grant.clone().unwrap());
        assert!(!granted().await, "what was taken back is not there");
        let again = Log::after(&passes.rows[generation + winner].0, takers[taken].steps.last().unwrap());
        let twice = passes.lose(generation + winner, entry.id, &again);
        assert_eq!(store.commit(twice).await, Err(CommitError::AlreadyGranted), "nothing is taken back twice");
    }
    let mut kept = store.entries(passes.learner, YEAR).await.unwrap();
    kept.sort_by_key(|entry| entry.id);
    ledger.sort_by_key(|entry| entry.id);
    assert_eq!(kept, ledger);
    assert_eq!(kept.iter().map(|entry| entry.hours).sum::<Points>(), Points::ZERO);
}
