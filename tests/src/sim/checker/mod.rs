//! The checker of the promises P1 to P12. It knows nothing of how a rig works: it is given what clients
//! were told, what the store holds in the end and what caches say, and finds what does not fit. The
//! rules are written down here a second time, on purpose, and not called from the engine.

mod commands;
mod evidence;
mod ledger;
mod lesson;
mod log;
mod review;
mod sight;
mod twins;

pub use evidence::{Call, Contents, Evidence, ExamFacts, Facts, Observed, StoredAttempt, StoredEntry, StoredStep};
pub use lesson::{
    Heard, LessonFacts, LessonPays, LessonRecord, LessonSeen, LiveStudy, Saved, StoredLesson, StoredLessonStep, Who,
};
pub use twins::same_answers;

use std::fmt;

/// A promise of `docs/DESIGN.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "numbered as in the design")]
pub enum Promise {
    P1,
    P2,
    P3,
    P4,
    P5,
    P6,
    P7,
    P8,
    P9,
    P10,
    P11,
    P12,
    /// Not numbered: credit in a lesson is played in real time, and only while nothing is asked.
    Credit,
    /// Not numbered: questions in a lesson come when they are due, take one answer, and a wrong one costs.
    Challenge,
    /// Not numbered: people decide cases, a second review is another person's, and nothing but a decision takes hours.
    Review,
    /// Not numbered, and meant all the same: whoever asks is told in the end, and what is due is closed.
    Progress,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How, in words.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.detail)
    }
}

/// Everything in the evidence that breaks a promise; empty when all is well.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Violation> {
    let mut found = Found::default();
    let logs: Vec<log::Walked<'_>> =
        evidence.contents.attempts.iter().filter_map(|stored| log::walk(evidence, stored, &mut found)).collect();
    log::check_times(evidence, &mut found);
    ledger::check(evidence, &logs, &mut found);
    commands::check(evidence, &logs, &mut found);
    sight::check_seen(evidence, &mut found);
    sight::check_caches(evidence, &logs, &mut found);
    lesson::check(evidence, &mut found);
    found.0
}

#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    /// Notes a violation unless `holds`.
    fn unless(&mut self, holds: bool, promise: Promise, detail: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { promise, detail: detail() });
        }
    }
}
