//! The expiry worker: closes attempts nobody submits. Asks the store what is due, so that several nodes
//! may do it at once and none has to; what one has claimed no other works on. A start, an extension or a
//! resumption wakes it.

use crate::limits::{EXPIRY_BATCH, EXPIRY_LEASE_MS, EXPIRY_SLEEP_MS_MAX, EXPIRY_SPREAD_MS};
use crate::{Engine, EngineError};
use exam_core::Refusal;
use exam_core::attempt::{Command, command::Actor};
use std::sync::Arc;
use std::time::Duration;

impl Engine {
    /// Runs until the task is dropped.
    pub async fn expire_forever(self: Arc<Self>) {
        loop {
            let sleep_ms = match self.expire_due().await {
                Ok(_) => self.until_next_due().await,
                Err(error) => {
                    tracing::warn!(%error, "the expiry worker could not work; it tries again");
                    1_000
                }
            };
            let sleep = Duration::from_millis(sleep_ms.clamp(1, EXPIRY_SLEEP_MS_MAX) as u64);
            // A notification while the worker was busy is remembered; one is enough.
            let _ = tokio::time::timeout(sleep, self.keeper.due.notified()).await;
        }
    }

    /// Closes everything that is due; returns how much it was.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn expire_due(&self) -> Result<usize, EngineError> {
        let mut closed = 0;
        loop {
            let due = self.store.claim_due_attempts(self.now(), EXPIRY_LEASE_MS, EXPIRY_BATCH).await?;
            let count = due.len();
            let mut progress = 0;
            for row in due {
                match self.command(row.learner, row.id, &Command::Expire, Actor::System, None).await {
                    Ok(_) => progress += 1,
                    // Somebody else was faster, or gave it more time.
                    Err(EngineError::Refused(
                        Refusal::AttemptClosed | Refusal::AttemptPaused | Refusal::WrongState(_),
                    )) => {}
                    Err(error) => tracing::warn!(attempt = %row.id, %error, "an attempt could not be closed"),
                }
            }
            closed += progress;
            if count < EXPIRY_BATCH as usize || progress == 0 {
                return Ok(closed);
            }
        }
    }

    /// All nodes know the same deadline.
    fn spread_ms(&self) -> i64 {
        if self.options.shared_store { rand::random_range(0..=EXPIRY_SPREAD_MS) } else { 0 }
    }

    async fn until_next_due(&self) -> i64 {
        match self.store.next_due().await {
            // The deadline itself still takes answers; due is what lies behind it.
            Ok(Some(due)) => due.since(self.now()) + 1 + self.spread_ms(),
            Ok(None) => EXPIRY_SLEEP_MS_MAX,
            Err(_) => 1_000,
        }
    }
}
