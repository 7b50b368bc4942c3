//! The expiry worker: closes attempts nobody submits. Asks the store what is due, so that several nodes
//! may do it at once and none has to; what one has claimed no other works on. What comes due earlier than it meant to
//! sleep wakes it, and nothing else does: starts and flags come by the thousand.

use crate::limits::{EXPIRY_BATCH, EXPIRY_LEASE_MS, EXPIRY_SLEEP_MS_MAX, EXPIRY_SPREAD_MS};
use crate::{Engine, EngineError};
use exam_core::attempt::{Command, command::Actor};
use exam_core::{Refusal, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Until when the worker sleeps, and how to wake it earlier.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// In milliseconds; the end of time while it does not sleep, so that whatever comes due meanwhile is remembered.
    until: AtomicI64,
    earlier: Notify,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { until: AtomicI64::new(i64::MAX), earlier: Notify::new() }
    }
}

impl Alarm {
    /// Something comes due then.
    pub(crate) fn comes_due(&self, at: Timestamp) {
        if at.ms() < self.until.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Wakes the worker, or lets it look once more before it sleeps.
    pub(crate) fn ring(&self) {
        self.earlier.notify_one();
    }

    /// From here on everything that comes due is remembered.
    fn awake(&self) {
        self.until.store(i64::MAX, Ordering::SeqCst);
    }

    /// Sleeps so long, from `now`, unless something comes due before.
    async fn sleep(&self, now: Timestamp, ms: i64) {
        let ms = ms.clamp(1, EXPIRY_SLEEP_MS_MAX);
        self.until.store(now.ms().saturating_add(ms), Ordering::SeqCst);
        // What came due while the worker was busy is remembered; once is enough.
        let _ = tokio::time::timeout(Duration::from_millis(ms as u64), self.earlier.notified()).await;
    }
}

impl Engine {
    /// Runs until the task is dropped.
    pub async fn expire_forever(self: Arc<Self>) {
        let alarm = Arc::clone(&self.keeper.alarm);
        loop {
            alarm.awake();
            let sleep_ms = match self.expire_due().await {
                Ok(_) => self.until_next_due().await,
                Err(error) => {
                    tracing::warn!(%error, "the expiry worker could not work; it tries again");
                    1_000
                }
            };
            alarm.sleep(self.now(), sleep_ms).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the worker, asleep for twenty seconds, wakes before that.
    async fn wakes(alarm: &Alarm, before: impl FnOnce(&Alarm), meanwhile: impl FnOnce(&Alarm)) -> bool {
        let begun = tokio::time::Instant::now();
        alarm.awake();
        before(alarm);
        let asleep = alarm.sleep(Timestamp::from_ms(1_000_000), 20_000);
        tokio::pin!(asleep);
        if tokio::time::timeout(Duration::from_secs(1), &mut asleep).await.is_err() {
            meanwhile(alarm);
            asleep.await;
        }
        begun.elapsed() < Duration::from_secs(15)
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_comes_due_earlier_wakes_the_worker() {
        let alarm = Alarm::default();
        let at = Timestamp::from_ms;
        assert!(!wakes(&alarm, |_| {}, |_| {}).await);
        assert!(!wakes(&alarm, |_| {}, |alarm| alarm.comes_due(at(1_020_001))).await, "later than it wakes anyway");
        assert!(wakes(&alarm, |_| {}, |alarm| alarm.comes_due(at(1_019_999))).await);
        assert!(wakes(&alarm, |_| {}, Alarm::ring).await);
        // While it was busy it may have looked before that was there: it looks once more, once.
        assert!(wakes(&alarm, |alarm| alarm.comes_due(at(9_000_000)), |_| {}).await);
        assert!(!wakes(&alarm, |_| {}, |_| {}).await);
    }
}
