//! What is really sent to the server, by its own log: whatever is written and read while exams are taken and lessons
//! are played names the learner, so that a sharding PostgreSQL answers it from one shard.

#![expect(clippy::unwrap_used, reason = "tests")]

use exam_core::Timestamp;
use exam_core::lesson::Coverage;
use exam_store::story::kit::{
    LessonLog, act, attempt, completion, grant, new_exam, new_id, new_learner, new_lesson, started, submitted,
};
use exam_store::story::tell;
use exam_store::{Checkpoint, Commit, RowChange, Store};
use exam_store_postgres::{Options, PostgresStore};
use keju_test_cluster::Cluster;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Tables that are spread over shards, each with the column that says where a row is.
const SPREAD: [(&str, &str); 11] = [
    ("attempts", "learner"),
    ("steps", "learner"),
    ("ledger", "learner"),
    ("overrides", "person"),
    ("studies", "learner"),
    ("lesson_progress", "learner"),
    ("lesson_steps", "learner"),
    ("outbox", "learner"),
    ("certificates", "learner"),
    ("revocations", "learner"),
    ("notebook_removals", "learner"),
];

/// Statements that ask every shard on purpose, by how they go on after the table's name: lists for staff, workers that
/// look for what is due, audits, and links that name an attempt alone. None of them is on the way of an answer.
const OF_ALL_LEARNERS: [&str; 16] = [
    "attempts WHERE id = $1",
    "attempts a JOIN steps s ON s.learner = a.learner AND s.attempt = a.id AND s.seq = 1 WHERE a.exam = $1",
    "attempts WHERE state IN ('open', 'paused') AND exam = $1",
    "attempts WHERE exam = $1 AND id < $2",
    "attempts WHERE case_state IN ('open', 'second_review') AND id < $1",
    "attempts WHERE case_state IS NOT NULL AND id < $1",
    "attempts WHERE due_at IS NOT NULL AND due_at <= $1",
    "attempts WHERE due_at IS NOT NULL",
    "attempts WHERE id > $1",
    "lesson_progress WHERE (learner, lesson) > ($1, $2)",
    "outbox WHERE due_at IS NOT NULL AND due_at <= $1",
    "outbox WHERE due_at IS NOT NULL",
    "outbox GROUP BY partner",
    "attempts WHERE exam = $1 AND id > $2 AND mode = 'exam' AND state IN",
    "overrides WHERE exam = $1 AND id < $2",
    "certificates c LEFT JOIN revocations r ON r.learner = c.learner AND r.number = c.number WHERE c.number = $1",
];

/// A server that logs every statement, and a store on it.
async fn overheard() -> (Cluster, Arc<PostgresStore>) {
    let cluster = Cluster::start();
    let url = cluster.database();
    PostgresStore::open(&url, &Options::default()).await.unwrap().close().await;
    cluster.sql("postgres", "ALTER ROLE keju SET log_statement = 'all'");
    (cluster, Arc::new(PostgresStore::open(&url, &Options::default()).await.unwrap()))
}

/// Every statement of the log from this place on, each once, blanks made one.
fn statements(log: &str) -> BTreeSet<String> {
    let told = log.split('\n').filter_map(|line| {
        let (_, told) = line.split_once(" LOG:  ")?;
        let executed = told.strip_prefix("execute ").and_then(|told| told.split_once(": ")).map(|(_, sql)| sql);
        executed.or_else(|| told.strip_prefix("statement: "))
    });
    told.map(|sql| sql.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The tables of a statement that are spread and that it does not pin to learners.
fn unpinned(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql.split([' ', '(', ')', ',', ';']).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    for (table, key) in SPREAD {
        for (place, _) in words.iter().enumerate().filter(|(_, word)| **word == table) {
            let before = place.checked_sub(1).map_or("", |before| words[before]);
            let is_pinned = match before {
                "INTO" => sql.contains(&format!("INTO {table} ({key}, ")),
                "FROM" | "JOIN" | "UPDATE" => {
                    let next = words.get(place + 1).copied().unwrap_or_default();
                    let keyword = ["WHERE", "SET", "ORDER", "LIMIT", "JOIN", "ON", ""].contains(&next);
                    let column = if keyword { format!(" {key}") } else { format!("{next}.{key}") };
                    // Bound, to one or to some, or the same as in another table that is.
                    let bound = [format!("{key} = $"), format!("{key} = ANY($"), format!("{key} = u.{key}")];
                    sql.contains(&format!("{column} = ")) && bound.iter().any(|bound| sql.contains(bound))
                }
                // Not as a table: a column of that name.
                _ => true,
            };
            if !is_pinned {
                found.push(format!("{table} in: {sql}"));
            }
        }
    }
    found
}

/// What a cluster of Citus understands in another way than one server does, each found there by the story: none of
/// it is refused.
fn misread(sql: &str) -> Option<&'static str> {
    let (before, list) = sql.split_once("FROM unnest(")?;
    if list.contains("LEFT JOIN") {
        return Some("a list that is joined to what may not be there finds nothing");
    }
    let alone = before.starts_with("INSERT") && !list.contains(" JOIN ");
    (alone && !list.contains("RETURNING"))
        .then_some("rows that a key keeps out are counted, or stop it without saying that it was a key")
}

#[test]
fn the_check_finds_what_it_is_for() {
    for pinned in [
        "SELECT max(seq) FROM steps WHERE learner = $1 AND attempt = $2",
        "UPDATE attempts SET state = $3 WHERE learner = $1 AND id = $2",
        "INSERT INTO ledger (learner, credit_year) VALUES ($1, $2)",
        "SELECT s.seq FROM attempts a JOIN steps s ON s.learner = a.learner WHERE a.learner = $1",
        "SELECT name FROM people WHERE id = $1",
    ] {
        assert_eq!(unpinned(pinned), [""; 0], "{pinned}");
    }
    for understood in [
        "INSERT INTO ledger (learner) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id",
        "INSERT INTO steps (learner) SELECT a.learner FROM unnest($1::uuid[]) AS u (id) JOIN attempts a ON a.id = u.id",
        "SELECT count(pg_notify('keju', payload)) FROM unnest($1::text[]) AS payload",
    ] {
        assert_eq!(misread(understood), None, "{understood}");
    }
    for misunderstood in [
        "INSERT INTO ledger (learner) SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING",
        "INSERT INTO people (id) SELECT * FROM unnest($1::uuid[])",
        "SELECT u.code FROM unnest($1::text[]) AS u (code) LEFT JOIN item_versions v ON v.code = u.code",
    ] {
        assert!(misread(misunderstood).is_some(), "{misunderstood}");
    }
    for loose in [
        "SELECT max(seq) FROM steps WHERE attempt = $1",
        "UPDATE attempts SET learner = learner WHERE id = $2",
        "DELETE FROM outbox WHERE id = $1",
        "SELECT s.seq FROM attempts a JOIN steps s ON s.learner = a.learner WHERE a.exam = $1",
        "SELECT s.seq FROM attempts a JOIN steps s ON s.attempt = a.id WHERE a.learner = $1",
    ] {
        assert_ne!(unpinned(loose), [""; 0], "{loose}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exam_and_a_lesson_send_names_the_learner() {
    let (cluster, store) = overheard().await;
    let dynamic: Arc<dyn Store> = Arc::<PostgresStore>::clone(&store);
    let (exam, lesson) = (new_exam(&dynamic).await, new_lesson(&dynamic).await);
    let learner = new_learner(&dynamic).await;
    let begun = cluster.log().len();
    take_an_exam(&dynamic, learner, &exam).await;
    play_a_lesson(&dynamic, learner, &exam, lesson.id).await;
    let sent = statements(&cluster.log()[begun..]);
    for expected in
        ["INSERT INTO attempts", "INSERT INTO steps", "UPDATE attempts", "INSERT INTO lesson_steps", "FROM steps s"]
    {
        assert!(sent.iter().any(|sql| sql.contains(expected)), "{expected} was not sent: {sent:#?}");
    }
    assert!(sent.iter().any(|sql| sql.contains("ON CONFLICT DO NOTHING RETURNING attempt")), "in a mixed batch, too");
    let loose: Vec<String> = sent.iter().flat_map(|sql| unpinned(sql)).collect();
    assert!(loose.is_empty(), "{loose:#?}");
    store.close().await;
}

/// Start, answers, loads, an act of a proctor, the end with its hours, and the same by the worker that closes what is
/// due.
async fn take_an_exam(store: &Arc<dyn Store>, learner: exam_core::PersonId, exam: &exam_core::exam::Exam) {
    let (row, mut log) = started(store, learner, exam.id, 1).await;
    store.commit(log.answer("one")).await.unwrap();
    store.commit(Commit { audit: Some(act("attempt.warn")), ..log.answer("acted on") }).await.unwrap();
    store.steps(learner, row.id).await.unwrap();
    store.last_seq(learner, row.id).await.unwrap();
    store.before_start(learner, exam.id).await.unwrap();
    store.attempts_of(learner, Some(exam.id)).await.unwrap();
    store.attempts_of(learner, None).await.unwrap();
    store.first_steps(learner, exam.id, 20).await.unwrap();
    store.overrides(exam.id, learner).await.unwrap();
    store.is_granted(learner, exam.course, 2023).await.unwrap();
    store.entries(learner, 2023).await.unwrap();
    let ended = submitted(&row);
    let grant = grant(&ended, exam.course);
    let end = Commit { row: RowChange::Update(Box::new(ended)), grant: Some(grant), ..log.answer("the end") };
    store.commit(end).await.unwrap();
    // The keys say no, and which of them is asked of the rows.
    assert!(store.commit(log.clone().at_node(2).answer("late")).await.is_ok());
    assert!(store.commit(log.answer("later")).await.is_err());
    let again = attempt(learner, exam.id, 1);
    let mut second = exam_store::story::kit::Log::new(&again);
    assert!(store.commit(second.start(&again)).await.is_err());
}

async fn play_a_lesson(
    store: &Arc<dyn Store>,
    learner: exam_core::PersonId,
    exam: &exam_core::exam::Exam,
    lesson: exam_core::LessonId,
) {
    let mut log = LessonLog::new(learner, lesson);
    store.commit_lesson(log.open(None, 1)).await.unwrap();
    store.commit_lesson(log.hold(Some(new_id()), 20)).await.unwrap();
    let checkpoint = Checkpoint {
        learner,
        lesson,
        seq: log.seq,
        epoch: 1,
        covered: Coverage::new(),
        position_ms: 5,
        at: Timestamp::from_ms(1_700_000_100_000),
    };
    assert_eq!(store.save_progress(vec![checkpoint]).await.unwrap(), [true]);
    store.lesson_steps(learner, lesson).await.unwrap();
    store.progress(learner, lesson).await.unwrap();
    store.progress_of(learner).await.unwrap();
    store.study(learner).await.unwrap();
    store.is_lesson_granted(learner, lesson, 2023).await.unwrap();
    store.commit_lesson(log.open(Some(1), 2)).await.unwrap();
    store.commit_lesson(completion(&mut log, None)).await.unwrap();
    store.overrides(exam.id, learner).await.unwrap();
}

/// Whatever else asks every shard is known by name: what the whole story sends is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn what_asks_every_shard_is_listed() {
    let (cluster, store) = overheard().await;
    tell(Arc::<PostgresStore>::clone(&store) as Arc<dyn Store>).await;
    store.close().await;
    let sent = statements(&cluster.log());
    let misread: Vec<_> = sent.iter().filter_map(|sql| Some((misread(sql)?, sql))).collect();
    assert!(misread.is_empty(), "{misread:#?}");
    let (mut unlisted, mut met) = (Vec::new(), BTreeSet::new());
    for sql in &sent {
        if unpinned(sql).is_empty() {
            continue;
        }
        match OF_ALL_LEARNERS.iter().find(|known| sql.contains(&format!("FROM {known}"))) {
            Some(known) => drop(met.insert(*known)),
            None => unlisted.push(sql),
        }
    }
    assert!(unlisted.is_empty(), "asks every shard: {unlisted:#?}");
    let gone: Vec<&&str> = OF_ALL_LEARNERS.iter().filter(|known| !met.contains(*known)).collect();
    assert!(gone.is_empty(), "listed and never sent: {gone:#?}");
}
