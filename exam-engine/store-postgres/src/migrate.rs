//! The schema. See `migrations/README.md` on how to add the next one.

use crate::OpenError;
use crate::connect::Session;
use crate::convert::get;
use crate::failure::words;

/// One step of the schema.
struct Migration {
    number: i32,
    /// The number a server has to know at least to work on the schema after this step. An expanding step
    /// leaves it where it was: nodes of the release before go on, and may start again.
    needs: i32,
    sql: &'static str,
}

const ALL: &[Migration] = &[
    Migration { number: 1, needs: 1, sql: include_str!("../../../migrations/postgres/0001_init.sql") },
    Migration { number: 2, needs: 1, sql: include_str!("../../../migrations/postgres/0002_lessons.sql") },
    Migration { number: 3, needs: 1, sql: include_str!("../../../migrations/postgres/0003_commands.sql") },
    Migration { number: 4, needs: 1, sql: include_str!("../../../migrations/postgres/0004_certificates.sql") },
    Migration { number: 5, needs: 1, sql: include_str!("../../../migrations/postgres/0005_units.sql") },
    Migration { number: 6, needs: 1, sql: include_str!("../../../migrations/postgres/0006_cases.sql") },
    Migration { number: 7, needs: 1, sql: include_str!("../../../migrations/postgres/0007_notebook.sql") },
    Migration { number: 8, needs: 1, sql: include_str!("../../../migrations/postgres/0008_room_for_changes.sql") },
];

/// Nodes that start at once migrate one after the other. Any number will do that nobody else uses.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7310596230045)";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (number integer NOT NULL PRIMARY KEY, \
                     needs integer NOT NULL, at timestamptz NOT NULL DEFAULT now())";

/// Runs what is missing, in one transaction. A database newer than this list is worked on as long as its
/// schema still serves this release.
pub(crate) async fn migrate(session: &Session, must_exist: bool) -> Result<(), OpenError> {
    session.run("BEGIN").await.map_err(failed)?;
    bring_up(session, must_exist).await?;
    session.run("COMMIT").await.map_err(failed)
}

fn failed(error: tokio_postgres::Error) -> OpenError {
    OpenError::Schema(words(&error))
}

/// The same within the transaction at hand.
pub(crate) async fn bring_up(session: &Session, must_exist: bool) -> Result<(), OpenError> {
    session.run("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0").await.map_err(failed)?;
    session.run(LOCK).await.map_err(failed)?;
    // Asked first: whoever works on a schema need not have the right to make one.
    let there = session.query("SELECT to_regclass('migrations') IS NOT NULL", &[]).await.map_err(failed)?;
    if !there.first().is_some_and(|row| row.get(0)) {
        if must_exist {
            return Err(OpenError::Unfit("there is no site in it"));
        }
        session.run(TABLE).await.map_err(failed)?;
    }
    let done = session
        .query("SELECT coalesce(max(number), 0), coalesce(max(needs), 0) FROM migrations", &[])
        .await
        .map_err(failed)?;
    let (mut number, mut needs): (i32, i32) = (0, 0);
    if let Some(row) = done.first() {
        let unreadable = |error: exam_store::StoreError| OpenError::Schema(error.to_string());
        (number, needs) = (get(row, 0).map_err(unreadable)?, get(row, 1).map_err(unreadable)?);
    }
    let known = ALL.last().map_or(0, |last| last.number);
    if needs > known {
        return Err(OpenError::Schema(format!(
            "it is at step {number} and serves servers that know step {needs}; this one knows {known}"
        )));
    }
    for migration in ALL.iter().filter(|migration| migration.number > number) {
        let note = format!("INSERT INTO migrations (number, needs) VALUES ({}, {})", migration.number, migration.needs);
        session.run(migration.sql).await.map_err(failed)?;
        session.run(&note).await.map_err(failed)?;
    }
    Ok(())
}
