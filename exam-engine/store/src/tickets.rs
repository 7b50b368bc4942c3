//! Tickets: signed elsewhere, used once. What is kept is what was used.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::Timestamp;

/// Used tickets.
#[async_trait]
pub trait Tickets {
    /// Uses a ticket up; false when it was used before, here or at another node.
    async fn spend_ticket(&self, nonce: [u8; 16], expires_at: Timestamp) -> Result<bool, StoreError>;

    /// Forgets used tickets that expired before `now`; returns how many.
    async fn purge_tickets(&self, now: Timestamp) -> Result<u64, StoreError>;
}
