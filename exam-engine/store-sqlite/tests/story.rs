//! The story of every back end, and what only a file can tell: reopening, a second server, a full
//! disk, a killed process.

#![expect(clippy::unwrap_used, reason = "tests")]

use exam_core::attempt::CaseState;
use exam_core::{AttemptId, PersonId, Timestamp};
use exam_store::attempts::CaseFilter;
use exam_store::story::kit::{
    Log, act, at_once, is_chain, item, new_exam, new_id, new_learner, person, plain, started,
};
use exam_store::story::{audit_chain_holds, copy_is_whole, tell};
use exam_store::{
    Attempts, AuditLog, Banks, CaseMark, CommitError, ItemState, Page, People, Settings, Store, StoreError,
};
use exam_store_sqlite::{OpenError, Options, SqliteStore};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const CHILD: &str = "KEJU_STORY_CHILD";

fn database() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keju.db");
    (folder, path)
}

fn open(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path, &Options::default()).unwrap())
}

fn as_store(store: &Arc<SqliteStore>) -> Arc<dyn Store> {
    Arc::<SqliteStore>::clone(store)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told_and_outlives_the_process() {
    let (folder, path) = database();
    let store = open(&path);
    tell(as_store(&store)).await;
    let copy = folder.path().join("copy.db");
    copy_is_whole(&as_store(&store), &copy, || as_store(&open(&copy))).await;
    let (latest, records) = (store.latest_time().await.unwrap(), audit_chain_holds(&as_store(&store)).await);
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))), "closed is closed");
    assert!(matches!(store.append_audit(act("late")).await, Err(StoreError::Unavailable(_))));
    assert!(!path.with_extension("db-wal").exists(), "everything is in the one file");

    let store = open(&path);
    assert_eq!(store.latest_time().await.unwrap(), latest);
    assert_eq!(audit_chain_holds(&as_store(&store)).await, records);
    let bank = store.bank_by_code("story").await.unwrap().unwrap();
    assert_eq!((bank.revision, store.items_at(bank.id, 2).await.unwrap().len()), (4, 51));
    assert_eq!(
        store.put_items(bank.id, vec![item("i00", "later")], ItemState::Ready, at_zero(), act("put")).await,
        Ok(5)
    );
}

/// No index refuses a command twice: the writer knows what is kept, also of what was kept before it began.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_kept_before_is_refused_by_the_next_writer() {
    let (_folder, path) = database();
    let store = open(&path);
    let (learner, exam) = (new_learner(&as_store(&store)).await, new_exam(&as_store(&store)).await);
    let (row, mut log) = started(&as_store(&store), learner, exam.id, 1).await;
    let command = new_id();
    let first = log.step(Some(command), "once", 1_000);
    store.commit(plain(vec![first])).await.unwrap();
    store.close().await;

    let store = open(&path);
    let again = log.clone().step(Some(command), "twice", 2_000);
    assert_eq!(store.commit(plain(vec![again])).await, Err(CommitError::CommandTaken));
    // What was rolled back was never kept.
    let other = new_id();
    let mut broken = log.clone();
    let clash = vec![broken.step(Some(other), "new", 2_000), broken.step(Some(command), "old", 2_000)];
    assert_eq!(store.commit(plain(clash)).await, Err(CommitError::CommandTaken));
    let next = log.step(Some(other), "new", 3_000);
    store.commit(plain(vec![next])).await.unwrap();
    assert_eq!(store.steps(learner, row.id).await.unwrap().len(), 3);
}

fn at_zero() -> exam_core::Timestamp {
    exam_store::story::kit::at(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_server_has_the_file() {
    let (_folder, path) = database();
    let store = open(&path);
    let refused = SqliteStore::open(&path, &Options::default());
    assert!(matches!(refused, Err(OpenError::InUse { .. })), "{refused:?}");
    store.ping().await.unwrap();
    store.close().await;
    // Closed, though somebody still holds it.
    drop(open(&path));
    // Dropped without closing: free at once.
    drop(open(&path));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_ours_is_refused() {
    let (folder, path) = database();
    open(&path).close().await;
    let raw = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    raw.pragma_update(None, "user_version", version + 1).unwrap();
    drop(raw);
    let refused = SqliteStore::open(&path, &Options::default());
    assert!(matches!(refused, Err(OpenError::Schema(_))), "{refused:?}");

    let text = folder.path().join("text.db");
    std::fs::write(&text, "no database at all, but long enough to be looked at for a while".repeat(100)).unwrap();
    assert!(matches!(SqliteStore::open(&text, &Options::default()), Err(OpenError::Sqlite(_))));
    let nowhere = folder.path().join("nowhere").join("keju.db");
    assert!(matches!(SqliteStore::open(nowhere, &Options::default()), Err(OpenError::File { .. })));
}

/// Attempts from before there were cases have theirs by the same rule; nothing else changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_before_cases_has_them_after_the_migration() {
    let (_folder, path) = database();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0001_init.sql")).unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0002_lessons.sql")).unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0003_commands.sql")).unwrap();
    raw.execute_batch(include_str!("../../../migrations/sqlite/0004_certificates.sql")).unwrap();
    raw.execute_batch(
        "INSERT INTO people VALUES (zeroblob(16), 'a', 'a', 1, NULL, NULL, 0, 0, NULL);
         INSERT INTO banks VALUES (zeroblob(16), 'b', 'b', 0);
         INSERT INTO courses VALUES (zeroblob(16), 'c', 'c', 'public', 'elective', 2023, 100);
         INSERT INTO exams VALUES (zeroblob(16), 'e', zeroblob(16), zeroblob(16), 'draft', zeroblob(32), '{}');",
    )
    .unwrap();
    let rows = [
        (1, "exam", "submitted", 29, Some(7)),
        (2, "exam", "submitted", 30, Some(7)),
        (3, "exam", "terminated", 0, Some(8)),
        (4, "practice", "terminated", 90, Some(9)),
        (5, "exam", "open", 45, None),
    ];
    for (number, mode, state, score, closed_at) in rows {
        let sql = "INSERT INTO attempts (id, learner, exam, mode, number, state, started_at, deadline, closed_at, \
                   answered, hours, integrity_score, flags, start_command, start_digest) \
                   VALUES (?1, zeroblob(16), zeroblob(16), ?2, ?3, ?4, 5, 6, ?5, 0, 0, ?6, 0, ?1, zeroblob(16))";
        let id = [number as u8; 16];
        raw.execute(sql, rusqlite::params![id, mode, number, state, closed_at, score]).unwrap();
    }
    raw.pragma_update(None, "user_version", 4).unwrap();
    drop(raw);
    let store = open(&path);
    let found = store.cases(CaseFilter::default(), Page { after: None, limit: 10 }).await.unwrap();
    let told: Vec<_> = found.iter().map(|row| (row.number, row.case.unwrap(), row.invalidated)).collect();
    let mark = |ms| CaseMark { state: CaseState::Open, opened_at: Timestamp::from_ms(ms) };
    assert_eq!(told, [(5, mark(5), false), (3, mark(8), false), (2, mark(7), false)]);
    store.close().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = database();
    let store = open(&path);
    store.append_audit(act("any")).await.unwrap();
    let copy = folder.path().join("copy.db");
    store.backup_to(&copy).await.unwrap();
    for file in [path.clone(), path.with_extension("db-wal"), path.with_extension("db-shm"), copy] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_reading_goes_on() {
    let (_folder, path) = database();
    let store = open(&path);
    let dynamic = as_store(&store);
    let exam = new_exam(&dynamic).await.id;
    let (row, mut log) = started(&dynamic, new_learner(&dynamic).await, exam, 1).await;
    store.set_size_max(Some(0)).await.unwrap();
    let mut kept = 1;
    let refused = loop {
        // What was refused is not taken back from the log: it is tried again below.
        match store.commit(log.clone().answer(&"长".repeat(2_000))).await {
            Ok(()) => {
                let steps = store.steps(row.learner, row.id).await.unwrap();
                log = Log::after(&row, steps.last().unwrap());
                kept += 1;
            }
            Err(error) => break error,
        }
        assert!(kept < 1_000, "the size is not held");
    };
    assert_eq!(refused, CommitError::Store(StoreError::Full));
    assert_eq!(store.steps(row.learner, row.id).await.unwrap().len(), kept);

    // A large job fails alone among small ones that still fit.
    let many: Vec<_> = (0..2_000).map(|number| person(&format!("p{number}"))).collect();
    let crowd = store.create_people(many.clone(), act("people.import"));
    let (crowd, ping) = tokio::join!(crowd, store.ping());
    assert_eq!((crowd, ping), (Err(StoreError::Full), Ok(())));

    store.set_size_max(None).await.unwrap();
    store.commit(log.answer("fits again")).await.unwrap();
    assert_eq!(store.create_people(many, act("people.import")).await, Ok(Vec::new()));
    let steps = store.steps(row.learner, row.id).await.unwrap();
    assert!(steps.len() == kept + 1 && is_chain(&steps));
    audit_chain_holds(&dynamic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_append_only() {
    let (_folder, path) = database();
    let store = open(&path);
    tell(as_store(&store)).await;
    store.close().await;
    let raw = rusqlite::Connection::open(&path).unwrap();
    for table in ["steps", "lesson_steps", "ledger", "audit", "item_versions", "key_versions"] {
        let rows: i64 = raw.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(rows > 0, "{table}");
        for sql in [format!("UPDATE {table} SET at = at + 1"), format!("DELETE FROM {table}")] {
            let refused = raw.execute(&sql, []).unwrap_err().to_string();
            assert!(refused.contains("append-only") || refused.contains("never changed"), "{sql}: {refused}");
        }
    }
}

/// Again and again on the same file, with a log so short that it is copied all the time.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kills() {
    let (_folder, path) = database();
    for count in [500, 1, 70, 900, 333] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let kept = |line: String| line.strip_prefix("kept ").map(str::to_owned);
        let acknowledged: Vec<String> = lines.filter_map(kept).take(count).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(acknowledged.len(), count);

        let store = open(&path);
        for line in acknowledged {
            let mut words = line.split(' ');
            let learner = PersonId::parse(words.next().unwrap()).unwrap();
            let attempt = AttemptId::parse(words.next().unwrap()).unwrap();
            let seq: usize = words.next().unwrap().parse().unwrap();
            let steps = store.steps(learner, attempt).await.unwrap();
            assert!(steps.len() >= seq && is_chain(&steps));
        }
        store.append_audit(act("on it goes")).await.unwrap();
        store.close().await;
        let file = rusqlite::Connection::open(&path).unwrap();
        let whole: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
    }
}

/// Not a test of its own: answers until it is killed, by the test above.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let options = Options { log_pages: 40, ..Options::default() };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(Path::new(&path), &options).unwrap());
    let exam = new_exam(&store).await.id;
    let mut learners = Vec::new();
    for _ in 0..8 {
        let (row, mut log) = started(&store, new_learner(&store).await, exam, 1).await;
        let store = Arc::clone(&store);
        learners.push(async move {
            for seq in 2..100_000 {
                store.commit(log.answer("answer")).await.unwrap();
                writeln!(std::io::stdout(), "kept {} {} {seq}", row.learner, row.id).unwrap();
            }
        });
    }
    at_once(learners).await;
}
