//! What lessons may have earned: P6, one study at a time; credit, no more than was played in real time; and
//! no more lost than a heartbeat.

use super::evidence::{Heard, Saved, StoredLessonStep};
use super::log::WalkedLesson;
use crate::sim::checker::evidence::Evidence;
use crate::sim::checker::{Found, Promise};
use exam_core::lesson::LessonStepBody;
use exam_core::{LessonId, PersonId};
use std::collections::BTreeMap;

/// How long after it was earned credit may not be saved yet: a heartbeat, and the way to the store.
const SAVED_WITHIN_MS: i64 = 5_000 + 1_000;

pub(super) fn check(evidence: &Evidence<'_>, logs: &[WalkedLesson<'_>], found: &mut Found) {
    check_fence(evidence, found);
    for log in logs {
        check_earned(evidence, log, found);
        check_stopped(evidence, log, found);
        check_lost(evidence, log, found);
    }
}

/// P6: what becomes durable is of the newest study of its learner, in its lesson.
fn check_fence(evidence: &Evidence<'_>, found: &mut Found) {
    let mut active: BTreeMap<PersonId, (u64, LessonId)> = BTreeMap::new();
    for saved in &evidence.contents.saves {
        let now = active.get(&saved.learner).copied();
        let holds = if saved.takes {
            saved.epoch > now.map_or(0, |(epoch, _)| epoch)
        } else {
            now == Some((saved.epoch, saved.lesson))
        };
        found.unless(holds, Promise::P6, || {
            format!("{}: study {} in {} earns while {now:?} is active", saved.learner, saved.epoch, saved.lesson)
        });
        if saved.takes {
            active.insert(saved.learner, (saved.epoch, saved.lesson));
        }
    }
}

fn saves<'a>(evidence: &'a Evidence<'_>, log: &'a WalkedLesson<'_>) -> impl Iterator<Item = &'a Saved> {
    let is_its = |saved: &&Saved| (saved.learner, saved.lesson) == (log.learner(), log.lesson());
    evidence.contents.saves.iter().filter(is_its)
}

/// All that became durable up to any time was played before it: between two beats that were judged, the
/// first of which said that it plays, not too far apart, times the rate; and no further than was claimed.
fn check_earned(evidence: &Evidence<'_>, log: &WalkedLesson<'_>, found: &mut Found) {
    let policy = &log.facts.rules.policy;
    let heard: Vec<&Heard> = evidence
        .lessons
        .heard
        .iter()
        .filter(|heard| (heard.learner, heard.lesson) == (log.learner(), log.lesson()))
        .collect();
    let (mut before, mut next) = (BTreeMap::<u64, &Heard>::new(), 0);
    let (mut played_ms, mut claimed_ms) = (0, 0);
    // Earned in all: what the highest marks between wrong answers add up to.
    let (mut earned_ms, mut base_ms, mut mark_ms, mut seq) = (0, 0, 0, 0_u32);
    for saved in saves(evidence, log) {
        while let Some(beat) = heard.get(next).filter(|beat| beat.real_ms <= saved.real_ms) {
            next += 1;
            claimed_ms = claimed_ms.max(beat.position_ms);
            let last = before.get(&beat.instance).copied();
            if last.is_some_and(|last| beat.n <= last.n) {
                continue;
            }
            before.insert(beat.instance, beat);
            let elapsed = last.map_or(0, |last| beat.real_ms - last.real_ms);
            if last.is_some_and(|last| last.playing) && elapsed <= policy.silence_ms {
                played_ms += elapsed;
            }
        }
        let steps = log.steps.get(seq as usize..saved.seq as usize).unwrap_or_default();
        let took = steps.iter().any(|step| matches!(step.body, LessonStepBody::Answered { correct: false, .. }));
        seq = saved.seq.max(seq);
        let total = saved.covered.total();
        if took {
            earned_ms += mark_ms - base_ms;
            (base_ms, mark_ms) = (total, total);
        }
        mark_ms = mark_ms.max(total);
        let earned = earned_ms + mark_ms - base_ms;
        let allowed = played_ms * policy.max_rate.hundredths() / 100;
        let name = || format!("{} in {}", log.learner(), log.lesson());
        found.unless(earned <= allowed, Promise::Credit, || {
            format!("{}: {earned} ms earned by {} ms, {allowed} were played", name(), saved.real_ms)
        });
        found.unless(saved.covered.furthest() <= claimed_ms.max(0), Promise::Credit, || {
            format!("{}: {} ms covered, the player never was beyond {claimed_ms}", name(), saved.covered.furthest())
        });
        let whole = total == saved.covered.furthest() && total <= log.facts.rules.duration_ms;
        found.unless(whole, Promise::Credit, || format!("{}: covered is {:?}", name(), saved.covered));
    }
}

/// Nothing is earned while a challenge is open, a cool-down or a lock runs, or all is done.
fn check_stopped(evidence: &Evidence<'_>, log: &WalkedLesson<'_>, found: &mut Found) {
    for saved in saves(evidence, log) {
        let Some((covered, plays)) = (saved.seq as usize).checked_sub(1).and_then(|index| log.after.get(index)) else {
            continue;
        };
        let holds = if *plays { saved.covered.contains(0, covered.furthest()) } else { saved.covered == *covered };
        found.unless(holds, Promise::Credit, || {
            format!(
                "{} in {}: {:?} after step {}, which left {covered:?} and let it play: {plays}",
                log.learner(),
                log.lesson(),
                saved.covered,
                saved.seq
            )
        });
    }
}

/// P1 for what is soft: a study that is read from the store again has lost no more than a heartbeat,
/// unless the store was in trouble meanwhile.
fn check_lost(evidence: &Evidence<'_>, log: &WalkedLesson<'_>, found: &mut Found) {
    let its = evidence.lessons.heard.iter().filter(|beat| (beat.learner, beat.lesson) == (log.learner(), log.lesson()));
    let mut instances: BTreeMap<u64, Vec<&Heard>> = BTreeMap::new();
    for beat in its {
        instances.entry(beat.instance).or_default().push(beat);
    }
    let wrong: Vec<&StoredLessonStep> = log
        .steps
        .iter()
        .zip(&log.stored.steps)
        .filter(|(step, _)| matches!(step.body, LessonStepBody::Answered { correct: false, .. }))
        .map(|(_, stored)| stored)
        .collect();
    for (old, new) in instances.values().zip(instances.values().skip(1)) {
        let (Some(first), Some(last)) = (new.first(), old.last()) else { continue };
        let is_between = |at: i64, from: i64| (from..=first.real_ms).contains(&at);
        // What another node took while this one's copy was in use is known to it at its next command only.
        let began_ms = old.first().map_or(last.real_ms, |beat| beat.real_ms);
        let is_taken = |from: i64| {
            wrong.iter().any(|step| {
                is_between(step.real_ms, from) || (step.row.node != last.node && is_between(step.real_ms, began_ms))
            })
        };
        let together = last.real_ms >= first.real_ms || old.first().is_none_or(|beat| beat.epoch != first.epoch);
        let crashes = &evidence.lessons.crashes;
        let crash = crashes.iter().find(|(node, at)| *node == last.node && *at >= last.real_ms).map(|(_, at)| *at);
        let ended_ms = crash.unwrap_or(first.real_ms).min(first.real_ms);
        let Some(kept) = old.iter().rfind(|beat| beat.real_ms <= ended_ms - SAVED_WITHIN_MS) else { continue };
        let trouble = evidence.lessons.trouble_ms.iter().any(|at| is_between(*at, kept.real_ms));
        if together || is_taken(kept.real_ms) || trouble {
            continue;
        }
        found.unless(first.covered_ms >= kept.covered_ms, Promise::P1, || {
            format!(
                "{} in {}: {} ms were covered at {}, {} are left at {}",
                log.learner(),
                log.lesson(),
                kept.covered_ms,
                kept.real_ms,
                first.covered_ms,
                first.real_ms
            )
        });
    }
}
