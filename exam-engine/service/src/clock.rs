//! The service's clock.

use exam_core::Timestamp;
use exam_store::LatestTime;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time; the engine asks once per command, at the edge.
pub trait Clock: Send + Sync + 'static {
    /// Now. Never earlier than an answer given before.
    fn now(&self) -> Timestamp;
}

/// Wall time read once at start and carried on by the boot clock, so that a step of the wall clock
/// neither extends nor shortens a running attempt; never behind the latest time the store knows, so that
/// a wall clock set back before a restart extends nothing either (P2). Where the store notes that time a little ahead,
/// a wall clock within that little is taken for right: nodes that join one after the other would drift away from it.
#[derive(Debug)]
pub struct SystemClock {
    wall_at_start_ms: i64,
    boot_at_start_ms: i64,
    last_ms: AtomicI64,
}

impl SystemClock {
    /// Reads the wall clock.
    #[must_use]
    pub fn start(latest: Option<LatestTime>) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let wall_at_start_ms = right(wall, latest);
        Self { wall_at_start_ms, boot_at_start_ms: boot_ms(), last_ms: AtomicI64::new(wall_at_start_ms) }
    }
}

/// The wall's time, unless it is behind what is kept.
fn right(wall_ms: i64, latest: Option<LatestTime>) -> i64 {
    match latest {
        Some(LatestTime { at, ahead_ms }) if wall_ms < at.ms().saturating_sub(ahead_ms) => at.ms(),
        _ => wall_ms,
    }
}

/// Milliseconds since boot, time asleep included.
fn boot_ms() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = self.wall_at_start_ms + (boot_ms() - self.boot_at_start_ms);
        let before = self.last_ms.fetch_max(now, Ordering::Relaxed);
        Timestamp::from_ms(now.max(before))
    }
}

/// A clock that stands where it is put; for tests and rehearsals.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// At `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.ms()))
    }

    /// Moves it on.
    pub fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_not_believed() {
        let latest = |at, ahead_ms| Some(LatestTime { at: Timestamp::from_ms(at), ahead_ms });
        assert_eq!([right(5_000, None), right(5_000, latest(4_999, 0)), right(5_000, latest(5_000, 250))], [5_000; 3]);
        assert_eq!([right(5_000, latest(5_001, 0)), right(1, latest(5_001, 250))], [5_001; 2]);
        // Noted ahead: nothing kept need be later than the wall says.
        assert_eq!(right(5_000, latest(5_250, 250)), 5_000);
        let far = SystemClock::start(latest(i64::MAX / 2, 250));
        assert!(far.now().ms() >= i64::MAX / 2);
    }
}
