//! How many starts a second the server takes on.
//!
//! The configured `limits.starts_total_per_second` is the most. Ten times a second three signs are looked
//! at: how long answers took since the last look, how late a timer fires (the threads are busy), and how
//! full the house is. If any is over its mark, the pace falls by three tenths, down to a fiftieth of the
//! most but never below one a second; otherwise it rises by a fiftieth. A start brings answers for an hour, so it is starts that wait.

use crate::app::App;
use crate::limits::{PACE_ANSWER_MAX, PACE_FULLNESS_MAX, PACE_INTERVAL, PACE_LATENESS_MAX, REQUESTS_MAX};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What was seen since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs {
    /// The mean time of an answer; `None` without answers.
    pub answer: Option<Duration>,
    /// How late the timer fired.
    pub lateness: Duration,
    /// Places taken of all, from 0 to 1.
    pub fullness: f64,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    most: f64,
    now: f64,
}

impl Pace {
    /// At its most.
    #[must_use]
    pub fn new(starts_per_second: u32) -> Self {
        let most = f64::from(starts_per_second.max(1));
        Self { most, now: most }
    }

    /// The pace after a look.
    pub fn look(&mut self, signs: Signs) -> f64 {
        let slow = signs.answer.is_some_and(|took| took > PACE_ANSWER_MAX);
        let busy = slow || signs.lateness > PACE_LATENESS_MAX || signs.fullness > PACE_FULLNESS_MAX;
        let step = (self.most / 50.0).max(1.0);
        self.now = if busy { (self.now * 0.7).max(step) } else { (self.now + step).min(self.most) };
        self.now
    }
}

/// Looks and calls until it is stopped.
pub async fn keep_pace(app: Arc<App>) {
    let mut pace = Pace::new(app.config.limits.starts_total_per_second);
    loop {
        let asked = Instant::now();
        tokio::time::sleep(PACE_INTERVAL).await;
        let signs = Signs {
            answer: app.metrics.mean_answer(),
            lateness: asked.elapsed().saturating_sub(PACE_INTERVAL),
            fullness: app.admission.taken() as f64 / REQUESTS_MAX as f64,
        };
        app.queue.set_pace(pace.look(signs));
        app.queue.call(app.engine.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_falls_under_load_and_comes_back() {
        let mut pace = Pace::new(500);
        for busy in [
            Signs { answer: Some(PACE_ANSWER_MAX * 2), ..Signs::default() },
            Signs { lateness: PACE_LATENESS_MAX * 2, ..Signs::default() },
            Signs { fullness: PACE_FULLNESS_MAX * 2.0, ..Signs::default() },
        ] {
            let fallen = (0..30).map(|_| pace.look(busy)).fold(f64::MAX, f64::min);
            assert!((fallen - 10.0).abs() < 1e-9, "a fiftieth is kept: {fallen}");
            let risen = (0..50).map(|_| pace.look(Signs::default())).fold(0.0, f64::max);
            assert!((risen - 500.0).abs() < 1e-9, "{risen}");
        }
        let mut slowest = Pace::new(1);
        assert!((0..100).all(|_| slowest.look(Signs { fullness: 1.0, ..Signs::default() }) >= 1.0));
    }
}
