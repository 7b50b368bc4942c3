//! The outbox worker: tells partners what their learners completed, at least once, each telling under the same id.
//!
//! A telling is kept in the commit it tells of. Whoever claims it keeps it from other nodes for a while; told, it
//! goes; not told, it is due again later and later, and after some weeks it is left for people to look at. How it
//! travels is the gateway's affair: the engine has no idea of HTTP.

use crate::limits::{
    OUTBOX_AT_ONCE, OUTBOX_ATTEMPTS_MAX, OUTBOX_BATCH, OUTBOX_LEASE_MS, OUTBOX_RETRY_MS, OUTBOX_RETRY_MS_MAX,
    OUTBOX_SLEEP_MS_MAX,
};
use crate::{Engine, EngineError};
use async_trait::async_trait;
use exam_core::Timestamp;
use exam_store::OutboxRow;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// What is to be told, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The same at every try.
    pub id: Uuid,
    /// Where.
    pub url: String,
    /// What to sign with.
    pub secret: String,
    /// What, byte for byte.
    pub body: String,
    /// When it is sent.
    pub at: Timestamp,
}

/// Carries deliveries. Must end within the claim's lease, however the other side behaves.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Delivers.
    ///
    /// # Errors
    /// Why not, in words for the log; nothing of the body is in them.
    async fn deliver(&self, delivery: Delivery) -> Result<(), String>;
}

impl Engine {
    /// Tells partners until the task is dropped.
    pub async fn tell_forever(self: Arc<Self>, courier: Arc<dyn Courier>) {
        loop {
            let sleep_ms = match self.tell_due(&courier).await {
                Ok(_) => self.until_next_telling().await,
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be read; it is tried again");
                    1_000
                }
            };
            let sleep = Duration::from_millis(sleep_ms.clamp(1, OUTBOX_SLEEP_MS_MAX).unsigned_abs());
            // A completion while the worker was busy is remembered; one is enough.
            let _ = tokio::time::timeout(sleep, self.outbox.notified()).await;
        }
    }

    /// Tells everything that is due; returns how much was told.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn tell_due(self: &Arc<Self>, courier: &Arc<dyn Courier>) -> Result<usize, EngineError> {
        let mut told = 0;
        loop {
            let claimed = self.store.claim_due(self.now(), OUTBOX_LEASE_MS, OUTBOX_BATCH).await?;
            let count = claimed.len();
            let mut under_way = JoinSet::new();
            for row in claimed {
                if under_way.len() >= OUTBOX_AT_ONCE {
                    told += usize::from(matches!(under_way.join_next().await, Some(Ok(true))));
                }
                under_way.spawn(Arc::clone(self).tell(row, Arc::clone(courier)));
            }
            while let Some(done) = under_way.join_next().await {
                told += usize::from(matches!(done, Ok(true)));
            }
            if count < OUTBOX_BATCH as usize {
                return Ok(told);
            }
        }
    }

    /// Tells one; whether it was told.
    async fn tell(self: Arc<Self>, row: OutboxRow, courier: Arc<dyn Courier>) -> bool {
        let outcome = self.try_to_tell(&row, &courier).await;
        let (told, kept) = match outcome {
            Ok(()) => (true, self.store.outbox_done(&row).await),
            Err(reason) => {
                let at = self.next_try(row.attempts);
                let given_up = at.is_none();
                tracing::warn!(delivery = %row.id, partner = %row.partner, attempts = row.attempts + 1, given_up, %reason,
                    "a completion was not told");
                (false, self.store.outbox_retry(&row, at).await)
            }
        };
        if let Err(error) = kept {
            // It is due again when the lease is over.
            tracing::warn!(delivery = %row.id, %error, "what became of a delivery could not be kept");
        }
        told
    }

    async fn try_to_tell(&self, row: &OutboxRow, courier: &Arc<dyn Courier>) -> Result<(), String> {
        let partner = self.store.partner(row.partner).await.map_err(|error| error.to_string())?;
        // Nobody is told in the name of a key that was revoked; the row goes as if it had been.
        let Some(partner) = partner.filter(|partner| partner.revoked_at.is_none()) else { return Ok(()) };
        let Some(webhook) = partner.webhook else { return Ok(()) };
        let (id, body, at) = (row.id, row.body.clone(), self.now());
        courier.deliver(Delivery { id, url: webhook.url, secret: webhook.secret, body, at }).await
    }

    /// When to try again after so many failures before this one; a fifth of the wait is spread at random.
    fn next_try(&self, failures: u32) -> Option<Timestamp> {
        if failures + 1 >= OUTBOX_ATTEMPTS_MAX {
            return None;
        }
        let wait = OUTBOX_RETRY_MS.saturating_mul(1 << failures.min(20)).min(OUTBOX_RETRY_MS_MAX);
        Some(self.now().plus_ms(wait + rand::random_range(0..=wait / 5)))
    }

    async fn until_next_telling(&self) -> i64 {
        match self.store.outbox_next_due().await {
            Ok(Some(due)) => due.since(self.now()),
            Ok(None) => OUTBOX_SLEEP_MS_MAX,
            Err(_) => 1_000,
        }
    }
}
