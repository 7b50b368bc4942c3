//! The outbox: what partners are to be told, kept in the commit it tells of and delivered afterwards.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::{PartnerId, PersonId, Timestamp};
use uuid::Uuid;

/// One telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Of whom it tells.
    pub learner: PersonId,
    /// Its id; every try carries it.
    pub id: Uuid,
    /// Whom it is told.
    pub partner: PartnerId,
    /// What is told, byte for byte as it is signed and sent.
    pub body: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Tries that failed.
    pub attempts: u32,
    /// When to try next. Of a claimed one: until when nobody else tries.
    pub due_at: Timestamp,
}

/// The outbox.
#[async_trait]
pub trait Outbox {
    /// Takes what is due, longest overdue first, and keeps it from others until `now + lease_ms`: of two
    /// that claim at once no row goes to both. A row whose claimer is gone is due again after that.
    async fn claim_due(&self, now: Timestamp, lease_ms: i64, limit: u32) -> Result<Vec<OutboxRow>, StoreError>;

    /// It was told. Telling twice is allowed, so that it is gone already is no fault.
    async fn outbox_done(&self, row: &OutboxRow) -> Result<(), StoreError>;

    /// It was not told: it is due again at `at` with one more failed try, or, without a time, never
    /// (it is kept for people to look at). Does nothing if somebody else has claimed it since.
    async fn outbox_retry(&self, row: &OutboxRow, at: Option<Timestamp>) -> Result<(), StoreError>;

    /// When the next one is due.
    async fn outbox_next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// How many wait and how many were given up, by partner.
    async fn outbox_counts(&self) -> Result<Vec<OutboxCount>, StoreError>;
}

/// What a partner was not told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxCount {
    /// Whom.
    pub partner: PartnerId,
    /// How many wait.
    pub waiting: u64,
    /// How many were given up.
    pub given_up: u64,
}
