//! What players were told: P1, that it is kept; P7, numbers without gaps; P8, that repeats are told the
//! same; P10, no key; and P12, what nodes hold in memory.

use super::evidence::{Heard, LessonSeen};
use super::log::WalkedLesson;
use crate::sim::checker::evidence::Evidence;
use crate::sim::checker::{Found, Promise};
use exam_core::lesson::{Coverage, Lesson};
use exam_core::log::CommandId;
use exam_core::{LessonId, PersonId, Refusal, StudyId};
use std::collections::BTreeMap;

pub(super) fn check(evidence: &Evidence<'_>, logs: &[WalkedLesson<'_>], found: &mut Found) {
    let logs: BTreeMap<(PersonId, LessonId), &WalkedLesson<'_>> =
        logs.iter().map(|log| ((log.learner(), log.lesson()), log)).collect();
    let mut counts: BTreeMap<(usize, StudyId), u32> = BTreeMap::new();
    let mut verdicts: BTreeMap<(PersonId, LessonId, CommandId), u32> = BTreeMap::new();
    for seen in &evidence.lessons.seen {
        let who = seen.who();
        let (whose, count) = ((who.learner, who.lesson), (who.player, who.study));
        match seen {
            LessonSeen::Welcomed { told: Some(told), .. } | LessonSeen::Resynced { told, .. } => {
                counts.insert(count, *told);
            }
            LessonSeen::Welcomed { .. } | LessonSeen::Credited { .. } => {}
            LessonSeen::Told { told, json, command, again, .. } => {
                let kept = logs.get(&whose).and_then(|log| log.told.get(told.seq as usize - 1));
                found
                    .unless(kept == Some(told), Promise::P1, || format!("{who:?} was told {told:?}, kept is {kept:?}"));
                if !again {
                    let last = counts.insert(count, told.seq);
                    let follows = last.is_none_or(|last| last + 1 == told.seq);
                    found.unless(follows, Promise::P7, || format!("{who:?} was told {} after {last:?}", told.seq));
                }
                if let Some(command) = command {
                    let first = *verdicts.entry((who.learner, who.lesson, *command)).or_insert(told.seq);
                    found.unless(first == told.seq, Promise::P8, || format!("{who:?}: {command} got another verdict"));
                    let kept = logs.get(&whose).and_then(|log| log.verdicts.get(command)).copied();
                    found.unless(kept == Some(told.seq), Promise::P1, || {
                        format!("{who:?}: the verdict on {command} is not kept")
                    });
                }
                let key = json
                    .as_ref()
                    .and_then(|json| evidence.facts.canaries.iter().find(|canary| json.contains(canary.as_str())));
                found.unless(key.is_none(), Promise::P10, || format!("{who:?} was shown {key:?}"));
            }
            LessonSeen::Refused { command: Some(command), why, .. } => {
                let told = verdicts.contains_key(&(who.learner, who.lesson, *command));
                let reused = *why == Refusal::CommandReused.to_string();
                found.unless(!told || reused, Promise::P8, || {
                    format!("{who:?}: {command} had its verdict, and its repeat is refused: {why}")
                });
            }
            LessonSeen::Refused { .. } => {}
        }
    }
    check_live(evidence, &logs, found);
}

/// P12: a node that holds the active study says what the store says; another one says what it said before.
fn check_live(evidence: &Evidence<'_>, logs: &BTreeMap<(PersonId, LessonId), &WalkedLesson<'_>>, found: &mut Found) {
    for live in &evidence.live {
        let state = &live.state;
        let Some(log) = logs.get(&(state.learner, state.lesson)) else { continue };
        let all = &log.steps;
        let upto = if evidence.caches_may_lag { all.len().min(state.seq as usize) } else { all.len() };
        let folded = Lesson::fold(state.learner, state.lesson, &all[..upto]);
        let same = folded.is_ok_and(|folded| hard(&folded) == hard(state));
        found.unless(same, Promise::P12, || {
            format!(
                "{} in {}: node {} holds step {} of {}",
                state.learner,
                state.lesson,
                live.node,
                state.seq,
                all.len()
            )
        });
        let row = &log.stored.row;
        let newest = (row.seq, row.epoch) == (state.seq, live.epoch) && !live.dirty;
        let alone = evidence.live.iter().filter(|other| other.state.learner == state.learner).count() == 1;
        // A study that went on at another node is known here as it was when it left.
        let its = |beat: &&Heard| (beat.learner, beat.lesson) == (state.learner, state.lesson);
        let went = evidence.lessons.heard.iter().rev().find(its).is_some_and(|beat| beat.node != live.node);
        let exact = newest && alone && !went;
        found.unless(!exact || row.covered == state.covered, Promise::P12, || {
            format!(
                "{} in {}: node {} holds {:?}, the store {:?}",
                state.learner, state.lesson, live.node, state.covered, row.covered
            )
        });
    }
}

/// Without what lives in memory only.
fn hard(lesson: &Lesson) -> Lesson {
    let mut lesson = lesson.clone();
    lesson.covered = Coverage::new();
    if let Some(study) = &mut lesson.study {
        study.last_beat = None;
    }
    lesson
}
