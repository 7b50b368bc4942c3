//! From decided steps to a commit, as the service does it.

use crate::sim::env::Env;
use crate::sim::planted::Bug;
use exam_core::Timestamp;
use exam_core::attempt::command::Actor;
use exam_core::attempt::decide::Decided;
use exam_core::attempt::{Attempt, CommandId, HoursFacts, Phase, Step, StepBody, StepRow};
use exam_core::hours::{GrantSource, LedgerEntry};
use exam_store::{AttemptRow, AttemptState, CaseMark, Commit, RowChange};
use question_bank::Points;

/// A commit, and its steps to be folded after it.
pub(super) struct Sealed {
    pub(super) commit: Commit,
    pub(super) steps: Vec<Step>,
}

pub(super) fn seal(
    env: &Env,
    state: &Attempt,
    decided: &Decided,
    now: Timestamp,
    actor: Actor,
    node: u16,
    granted: bool,
) -> Sealed {
    let at = match env.bug {
        Some(Bug::StepTimeGoesBack) => now,
        Some(Bug::TimeReadTwice) => now.max(state.last_at).plus_ms(1),
        _ => now.max(state.last_at),
    };
    let mut next = state.clone();
    let (mut rows, mut steps) = (Vec::new(), Vec::new());
    for new in &decided.steps {
        // No value of these types fails to serialize; were one to, the log would lack it and the checker say so.
        let Ok(row) = StepRow::seal(state.learner, state.id, next.seq + 1, &next.head, at, actor, node, new) else {
            break;
        };
        let step = Step { seq: row.seq, at, actor, command: new.command, body: new.body.clone(), hash: row.hash };
        if next.apply(&step).is_err() {
            break;
        }
        rows.push(row);
        steps.push(step);
    }
    let plain =
        |body: &StepBody| matches!(body, StepBody::Answered { .. } | StepBody::Signalled(_) | StepBody::Origin(_));
    let row = if steps.iter().all(|step| plain(&step.body)) {
        RowChange::Keep
    } else {
        RowChange::Update(Box::new(row_of(&next, CommandId::nil(), [0; 16])))
    };
    let grant = env.world.facts.exam(state.exam).and_then(|exam| {
        let facts = env.world.hours(exam, state.id, granted);
        steps.iter().find_map(|step| entry(&step.body, state, actor, &facts, at))
    });
    Sealed { commit: Commit { steps: rows, row, grant, audit: None, announcements: Vec::new() }, steps }
}

fn entry(body: &StepBody, state: &Attempt, actor: Actor, facts: &HoursFacts, at: Timestamp) -> Option<LedgerEntry> {
    let (id, course, credit_year, bucket, hours, source) = match (body, actor) {
        (StepBody::HoursGranted { entry, course, credit_year, bucket, hours }, _) => {
            (entry, course, credit_year, bucket, *hours, facts.source)
        }
        (StepBody::HoursTakenBack { entry, takes_back, course, credit_year, bucket, hours }, Actor::Person(by)) => {
            let source = GrantSource::Review { attempt: state.id, takes_back: *takes_back, by };
            (entry, course, credit_year, bucket, Points::ZERO - *hours, source)
        }
        _ => return None,
    };
    Some(LedgerEntry {
        id: *id,
        learner: state.learner,
        course: *course,
        credit_year: *credit_year,
        bucket: *bucket,
        hours,
        source,
        at,
    })
}

pub(super) fn row_of(state: &Attempt, start_command: CommandId, start_digest: [u8; 16]) -> AttemptRow {
    let phase = match state.phase {
        Phase::Open => AttemptState::Open,
        Phase::Paused { .. } => AttemptState::Paused,
        Phase::Submitted { .. } => AttemptState::Submitted,
        Phase::Expired { .. } => AttemptState::Expired,
        Phase::Terminated { .. } => AttemptState::Terminated,
    };
    AttemptRow {
        id: state.id,
        learner: state.learner,
        exam: state.exam,
        mode: state.mode,
        number: state.number,
        state: phase,
        started_at: state.started_at,
        deadline: state.deadline,
        due_at: (phase == AttemptState::Open).then(|| state.answers_until()),
        closed_at: state.phase.closed_at(),
        answered: state.answered() as u32,
        score: state.grade().map(|grade| grade.score),
        passed: state.passed(),
        hours: state.hours_granted,
        integrity_score: state.observer.score(),
        flags: state.observer.flag_count(),
        case: state.case.as_ref().map(|case| CaseMark { state: case.state, opened_at: case.opened_at }),
        invalidated: state.invalidated().is_some(),
        start_command,
        start_digest,
    }
}
