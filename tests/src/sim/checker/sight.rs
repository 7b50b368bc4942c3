//! What was shown, and what caches say: P10 and P12.

use super::evidence::{Evidence, Observed, StoredAttempt};
use super::log::Walked;
use super::{Found, Promise};
use exam_core::attempt::{Attempt, Mode, Step};
use exam_core::exam::{ExamRules, ReviewPolicy};
use exam_core::{AttemptId, Timestamp};
use question_bank::draw::Seed;
use std::collections::BTreeMap;

/// P10: before its release nothing of a key, an explanation, a score or the seed; and nothing at all to others.
pub(super) fn check_seen(evidence: &Evidence<'_>, found: &mut Found) {
    let rows: BTreeMap<AttemptId, &StoredAttempt> =
        evidence.contents.attempts.iter().map(|stored| (stored.row.id, stored)).collect();
    for observed in evidence.observed {
        match observed {
            Observed::Answered { attempt, feedback: Some(_), .. } => {
                let practice = rows.get(attempt).is_some_and(|stored| stored.row.mode == Mode::Practice);
                found.unless(practice, Promise::P10, || format!("{attempt}: an exam said whether an answer is right"));
            }
            Observed::Seen { call, attempt, at, json } => {
                let Some(stored) = rows.get(attempt) else { continue };
                let owner = stored.row.learner;
                found.unless(call.caller == owner, Promise::P10, || format!("{attempt}: shown to {}", call.caller));
                if stored.row.mode == Mode::Exam {
                    check_exam(evidence, stored, *at, json, found);
                }
            }
            _ => {}
        }
    }
}

fn check_exam(evidence: &Evidence<'_>, stored: &StoredAttempt, at: Timestamp, json: &str, found: &mut Found) {
    let id = stored.row.id;
    let Some(exam) = evidence.facts.exam(stored.row.exam) else { return };
    let seed = Seed::derive(&exam.secret, &id.bytes()).to_hex();
    let Ok(shown) = serde_json::from_str::<serde_json::Value>(json) else {
        return found.unless(false, Promise::P10, || format!("{id}: what was shown is no JSON"));
    };
    let open = matches!(shown["state"].as_str(), Some("open" | "paused") | None);
    let released = !open && is_released(&exam.rules, at);
    let canary = evidence.facts.canaries.iter().find(|canary| json.contains(canary.as_str()));
    found.unless(canary.is_none() || (released && exam.rules.review == ReviewPolicy::Full), Promise::P10, || {
        format!("{id}: {canary:?} was shown at {at}, released: {released}, review: {:?}", exam.rules.review)
    });
    let early = [("score", ReviewPolicy::Score), ("marks", ReviewPolicy::Marks), ("passed", ReviewPolicy::None)]
        .into_iter()
        .find(|(name, needs)| !(shown[*name].is_null() || released && exam.rules.review >= *needs));
    found.unless(early.is_none(), Promise::P10, || format!("{id}: {early:?} was shown at {at}"));
    found.unless(released || !json.contains(&seed), Promise::P10, || format!("{id}: the seed was shown at {at}"));
}

fn is_released(rules: &ExamRules, at: Timestamp) -> bool {
    rules.results_at.is_none_or(|release| at >= release)
}

/// P12: what a cache says is what the store says.
pub(super) fn check_caches(evidence: &Evidence<'_>, logs: &[Walked<'_>], found: &mut Found) {
    let logs: BTreeMap<AttemptId, &Walked<'_>> = logs.iter().map(|log| (log.stored.row.id, log)).collect();
    for (node, cached) in evidence.caches {
        let all = logs.get(&cached.id).map_or(&[][..], |log| &log.steps);
        let upto = if evidence.caches_may_lag { all.len().min(cached.seq as usize) } else { all.len() };
        let folded = Attempt::fold(cached.learner, cached.id, &all[..upto]);
        let same = folded.is_ok_and(|folded| equal(&folded, cached, &all[..upto]));
        found.unless(same, Promise::P12, || {
            format!("{}: node {node} holds step {} of {}, or another state", cached.id, cached.seq, all.len())
        });
    }
}

fn equal(a: &Attempt, b: &Attempt, steps: &[Step]) -> bool {
    let commands = || steps.iter().filter_map(|step| step.command);
    (a.id, a.learner, a.exam, a.mode, a.number) == (b.id, b.learner, b.exam, b.mode, b.number)
        && (a.seq, a.head, a.last_at, a.started_at) == (b.seq, b.head, b.last_at, b.started_at)
        && (a.deadline, a.grace_ms, a.phase) == (b.deadline, b.grace_ms, b.phase)
        && (&a.paper, &a.seed_commitment) == (&b.paper, &b.seed_commitment)
        && (&a.answers, a.answer_steps) == (&b.answers, b.answer_steps)
        && (&a.grades, a.hours_granted, &a.observer) == (&b.grades, b.hours_granted, &b.observer)
        && (&a.case, a.held) == (&b.case, b.held)
        && commands().all(|(id, _)| a.command(&id) == b.command(&id))
}
