//! Sign-in sessions.

use crate::SqliteStore;
use crate::attempts::note_time;
use crate::convert::{execute, row, time};
use crate::failure::taken;
use crate::people::person_row;
use async_trait::async_trait;
use exam_core::{PersonId, Timestamp};
use exam_store::{Announcement, PersonRow, SessionRow, Sessions, StoreError};
use rusqlite::{Connection, Row, params};

#[async_trait]
impl Sessions for SqliteStore {
    async fn create_session(&self, session: SessionRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (token_hash, person, created_at, expires_at) VALUES (?, ?, ?, ?)";
        self.writer
            .write(move |connection| {
                let person = session.person.bytes();
                let times = (session.created_at.ms(), session.expires_at.ms());
                execute(connection, sql, params![session.token_hash, person, times.0, times.1])
                    .map_err(|error| taken(error, "token_hash"))?;
                Ok(note_time(connection, session.created_at)?)
            })
            .await
    }

    async fn session(&self, token_hash: [u8; 32]) -> Result<Option<(SessionRow, PersonRow)>, StoreError> {
        let sql = "SELECT token_hash, person, created_at, expires_at FROM sessions WHERE token_hash = ?";
        self.readers
            .read(move |connection| {
                let Some(session) = row(connection, sql, [token_hash], session_row)? else { return Ok(None) };
                Ok(person_row(connection, session.person)?.map(|person| (session, person)))
            })
            .await
    }

    async fn delete_session(&self, person: PersonId, token_hash: [u8; 32]) -> Result<(), StoreError> {
        let sql = "DELETE FROM sessions WHERE token_hash = ?";
        let ended = vec![Announcement::SessionEnded { person, token_hash }];
        let work = move |connection: &Connection| Ok(execute(connection, sql, [token_hash]).map(drop)?);
        self.writer.write_and_say(work, ended).await
    }

    async fn delete_expired_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sessions WHERE expires_at < ?";
        self.writer.write(move |connection| Ok(execute(connection, sql, [now.ms()])? as u64)).await
    }
}

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        token_hash: row.get(0)?,
        person: PersonId::from_bytes(row.get(1)?),
        created_at: time(row, 2)?,
        expires_at: time(row, 3)?,
    })
}
