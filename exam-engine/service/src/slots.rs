//! Slots: the cached state of attempts and of learners' studies, and turns, so that one of them takes one
//! command at a time.
//!
//! The cache is a hint. The store's unique keys arbitrate; whoever loses reloads (P12).

use crate::limits::{SLOT_IDLE_SECONDS, SLOT_OVER_MS, SLOTS_CACHED_MAX};
use exam_core::attempt::Attempt;
use exam_core::{AttemptId, Timestamp};
use moka::sync::Cache;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a slot holds.
pub(crate) trait State {
    /// Whether this is a later state than the other.
    fn is_later_than(&self, other: &Self) -> bool;
}

impl State for Attempt {
    fn is_later_than(&self, other: &Self) -> bool {
        self.seq > other.seq
    }
}

/// One attempt's place, or one learner's.
pub(crate) struct Slot<S = Attempt> {
    /// Fair: whoever asks first goes first.
    turns: Arc<Semaphore>,
    /// Held for the moment of reading or replacing, never across an await.
    known: Mutex<Known<S>>,
}

struct Known<S> {
    state: Option<S>,
    /// How often the state was given up; what was read from the store before that may be too old to keep.
    forgotten: u64,
    /// The last step that is known to be kept; a state that is behind it is none to answer from.
    heard: u32,
    /// Nobody knows what other nodes did since: the state is none to answer from, whatever its number.
    is_doubted: bool,
}

/// The right to change an attempt; kept until the change is kept and applied.
pub(crate) type Turn = OwnedSemaphorePermit;

impl<S: State> Slot<S> {
    fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(1)),
            known: Mutex::new(Known { state: None, forgotten: 0, heard: 0, is_doubted: false }),
        }
    }

    /// Waits for this slot's turn. `None` never happens: the semaphore is not closed.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Takes the turn if nobody has it.
    pub(crate) fn try_turn(&self) -> Option<Turn> {
        Arc::clone(&self.turns).try_acquire_owned().ok()
    }

    /// Reads the cached state.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&S) -> R) -> Option<R> {
        self.known.lock().state.as_ref().map(read)
    }

    /// Changes the cached state in place.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut S) -> R) -> Option<R> {
        self.known.lock().state.as_mut().map(change)
    }

    /// Gives the cached state up.
    pub(crate) fn forget(&self) {
        let mut known = self.known.lock();
        known.state = None;
        known.forgotten += 1;
    }

    /// To be asked before the store is, for [`Self::offer`].
    pub(crate) fn forgotten(&self) -> u64 {
        self.known.lock().forgotten
    }

    /// Keeps a state read from the store, unless a newer one is known; false when the state was given
    /// up since `forgotten`, so that this one may be too old.
    pub(crate) fn offer(&self, state: S, forgotten: u64) -> bool {
        let mut known = self.known.lock();
        if known.forgotten != forgotten {
            return false;
        }
        if known.state.as_ref().is_none_or(|known| state.is_later_than(known)) {
            known.state = Some(state);
        }
        known.is_doubted = false;
        true
    }
}

impl Slot<Attempt> {
    /// Reads the cached state unless another node is known to have changed it since.
    pub(crate) fn read_current<R>(&self, read: impl FnOnce(&Attempt) -> R) -> Option<R> {
        let known = self.known.lock();
        let current = known.state.as_ref().filter(|attempt| !known.is_doubted && attempt.seq >= known.heard);
        current.map(read)
    }

    /// A step of this number is kept. The state stays for whoever is working with it: a commit that was
    /// decided by it fails, and is decided again.
    pub(crate) fn hear(&self, seq: u32) {
        let mut known = self.known.lock();
        known.heard = known.heard.max(seq);
    }

    /// Other nodes may have kept steps that nobody told.
    pub(crate) fn doubt(&self) {
        let mut known = self.known.lock();
        known.is_doubted = true;
        known.forgotten += 1;
    }
}

/// All slots of this node, of attempts by their id, of studies by their learner.
pub(crate) struct Slots<K = AttemptId, S = Attempt> {
    cache: Cache<K, Arc<Slot<S>>>,
    /// What is over, and since when, the oldest first.
    over: Mutex<VecDeque<(Timestamp, K)>>,
}

impl<K, S> Slots<K, S>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    S: State + Send + 'static,
{
    pub(crate) fn new() -> Self {
        let idle = Duration::from_secs(SLOT_IDLE_SECONDS);
        let cache = Cache::builder().max_capacity(SLOTS_CACHED_MAX).time_to_idle(idle).build();
        Self { cache, over: Mutex::default() }
    }

    /// The slot of this key, made when there is none.
    pub(crate) fn get(&self, key: K) -> Arc<Slot<S>> {
        self.cache.get_with(key, || Arc::new(Slot::new()))
    }

    /// The slot of this key, if there is one.
    pub(crate) fn peek(&self, key: K) -> Option<Arc<Slot<S>>> {
        self.cache.get(&key)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Slot<S>>> {
        self.cache.iter().map(|(_, slot)| slot).collect()
    }

    /// Drops the slot of what turned out not to be there: made-up ids must not push real ones out.
    pub(crate) fn drop_slot(&self, key: K) {
        self.cache.invalidate(&key);
    }

    /// What is over is looked at once more and hardly ever again: it goes sooner than what is under way, when others are over.
    pub(crate) fn over(&self, key: K, now: Timestamp) {
        let mut over = self.over.lock();
        over.push_back((now, key));
        while let Some((_, key)) = over.pop_front_if(|(since, _)| now.since(*since) > SLOT_OVER_MS) {
            self.cache.invalidate(&key);
        }
    }

    /// How many there are, about.
    pub(crate) fn count(&self) -> u64 {
        self.cache.entry_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_goes_when_others_are() {
        let slots: Slots<u32> = Slots::new();
        let at = |seconds: i64| Timestamp::from_ms(seconds * 1_000);
        let there = || [1, 2, 3].map(|key| slots.peek(key).is_some());
        for key in [1, 2, 3] {
            slots.get(key);
        }
        slots.over(1, at(0));
        slots.over(2, at(50));
        assert_eq!(there(), [true; 3], "it is looked at once more");
        slots.over(4, at(61));
        assert_eq!(there(), [false, true, true], "and 3 is under way");
    }
}
