//! A node's clock, by the rules of the service's own: the wall clock is read once, never behind the
//! latest time the store knows, and carried on by a clock that nothing sets.

use super::world::EPOCH;
use exam_core::Timestamp;

#[derive(Clone, Debug, Default)]
pub(crate) struct NodeClock {
    /// What the wall clock shows too much.
    pub(crate) wall_error_ms: i64,
    started_real_ms: i64,
    started_at: Timestamp,
    last: Timestamp,
}

impl NodeClock {
    pub(crate) fn new(wall_error_ms: i64) -> Self {
        Self { wall_error_ms, ..Self::default() }
    }

    pub(crate) fn start(&mut self, real_ms: i64, floor: Option<Timestamp>) -> Timestamp {
        self.started_at = self.wall(real_ms).max(floor.unwrap_or_default());
        self.started_real_ms = real_ms;
        self.last = self.started_at;
        self.started_at
    }

    pub(crate) fn now(&mut self, real_ms: i64) -> Timestamp {
        self.last = self.last.max(self.started_at.plus_ms(real_ms - self.started_real_ms));
        self.last
    }

    /// What a node must not ask once it runs.
    pub(crate) const fn wall(&self, real_ms: i64) -> Timestamp {
        EPOCH.plus_ms(real_ms).plus_ms(self.wall_error_ms)
    }
}
