//! Coverage that was earned between steps, kept in batches: once per beat interval and study, and only where
//! something was earned. A crash loses at most what the last beat earned; no verdict, and nothing that was taken
//! back comes again, for a checkpoint counts only after the very step it was earned after.

use crate::limits::CHECKPOINTS_BATCH;
use crate::study::StudySlot;
use crate::{Engine, EngineError};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Studies with something to keep.
#[derive(Default)]
pub(crate) struct Progress {
    dirty: Mutex<Dirty>,
    /// There is something to keep.
    news: Notify,
    /// It cannot wait for the interval.
    hurry: Notify,
}

#[derive(Default)]
struct Dirty {
    slots: Vec<Arc<StudySlot>>,
    /// The shortest beat interval among them.
    interval_ms: Option<i64>,
}

impl Progress {
    /// A study has something to keep that had nothing before.
    pub(crate) fn add(&self, slot: Arc<StudySlot>, interval_ms: i64) {
        let mut dirty = self.dirty.lock();
        dirty.slots.push(slot);
        dirty.interval_ms = Some(dirty.interval_ms.map_or(interval_ms, |shortest| shortest.min(interval_ms)));
        drop(dirty);
        self.news.notify_one();
    }

    /// Somebody has left: keep it soon, together with others that leave now.
    pub(crate) fn hurry(&self) {
        self.hurry.notify_one();
    }

    fn interval(&self) -> Duration {
        let interval_ms = self.dirty.lock().interval_ms.unwrap_or_default();
        Duration::from_millis(interval_ms.unsigned_abs())
    }

    fn take(&self) -> Vec<Arc<StudySlot>> {
        std::mem::take(&mut *self.dirty.lock()).slots
    }
}

impl Engine {
    /// Keeps coverage until the task is dropped; see [`Engine::flush_progress`] for the end.
    pub async fn flush_forever(self: Arc<Self>) {
        loop {
            self.progress.news.notified().await;
            // Whoever leaves ends the wait for all of them.
            let _ = tokio::time::timeout(self.progress.interval(), self.progress.hurry.notified()).await;
            if let Err(error) = self.flush_progress().await {
                tracing::warn!(%error, "coverage could not be kept; it is tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Keeps all coverage that was earned and not kept yet; returns of how many studies.
    ///
    /// # Errors
    /// The store does not answer. What it did not keep is tried again with the next batch.
    pub async fn flush_progress(&self) -> Result<usize, EngineError> {
        let mut kept = 0;
        let slots = self.progress.take();
        let mut chunks = slots.chunks(CHECKPOINTS_BATCH);
        while let Some(chunk) = chunks.next() {
            match self.flush_slots(chunk).await {
                Ok(count) => kept += count,
                Err(error) => {
                    self.keep_for_later(chunk);
                    chunks.for_each(|chunk| self.keep_for_later(chunk));
                    return Err(error);
                }
            }
        }
        Ok(kept)
    }

    fn keep_for_later(&self, slots: &[Arc<StudySlot>]) {
        for slot in slots {
            slot.change(|live| live.dirty = true);
            self.progress.add(Arc::clone(slot), 1_000);
        }
    }

    async fn flush_slots(&self, slots: &[Arc<StudySlot>]) -> Result<usize, EngineError> {
        let (mut turns, mut flushed, mut checkpoints) = (Vec::new(), Vec::new(), Vec::new());
        for slot in slots {
            // In the middle of a commit, which keeps the coverage as well; if it fails, the next batch has it.
            let Some(turn) = slot.try_turn() else {
                self.progress.add(Arc::clone(slot), 1_000);
                continue;
            };
            let dirty = slot.change(|live| std::mem::take(&mut live.dirty).then(|| live.checkpoint()).flatten());
            if let Some(checkpoint) = dirty.flatten() {
                turns.push(turn);
                flushed.push(slot);
                checkpoints.push(checkpoint);
            }
        }
        if checkpoints.is_empty() {
            return Ok(0);
        }
        let kept = self.store.save_progress(checkpoints).await?;
        for (slot, kept) in flushed.iter().zip(&kept) {
            if !kept {
                // Another node has gone on with it.
                slot.forget();
            }
        }
        drop(turns);
        Ok(kept.iter().filter(|kept| **kept).count())
    }

    /// Keeps what one slot has earned, by whoever has its turn.
    pub(crate) async fn flush_slot(&self, slot: &StudySlot) -> Result<(), EngineError> {
        let dirty = slot.change(|live| std::mem::take(&mut live.dirty).then(|| live.checkpoint()).flatten());
        let Some(checkpoint) = dirty.flatten() else { return Ok(()) };
        match self.store.save_progress(vec![checkpoint]).await {
            Ok(kept) => {
                if kept != [true] {
                    slot.forget();
                }
                Ok(())
            }
            Err(error) => {
                slot.change(|live| live.dirty = true);
                Err(error.into())
            }
        }
    }
}
