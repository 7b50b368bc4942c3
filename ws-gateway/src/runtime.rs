//! The threads that serve.
//!
//! Each worker has tasks of its own, up to 256, and what goes beyond is in a queue that all share; so is what other threads
//! begin, such as the telling of a batch that has become durable. By default a worker that always has tasks of its
//! own looks into the shared queue once in dozens of them. After a moment in which nothing got on, thousands of answers are due at once,
//! most of their tasks are in the shared queue, and some of them wait there for seconds while others are answered in
//! milliseconds. So every second task is taken from there.

use crate::limits::SHARED_QUEUE_INTERVAL;
use std::io;
use tokio::runtime::{Builder, Runtime};

/// As many workers as there are cores, unless it is said how many.
///
/// # Errors
/// There are no threads to be had.
pub fn start(workers: Option<usize>) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    builder.global_queue_interval(SHARED_QUEUE_INTERVAL).enable_all().build()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;
    use tokio::task::JoinSet;

    /// Far more than one worker keeps for itself.
    const TASKS: usize = 2_000;
    /// How often each wants to go on.
    const TURNS: usize = 100;

    /// How many turns all tasks had before the last of them had its first.
    fn turns_before_the_last_begins(runtime: &Runtime) -> usize {
        let turns = Arc::new(AtomicUsize::new(0));
        let task = |turns: Arc<AtomicUsize>| async move {
            let first = turns.load(Ordering::Relaxed);
            let mut left = TURNS;
            std::future::poll_fn(|context| {
                turns.fetch_add(1, Ordering::Relaxed);
                left -= 1;
                context.waker().wake_by_ref();
                if left == 0 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            first
        };
        let all = async move {
            // All at once, by the only worker.
            let tasks: JoinSet<usize> = (0..TASKS).map(|_| task(Arc::clone(&turns))).collect();
            tasks.join_all().await.into_iter().max().unwrap()
        };
        runtime.block_on(async { tokio::spawn(all).await.unwrap() })
    }

    #[test]
    fn nobody_waits_in_the_shared_queue_while_others_have_turn_after_turn() {
        let fair = turns_before_the_last_begins(&start(Some(1)).unwrap());
        assert!(fair < 3 * TASKS, "{fair} turns for {TASKS} tasks");
        let usual = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let usual = turns_before_the_last_begins(&usual);
        assert!(usual > 10 * TASKS, "otherwise there would be no need for it: {usual} turns");
    }
}
