//! Sign-in sessions.

use crate::PostgresStore;
use crate::announcements;
use crate::audit::SITE;
use crate::connect::read_first;
use crate::convert::{Time, bytes, get, time};
use crate::failure::{commit_error, store_error, taken};
use crate::people::person_row;
use crate::times::note_time;
use async_trait::async_trait;
use exam_core::{PersonId, Timestamp};
use exam_store::{Announcement, PersonRow, SessionRow, Sessions, StoreError};
use tokio_postgres::Row;

#[async_trait]
impl Sessions for PostgresStore {
    async fn create_session(&self, session: SessionRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO sessions (token_hash, person, created_at, expires_at) VALUES ($1, $2, $3, $4)";
        let (token, times) = (&session.token_hash[..], (Time(session.created_at), Time(session.expires_at)));
        let transaction = self.writers.begin().await?;
        transaction
            .execute(sql, &[&token, &session.person.0, &times.0, &times.1])
            .await
            .map_err(|error| taken(&error, "token_hash"))?;
        note_time(&transaction, self.node, SITE, session.created_at).await.map_err(|error| store_error(&error))?;
        transaction.commit().await
    }

    async fn session(&self, token_hash: [u8; 32]) -> Result<Option<(SessionRow, PersonRow)>, StoreError> {
        // Every learner's first request asks: both by one statement.
        let sql = "SELECT p.id, p.username, p.name, p.roles, p.unit, p.id_number, p.must_change_password, p.disabled, \
                   p.password_hash, s.token_hash, s.person, s.created_at, s.expires_at \
                   FROM sessions s JOIN people p ON p.id = s.person WHERE s.token_hash = $1";
        let both = |row: &Row| Ok((session_row(row)?, person_row(row)?));
        read_first(&self.lines.read(sql, &[&&token_hash[..]]).await?, both)
    }

    async fn delete_session(&self, person: PersonId, token_hash: [u8; 32]) -> Result<(), StoreError> {
        let transaction = self.writers.begin().await?;
        transaction.rows("DELETE FROM sessions WHERE token_hash = $1", &[&&token_hash[..]]).await?;
        let ended = [Announcement::SessionEnded { person, token_hash }];
        announcements::send(&transaction, &ended).await.map_err(|error| store_error(&error))?;
        transaction.commit().await
    }

    async fn delete_expired_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let transaction = self.writers.begin().await?;
        let deleted = transaction.execute("DELETE FROM sessions WHERE expires_at < $1", &[&Time(now)]).await;
        let deleted = deleted.map_err(|error| commit_error(&error))?;
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// A session, behind the columns of a person.
fn session_row(row: &Row) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        token_hash: bytes(row, 9)?,
        person: PersonId(get(row, 10)?),
        created_at: time(row, 11)?,
        expires_at: time(row, 12)?,
    })
}
