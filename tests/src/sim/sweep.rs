//! Many seeds on all cores, and what is printed when one of them fails.

use super::planted::Bug;
use super::run::{Options, Report, Sums, run};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every so many seeds one is run without the integrity layer too.
const TWIN_EVERY: u64 = 2;
/// Of so many seeds the first two are run twice: one with reviewers, one with a twin.
const TWICE_EVERY: u64 = 16;
/// Events printed of a failing run, unless `KEJU_SIM_EVENTS` says otherwise.
const EVENTS_SHOWN: usize = 60;

/// Runs the seeds, on as many threads as there are cores; the first failing one ends it.
///
/// # Errors
/// The seed, what it broke, its last events, and how to run it alone.
pub fn sweep(seeds: Range<u64>) -> Result<Sums, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let failed = AtomicU64::new(u64::MAX);
    let sums = std::thread::scope(|scope| {
        let work = |thread: u64| {
            let (failed, seeds) = (&failed, seeds.clone());
            scope.spawn(move || sweep_share(seeds.skip(thread as usize).step_by(threads as usize), failed))
        };
        let running: Vec<_> = (0..threads).map(work).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).fold(Sums::default(), add)
    });
    match failed.into_inner() {
        u64::MAX => Ok(sums),
        seed => Err(explain(seed, None)),
    }
}

fn sweep_share(seeds: impl Iterator<Item = u64>, failed: &AtomicU64) -> Sums {
    let mut sums = Sums::default();
    for seed in seeds {
        if failed.load(Ordering::Relaxed) < seed {
            break;
        }
        let twice = seed % TWICE_EVERY < 2;
        let report = run(seed, Options { twin: has_twin(seed), twice, ..Options::default() });
        sums = add(sums, report.sums);
        if !report.violations.is_empty() {
            failed.fetch_min(seed, Ordering::Relaxed);
        }
    }
    sums
}

/// Whether a seed is run with and without the integrity layer.
const fn has_twin(seed: u64) -> bool {
    seed.is_multiple_of(TWIN_EVERY)
}

const fn add(one: Sums, two: Sums) -> Sums {
    Sums {
        events: one.events + two.events,
        answers: one.answers + two.answers,
        refusals: one.refusals + two.refusals,
        attempts: one.attempts + two.attempts,
        grants: one.grants + two.grants,
        beats: one.beats + two.beats,
        verdicts: one.verdicts + two.verdicts,
        studies: one.studies + two.studies,
        completed: one.completed + two.completed,
        decisions: one.decisions + two.decisions,
        taken_back: one.taken_back + two.taken_back,
    }
}

/// The first of the seeds that finds a planted bug, and what it found.
#[must_use]
pub fn find(bug: Bug, seeds: Range<u64>) -> Option<Report> {
    seeds
        .map(|seed| run(seed, Options { bug: Some(bug), twin: has_twin(seed), ..Options::default() }))
        .find(|report| !report.violations.is_empty())
}

/// The ids in a text.
fn ids(text: &str) -> Vec<&str> {
    let is_id = |word: &&str| word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
    text.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-').filter(is_id).collect()
}

/// Runs a seed once more and tells what it broke, with its last events.
#[must_use]
pub fn explain(seed: u64, bug: Option<Bug>) -> String {
    let report = run(seed, Options { bug, twin: has_twin(seed), twice: true, tracing: true });
    // What names the attempt or the command of the first finding, and what broke meanwhile.
    let ids: Vec<&str> = report.violations.first().map(|found| ids(&found.detail)).unwrap_or_default();
    let tells = |event: &&String| {
        let about = ids.is_empty() || ids.iter().any(|id| event.contains(id));
        about || !event.contains("client")
    };
    let events: Vec<&String> = report.trace.iter().filter(tells).collect();
    let mut text = String::new();
    let shown = std::env::var("KEJU_SIM_EVENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(EVENTS_SHOWN);
    for event in events.iter().skip(events.len().saturating_sub(shown)) {
        let _ = writeln!(text, "{event}");
    }
    for violation in &report.violations {
        let _ = writeln!(text, "BROKEN {violation}");
    }
    let _ = writeln!(text, "seed {seed}; alone: KEJU_SIM_SEED={seed} cargo test -p keju-tests --test it sim");
    text
}
