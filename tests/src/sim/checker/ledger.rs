//! Across attempts: P3, the ledger; P6, how many attempts and how many at once.

use super::evidence::Evidence;
use super::log::{Walked, personal};
use super::{Found, Promise};
use exam_core::attempt::command::Actor;
use exam_core::attempt::{Mode, Step, StepBody};
use exam_core::hours::{Bucket, GrantSource, LedgerEntry};
use exam_core::{CourseId, EntryId};
use question_bank::Points;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(evidence: &Evidence<'_>, logs: &[Walked<'_>], found: &mut Found) {
    check_entries(evidence, logs, found);
    check_numbers(evidence, logs, found);
    check_live(logs, found);
}

/// P3: at most one grant that stands per (learner, course, year), in the order in which they were kept; each entry
/// beside the step that makes it, and none missing.
fn check_entries(evidence: &Evidence<'_>, logs: &[Walked<'_>], found: &mut Found) {
    let mut stands: BTreeMap<_, EntryId> = BTreeMap::new();
    let mut matched = BTreeSet::new();
    for stored in &evidence.contents.ledger {
        let entry = &stored.entry;
        let key = (entry.learner, entry.course, entry.credit_year, entry.lesson());
        match entry.takes_back() {
            None => {
                let second = stands.insert(key, entry.id);
                found.unless(second.is_none(), Promise::P3, || format!("a second grant that stands for {key:?}"));
            }
            Some(taken) => {
                let stood = stands.remove(&key);
                found.unless(stood == Some(taken), Promise::P3, || format!("{taken} is taken back, {stood:?} stands"));
            }
        }
        let (GrantSource::Exam { attempt } | GrantSource::Review { attempt, .. }) = entry.source else { continue };
        let granted = logs
            .iter()
            .filter(|log| log.stored.row.id == attempt)
            .flat_map(|log| &log.grants)
            .any(|(step, commit)| makes(step, entry) && *commit == stored.commit && step.at == entry.at);
        found.unless(granted, Promise::P3, || format!("{attempt}: an entry without its step in the same transaction"));
        matched.insert(entry.id);
    }
    for log in logs {
        for (step, _) in &log.grants {
            let kept = matches!(&step.body, StepBody::HoursGranted { entry, .. } | StepBody::HoursTakenBack { entry, .. }
                if matched.contains(entry));
            found.unless(kept, Promise::P3, || {
                format!("{}: step {} grants and the ledger does not know", log.stored.row.id, step.seq)
            });
        }
    }
}

/// Whether the step makes that entry: a grant, or by the person it names what takes one back.
fn makes(step: &Step, of: &LedgerEntry) -> bool {
    let same = |id: &EntryId, course: &CourseId, year: &i16, bucket: &Bucket, hours: Points| {
        (*id, *course, *year, *bucket, hours) == (of.id, of.course, of.credit_year, of.bucket, of.hours)
    };
    match (&step.body, of.source) {
        (StepBody::HoursGranted { entry, course, credit_year, bucket, hours }, GrantSource::Exam { .. }) => {
            same(entry, course, credit_year, bucket, *hours)
        }
        (
            StepBody::HoursTakenBack { entry, takes_back, course, credit_year, bucket, hours },
            GrantSource::Review { takes_back: taken, by, .. },
        ) => {
            *takes_back == taken
                && step.actor == Actor::Person(by)
                && same(entry, course, credit_year, bucket, Points::ZERO - *hours)
        }
        _ => false,
    }
}

/// P6: numbers from one without gaps, and in exam mode never more than any rule allowed.
fn check_numbers(evidence: &Evidence<'_>, logs: &[Walked<'_>], found: &mut Found) {
    let mut numbers: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for log in logs {
        let key = (log.stored.row.learner, log.started.exam, log.started.mode == Mode::Exam);
        numbers.entry(key).or_default().push(log.started.number);
    }
    for ((learner, exam, counts), mut numbers) in numbers {
        numbers.sort_unstable();
        let whole = numbers.iter().copied().eq(1..=numbers.len() as u32);
        found.unless(whole, Promise::P6, || format!("{learner} has attempts {numbers:?} at {exam}"));
        let Some(facts) = evidence.facts.exam(exam).filter(|_| counts) else { continue };
        let allowed = personal(evidence, facts, learner).into_iter().map(|rules| rules.attempts_max);
        let most = allowed.map(|max| if max == 0 { u32::MAX } else { max }).max().unwrap_or(0);
        found.unless(numbers.len() <= most as usize, Promise::P6, || {
            format!("{learner} has {} attempts at {exam}, {most} are allowed", numbers.len())
        });
    }
}

/// P6: one live attempt per learner and exam at any time, told by the order of transactions where it is
/// known, by what is live in the end otherwise.
fn check_live(logs: &[Walked<'_>], found: &mut Found) {
    for (index, log) in logs.iter().enumerate() {
        for other in &logs[index + 1..] {
            if (log.stored.row.learner, log.started.exam) != (other.stored.row.learner, other.started.exam) {
                continue;
            }
            let over = |first: &Walked<'_>, second: &Walked<'_>| match (first.life, second.life) {
                ((_, Some(end)), (Some(start), _)) => end < start,
                _ => first.closed,
            };
            let ordered = match (log.life.0, other.life.0) {
                (Some(one), Some(two)) if one < two => over(log, other),
                (Some(_), Some(_)) => over(other, log),
                _ => log.closed || other.closed,
            };
            found.unless(ordered, Promise::P6, || {
                format!("{} and {} are live at the same time", log.stored.row.id, other.stored.row.id)
            });
        }
    }
}
