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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One attempt's place.
pub(crate) struct Slot {
    /// Fair: whoever asks first goes first.
    turns: Arc<Semaphore>,
    /// Held for the moment of reading or replacing, never across an await.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    attempt: Option<Attempt>,
    /// How often the state was given up; what was read from the store before that may be too old to keep.
    forgotten: u64,
}

/// The right to change an attempt; kept until the change is kept and applied.
pub(crate) type Turn = OwnedSemaphorePermit;

impl Slot {
    fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(1)), known: Mutex::default() }
    }

    /// Waits for this attempt's turn. `None` never happens: the semaphore is not closed.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Reads the cached state.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&Attempt) -> R) -> Option<R> {
        self.known.lock().attempt.as_ref().map(read)
    }

    /// Changes the cached state in place.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Attempt) -> R) -> Option<R> {
        self.known.lock().attempt.as_mut().map(change)
    }

    /// Gives the cached state up.
    pub(crate) fn forget(&self) {
        let mut known = self.known.lock();
        known.attempt = None;
        known.forgotten += 1;
    }

    /// To be asked before the store is, for [`Self::offer`].
    pub(crate) fn forgotten(&self) -> u64 {
        self.known.lock().forgotten
    }

    /// Keeps a state read from the store, unless a newer one is known; false when the state was given
    /// up since `forgotten`, so that this one may be too old.
    pub(crate) fn offer(&self, state: Attempt, forgotten: u64) -> bool {
        let mut known = self.known.lock();
        if known.forgotten != forgotten {
            return false;
        }
        if known.attempt.as_ref().is_none_or(|attempt| attempt.seq < state.seq) {
            known.attempt = Some(state);
        }
        true
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
        self.0.get_with(attempt, || Arc::new(Slot::new()))
    }

    /// The attempt's slot, if there is one.
    pub(crate) fn peek(&self, attempt: AttemptId) -> Option<Arc<Slot>> {
        self.0.get(&attempt)
    }

    /// Drops the slot of what turned out to be no attempt: made-up ids must not push real ones out.
    pub(crate) fn drop_slot(&self, attempt: AttemptId) {
        self.0.invalidate(&attempt);
    }

    /// How many there are, about.
    pub(crate) fn count(&self) -> u64 {
        self.0.entry_count()
    }
}
