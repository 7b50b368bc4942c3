//! Lessons: what the promises mean for them, and the rules once more.

mod credit;
mod evidence;
mod ledger;
mod log;
mod told;

pub use evidence::{
    Heard, LessonFacts, LessonPays, LessonRecord, LessonSeen, LiveStudy, Saved, StoredLesson, StoredLessonStep, Who,
};

use super::Found;
use super::evidence::Evidence;

pub(super) fn check(evidence: &Evidence<'_>, found: &mut Found) {
    let logs: Vec<log::WalkedLesson<'_>> =
        evidence.contents.lessons.iter().filter_map(|stored| log::walk(evidence, stored, found)).collect();
    credit::check(evidence, &logs, found);
    told::check(evidence, &logs, found);
    ledger::check(evidence, &logs, found);
}
