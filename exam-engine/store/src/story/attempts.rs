//! Attempts: what is committed reads back, in every order it is asked for.

use super::kit::{
    Log, YEAR, act, at, attempt, grant, is_chain, new_exam, new_id, new_learner, person, plain, started, submitted,
};
use crate::attempts::AttemptFilter;
use crate::{AttemptRow, AttemptState, BeforeStart, Commit, CommitError, Page, RowChange, Store, StoreError};
use exam_core::attempt::Mode;
use exam_core::{AttemptId, ExamId, PersonId};
use std::sync::Arc;

pub(super) async fn an_attempt_reads_back(store: &Arc<dyn Store>) {
    let (learner, exam) = (new_learner(store).await, new_exam(store).await);
    let row = attempt(learner, exam.id, 1);
    let mut log = Log::new(&row);
    let start = log.start(&row);
    let mut steps = start.steps.clone();
    store.commit(start).await.unwrap();
    assert_eq!(store.attempt(row.id).await.unwrap(), Some(row.clone()));
    assert_eq!(store.before_start(learner, exam.id).await.unwrap().attempts, std::slice::from_ref(&row));
    assert_eq!(store.before_start(PersonId(new_id()), exam.id).await.unwrap(), BeforeStart::default());

    // Two answers in one commit; the second has no command of its own.
    let two = vec![log.step(Some(new_id()), "甲", 5), log.step(None, "乙", 5)];
    steps.extend(two.clone());
    store.commit(plain(two)).await.unwrap();
    assert_eq!(store.attempt(row.id).await.unwrap(), Some(row.clone()), "an answer does not touch the row");

    let closed = submitted(&row);
    let last = log.step(Some(new_id()), "submit", 60_000);
    steps.push(last.clone());
    let entry = grant(&row, exam.course);
    let done = Commit {
        row: RowChange::Update(Box::new(closed.clone())),
        grant: Some(entry.clone()),
        audit: Some(act("attempt.submit")),
        ..plain(vec![last])
    };
    assert!(!store.is_granted(learner, exam.course, YEAR).await.unwrap());
    store.commit(done).await.unwrap();
    assert_eq!(store.attempt(row.id).await.unwrap(), Some(closed));
    assert_eq!(store.entries(learner, YEAR).await.unwrap(), [entry]);
    assert_eq!(store.entries(learner, YEAR + 1).await.unwrap(), []);
    assert!(store.is_granted(learner, exam.course, YEAR).await.unwrap());
    let read = store.steps(learner, row.id).await.unwrap();
    assert_eq!(read, steps);
    assert!(is_chain(&read));
    assert_eq!(store.steps(PersonId(new_id()), row.id).await.unwrap(), []);
    assert_eq!(store.last_seq(learner, row.id).await.unwrap(), read.last().map(|step| step.seq));
    assert_eq!(store.last_seq(PersonId(new_id()), row.id).await.unwrap(), None);
    what_does_not_fit_is_refused(store, learner, exam.id).await;
}

async fn what_does_not_fit_is_refused(store: &Arc<dyn Store>, learner: PersonId, exam: ExamId) {
    let corrupt = |outcome: Result<(), CommitError>| {
        assert!(matches!(outcome, Err(CommitError::Store(StoreError::Corrupt(_)))), "{outcome:?}");
    };
    corrupt(store.commit(plain(Vec::new())).await);
    let row = attempt(learner, exam, 2);
    let mut log = Log::new(&row);
    let first = log.step(None, "orphan", 0);
    corrupt(store.commit(plain(vec![first.clone()])).await);
    let update = Commit { row: RowChange::Update(Box::new(row.clone())), ..plain(vec![first.clone()]) };
    corrupt(store.commit(update).await);
    let (_, third) = (log.step(None, "two", 0), log.step(None, "three", 0));
    corrupt(store.commit(Commit { row: RowChange::Insert(Box::new(row.clone())), ..plain(vec![first, third]) }).await);
    assert_eq!(store.attempt(row.id).await.unwrap(), None);
    assert_eq!(store.steps(learner, row.id).await.unwrap(), []);
}

pub(super) async fn lists_come_in_pages(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await.id;
    let mut rows = Vec::new();
    for number in 0..10 {
        let learner = new_learner(store).await;
        let mut row = attempt(learner, exam, 1);
        if number % 3 == 0 {
            row.mode = Mode::Practice;
        }
        store.commit(Log::new(&row).start(&row)).await.unwrap();
        rows.push(row);
    }
    rows[4] = close(store, &rows[4]).await;
    rows.sort_by_key(|row| row.id);

    let all = AttemptFilter::default();
    let newest: Vec<_> = rows.iter().rev().cloned().collect();
    assert_eq!(listed(store, exam, all, 3).await, newest);
    assert_eq!(listed(store, exam, all, 100).await, newest);
    for mode in [Mode::Exam, Mode::Practice] {
        let expected: Vec<_> = newest.iter().filter(|row| row.mode == mode).cloned().collect();
        assert_eq!(listed(store, exam, AttemptFilter { mode: Some(mode), state: None }, 2).await, expected);
    }
    for state in [AttemptState::Open, AttemptState::Submitted, AttemptState::Paused] {
        let expected: Vec<_> = newest.iter().filter(|row| row.state == state).cloned().collect();
        assert_eq!(listed(store, exam, AttemptFilter { mode: None, state: Some(state) }, 2).await, expected);
    }
    first_steps_come_in_pages(store, exam, &rows).await;
    closed_logs_come_in_pages(store).await;
    a_units_attempts_are_listed(store).await;
    ids_come_in_pages(store, &rows).await;
    a_learners_attempts_are_listed(store).await;
}

async fn close(store: &Arc<dyn Store>, row: &AttemptRow) -> AttemptRow {
    let closed = submitted(row);
    let mut log = Log::new(row);
    log.step(Some(row.start_command), "start", 0);
    let steps = vec![log.step(Some(new_id()), "submit", 60_000)];
    store.commit(Commit { row: RowChange::Update(Box::new(closed.clone())), ..plain(steps) }).await.unwrap();
    closed
}

async fn listed(store: &Arc<dyn Store>, exam: ExamId, filter: AttemptFilter, limit: u32) -> Vec<AttemptRow> {
    let mut all = Vec::new();
    let mut page = Page { after: None, limit };
    loop {
        let rows = store.attempts_at(exam, filter, page.clone()).await.unwrap();
        let Some(last) = rows.last() else { return all };
        page.after = Some(last.id);
        all.extend(rows);
    }
}

async fn first_steps_come_in_pages(store: &Arc<dyn Store>, exam: ExamId, rows: &[AttemptRow]) {
    let mut found = Vec::new();
    let mut page = Page { after: None, limit: 4 };
    loop {
        let steps = store.first_steps_at(exam, page.clone()).await.unwrap();
        let Some(last) = steps.last() else { break };
        page.after = Some(last.log);
        found.extend(steps.into_iter().map(|step| (step.log, step.seq)));
    }
    let in_exam_mode = rows.iter().filter(|row| row.mode == Mode::Exam);
    assert_eq!(found, in_exam_mode.map(|row| (row.id, 1)).collect::<Vec<_>>());
}

/// Of the people of some units alone, newest first; and the hours of several people at once.
async fn a_units_attempts_are_listed(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await;
    let (mut rows, mut entries) = (Vec::new(), Vec::new());
    for unit in [Some("here"), Some("there"), None, Some("here")] {
        let mut learner = person(&new_id().to_string());
        learner.person.unit = unit.map(str::to_owned);
        store.create_people(vec![learner.clone()], act("people.import")).await.unwrap();
        let row = submitted(&attempt(learner.person.id, exam.id, 1));
        let entry = grant(&row, exam.course);
        let commit = Commit { grant: Some(entry.clone()), audit: Some(act("grant")), ..Log::new(&row).start(&row) };
        store.commit(commit).await.unwrap();
        rows.push(row);
        entries.push(entry);
    }
    let listed = async |units: &[&str], state, limit| {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        let filter = AttemptFilter { mode: Some(Mode::Exam), state };
        let page = Page { after: None, limit };
        let found = store.attempts_of_units(exam.id, units, filter, page).await.unwrap();
        found.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["here"], None, 10).await, [rows[3].id, rows[0].id]);
    assert_eq!(listed(&["here", "there"], None, 2).await, [rows[3].id, rows[1].id]);
    assert_eq!(listed(&["there"], Some(AttemptState::Open), 10).await, Vec::<AttemptId>::new());
    assert_eq!(listed(&[], None, 10).await, Vec::<AttemptId>::new());
    let learners: Vec<PersonId> = rows.iter().take(2).map(|row| row.learner).collect();
    let mut found = store.entries_of(learners, YEAR).await.unwrap();
    found.sort_by_key(|entry| entry.id);
    let mut expected = entries[..2].to_vec();
    expected.sort_by_key(|entry| entry.id);
    assert_eq!(found, expected);
    assert_eq!(store.entries_of(Vec::new(), YEAR).await.unwrap(), []);
}

/// Whole logs of what was closed, first attempts alone where they are asked for.
async fn closed_logs_come_in_pages(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await.id;
    let (mut all, mut firsts) = (Vec::new(), Vec::new());
    for number in 0..4 {
        let learner = new_learner(store).await;
        for attempt in 1..=2 {
            let (row, _) = started(store, learner, exam, attempt).await;
            if number == 3 && attempt == 2 {
                continue;
            }
            close(store, &row).await;
            all.push(row.id);
            firsts.extend((attempt == 1).then_some(row.id));
        }
    }
    for (first_only, mut expected) in [(false, all), (true, firsts)] {
        expected.sort_unstable();
        let (mut found, mut page) = (Vec::new(), Page { after: None, limit: 3 });
        loop {
            let steps = store.closed_logs_at(exam, first_only, page.clone()).await.unwrap();
            let Some(last) = steps.last() else { break };
            assert!(steps.len() <= 6, "two steps of three attempts");
            page.after = Some(last.log);
            found.extend(steps.into_iter().map(|step| (step.log, step.seq)));
        }
        assert_eq!(found, expected.into_iter().flat_map(|id| [(id, 1), (id, 2)]).collect::<Vec<_>>());
    }
}

async fn ids_come_in_pages(store: &Arc<dyn Store>, rows: &[AttemptRow]) {
    let mut found: Vec<(PersonId, AttemptId)> = Vec::new();
    let mut page = Page { after: None, limit: 7 };
    loop {
        let ids = store.attempt_ids(page.clone()).await.unwrap();
        let Some(last) = ids.last() else { break };
        page.after = Some(last.1);
        found.extend(ids);
    }
    assert!(found.is_sorted_by(|left, right| left.1 < right.1), "by id, each once");
    assert!(rows.iter().all(|row| found.contains(&(row.learner, row.id))));
}

async fn a_learners_attempts_are_listed(store: &Arc<dyn Store>) {
    let learner = new_learner(store).await;
    let (here, there) = (new_exam(store).await.id, new_exam(store).await.id);
    let mut rows = Vec::new();
    for number in 1..=3 {
        let (row, _) = started(store, learner, here, number).await;
        rows.push(close(store, &row).await);
    }
    let (elsewhere, _) = started(store, learner, there, 1).await;
    assert_eq!(store.attempts_of(learner, Some(here)).await.unwrap(), rows);
    let first = store.first_steps(learner, here, 2).await.unwrap();
    assert_eq!(first.iter().map(|step| (step.log, step.seq)).collect::<Vec<_>>(), [(rows[2].id, 1), (rows[1].id, 1)]);
    rows.push(elsewhere);
    assert_eq!(store.attempts_of(learner, None).await.unwrap(), rows);
}

pub(super) async fn the_server_finds_what_is_due(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await.id;
    let mut rows = Vec::new();
    // Before anything else of the story is due.
    for ms in [-300, -500, -100] {
        let mut row = attempt(new_learner(store).await, exam, 1);
        row.due_at = Some(at(ms));
        store.commit(Log::new(&row).start(&row)).await.unwrap();
        rows.push(row);
    }
    assert_eq!(store.next_due().await.unwrap(), Some(at(-500)));
    assert_eq!(store.attempts_due(at(-501), 10).await.unwrap(), []);
    assert_eq!(store.attempts_due(at(-300), 10).await.unwrap(), [rows[1].clone(), rows[0].clone()]);
    assert_eq!(store.attempts_due(at(0), 1).await.unwrap(), [rows[1].clone()]);
    let claimed = store.claim_due_attempts(at(-300), 500, 10).await.unwrap();
    let mut ids: Vec<_> = claimed.iter().map(|row| row.id).collect();
    ids.sort();
    let mut expected = [rows[0].id, rows[1].id];
    expected.sort();
    assert_eq!(ids, expected);
    for row in &rows {
        close(store, row).await;
    }
    assert_eq!(store.attempts_due(at(0), 10).await.unwrap(), []);
    assert_eq!(store.claim_due_attempts(at(0), 500, 10).await.unwrap(), []);
    assert!(store.next_due().await.unwrap().is_none_or(|due| due > at(0)));
}

pub(super) async fn the_latest_time_is_known(store: &Arc<dyn Store>) {
    let (_, mut log) = started(store, new_learner(store).await, new_exam(store).await.id, 1).await;
    let before = store.latest_time().await.unwrap().unwrap();
    assert!(before.at >= at(60_000));
    for (name, ms) in [("late", 90_000), ("earlier", 80_000), ("a little later", 90_001), ("later", 95_000)] {
        store.commit(plain(vec![log.step(None, name, ms)])).await.unwrap();
        let latest = store.latest_time().await.unwrap().unwrap();
        let kept = at(ms.max(90_000));
        assert!(kept <= latest.at && latest.at <= kept.plus_ms(latest.ahead_ms), "{name}: {latest:?}");
    }
}
