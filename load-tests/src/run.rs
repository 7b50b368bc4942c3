//! One process's part of a run: everybody of its share, from the beginning to the last word, then the
//! reading back.

use crate::bank::Bank;
use crate::http::Target;
use crate::learner;
use crate::lesson;
use crate::limits::FINISH_TIMEOUT;
use crate::measure::Recorder;
use crate::plan::{Planned, Share};
use crate::promises::Record;
use crate::scenario::Scenario;
use crate::setup::Ground;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What everybody of a run has in common.
pub struct Context {
    /// The server.
    pub target: Arc<Target>,
    /// The scenario.
    pub scenario: Scenario,
    /// The bank and its solver.
    pub bank: Bank,
    /// What was set up.
    pub ground: Ground,
    /// Takes it all down.
    pub recorder: Recorder,
    /// When the load begins.
    pub begins: Instant,
    /// Becomes true when the run is to end early.
    pub stop: watch::Receiver<bool>,
    /// Learners who are there now.
    pub present: AtomicU64,
    /// Learners who have come.
    pub arrived: AtomicU64,
    /// The last two attempts that were started, for those who try other people's.
    pub last_started: parking_lot::Mutex<[Option<(usize, String)>; 2]>,
    /// Learners who wait in the queue of starts now.
    pub queued: AtomicU64,
    /// Sockets that are open now.
    pub connected: AtomicU64,
    /// The server once more, for staff, who may see keys.
    pub staff: Arc<Target>,
}

impl Context {
    /// Waits until something is due; false if the run ends before.
    pub async fn until(&self, due: Instant) -> bool {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = told(&mut stop) => false,
            () = tokio::time::sleep_until(due.into()) => true,
        }
    }

    /// An attempt of somebody else's, once there is one.
    #[must_use]
    pub fn somebody_elses(&self, learner: usize) -> Option<String> {
        let last = self.last_started.lock();
        last.iter().flatten().find(|(owner, _)| *owner != learner).map(|(_, attempt)| attempt.clone())
    }

    /// Whether the run is to end early.
    #[must_use]
    pub fn stopped(&self) -> bool {
        *self.stop.borrow()
    }
}

/// Waits until the run is to end early.
pub async fn told(stop: &mut watch::Receiver<bool>) {
    // Its sender lives as long as the run.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The instant of a Unix time; a process begins when the others do.
#[must_use]
pub fn instant_of(unix_ms: i64) -> Instant {
    let ahead_ms = unix_ms - jiff::Timestamp::now().as_millisecond();
    let now = Instant::now();
    match u64::try_from(ahead_ms) {
        Ok(ahead) => now + Duration::from_millis(ahead),
        Err(_) => now.checked_sub(Duration::from_millis(ahead_ms.unsigned_abs())).unwrap_or(now),
    }
}

/// Lets everybody of this share arrive and do their work; returns when the last has finished, or was told to.
pub async fn everybody(
    context: &Arc<Context>,
    plan: &[Planned],
    share: Share,
    hurry: &watch::Sender<bool>,
) -> Vec<Record> {
    let mut working = JoinSet::new();
    let mut records = Vec::new();
    for planned in plan.iter().filter(|planned| share.has(planned.index)) {
        let arrives = context.begins + Duration::from_millis(planned.arrives_ms);
        while let Some(done) = working.try_join_next() {
            records.extend(done.ok());
        }
        if !context.until(arrives).await {
            break;
        }
        let (context, planned) = (Arc::clone(context), planned.clone());
        working.spawn(async move {
            context.arrived.fetch_add(1, Ordering::Relaxed);
            context.present.fetch_add(1, Ordering::Relaxed);
            let record = match context.scenario.lesson {
                Some(_) => lesson::study(&context, &planned, arrives).await,
                None => learner::take_exam(&context, &planned, arrives).await,
            };
            context.present.fetch_sub(1, Ordering::Relaxed);
            record
        });
    }
    // Those who are there finish; who takes longer is told to stop, and what was promised is checked all the same.
    let patience = context.begins + Duration::from_secs(context.scenario.seconds()) + finish_within(&context.scenario);
    loop {
        tokio::select! {
            done = working.join_next() => match done {
                Some(done) => records.extend(done.ok()),
                None => return records,
            },
            () = tokio::time::sleep_until(patience.into()), if !context.stopped() => {
                hurry.send_replace(true);
            }
        }
    }
}

/// Long enough for whoever comes last to wait for a paper, to think about every question, and for a lesson to be
/// played; but a server that is not there any more is not waited for until all have lost their patience.
fn finish_within(scenario: &Scenario) -> Duration {
    let waits = Duration::from_secs(scenario.learner.patience_s).min(FINISH_TIMEOUT);
    let plays = scenario.lesson.as_ref().map_or(0, |lesson| lesson.duration_s * 2);
    FINISH_TIMEOUT + waits + Duration::from_secs(plays)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::scenario::LIBRARY;

    /// Two minutes to answer, as long again in the line before it, and a lesson with its rests.
    #[test]
    fn whoever_comes_last_may_finish() {
        let of = |wanted: &str| LIBRARY.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text).unwrap();
        for (name, seconds) in [("overload-3x", 240), ("lesson-evening", 480)] {
            let scenario = Scenario::parse(of(name)).unwrap();
            assert_eq!(finish_within(&scenario), Duration::from_secs(seconds), "{name}");
        }
        for (name, text) in LIBRARY {
            let scenario = Scenario::parse(text).unwrap();
            let lesson_s = scenario.lesson.as_ref().map_or(0, |lesson| lesson.duration_s);
            let waits = Duration::from_secs(scenario.learner.patience_s).min(FINISH_TIMEOUT);
            let rest = finish_within(&scenario).checked_sub(waits);
            assert!(rest >= Some(FINISH_TIMEOUT.max(Duration::from_secs(lesson_s))), "{name}: {rest:?}");
        }
    }

    #[test]
    fn a_server_that_is_gone_is_not_waited_for_until_all_lose_their_patience() {
        let mut scenario = Scenario::parse(LIBRARY[0].1).unwrap();
        (scenario.learner.patience_s, scenario.lesson) = (86_400, None);
        assert_eq!(finish_within(&scenario), FINISH_TIMEOUT * 2);
    }
}
