//! Where a bench keeps its data: a file, or with `KEJU_BENCH_DATABASE=postgres` a PostgreSQL server of its
//! own, which is gone with the bench. Either has a plain table beside it, as the floor: one row a transaction, or as many
//! as wait.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use crate::process::{cpu_of, cpu_with_children};
use exam_store::Store;
use exam_store_postgres::PostgresStore;
use exam_store_sqlite::SqliteStore;
use keju_test_cluster::Cluster;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// What one answer is in the plain table.
const BODY: &str = r#"{"t":"answered","slot":7,"response":{"choices":["o2"]}}"#;
/// Connections of the floor at most, as many as the server takes beside the bench's own.
const CONNECTIONS_MAX: usize = 64;
/// As a server of a few gigabytes is set up; fsync and synchronous commit are as they are by default.
const SETTINGS: [&str; 3] = ["shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=15min"];

/// See the module.
pub enum Database {
    /// A file in a folder of its own.
    Sqlite(TempDir),
    /// A server and the address of a database in it.
    Postgres(Box<Cluster>, String),
}

/// An open store of either kind.
pub enum Opened {
    /// In a file.
    Sqlite(Arc<SqliteStore>),
    /// On a server.
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    /// As the engine takes it.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Closes it.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

impl Database {
    /// A new, empty one of the kind that `KEJU_BENCH_DATABASE` names: `sqlite` or `postgres`.
    pub fn new() -> Self {
        match std::env::var("KEJU_BENCH_DATABASE").as_deref() {
            Ok("postgres") => {
                let cluster = Cluster::start_with(&SETTINGS);
                let url = cluster.database();
                Self::Postgres(Box::new(cluster), url)
            }
            Ok("sqlite") | Err(_) => Self::Sqlite(tempfile::tempdir().expect("a temporary folder")),
            Ok(other) => panic!("KEJU_BENCH_DATABASE is {other:?}: give sqlite or postgres"),
        }
    }

    /// Its name in figures.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(..) => "PostgreSQL",
        }
    }

    /// As `--database` takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("site.db").display()),
            Self::Postgres(_, url) => url.clone(),
        }
    }

    /// Opens it.
    pub async fn open(&self) -> Opened {
        match self {
            Self::Sqlite(folder) => {
                let options = exam_store_sqlite::Options::default();
                let store = SqliteStore::open(folder.path().join("site.db"), &options);
                Opened::Sqlite(Arc::new(store.expect("a new database opens")))
            }
            Self::Postgres(_, url) => {
                let store = PostgresStore::open(url, &exam_store_postgres::Options::default()).await;
                Opened::Postgres(Arc::new(store.expect("a new database opens")))
            }
        }
    }

    /// Writes attempts that were taken long ago, see `add_past_to_file`.
    pub fn add_past(&self, attempts: u64) {
        match self {
            Self::Sqlite(folder) => add_past_to_file(&folder.path().join("site.db"), attempts),
            Self::Postgres(..) => panic!("a past is written to a file only"),
        }
    }

    /// Bytes of its file; of a server's nothing is known.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Sqlite(folder) => std::fs::metadata(folder.path().join("site.db")).map_or(0, |file| file.len()),
            Self::Postgres(..) => 0,
        }
    }

    /// The first process of the database server, where it is none of the program's own.
    pub fn server(&self) -> Option<u32> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(cluster, _) => cluster.process_id(),
        }
    }

    /// CPU time of this process and of the database server.
    pub fn cpu_with_own(&self) -> Duration {
        cpu_of(std::process::id()) + self.server().map_or(Duration::ZERO, cpu_with_children)
    }

    /// The floor: so many callers at once, each with one INSERT per transaction and nothing else, at the same
    /// durability. How many were done.
    pub fn insert_all(&self, callers: usize, until: Instant) -> u64 {
        match self {
            Self::Sqlite(_) => insert_into_file(callers, until),
            Self::Postgres(cluster, _) => insert_into_server(&cluster.database(), callers, until),
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

/// A plain table, as durable as the product's.
fn plain_file(path: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).expect("a database");
    let made = connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE step (body TEXT NOT NULL) STRICT;",
    );
    made.expect("a table");
    connection
}

fn insert_row(connection: &rusqlite::Connection, body: &str) {
    let mut statement = connection.prepare_cached("INSERT INTO step (body) VALUES (?1)").expect("a statement");
    statement.execute([body]).expect("a row");
}

/// A plain table of the server's, and the way to it.
async fn plain_server(url: &str) -> tokio_postgres::Client {
    let client = connected(url).await;
    let made = "CREATE TABLE step (id bigint GENERATED ALWAYS AS IDENTITY, body text NOT NULL)";
    client.batch_execute(made).await.expect("a table");
    client
}

async fn connected(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Rows of one commit of the floor at most.
const BATCH: usize = 4_096;

/// A body, and whoever waits until it is kept.
pub type Row = (String, oneshot::Sender<()>);

/// What waits, up to a batch.
fn gather(first: Row, waiting: &mut mpsc::Receiver<Row>) -> (Vec<String>, Vec<oneshot::Sender<()>>) {
    let (mut bodies, mut askers) = (Vec::new(), Vec::new());
    let mut next = Some(first);
    while let Some((body, asker)) = next {
        bodies.push(body);
        askers.push(asker);
        next = if bodies.len() < BATCH { waiting.try_recv().ok() } else { None };
    }
    (bodies, askers)
}

/// Whoever hung up is told nothing.
fn tell(askers: Vec<oneshot::Sender<()>>) {
    for asker in askers {
        let _ = asker.send(());
    }
}

/// Where the floor keeps rows by group commit.
pub enum Plain {
    /// In a new file.
    File(PathBuf),
    /// In a new table of a server's.
    Server(String),
}

impl Plain {
    /// Beside the site of this database.
    pub fn of(database: &str) -> Self {
        match database.strip_prefix("sqlite:") {
            Some(path) => Self::File(Path::new(path).with_extension("plain")),
            None => Self::Server(database.to_owned()),
        }
    }

    /// Writes what waits by one transaction after the other, until nobody asks any more.
    pub fn write_to_file(path: &Path, mut waiting: mpsc::Receiver<Row>) {
        let connection = plain_file(path);
        while let Some(row) = waiting.blocking_recv() {
            let (bodies, askers) = gather(row, &mut waiting);
            connection.execute_batch("BEGIN").expect("a transaction");
            for body in bodies {
                insert_row(&connection, &body);
            }
            connection.execute_batch("COMMIT").expect("it is durable");
            tell(askers);
        }
    }

    /// The same by one statement over an array.
    pub async fn write_to_server(url: String, mut waiting: mpsc::Receiver<Row>) {
        let client = plain_server(&url).await;
        let insert = client.prepare("INSERT INTO step (body) SELECT unnest($1::text[])").await.expect("a statement");
        while let Some(row) = waiting.recv().await {
            let (bodies, askers) = gather(row, &mut waiting);
            client.execute(&insert, &[&bodies]).await.expect("rows");
            tell(askers);
        }
    }
}

/// One connection between all, as SQLite writes one after the other.
fn insert_into_file(callers: usize, until: Instant) -> u64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Mutex::new(plain_file(&folder.path().join("plain.db")));
    let insert = || {
        let mut done = 0;
        while Instant::now() < until {
            insert_row(&connection.lock().expect("no thread panics"), BODY);
            done += 1;
        }
        done
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers).map(|_| scope.spawn(insert)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread ends")).sum()
    })
}

/// Writes attempts that were taken long ago, a hundred for each of as many learners as it takes: rows as they are
/// kept, by copies of one that is in the database already.
fn add_past_to_file(database: &Path, attempts: u64) {
    let connection = rusqlite::Connection::open(database).expect("the site's database");
    let each = 100;
    let learners = attempts.div_ceil(each);
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF;
             BEGIN;
             CREATE TEMP TABLE one AS SELECT * FROM attempts LIMIT 1;
             CREATE TEMP TABLE counted AS
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) SELECT i FROM n;
             INSERT INTO people (id, username, name, roles, must_change_password, disabled)
                 SELECT randomblob(16), 'past' || i, 'past', (SELECT roles FROM people WHERE username = 'bench1'), 0, 0
                 FROM counted WHERE i <= {learners};
             INSERT INTO attempts (id, learner, exam, mode, number, state, started_at, deadline, due_at, closed_at,
                     answered, score, passed, hours, integrity_score, flags, start_command, start_digest)
                 SELECT randomblob(16), p.id, one.exam, one.mode, c.i, 'submitted', one.started_at, one.deadline, NULL,
                     one.deadline, 40, 5000, 0, 0, 0, 0, randomblob(16), one.start_digest
                 FROM people p CROSS JOIN counted c CROSS JOIN one WHERE p.username LIKE 'past%' AND c.i <= {each};
             INSERT INTO steps (attempt_no, seq, at, actor, node, body, hash)
                 SELECT a.no, s.seq, s.at, a.learner, s.node, s.body, s.hash FROM attempts a
                 CROSS JOIN (SELECT s.* FROM steps s JOIN one ON one.no = s.attempt_no WHERE s.seq = 1) s
                 WHERE a.state = 'submitted';
             COMMIT;
             PRAGMA wal_checkpoint(TRUNCATE);",
            most = learners.max(each),
        ))
        .expect("the past is written");
}

/// A connection and a prepared statement for each, up to as many as the server takes.
fn insert_into_server(url: &str, callers: usize, until: Instant) -> u64 {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for caller in 0..callers.min(CONNECTIONS_MAX) {
            tasks.push(if caller == 0 { plain_server(url).await } else { connected(url).await });
        }
        let tasks: Vec<_> = tasks.into_iter().map(|client| tokio::spawn(insert_until(client, until))).collect();
        let mut done = 0;
        for task in tasks {
            done += task.await.expect("a caller ends");
        }
        done
    })
}

async fn insert_until(client: tokio_postgres::Client, until: Instant) -> u64 {
    let statement = client.prepare("INSERT INTO step (body) VALUES ($1)").await.expect("a statement");
    let mut done = 0;
    while Instant::now() < until {
        client.execute(&statement, &[&BODY]).await.expect("a row");
        done += 1;
    }
    done
}
