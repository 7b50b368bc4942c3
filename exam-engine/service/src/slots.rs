//! Slots: the cached state of attempts, and turns, so that one attempt takes one command at a time.
//!
//! The cache is a hint. The store's unique keys arbitrate; whoever loses reloads (P12).

use crate::limits::{SLOT_IDLE_SECONDS, SLOTS_CACHED_MAX};
use exam_core::AttemptId;
use exam_core::attempt::Attempt;
use moka::sync::Cache;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// One attempt's place.
pub(crate) struct Slot {
    /// Fair: whoever asks first goes first.
    turns: Semaphore,
    /// Held for the moment of reading or replacing, never across an await.
    state: Mutex<Option<Attempt>>,
}

impl Slot {
    /// Waits for this attempt's turn. `None` never happens: the semaphore is not closed.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// Reads the cached state.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Attempt) -> R) -> Option<R> {
        self.state.lock().as_ref().map(read)
    }

    /// Changes the cached state in place.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Attempt) -> R) -> Option<R> {
        self.state.lock().as_mut().map(change)
    }

    /// Replaces the cached state; `None` forgets it.
    pub(crate) fn set(&self, state: Option<Attempt>) {
        *self.state.lock() = state;
    }
}

/// All slots of this node.
pub(crate) struct Slots(Cache<AttemptId, Arc<Slot>>);

impl Slots {
    pub(crate) fn new() -> Self {
        Self(
            Cache::builder()
                .max_capacity(SLOTS_CACHED_MAX)
                .time_to_idle(Duration::from_secs(SLOT_IDLE_SECONDS))
                .build(),
        )
    }

    /// The attempt's slot, made when there is none.
    pub(crate) fn get(&self, attempt: AttemptId) -> Arc<Slot> {
        self.0.get_with(attempt, || Arc::new(Slot { turns: Semaphore::new(1), state: Mutex::new(None) }))
    }

    /// How many there are, about.
    pub(crate) fn count(&self) -> u64 {
        self.0.entry_count()
    }
}
