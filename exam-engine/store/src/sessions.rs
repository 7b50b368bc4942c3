//! Sign-in sessions, by the hash of their token: the token itself is nowhere kept.

use crate::{PersonRow, StoreError};
use async_trait::async_trait;
use exam_core::{PersonId, Timestamp};

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// Whose.
    pub person: PersonId,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Sessions.
#[async_trait]
pub trait Sessions {
    /// Opens a session.
    async fn create_session(&self, session: SessionRow) -> Result<(), StoreError>;

    /// Reads a session and whose it is.
    async fn session(&self, token_hash: [u8; 32]) -> Result<Option<(SessionRow, PersonRow)>, StoreError>;

    /// Ends a session of this person.
    async fn delete_session(&self, person: PersonId, token_hash: [u8; 32]) -> Result<(), StoreError>;

    /// Drops what expired before `now`.
    async fn delete_expired_sessions(&self, now: Timestamp) -> Result<u64, StoreError>;
}
