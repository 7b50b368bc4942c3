//! P3 for lessons: an entry beside each step that grants, and none missing.

use super::evidence::LessonPays;
use super::log::WalkedLesson;
use crate::sim::checker::evidence::Evidence;
use crate::sim::checker::{Found, Promise};
use exam_core::hours::GrantSource;
use exam_core::lesson::LessonStepBody;

pub(super) fn check(evidence: &Evidence<'_>, logs: &[WalkedLesson<'_>], found: &mut Found) {
    check_entries(evidence, logs, found);
    for log in logs {
        let ledger = &evidence.contents.ledger;
        for (step, commit) in &log.grants {
            let LessonStepBody::HoursGranted { entry: id, .. } = &step.body else { continue };
            let kept = ledger.iter().any(|stored| stored.entry.id == *id && stored.commit == Some(*commit));
            found.unless(kept, Promise::P3, || {
                format!("{} in {}: step {} grants and the ledger does not know", log.learner(), log.lesson(), step.seq)
            });
        }
        check_due(evidence, logs, log, found);
    }
}

fn check_entries(evidence: &Evidence<'_>, logs: &[WalkedLesson<'_>], found: &mut Found) {
    for stored in &evidence.contents.ledger {
        let entry = &stored.entry;
        let (GrantSource::Lesson { lesson } | GrantSource::Lessons { lesson }) = entry.source else { continue };
        let its = logs.iter().filter(|log| (log.learner(), log.lesson()) == (entry.learner, lesson));
        let granted = its.flat_map(|log| &log.grants).any(|(step, commit)| {
            matches!(&step.body, LessonStepBody::HoursGranted { entry: id, course, credit_year, bucket, hours, source }
                if (*id, *course, *credit_year, *bucket, *hours, *source)
                    == (entry.id, entry.course, entry.credit_year, entry.bucket, entry.hours, entry.source))
                && Some(*commit) == stored.commit
                && step.at == entry.at
        });
        found.unless(granted, Promise::P3, || format!("{entry:?} has no step in the same transaction"));
    }
}

/// What a completed lesson earns is in the ledger, once, whoever wrote it.
fn check_due(evidence: &Evidence<'_>, logs: &[WalkedLesson<'_>], log: &WalkedLesson<'_>, found: &mut Found) {
    let Some(completed) = log.completed else { return };
    let facts = log.facts;
    let done = |lesson| {
        let its = logs.iter().find(|other| (other.learner(), other.lesson()) == (log.learner(), lesson));
        its.and_then(|other| other.completed)
    };
    let set = || evidence.facts.lessons.iter().filter(|other| other.is_in_set(facts.course));
    let earns = match facts.pays {
        LessonPays::Nothing => false,
        LessonPays::ItsOwn { .. } => true,
        LessonPays::AsSet { .. } => set().all(|other| done(other.id).is_some()),
    };
    // Its own hours stand under the lesson, the course's under the course, by an exam or by the set.
    let own = matches!(facts.pays, LessonPays::ItsOwn { .. }).then_some(facts.id);
    let entries = evidence.contents.ledger.iter().map(|stored| &stored.entry).filter(|entry| {
        (entry.learner, entry.course, entry.credit_year, entry.lesson())
            == (log.learner(), facts.course, facts.credit_year, own)
    });
    let (back, granted): (Vec<_>, Vec<_>) = entries.partition(|entry| entry.takes_back().is_some());
    // What an exam of the same course had earned may have been taken back since.
    let stands = granted.len().checked_sub(back.len());
    let holds = stands == Some(1) || (stands == Some(0) && !back.is_empty());
    found.unless(!earns || holds, Promise::P3, || {
        let (granted, back) = (granted.len(), back.len());
        format!("{} completed {}: {granted} grants, {back} taken back", log.learner(), log.lesson())
    });
    let too_early = |other: &&super::evidence::LessonFacts| done(other.id).is_none_or(|at| at > completed);
    let early = !log.grants.is_empty()
        && matches!(facts.pays, LessonPays::AsSet { .. })
        && set().any(|other| too_early(&other));
    found.unless(!early, Promise::P3, || {
        format!("{} was granted a course with {} before its other lessons", log.learner(), log.lesson())
    });
}
