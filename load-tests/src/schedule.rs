//! When learners arrive: an open loop. The times are drawn before the run and owe nothing to how fast
//! the server answers.

use rand::RngExt;
use serde::{Deserialize, Serialize};

/// How arrivals are spread over a phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Nobody comes; those who are there go on.
    None,
    /// One by one at random, so many a second in the mean (a Poisson process).
    Steady {
        /// Learners a second.
        per_second: f64,
    },
    /// The same, at a rate that grows or falls evenly.
    Ramp {
        /// Learners a second at the beginning.
        from: f64,
        /// And at the end.
        to: f64,
    },
    /// So many in all, more and more of them: the last moments are `growth` times (as a power of e) as
    /// busy as the first.
    Wall {
        /// Learners in all.
        count: u32,
        /// 3 is twenty times as busy, 5 a hundred and fifty times.
        growth: f64,
    },
    /// Everybody within so many milliseconds of the phase's beginning.
    AtOnce {
        /// Learners in all.
        count: u32,
        /// How far apart the first and the last are.
        #[serde(default)]
        within_ms: u64,
    },
}

impl Arrivals {
    /// The times of a phase of this length, in milliseconds from its beginning, sorted.
    pub fn times(&self, length_ms: u64, scale: f64, dice: &mut impl RngExt) -> Vec<u64> {
        let length = length_ms as f64;
        let counted = |count: u32| (f64::from(count) * scale).round() as usize;
        let mut times: Vec<u64> = match *self {
            Self::None => Vec::new(),
            Self::Steady { per_second } => thinned(length, per_second * scale, |_| 1.0, dice),
            Self::Ramp { from, to } => {
                let most = from.max(to);
                let rate = |part: f64| (from + (to - from) * part) / most;
                thinned(length, most * scale, rate, dice)
            }
            Self::Wall { count, growth } => (0..counted(count))
                .map(|_| {
                    // The inverse of the distribution whose density grows as e^(growth · t).
                    let share: f64 = dice.random();
                    let part = if growth.abs() < 1e-9 { share } else { (1.0 + share * growth.exp_m1()).ln() / growth };
                    (part * length) as u64
                })
                .collect(),
            Self::AtOnce { count, within_ms } => {
                (0..counted(count)).map(|_| dice.random_range(0..=within_ms.min(length_ms))).collect()
            }
        };
        times.sort_unstable();
        times
    }

    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let rate = |rate: f64| rate.is_finite() && (0.0..=1e6).contains(&rate);
        match *self {
            Self::Steady { per_second } if !rate(per_second) => Some("per_second must be from 0 to 1000000"),
            Self::Ramp { from, to } if !rate(from) || !rate(to) || from.max(to) <= 0.0 => {
                Some("from and to must be from 0 to 1000000, and not both 0")
            }
            Self::Wall { growth, .. } if !(0.0..=20.0).contains(&growth) => Some("growth must be from 0 to 20"),
            _ => None,
        }
    }
}

/// A Poisson process of a rate that changes: drawn at its greatest, of which a part is kept.
fn thinned(length_ms: f64, most_per_second: f64, part: impl Fn(f64) -> f64, dice: &mut impl RngExt) -> Vec<u64> {
    let mut times = Vec::new();
    if most_per_second <= 0.0 {
        return times;
    }
    let mut now = 0.0;
    loop {
        let uniform: f64 = dice.random();
        now += -(1.0 - uniform).ln() / most_per_second * 1_000.0;
        if now >= length_ms {
            return times;
        }
        if dice.random::<f64>() < part(now / length_ms) {
            times.push(now as u64);
        }
    }
}

/// A length of time by distribution, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Lasting {
    /// Always the same.
    Constant {
        /// Milliseconds.
        ms: u64,
    },
    /// Anything in between.
    Uniform {
        /// The least.
        from_ms: u64,
        /// The most.
        to_ms: u64,
    },
    /// Many short, few long.
    Exponential {
        /// The mean.
        mean_ms: u64,
    },
    /// As people think: a hump and a long tail.
    LogNormal {
        /// Half are shorter.
        median_ms: u64,
        /// How wide: 0.5 is narrow, 1 wide.
        sigma: f64,
    },
}

impl Lasting {
    /// One of them; at most an hour.
    pub fn draw(&self, dice: &mut impl RngExt) -> u64 {
        let ms = match *self {
            Self::Constant { ms } => ms as f64,
            Self::Uniform { from_ms, to_ms } => dice.random_range(from_ms.min(to_ms)..=to_ms.max(from_ms)) as f64,
            Self::Exponential { mean_ms } => -(1.0 - dice.random::<f64>()).ln() * mean_ms as f64,
            Self::LogNormal { median_ms, sigma } => {
                // Box and Muller.
                let (one, two): (f64, f64) = (dice.random(), dice.random());
                let normal = (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos();
                median_ms as f64 * (sigma * normal).exp()
            }
        };
        ms.clamp(0.0, 3_600_000.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn dice() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(7)
    }

    fn times(arrivals: Arrivals) -> Vec<u64> {
        let times = arrivals.times(100_000, 1.0, &mut dice());
        assert!(times.is_sorted() && times.iter().all(|time| *time <= 100_000));
        assert_eq!(times, arrivals.times(100_000, 1.0, &mut dice()), "the same seed is the same schedule");
        times
    }

    #[test]
    fn a_steady_rate_is_kept_in_the_mean_and_is_random() {
        let times = times(Arrivals::Steady { per_second: 50.0 });
        assert!((4_700..=5_300).contains(&times.len()), "5000 in the mean: {}", times.len());
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let spread = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt();
        assert!((0.9..1.1).contains(&(spread / mean)), "gaps of a Poisson process spread as wide as their mean");
    }

    #[test]
    fn a_ramp_grows_evenly() {
        let times = times(Arrivals::Ramp { from: 0.0, to: 100.0 });
        assert!((4_700..=5_300).contains(&times.len()), "{}", times.len());
        let early = times.iter().filter(|time| **time < 50_000).count() as f64;
        assert!((0.22..0.28).contains(&(early / times.len() as f64)), "a quarter comes in the first half");
    }

    #[test]
    fn a_wall_has_its_number_and_stands_at_the_end() {
        let times = times(Arrivals::Wall { count: 10_000, growth: 5.0 });
        assert_eq!(times.len(), 10_000);
        let last_tenth = times.iter().filter(|time| **time >= 90_000).count();
        assert!((3_600..=4_300).contains(&last_tenth), "e^-0.5 of them come before: {last_tenth}");
        let flat = Arrivals::Wall { count: 1_000, growth: 0.0 }.times(1_000, 1.0, &mut dice());
        assert!((400..=600).contains(&flat.iter().filter(|time| **time < 500).count()));
    }

    #[test]
    fn everybody_at_once() {
        assert_eq!(times(Arrivals::AtOnce { count: 30, within_ms: 0 }), [0; 30]);
        assert!(times(Arrivals::AtOnce { count: 300, within_ms: 500 }).iter().all(|time| *time <= 500));
        assert!(times(Arrivals::None).is_empty());
    }

    #[test]
    fn a_scale_multiplies_learners() {
        let scaled = |arrivals: Arrivals| arrivals.times(100_000, 3.0, &mut dice()).len();
        assert_eq!(scaled(Arrivals::AtOnce { count: 30, within_ms: 9 }), 90);
        assert_eq!(scaled(Arrivals::Wall { count: 30, growth: 1.0 }), 90);
        assert!((1_350..=1_650).contains(&scaled(Arrivals::Steady { per_second: 5.0 })));
    }

    #[test]
    fn lengths_follow_their_distributions() {
        let sample = |lasting: Lasting| {
            let mut dice = dice();
            let mut drawn: Vec<u64> = (0..10_001).map(|_| lasting.draw(&mut dice)).collect();
            drawn.sort_unstable();
            drawn
        };
        assert!(sample(Lasting::Constant { ms: 5 }).iter().all(|ms| *ms == 5));
        let uniform = sample(Lasting::Uniform { from_ms: 10, to_ms: 20 });
        assert_eq!((uniform[0], uniform[10_000]), (10, 20));
        let exponential = sample(Lasting::Exponential { mean_ms: 1_000 });
        assert!((650..740).contains(&exponential[5_000]), "the median is ln 2 of the mean: {}", exponential[5_000]);
        let thinking = sample(Lasting::LogNormal { median_ms: 1_000, sigma: 0.5 });
        assert!((970..1_030).contains(&thinking[5_000]), "{}", thinking[5_000]);
        assert!((1_550..1_750).contains(&thinking[8_413]), "one sigma is e^0.5: {}", thinking[8_413]);
    }
}
