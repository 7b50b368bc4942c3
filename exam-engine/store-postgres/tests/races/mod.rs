//! What several nodes, and batches of all kinds, do to one database: told of one server, and of several.

use exam_core::exam::Exam;
use exam_store::story::audit_chain_holds;
use exam_store::story::kit::{
    Log, YEAR, act, at_once, attempt, grant, is_chain, new_exam, new_learner, started, submitted,
};
use exam_store::{
    Announcement, Announcements, AttemptNews, AttemptRow, Attempts, Commit, CommitError, Heard, Ledger, RowChange,
    Store,
};
use exam_store_postgres::{Options, PostgresStore};
use std::sync::Arc;

pub(crate) async fn open(url: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(url, &Options::default()).await.unwrap())
}

pub(crate) fn as_store(store: &Arc<PostgresStore>) -> Arc<dyn Store> {
    Arc::<PostgresStore>::clone(store)
}

pub(crate) async fn race_at_two_nodes(url: &str) {
    let nodes = [open(url).await, open_node(url, 2).await];
    let stores: Vec<Arc<dyn Store>> = nodes.iter().map(as_store).collect();
    let exam = new_exam(&stores[0]).await;
    // Steps.
    let (row, log) = started(&stores[0], new_learner(&stores[1]).await, exam.id, 1).await;
    let commits = (0..60).map(|node| log.at_node(node).answer(&format!("{node}")));
    let outcomes = race(&stores, commits.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::SeqTaken)), 59);
    let steps = stores[1].steps(row.learner, row.id).await.unwrap();
    assert!(steps.len() == 2 && is_chain(&steps));
    // Starts.
    let learner = new_learner(&stores[0]).await;
    let rows: Vec<_> = (0..60).map(|_| attempt(learner, exam.id, 1)).collect();
    let outcomes = race(&stores, rows.iter().map(|row| Log::new(row).start(row)).collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::OpenAttempt)), 59);
    // Hours.
    let learner = new_learner(&stores[0]).await;
    let rows: Vec<_> = (1..=60).map(|number| submitted(&attempt(learner, exam.id, number))).collect();
    let commits = rows.iter().map(|row| Commit {
        grant: Some(grant(row, exam.course)),
        audit: Some(act("attempt.grant")),
        ..Log::new(row).start(row)
    });
    let outcomes = race(&stores, commits.collect()).await;
    assert_eq!(count(&outcomes, &Ok(())), 1);
    assert_eq!(count(&outcomes, &Err(CommitError::AlreadyGranted)), 59);
    assert_eq!(stores[0].attempts_of(learner, None).await.unwrap().len(), 1);
}

pub(crate) async fn contest_batches(url: &str) {
    let nodes = [open(url).await, open_node(url, 2).await];
    let stores: Vec<Arc<dyn Store>> = nodes.iter().map(as_store).collect();
    let exam = new_exam(&stores[0]).await.id;
    let mut logs = Vec::new();
    for _ in 0..100 {
        logs.push(started(&stores[0], new_learner(&stores[0]).await, exam, 1).await);
    }
    for round in 0..5 {
        let mut commits = Vec::new();
        for (number, (_, log)) in logs.iter().enumerate() {
            for node in 0..2 {
                let mut commit = log.at_node(node).answer(&format!("round {round}"));
                // Some with an act of a person, some that change the row.
                commit.audit = (number % 7 == 0).then(|| act("contested"));
                if number % 5 == 0 {
                    commit.row = RowChange::Update(Box::new(logs[number].0.clone()));
                }
                commits.push(commit);
            }
        }
        let outcomes = race(&stores, commits.clone()).await;
        assert_eq!(count(&outcomes, &Ok(())), logs.len());
        assert_eq!(count(&outcomes, &Err(CommitError::SeqTaken)), logs.len());
        for (row, log) in &mut logs {
            let steps = stores[0].steps(row.learner, row.id).await.unwrap();
            assert!(steps.len() == round + 2 && is_chain(&steps));
            *log = Log::after(row, &steps[round + 1]);
        }
    }
    audit_chain_holds(&stores[1]).await;
}

pub(crate) async fn commit_all_kinds(url: &str) {
    let store = open(url).await;
    let dynamic = as_store(&store);
    let exam = new_exam(&dynamic).await;
    for spoilers in [0, 2] {
        let mut listener = store.listen();
        let mut commits = Vec::new();
        for number in 0..80 {
            commits.push(of_a_kind(&dynamic, &exam, number).await);
        }
        // An attempt that never began, and one that somebody else went on with.
        let row = attempt(new_learner(&dynamic).await, exam.id, 1);
        let (_, begun) = &commits[1];
        let grant = Some(grant(&row, exam.course));
        let orphan = Commit { grant, ..Log::after(&row, &begun.steps[0]).answer("never begun") };
        let (begun, mut log) = started(&dynamic, new_learner(&dynamic).await, exam.id, 1).await;
        let late = Commit { row: RowChange::Update(Box::new(submitted(&begun))), ..log.clone().answer("slower") };
        store.commit(log.answer("faster")).await.unwrap();
        commits.extend([(row, orphan), (begun, late)].into_iter().take(spoilers));
        let all = commits.iter().map(|(_, commit)| commit.clone()).collect();
        let outcomes = race(std::slice::from_ref(&dynamic), all).await;
        assert_eq!(count(&outcomes, &Ok(())), 80);
        assert_eq!(count(&outcomes, &Err(CommitError::SeqTaken)), spoilers / 2);
        for ((row, commit), outcome) in commits.iter().zip(&outcomes) {
            is_kept_or_not(&store, row, commit, outcome.is_ok()).await;
        }
        let expected: Vec<&Announcement> = commits.iter().flat_map(|(_, commit)| &commit.announcements).collect();
        for _ in 0..80 {
            let Some(Heard::Said(said)) = listener.next().await else { panic!("some were missed") };
            assert!(expected.contains(&&said), "{said:?}");
        }
    }
}

/// The row as it is, and a commit to it: by the number a start, a flag, the end, or an answer.
async fn of_a_kind(store: &Arc<dyn Store>, exam: &Exam, number: u32) -> (AttemptRow, Commit) {
    let learner = new_learner(store).await;
    let (row, mut commit) = if number.is_multiple_of(4) {
        let row = attempt(learner, exam.id, 1);
        (row.clone(), Log::new(&row).start(&row))
    } else {
        let (row, mut log) = started(store, learner, exam.id, 1).await;
        (row, log.answer("an answer"))
    };
    if number % 4 == 1 {
        commit.row = RowChange::Update(Box::new(AttemptRow { flags: 3, ..row.clone() }));
    } else if number % 4 == 2 {
        commit.row = RowChange::Update(Box::new(submitted(&row)));
        commit.grant = Some(grant(&row, exam.course));
    }
    let seq = commit.steps[0].seq;
    let (attempt, exam, due_at) = (row.id, exam.id, row.due_at);
    let news = AttemptNews { learner, attempt, exam, seq, by: u64::from(seq), due_at, shows: true };
    commit.announcements = vec![Announcement::AttemptChanged(news)];
    (row, commit)
}

async fn is_kept_or_not(store: &PostgresStore, before: &AttemptRow, commit: &Commit, is_kept: bool) {
    let steps = store.steps(before.learner, before.id).await.unwrap();
    assert_eq!(steps.last() == commit.steps.last(), is_kept);
    let entries = store.entries(before.learner, YEAR).await.unwrap();
    assert_eq!(entries.len(), usize::from(is_kept && commit.grant.is_some()));
    let found = store.attempt(before.id).await.unwrap();
    match &commit.row {
        RowChange::Insert(row) | RowChange::Update(row) if is_kept => assert_eq!(found.as_ref(), Some(&**row)),
        _ => assert!(found.is_none_or(|found| found == *before)),
    }
}

pub(crate) async fn open_node(url: &str, node: u16) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(url, &Options { node, ..Options::default() }).await.unwrap())
}

async fn race(stores: &[Arc<dyn Store>], commits: Vec<Commit>) -> Vec<Result<(), CommitError>> {
    let work = commits.into_iter().zip(stores.iter().cycle()).map(|(commit, store)| {
        let store = Arc::clone(store);
        async move { store.commit(commit).await }
    });
    at_once(work.collect()).await
}

fn count(outcomes: &[Result<(), CommitError>], like: &Result<(), CommitError>) -> usize {
    outcomes.iter().filter(|outcome| *outcome == like).count()
}
