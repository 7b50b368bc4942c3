//! What clients were told: P1, that it is kept; P8, that repeats are told the same.

use super::evidence::{Call, Evidence, Observed};
use super::log::Walked;
use super::{Found, Promise};
use exam_core::attempt::decide::answer_digest;
use exam_core::attempt::{CommandId, Step, StepBody};
use exam_core::{AttemptId, PersonId};
use question_bank::Response;
use std::collections::BTreeMap;

/// What a command was told first, and when.
struct Told {
    result: String,
    at_ms: i64,
    /// For an answer the digest of what it said.
    answer: Option<[u8; 16]>,
}

pub(super) fn check(evidence: &Evidence<'_>, logs: &[Walked<'_>], found: &mut Found) {
    let logs: BTreeMap<AttemptId, &Walked<'_>> = logs.iter().map(|log| (log.stored.row.id, log)).collect();
    let mut told: BTreeMap<(PersonId, Option<AttemptId>, CommandId), Told> = BTreeMap::new();
    for observed in evidence.observed {
        let (call, about, answer, result) = match observed {
            Observed::Started { call, attempt, exam, mode } => {
                check_started(&logs, call, *attempt, found);
                (call, None, None, format!("{attempt} {exam} {mode:?}"))
            }
            Observed::Answered { call, attempt, slot, response, receipt, .. } => {
                check_answer(evidence, &logs, call, (*attempt, *slot, response.as_ref(), receipt), found);
                (call, Some(*attempt), Some(answer_digest(*slot, response.as_ref())), receipt.clone())
            }
            Observed::Done { call, attempt } => {
                let kept = call.command.is_none_or(|command| find(&logs, *attempt, command).is_some());
                found.unless(kept, Promise::P1, || format!("{attempt}: {call:?} was acknowledged and is not kept"));
                (call, Some(*attempt), None, "done".to_owned())
            }
            Observed::Refused { call, attempt, answer, why } => {
                check_refused(&told, call, (*attempt, *answer), why, found);
                continue;
            }
            _ => continue,
        };
        let Some(command) = call.command else { continue };
        let first = told.entry((call.caller, about, command)).or_insert_with(|| Told {
            result: result.clone(),
            at_ms: call.told_ms,
            answer,
        });
        found.unless(first.result == result, Promise::P8, || {
            format!("command {command} was told {} and then {result}", first.result)
        });
    }
}

/// P8: what was acknowledged is not refused when it is repeated.
fn check_refused(
    told: &BTreeMap<(PersonId, Option<AttemptId>, CommandId), Told>,
    call: &Call,
    (attempt, answer): (Option<AttemptId>, Option<[u8; 16]>),
    why: &str,
    found: &mut Found,
) {
    let Some(command) = call.command else { return };
    // The same id with another content is no repeat.
    let first = told.get(&(call.caller, attempt, command)).filter(|first| first.answer == answer);
    found.unless(first.is_none_or(|first| first.at_ms > call.sent_ms), Promise::P8, || {
        format!("command {command} was acknowledged, and its repeat refused: {why}")
    });
}

fn check_started(logs: &BTreeMap<AttemptId, &Walked<'_>>, call: &Call, attempt: AttemptId, found: &mut Found) {
    let kept = logs.get(&attempt).is_some_and(|log| {
        let first = log.steps.first().and_then(|step| step.command);
        first.map(|(command, _)| command) == call.command && log.stored.row.learner == call.caller
    });
    found.unless(kept, Promise::P1, || format!("{attempt} was said to be started and is not kept"));
}

fn check_answer(
    evidence: &Evidence<'_>,
    logs: &BTreeMap<AttemptId, &Walked<'_>>,
    call: &Call,
    (attempt, slot, response, receipt): (AttemptId, u32, Option<&Response>, &str),
    found: &mut Found,
) {
    let Some(read) = evidence.facts.receipts.verify(receipt) else {
        return found.unless(false, Promise::P1, || format!("{attempt}: a receipt does not verify"));
    };
    let digest = answer_digest(slot, response);
    found.unless((read.attempt, read.slot, read.digest) == (attempt, slot, digest), Promise::P1, || {
        format!("{attempt}: the receipt for slot {slot} is for something else")
    });
    let step = call.command.and_then(|command| find(logs, attempt, command));
    let kept = step.is_some_and(|step| {
        let holds = matches!(&step.body, StepBody::Answered { slot: kept, response: said, .. }
            if *kept == slot && said.as_ref() == response);
        holds && (step.seq, step.at) == (read.seq, read.saved_at)
    });
    found.unless(kept, Promise::P1, || {
        format!(
            "{attempt}: the acknowledged answer to slot {slot}, receipt step {} of {}, is not kept",
            read.seq, read.saved_at
        )
    });
}

fn find<'a>(logs: &BTreeMap<AttemptId, &'a Walked<'_>>, attempt: AttemptId, command: CommandId) -> Option<&'a Step> {
    logs.get(&attempt)?.steps.iter().find(|step| step.command.is_some_and(|(id, _)| id == command))
}
