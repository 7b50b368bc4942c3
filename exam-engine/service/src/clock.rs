//! The service's clock.

use exam_core::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time; the engine asks once per command, at the edge.
pub trait Clock: Send + Sync + 'static {
    /// Now. Never earlier than an answer given before.
    fn now(&self) -> Timestamp;
}

/// Wall time read once at start and carried on by the boot clock, so that a step of the wall clock
/// neither extends nor shortens a running attempt; never behind `floor`, the latest time the store
/// knows, so that a wall clock set back before a restart extends nothing either (P2).
#[derive(Debug)]
pub struct SystemClock {
    wall_at_start_ms: i64,
    boot_at_start_ms: i64,
    last_ms: AtomicI64,
}

impl SystemClock {
    /// Reads the wall clock.
    #[must_use]
    pub fn start(floor: Option<Timestamp>) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let wall_at_start_ms = wall.max(floor.map_or(0, Timestamp::ms));
        Self { wall_at_start_ms, boot_at_start_ms: boot_ms(), last_ms: AtomicI64::new(wall_at_start_ms) }
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
