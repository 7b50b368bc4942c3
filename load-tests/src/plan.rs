//! The plan of a run: who arrives when and how everybody is. Every process draws the whole of it from
//! the scenario's seed and takes its own share, so that nothing has to be told between them.

use crate::limits::LEARNERS_MAX;
use crate::scenario::{LearnerSpec, Scenario};
use anyhow::bail;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which part of the plan a process carries out: `index` of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub index: usize,
    /// Processes in all.
    pub count: usize,
}

impl Share {
    /// The whole plan.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether this learner is of this share.
    #[must_use]
    pub const fn has(self, learner: usize) -> bool {
        learner % self.count == self.index
    }
}

/// One learner of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// From 0, in the order of arrival.
    pub index: usize,
    /// From the beginning of the run.
    pub arrives_ms: u64,
    /// For what this learner draws on the way.
    pub seed: u64,
    /// How this learner is.
    pub traits: Traits,
}

/// How a learner is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Loses the network once.
    pub offline: bool,
    /// Has a phone that sleeps once.
    pub sleeps: bool,
    /// Loses focus now and then.
    pub wanders: bool,
    /// Hands in.
    pub submits: bool,
    /// Tries the known attacks.
    pub cheats: bool,
}

impl Traits {
    fn draw(spec: &LearnerSpec, dice: &mut ChaCha8Rng) -> Self {
        Self {
            offline: dice.random_bool(spec.offline_share),
            sleeps: dice.random_bool(spec.sleep_share),
            wanders: dice.random_bool(spec.signals_share),
            submits: dice.random_bool(spec.submit_share),
            cheats: dice.random_bool(spec.cheat_share),
        }
    }
}

/// Everybody, in the order of their arrival; `scale` multiplies how many there are.
///
/// # Errors
/// There are more than a run may have, or none at all.
pub fn plan(scenario: &Scenario, scale: f64) -> anyhow::Result<Vec<Planned>> {
    let mut dice = ChaCha8Rng::seed_from_u64(scenario.seed);
    let mut begins_ms = 0;
    let mut arrivals = Vec::new();
    for phase in &scenario.phases {
        let length_ms = phase.seconds * 1_000;
        let times = phase.arrivals.times(length_ms, scale, &mut dice);
        if arrivals.len() + times.len() > LEARNERS_MAX {
            bail!("the scenario has more than {LEARNERS_MAX} learners");
        }
        arrivals.extend(times.into_iter().map(|time| begins_ms + time));
        begins_ms += length_ms;
    }
    if arrivals.is_empty() {
        bail!("nobody arrives in this scenario");
    }
    let learner = |(index, arrives_ms)| Planned {
        index,
        arrives_ms,
        seed: dice.random(),
        traits: Traits::draw(&scenario.learner, &mut dice),
    };
    Ok(arrivals.into_iter().enumerate().map(learner).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn scenario() -> Scenario {
        Scenario::parse(
            "name = 'x'\nabout = ''\n[learner]\noffline_share = 0.5\n\
             [[phases]]\nname = 'a'\nseconds = 10\narrivals = { shape = 'at_once', count = 50 }\n\
             [[phases]]\nname = 'b'\nseconds = 10\narrivals = { shape = 'steady', per_second = 20.0 }",
        )
        .unwrap()
    }

    #[test]
    fn phases_follow_each_other_and_the_seed_decides() {
        let everybody = plan(&scenario(), 1.0).unwrap();
        assert_eq!(everybody, plan(&scenario(), 1.0).unwrap());
        assert!(everybody.is_sorted_by_key(|learner| learner.arrives_ms));
        assert!(everybody[..50].iter().all(|learner| learner.arrives_ms == 0));
        assert!(everybody[50..].iter().all(|learner| (10_000..20_000).contains(&learner.arrives_ms)));
        let offline = everybody.iter().filter(|learner| learner.traits.offline).count();
        assert!(offline > everybody.len() / 3 && offline < everybody.len() * 2 / 3);
    }

    #[test]
    fn shares_cover_everybody_once() {
        for index in 0..100 {
            let takers = (0..3).filter(|share| Share { index: *share, count: 3 }.has(index)).count();
            assert_eq!(takers, 1);
        }
        assert!(Share::WHOLE.has(99));
    }

    #[test]
    fn a_scenario_without_anybody_is_refused() {
        let empty = "name = 'x'\nabout = ''\n[[phases]]\nname = 'a'\nseconds = 1\narrivals = { shape = 'none' }";
        assert!(plan(&Scenario::parse(empty).unwrap(), 1.0).is_err());
    }
}
