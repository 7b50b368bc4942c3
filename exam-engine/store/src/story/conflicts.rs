//! Commands that race: of those that cannot all be true, exactly one is kept, and the others are told why.

use super::kit::{
    Log, YEAR, act, at_once, attempt, grant, is_chain, new_exam, new_id, new_learner, plain, started, submitted,
};
use crate::{AttemptRow, Commit, CommitError, RowChange, Store, StoreError};
use std::sync::Arc;

const RACERS: usize = 50;

pub(super) async fn nodes_race_for_a_step(store: &Arc<dyn Store>) {
    let (row, log) = started(store, new_learner(store).await, new_exam(store).await.id, 1).await;
    let commits = (0..50).map(|node| log.at_node(node).answer(&format!("node {node}")));
    let outcomes = race(store, commits.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::SeqTaken)), RACERS - 1);
    let steps = store.steps(row.learner, row.id).await.unwrap();
    assert_eq!(steps.len(), 2);
    assert!(is_chain(&steps));

    // The same command again, by a node that knows the log.
    let mut log = Log::after(&row, &steps[1]);
    let (kept, _) = steps[1].command.unwrap();
    let repeat = log.clone().step(Some(kept), "again", 2_000);
    assert_eq!(store.commit(plain(vec![repeat])).await, Err(CommitError::CommandTaken));
    store.commit(log.answer("next")).await.unwrap();
    // A commit of several steps whose last one clashes leaves none of them.
    let mut other = log.at_node(9);
    let clash = vec![other.step(Some(new_id()), "new", 3_000), other.step(Some(kept), "old", 3_000)];
    assert_eq!(store.commit(plain(clash)).await, Err(CommitError::CommandTaken));
    let steps = store.steps(row.learner, row.id).await.unwrap();
    assert_eq!(steps.len(), 3);
    assert!(is_chain(&steps));
}

pub(super) async fn starts_race(store: &Arc<dyn Store>) {
    let (learner, exam) = (new_learner(store).await, new_exam(store).await.id);
    let start = |row: &AttemptRow| Log::new(row).start(row);
    let rows: Vec<_> = (0..RACERS).map(|_| attempt(learner, exam, 1)).collect();
    let outcomes = race(store, rows.iter().map(start).collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::OpenAttempt)), RACERS - 1);
    let kept = store.attempts_of(learner, Some(exam)).await.unwrap().remove(0);

    // One command at many nodes, each with an id of its own.
    let other = new_learner(store).await;
    let command = new_id();
    let rows = (0..RACERS).map(|_| AttemptRow { start_command: command, ..attempt(other, exam, 1) });
    let outcomes = race(store, rows.map(|row| start(&row)).collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::CommandTaken)), RACERS - 1);

    // The open one is closed: its number stays taken, the next one is free.
    let mut log = Log::new(&kept);
    log.step(Some(kept.start_command), "start", 0);
    let close = Commit { row: RowChange::Update(Box::new(submitted(&kept))), ..log.answer("submit") };
    store.commit(close).await.unwrap();
    assert_eq!(store.commit(start(&attempt(learner, exam, 1))).await, Err(CommitError::NumberTaken));
    store.commit(start(&attempt(learner, exam, 2))).await.unwrap();
    assert_eq!(store.attempts_of(learner, Some(exam)).await.unwrap().len(), 2);
}

pub(super) async fn hours_are_granted_once(store: &Arc<dyn Store>) {
    let (learner, exam) = (new_learner(store).await, new_exam(store).await);
    let rows: Vec<_> = (1..).take(RACERS).map(|number| submitted(&attempt(learner, exam.id, number))).collect();
    let commits = rows.iter().map(|row| Commit {
        grant: Some(grant(row, exam.course)),
        audit: Some(act("attempt.grant")),
        ..Log::new(row).start(row)
    });
    let outcomes = race(store, commits.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::AlreadyGranted)), RACERS - 1);
    assert_eq!(store.entries(learner, YEAR).await.unwrap().len(), 1);
    // All or nothing: the others left neither a row nor steps.
    let kept = store.attempts_of(learner, None).await.unwrap();
    assert_eq!(kept.len(), 1);
    for row in &rows {
        let steps = store.steps(learner, row.id).await.unwrap();
        assert_eq!(steps.len(), usize::from(row.id == kept[0].id));
    }
}

pub(super) async fn a_poisoned_commit_fails_alone(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await;
    let (mut commits, mut rows) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let (row, mut log) = started(store, new_learner(store).await, exam.id, 1).await;
        commits.push(log.answer("good"));
        rows.push(row);
    }
    let granted = &rows[0];
    let first = Commit { grant: Some(grant(granted, exam.course)), ..commits[0].clone() };
    store.commit(first).await.unwrap();
    // Its steps and its row are fine; what fails is the grant, after all of these were written.
    commits[0] = Commit {
        row: RowChange::Update(Box::new(submitted(granted))),
        grant: Some(grant(granted, exam.course)),
        audit: Some(act("poison")),
        ..Log::after(granted, &commits[0].steps[0]).answer("poison")
    };
    let missing = attempt(rows[100].learner, exam.id, 7);
    commits[100] = Commit { row: RowChange::Update(Box::new(missing.clone())), ..Log::new(&missing).answer("poison") };

    let outcomes = race(store, commits).await;
    assert_eq!(outcomes[0], Err(CommitError::AlreadyGranted));
    assert!(matches!(outcomes[100], Err(CommitError::Store(StoreError::Corrupt(_)))), "{:?}", outcomes[100]);
    assert_eq!(count(&outcomes, &Ok(())), 198);
    for (row, outcome) in rows.iter().zip(&outcomes).skip(1) {
        let steps = store.steps(row.learner, row.id).await.unwrap();
        assert_eq!(steps.len(), if outcome.is_ok() { 2 } else { 1 });
        assert!(is_chain(&steps));
    }
    assert_eq!(store.attempt(granted.id).await.unwrap().as_ref(), Some(granted));
    assert_eq!(store.steps(granted.learner, granted.id).await.unwrap().len(), 2);
}

pub(super) async fn race(store: &Arc<dyn Store>, commits: Vec<Commit>) -> Vec<Result<(), CommitError>> {
    let work = commits.into_iter().map(|commit| {
        let store = Arc::clone(store);
        async move { store.commit(commit).await }
    });
    at_once(work.collect()).await
}

fn count(outcomes: &[Result<(), CommitError>], like: &Result<(), CommitError>) -> usize {
    outcomes.iter().filter(|outcome| *outcome == like).count()
}
