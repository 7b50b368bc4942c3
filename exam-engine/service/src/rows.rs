//! What a decision becomes in the store: sealed steps, the attempt's row, the ledger, the site's log.

use crate::events::AttemptEvent;
use crate::{EngineError, LoadedExam};
use exam_core::Timestamp;
use exam_core::attempt::decide::Decided;
use exam_core::attempt::{
    Attempt, Case, CaseState, CommandId, Decision, HoursFacts, NewStep, Phase, SavedAnswer, Step, StepBody, StepRow,
    command::Actor,
};
use exam_core::audit::NewAudit;
use exam_core::hours::{GrantSource, LedgerEntry};
use exam_core::ids::{AttemptId, EntryId, PersonId};
use exam_store::{Announcement, AttemptNews, AttemptRow, AttemptState, CaseMark, Commit, RowChange};
use question_bank::Points;

/// A commit and the steps in it, ready to be applied after it.
pub(crate) struct Prepared {
    pub(crate) commit: Commit,
    pub(crate) steps: Vec<Step>,
    pub(crate) learner: PersonId,
    pub(crate) attempt: AttemptId,
}

/// Who writes.
#[derive(Clone, Copy)]
pub(crate) struct Hand {
    pub(crate) actor: Actor,
    /// The node's number, for the steps.
    pub(crate) node: u16,
    /// The engine's name in announcements.
    pub(crate) voice: u64,
}

pub(crate) fn prepare(
    attempt: &Attempt,
    decided: &Decided,
    now: Timestamp,
    hand: Hand,
    learner: PersonId,
    facts: &HoursFacts,
) -> Result<Prepared, EngineError> {
    let Hand { actor, node, voice } = hand;
    let at = now.max(attempt.last_at);
    let internal = |error: &dyn std::fmt::Display| EngineError::Internal(error.to_string());
    let (mut head, mut seq) = (attempt.head, attempt.seq);
    let mut rows = Vec::with_capacity(decided.steps.len());
    let mut steps = Vec::with_capacity(decided.steps.len());
    for new in &decided.steps {
        seq += 1;
        let row = StepRow::seal(learner, attempt.id, seq, &head, at, actor, node, new).map_err(|e| internal(&e))?;
        head = row.hash;
        steps.push(Step { seq, at, actor, command: new.command, body: new.body.clone(), hash: row.hash });
        rows.push(row);
    }
    let row = match reach(&decided.steps) {
        Reach::Log => RowChange::Keep,
        Reach::Flags => RowChange::Update(Box::new(flagged_row(attempt, &steps))),
        Reach::Row => {
            let mut next = attempt.clone();
            for step in &steps {
                next.apply(step).map_err(|e| internal(&e))?;
            }
            RowChange::Update(Box::new(attempt_row(&next, CommandId::nil(), [0; 16])))
        }
    };
    let grant = decided.steps.iter().find_map(|new| ledger_entry(&new.body, attempt, actor, facts, at));
    let audit = act_of_a_person(actor, attempt.id, decided, at);
    let announcements = match &row {
        RowChange::Update(row) => vec![news(row, &steps, voice)],
        // Plain answers are found by whoever needs them.
        RowChange::Keep | RowChange::Insert(_) => Vec::new(),
    };
    let commit = Commit { steps: rows, row, grant, audit, announcements };
    Ok(Prepared { commit, steps, learner, attempt: attempt.id })
}

/// How far steps reach beyond the log.
enum Reach {
    /// Not at all: lists may be behind by plain answers and signals.
    Log,
    /// To what was noticed, which comes on the way of answers and must cost little there.
    Flags,
    /// To anything.
    Row,
}

fn reach(steps: &[NewStep]) -> Reach {
    steps.iter().fold(Reach::Log, |reach, new| match (&new.body, reach) {
        (StepBody::Answered { .. } | StepBody::Signalled(_) | StepBody::Origin(_), reach) => reach,
        (StepBody::Flagged(_), Reach::Log | Reach::Flags) => Reach::Flags,
        _ => Reach::Row,
    })
}

/// The row after answers, signals and flags, without a copy of the attempt to apply them to.
fn flagged_row(attempt: &Attempt, steps: &[Step]) -> AttemptRow {
    let mut row = attempt_row(attempt, CommandId::nil(), [0; 16]);
    let is_held = |answer: &Option<SavedAnswer>| answer.as_ref().is_some_and(|answer| answer.response.is_some());
    let mut held: Vec<bool> = attempt.answers.iter().map(is_held).collect();
    for step in steps {
        match &step.body {
            StepBody::Flagged(flag) => {
                row.flags += 1;
                row.integrity_score = row.integrity_score.saturating_add(flag.weight);
                if row.case.is_none() && Case::opens_by_score(row.mode, row.integrity_score) {
                    row.case = Some(CaseMark { state: CaseState::Open, opened_at: step.at });
                }
            }
            StepBody::Answered { slot, response, .. } => {
                if let Some(place) = (*slot as usize).checked_sub(1).and_then(|index| held.get_mut(index)) {
                    *place = response.is_some();
                }
            }
            _ => {}
        }
    }
    row.answered = held.into_iter().filter(|held| *held).count() as u32;
    row
}

/// Other nodes hear of what their readers must not miss.
pub(crate) fn news(row: &AttemptRow, steps: &[Step], voice: u64) -> Announcement {
    Announcement::AttemptChanged(AttemptNews {
        learner: row.learner,
        attempt: row.id,
        exam: row.exam,
        seq: steps.last().map_or(1, |step| step.seq),
        by: voice,
        due_at: row.due_at,
        shows: steps.iter().any(|step| AttemptEvent::of(row.learner, row.id, step).is_some()),
    })
}

/// The entry that a step makes: a grant, or the counter-entry to one, which names who decided it.
pub(crate) fn ledger_entry(
    body: &StepBody,
    attempt: &Attempt,
    actor: Actor,
    facts: &HoursFacts,
    at: Timestamp,
) -> Option<LedgerEntry> {
    let (id, course, credit_year, bucket, hours, source) = match (body, actor) {
        (StepBody::HoursGranted { entry, course, credit_year, bucket, hours }, _) => {
            (entry, course, credit_year, bucket, *hours, facts.source)
        }
        (StepBody::HoursTakenBack { entry, takes_back, course, credit_year, bucket, hours }, Actor::Person(by)) => {
            let source = GrantSource::Review { attempt: attempt.id, takes_back: *takes_back, by };
            (entry, course, credit_year, bucket, Points::ZERO - *hours, source)
        }
        _ => return None,
    };
    Some(LedgerEntry {
        id: *id,
        learner: attempt.learner,
        course: *course,
        credit_year: *credit_year,
        bucket: *bucket,
        hours,
        source,
        at,
    })
}

/// Acts of proctors and reviewers, and regrades, stand in the site's audit log too.
fn act_of_a_person(actor: Actor, attempt: AttemptId, decided: &Decided, at: Timestamp) -> Option<NewAudit> {
    let Actor::Person(person) = actor else { return None };
    let act = decided.steps.iter().find_map(|new| match &new.body {
        StepBody::Warned { .. } => Some("attempt.warn"),
        StepBody::Paused { .. } => Some("attempt.pause"),
        StepBody::Resumed { .. } => Some("attempt.resume"),
        StepBody::Extended { .. } => Some("attempt.extend"),
        StepBody::Terminated { .. } => Some("attempt.terminate"),
        StepBody::Regraded { .. } => Some("attempt.regrade"),
        StepBody::CaseOpened { .. } => Some("case.open"),
        StepBody::CaseDecided { decision: Decision::Cleared, .. } => Some("case.clear"),
        StepBody::CaseDecided { decision: Decision::Confirmed, .. } => Some("case.confirm"),
        StepBody::CaseDecided { decision: Decision::SecondReview, .. } => Some("case.second_review"),
        _ => None,
    })?;
    Some(NewAudit { at, actor: Some(person), act, subject: attempt.to_string(), detail: "{}".to_owned() })
}

/// The row of an attempt as its state tells it. The start command's columns are written once, by the insert.
pub(crate) fn attempt_row(attempt: &Attempt, start_command: CommandId, start_digest: [u8; 16]) -> AttemptRow {
    let state = match attempt.phase {
        Phase::Open => AttemptState::Open,
        Phase::Paused { .. } => AttemptState::Paused,
        Phase::Submitted { .. } => AttemptState::Submitted,
        Phase::Expired { .. } => AttemptState::Expired,
        Phase::Terminated { .. } => AttemptState::Terminated,
    };
    AttemptRow {
        id: attempt.id,
        learner: attempt.learner,
        exam: attempt.exam,
        mode: attempt.mode,
        number: attempt.number,
        state,
        started_at: attempt.started_at,
        deadline: attempt.deadline,
        due_at: (state == AttemptState::Open).then(|| attempt.answers_until()),
        closed_at: attempt.phase.closed_at(),
        answered: attempt.answered() as u32,
        score: attempt.grade().map(|grade| grade.score),
        passed: attempt.passed(),
        hours: attempt.hours_granted,
        integrity_score: attempt.observer.score(),
        flags: attempt.observer.flag_count(),
        case: attempt.case.as_ref().map(|case| CaseMark { state: case.state, opened_at: case.opened_at }),
        invalidated: attempt.invalidated().is_some(),
        start_command,
        start_digest,
    }
}

pub(crate) fn fold(learner: PersonId, attempt: AttemptId, rows: &[StepRow]) -> Result<Attempt, EngineError> {
    let steps: Result<Vec<Step>, _> = rows.iter().map(StepRow::read).collect();
    let steps = steps.map_err(|error| EngineError::Internal(error.to_string()))?;
    Attempt::fold(learner, attempt, &steps).map_err(|error| EngineError::Internal(error.to_string()))
}

pub(crate) fn hours_facts(exam: &LoadedExam, attempt: AttemptId, already_granted: bool) -> HoursFacts {
    HoursFacts {
        // One attempt grants at most once, so its own id names the entry.
        entry: EntryId(attempt.0),
        course: exam.course.id,
        credit_year: exam.course.credit_year,
        bucket: exam.course.bucket,
        hours: exam.course.hours,
        already_granted,
        source: GrantSource::Exam { attempt },
    }
}
