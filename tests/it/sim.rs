//! The simulator over many seeds, and the bugs it has to find.

use keju_tests::sim::{explain, sweep};

/// Seeds of an ordinary run; `KEJU_SIM_SEEDS` changes their number.
const SEEDS: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_promise_holds_in_every_run() {
    if let Some(seed) = number("KEJU_SIM_SEED") {
        let told = explain(seed, None);
        assert!(!told.contains("BROKEN"), "{told}");
        return;
    }
    let seeds = number("KEJU_SIM_SEEDS").unwrap_or(SEEDS);
    let sums = sweep(0..seeds).unwrap_or_else(|told| panic!("{told}"));
    assert!(sums.answers > seeds * 10 && sums.grants > seeds / 20, "the runs are too tame: {sums:?}");
    let lessons =
        sums.beats > seeds * 20 && sums.verdicts > seeds && sums.studies > seeds && sums.completed > seeds / 4;
    assert!(lessons, "the lessons are too tame: {sums:?}");
    println!("{seeds} seeds: {sums:?}");
}

#[cfg(feature = "planted-bugs")]
mod planted {
    use keju_tests::sim::planted::Bug;
    use keju_tests::sim::{find, sweep};

    /// Seeds within which every bug has to be found.
    const SEEDS: u64 = 1_000;

    #[test]
    fn every_planted_bug_is_found() {
        let mut missed = Vec::new();
        for (bug, promises) in Bug::ALL {
            match find(bug, 0..SEEDS) {
                Some(report) if report.violations.iter().any(|found| promises.contains(&found.promise)) => {
                    println!("{bug:?} found by seed {}: {}", report.seed, report.violations[0]);
                }
                Some(report) => missed.push(format!("{bug:?} is taken for {:?}", report.violations)),
                None => missed.push(format!("{bug:?} is not found in {SEEDS} seeds")),
            }
        }
        assert!(missed.is_empty(), "{}", missed.join("\n"));
    }

    #[test]
    fn the_same_seeds_pass_without_a_bug() {
        sweep(0..SEEDS).unwrap_or_else(|told| panic!("{told}"));
    }
}
