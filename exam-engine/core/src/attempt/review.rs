//! Cases, decided: by people, for a reason, and never twice by the same one. See [`super::case`].

use super::case::{CaseState, Decision};
use super::command::{CommandId, Context};
use super::decide::{Decided, content_digest, grant, reason_given, repeat};
use super::{Attempt, Mode, NewStep, StepBody};
use crate::limits::CASE_RECORD_MAX;
use crate::planted::{RuleBug, planted};
use crate::{EntryId, PersonId, Refusal};

/// Opens a case, or takes a decided one up again; what was decided stands until somebody else decides.
pub(super) fn open(attempt: &Attempt, command: CommandId, reason: &str, may_reopen: bool) -> Result<Decided, Refusal> {
    let digest = content_digest(&[b"open case", reason.as_bytes()]);
    if let Some(replayed) = repeat(attempt, command, digest)? {
        return Ok(replayed);
    }
    let reason = reason_given(reason)?;
    if attempt.mode != Mode::Exam {
        return Err(Refusal::WrongState("练习不计成绩，无需核查 / practice counts for nothing and has no case"));
    }
    match attempt.case.as_deref() {
        Some(case) if case.state.is_waiting() => {
            return Err(Refusal::WrongState("核查已在进行 / the case is open already"));
        }
        Some(_) if !may_reopen => {
            return Err(Refusal::WrongState(
                "核查已有结论，只有市级管理员和系统管理员可以重新核查 / the case is decided; city administrators and \
                 administrators may take it up again",
            ));
        }
        Some(case) if case.record.len() >= CASE_RECORD_MAX => return Err(Refusal::TooManyChanges),
        _ => {}
    }
    let opened = NewStep { command: Some((command, digest)), body: StepBody::CaseOpened { reason } };
    Ok(Decided { steps: vec![opened], ..Decided::default() })
}

/// Decides a case. What follows for the hours is of the same commit.
pub(super) fn decide(
    attempt: &Attempt,
    command: CommandId,
    by: PersonId,
    decision: Decision,
    reason: &str,
    context: &Context<'_>,
) -> Result<Decided, Refusal> {
    let digest = content_digest(&[b"decide case", decision.name().as_bytes(), reason.as_bytes()]);
    if let Some(replayed) = repeat(attempt, command, digest)? {
        return Ok(replayed);
    }
    let reason = reason_given(reason)?;
    may_decide(attempt, by, decision)?;
    let decided = NewStep { command: Some((command, digest)), body: StepBody::CaseDecided { decision, reason } };
    let follows = match decision {
        Decision::Confirmed => take_back(attempt, context).filter(|_| !planted(RuleBug::ConfirmedKeepsHours)),
        Decision::Cleared => give_back(attempt, context),
        Decision::SecondReview => None,
    };
    let follows = follows.map(|body| NewStep { command: None, body });
    Ok(Decided { steps: std::iter::once(decided).chain(follows).collect(), ..Decided::default() })
}

fn may_decide(attempt: &Attempt, by: PersonId, decision: Decision) -> Result<(), Refusal> {
    let Some(case) = attempt.case.as_deref() else {
        return Err(Refusal::WrongState("本次作答没有需要核查的情况 / the attempt has no case"));
    };
    if attempt.phase.closed_at().is_none() {
        return Err(Refusal::WrongState(
            "作答尚未结束，结束后再作结论 / the attempt goes on; a case is decided once it is closed",
        ));
    }
    match case.state {
        CaseState::Open => Ok(()),
        CaseState::SecondReview if decision == Decision::SecondReview => {
            Err(Refusal::WrongState("已在复核中，请作出结论 / the second review is asked for already; decide"))
        }
        CaseState::SecondReview if case.knows(by) && !planted(RuleBug::SameReviewer) => {
            Err(Refusal::WrongState("复核须由另一人作出结论 / a second review is decided by another person"))
        }
        CaseState::SecondReview => Ok(()),
        CaseState::Cleared | CaseState::Confirmed => {
            Err(Refusal::WrongState("核查已有结论 / the case is decided already"))
        }
    }
}

fn take_back(attempt: &Attempt, context: &Context<'_>) -> Option<StepBody> {
    let held = attempt.held?;
    Some(StepBody::HoursTakenBack {
        entry: next_entry(attempt, context),
        takes_back: held.entry,
        course: held.course,
        credit_year: held.credit_year,
        bucket: held.bucket,
        hours: held.hours,
    })
}

/// A decision that was wrong is undone: the attempt counts again, and earns what it earned, unless the
/// learner has earned it otherwise meanwhile.
fn give_back(attempt: &Attempt, context: &Context<'_>) -> Option<StepBody> {
    attempt.invalidated()?;
    grant(attempt, attempt.grade()?, next_entry(attempt, context), context)
}

/// The id of the ledger's entry that a decision or a regrade makes, by the step after its own. The first entry
/// of an attempt has the id of the facts; every later one is told from it by its step.
pub(super) fn next_entry(attempt: &Attempt, context: &Context<'_>) -> EntryId {
    let first = context.hours.entry;
    if !attempt.earned {
        return first;
    }
    let seq = attempt.seq + 2;
    let digest = content_digest(&[b"keju/entry/1", &first.bytes(), &seq.to_be_bytes()]);
    EntryId(uuid::Builder::from_custom_bytes(digest).into_uuid())
}
