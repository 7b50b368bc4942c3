//! How many learners the server takes on.
//!
//! A start brings answers for as long as its exam lasts, so under load it is starts that wait, and what is
//! bounded is how many learners are inside (see [`crate::room`]). Nobody knows the bound beforehand; it is
//! found out, as the senders of a network find out theirs. Ten times a second three signs are looked at: how
//! long answers took, how late a timer fires (the threads are busy), and how full the house is. Each is put in
//! relation to its mark; the worst counts, smoothed over some looks, so that one slow write to the disk means
//! nothing.
//!
//! - Over the mark, nobody comes in, and the bound becomes a little less than who is inside. As they leave, it
//!   goes down with them, but not below those whose answers the server has just shown that it can take: what
//!   piled up has to be worked off too, and takes longer than it took to be too many.
//! - Below it, the bound rises: slowly at first and where it was too much before, faster the longer all is well.
//!   Learners whose answers are minutes apart are far fewer answers than the same number of others.
//! - At the beginning no bound is known, and `limits.starts_total_per_second` alone bounds who comes in.

use crate::app::App;
use crate::limits::{
    PACE_ANSWER_MAX, PACE_FULLNESS_MAX, PACE_INTERVAL, PACE_LATENESS_MAX, REQUESTS_MAX, ROOM_LEAST, ROOM_SEATS,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Of who is inside when answers become slow, so many may be.
const KEPT: f64 = 0.97;
/// And the first time: who came in a rush does not leave for a while, so that what is too many would stay too many.
const KEPT_FIRST: f64 = 0.95;
/// For the same reason, this part of the mark is enough the first time.
const FIRST: f64 = 0.5;
/// By what part of itself the bound rises a second.
const RISE: f64 = 0.01;
/// After so many seconds without a bad sign it rises twice as fast, after twice as many three times, and so on.
const RISE_DOUBLES_S: f64 = 10.0;
/// But not where it is from this to that part of what was too much the last time.
const NEAR: (f64, f64) = (0.9, 1.05);
/// How much of a smoothed figure comes from the last look: of the worst sign, of the answers a second, and of the
/// answers a second of one learner.
const OF_SIGN: f64 = 0.3;
const OF_ANSWERS: f64 = 0.05;
const OF_ONE: f64 = 0.01;
/// By what part of itself the most answers a second are forgotten with every look.
const FADES: f64 = 0.01;
/// One look tells no more than this, however bad it was.
const SIGN_MAX: f64 = 1.6;
/// Where answers are always slow, as on a slow disk, they are slow only beyond this many times what they take at best.
const USUAL: f64 = 3.0;
/// But no more than this many times the mark.
const USUAL_MAX: f64 = 4.0;
/// By what part of itself the best time is forgotten with every look: half of it in a minute.
const FORGETS: f64 = 0.001;

/// What was seen since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs {
    /// How many answers were given.
    pub answers: u64,
    /// Their mean time; zero without answers.
    pub answer: Duration,
    /// How late the timer fired.
    pub lateness: Duration,
    /// Places taken of all, from 0 to 1.
    pub fullness: f64,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Learners by which the bound rises a second at least.
    step: f64,
    /// Infinite while none is known.
    cap: f64,
    /// The worst sign in relation to its mark.
    sign: f64,
    /// Answers a second: of all, and of one learner while all is well.
    answers: f64,
    of_one: f64,
    /// What an answer takes at best, in seconds.
    best: f64,
    /// For how long no sign was bad.
    well_s: f64,
    /// How many were inside when one became bad, and the most answers a second while one was, of late.
    too_many: f64,
    done: f64,
}

impl Pace {
    /// Without a bound; where there is one, it rises by a fiftieth of these starts a second at least.
    #[must_use]
    pub fn new(starts_per_second: u32) -> Self {
        let step = (f64::from(starts_per_second) / 50.0).max(1.0);
        Self {
            step,
            cap: f64::INFINITY,
            sign: 0.0,
            answers: 0.0,
            of_one: 0.0,
            best: PACE_ANSWER_MAX.as_secs_f64() / USUAL,
            well_s: 0.0,
            too_many: 0.0,
            done: 0.0,
        }
    }

    /// How many may be inside after a look at the signs while so many are.
    pub fn look(&mut self, signs: Signs, active: usize) -> usize {
        let interval_s = PACE_INTERVAL.as_secs_f64();
        let inside = active as f64;
        let worst = self.worst(signs).min(SIGN_MAX);
        self.sign += (worst - self.sign) * OF_SIGN;
        self.answers += (signs.answers as f64 / interval_s - self.answers) * OF_ANSWERS;
        if self.sign > 1.0 {
            if self.well_s > 0.0 {
                (self.well_s, self.too_many) = (0.0, inside);
            }
            self.done = (self.done * (1.0 - FADES)).max(self.answers);
            let kept = if self.cap.is_finite() { KEPT } else { KEPT_FIRST };
            let bound = inside.max(self.proven()).min(self.too_many) * kept;
            self.cap = self.cap.min(bound.max(ROOM_LEAST));
            return self.cap.min(inside.max(ROOM_LEAST)) as usize;
        }
        if inside >= ROOM_LEAST {
            let part = if self.of_one > 0.0 { OF_ONE } else { 1.0 };
            self.of_one += (self.answers / inside - self.of_one) * part;
        }
        self.well_s += interval_s;
        let near = (NEAR.0..NEAR.1).contains(&(self.cap / self.proven()));
        let rise = if near { RISE } else { RISE * (1.0 + self.well_s / RISE_DOUBLES_S) };
        self.cap += (self.cap * rise).max(self.step) * interval_s;
        if self.cap > ROOM_SEATS as f64 {
            // So many could not even be counted.
            self.cap = f64::INFINITY;
        }
        // Infinity is the greatest number there is.
        self.cap as usize
    }

    /// As many as give so many answers a second as were given when it was too much.
    fn proven(&self) -> f64 {
        if self.of_one > 0.0 { self.done / self.of_one } else { 0.0 }
    }

    /// The greatest of the signs, each in relation to its mark.
    fn worst(&mut self, signs: Signs) -> f64 {
        let lateness = signs.lateness.as_secs_f64() / PACE_LATENESS_MAX.as_secs_f64();
        let others = lateness.max(signs.fullness / PACE_FULLNESS_MAX);
        if signs.answers == 0 {
            return others;
        }
        let answer = signs.answer.as_secs_f64();
        self.best = (self.best * (1.0 + FORGETS)).min(answer);
        let mark = PACE_ANSWER_MAX.as_secs_f64();
        let mark = (self.best * USUAL).clamp(mark, mark * USUAL_MAX);
        let mark = if self.cap.is_finite() { mark } else { mark * FIRST };
        others.max(answer / mark)
    }
}

/// Looks and calls until it is stopped.
pub async fn keep_pace(app: Arc<App>) {
    let mut pace = Pace::new(app.config.limits.starts_total_per_second);
    let mut looks = 0_u32;
    loop {
        let asked = Instant::now();
        tokio::time::sleep(PACE_INTERVAL).await;
        let (answers, answer) = app.metrics.answers_since();
        let signs = Signs {
            answers,
            answer,
            lateness: asked.elapsed().saturating_sub(PACE_INTERVAL),
            fullness: app.admission.taken() as f64 / REQUESTS_MAX as f64,
        };
        let room = app.queue.room();
        tracing::trace!(?signs, active = room.active(), cap = room.cap(), "looked");
        room.set_cap(pace.look(signs, room.active()));
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(10) {
            room.sweep(app.engine.now());
        }
        app.queue.call(app.engine.now());
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    fn took(ms: u64) -> Signs {
        Signs { answers: 100, answer: Duration::from_millis(ms), ..Signs::default() }
    }

    fn bad() -> [Signs; 3] {
        [
            Signs { answer: PACE_ANSWER_MAX * 2, ..took(1) },
            Signs { lateness: PACE_LATENESS_MAX * 2, ..took(1) },
            Signs { fullness: PACE_FULLNESS_MAX * 2.0, ..took(1) },
        ]
    }

    /// Looks for so many seconds.
    fn looks(pace: &mut Pace, signs: Signs, active: usize, seconds: u32) -> usize {
        (0..seconds * 10).map(|_| pace.look(signs, active)).last().unwrap_or_default()
    }

    #[test]
    fn there_is_no_bound_until_a_sign_is_bad() {
        let mut pace = Pace::new(500);
        assert_eq!(looks(&mut pace, took(1), 100_000, 60), usize::MAX);
        for signs in bad() {
            assert_eq!(looks(&mut Pace::new(500), signs, 1_000, 3), 950);
        }
    }

    #[test]
    fn one_bad_look_means_nothing() {
        for signs in bad() {
            let mut pace = Pace::new(500);
            looks(&mut pace, took(1), 1_000, 1);
            assert_eq!(pace.look(signs, 1_000), usize::MAX);
            assert_eq!(looks(&mut pace, took(1), 1_000, 1), usize::MAX);
        }
    }

    #[test]
    fn the_bound_rises_faster_and_faster() {
        let mut pace = Pace::new(50);
        assert_eq!(looks(&mut pace, bad()[0], 10_000, 3), 9_500);
        let risen = [5, 5, 20, 30].map(|seconds| looks(&mut pace, took(1), 9_500, seconds));
        assert!((9_600..10_100).contains(&risen[0]), "{risen:?}");
        assert!((10_500..11_500).contains(&risen[1]), "{risen:?}");
        assert!((15_000..25_000).contains(&risen[2]), "{risen:?}");
        assert!(risen[3] > 80_000, "{risen:?}");
    }

    #[test]
    fn it_falls_with_who_is_inside_but_not_below_what_was_proven() {
        // A thousand answers a second of a thousand learners.
        let mut pace = Pace::new(50);
        looks(&mut pace, took(1), 1_000, 60);
        let slow = Signs { answer: PACE_ANSWER_MAX * 2, ..took(1) };
        assert_eq!(looks(&mut pace, slow, 1_200, 3), 1_140);
        let fallen = looks(&mut pace, slow, 500, 3);
        assert_eq!(fallen, 500, "nobody comes in as long as answers are slow");
        let after = looks(&mut pace, took(1), 500, 1);
        assert!((950..990).contains(&after), "it has just done a thousand answers a second: {after}");
        let mut idle = Pace::new(50);
        assert_eq!(looks(&mut idle, slow, 0, 3), ROOM_LEAST as usize, "a few may always be inside");
    }

    #[test]
    fn a_slow_disk_is_no_overload() {
        let mut pace = Pace::new(50);
        assert!(looks(&mut pace, took(40), 1_000, 1) < 1_000, "nobody knows yet what is usual here");
        assert!(looks(&mut pace, took(40), 1_000, 120) > 2_000, "by now one does");
        assert!(looks(&mut pace, took(150), 1_000, 10) < 1_000, "but beyond it something is");
    }
}
