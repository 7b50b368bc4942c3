//! The schema. See `migrations/README.md` on how to add the next one.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

const ALL: &[M<'static>] = &[
    M::up(include_str!("../../../migrations/sqlite/0001_init.sql")),
    M::up(include_str!("../../../migrations/sqlite/0002_lessons.sql")),
    M::up(include_str!("../../../migrations/sqlite/0003_commands.sql")),
    M::up(include_str!("../../../migrations/sqlite/0004_certificates.sql")),
    M::up(include_str!("../../../migrations/sqlite/0005_units.sql")),
    M::up(include_str!("../../../migrations/sqlite/0006_cases.sql")),
    M::up(include_str!("../../../migrations/sqlite/0007_notebook.sql")),
    M::up(include_str!("../../../migrations/sqlite/0008_room_for_changes.sql")),
];

/// The number of the last one, which the file remembers.
pub(crate) const NUMBER: usize = ALL.len();

/// The number of the last one that a database has run.
pub(crate) fn number_of(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).map(|number| number as usize)
}

/// Runs what is missing; a database newer than this list is refused.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    Migrations::from_slice(ALL).to_latest(connection)
}
