//! What many commits write at once, column by column, and the statements that take it so.

use crate::connect::Param;
use crate::convert::{Time, int, mode_name};
use exam_core::attempt::StepRow;
use exam_store::AttemptRow;
use question_bank::Points;
use uuid::Uuid;

macro_rules! insert_steps {
    ($rest:literal) => {
        concat!(
            "INSERT INTO steps (learner, attempt, seq, at, actor, node, command, digest, body, hash) \
             SELECT a.learner, a.id, u.seq, u.at, u.actor, u.node, u.command, u.digest, u.body, u.hash \
             FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::timestamptz[], $5::uuid[], $6::integer[], \
             $7::uuid[], $8::bytea[], $9::text[], $10::bytea[]) \
             AS u (learner, attempt, seq, at, actor, node, command, digest, body, hash) \
             JOIN attempts a ON a.learner = u.learner AND a.id = u.attempt",
            $rest
        )
    };
}

pub(super) const INSERT_STEPS: &str = insert_steps!("");
pub(super) const INSERT_STEPS_APART: &str = insert_steps!(" ON CONFLICT DO NOTHING RETURNING attempt, seq, hash");
/// Those that are not written are missing in the count, which a sharding PostgreSQL tells rightly when rows are returned.
pub(super) const INSERT_ATTEMPTS: &str = "INSERT INTO attempts (learner, id, exam, mode, number, state, started_at, \
    deadline, due_at, closed_at, answered, score, passed, hours, integrity_score, flags, start_command, start_digest, \
    case_state, case_opened_at, invalidated) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::integer[], $6::text[], \
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::integer[], $12::bigint[], \
    $13::boolean[], $14::bigint[], $15::bigint[], $16::integer[], $17::uuid[], $18::bytea[], $19::text[], \
    $20::timestamptz[], $21::boolean[]) ON CONFLICT DO NOTHING RETURNING id";
pub(super) const UPDATE_ATTEMPTS: &str = "UPDATE attempts a SET state = u.state, deadline = u.deadline, \
    due_at = u.due_at, closed_at = u.closed_at, answered = u.answered, score = u.score, passed = u.passed, \
    hours = u.hours, integrity_score = u.integrity_score, flags = u.flags, case_state = u.case_state, \
    case_opened_at = u.case_opened_at, invalidated = u.invalidated \
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], \
    $7::integer[], $8::bigint[], $9::boolean[], $10::bigint[], $11::bigint[], $12::integer[], $13::text[], \
    $14::timestamptz[], $15::boolean[]) \
    AS u (learner, id, state, deadline, due_at, closed_at, answered, score, passed, hours, integrity_score, flags, \
    case_state, case_opened_at, invalidated) \
    WHERE a.learner = u.learner AND a.id = u.id RETURNING a.id";

/// Steps, column by column.
#[derive(Default)]
pub(super) struct Steps<'a> {
    learner: Vec<Uuid>,
    attempt: Vec<Uuid>,
    seq: Vec<i32>,
    at: Vec<Time>,
    actor: Vec<Option<Uuid>>,
    node: Vec<i32>,
    command: Vec<Option<Uuid>>,
    digest: Vec<Option<&'a [u8]>>,
    body: Vec<&'a str>,
    hash: Vec<&'a [u8]>,
}

impl<'a> FromIterator<&'a StepRow> for Steps<'a> {
    fn from_iter<I: IntoIterator<Item = &'a StepRow>>(steps: I) -> Self {
        let mut columns = Self::default();
        for step in steps {
            columns.learner.push(step.learner.0);
            columns.attempt.push(step.log.0);
            columns.seq.push(int(step.seq));
            columns.at.push(Time(step.at));
            columns.actor.push(step.actor.map(|actor| actor.0));
            columns.node.push(i32::from(step.node));
            columns.command.push(step.command.as_ref().map(|(command, _)| *command));
            columns.digest.push(step.command.as_ref().map(|(_, digest)| &digest[..]));
            columns.body.push(&step.body);
            columns.hash.push(&step.hash);
        }
        columns
    }
}

impl Steps<'_> {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.seq.len() as u64
    }

    /// As [`INSERT_STEPS`] takes them.
    pub(super) fn params(&self) -> [Param<'_>; 10] {
        [
            &self.learner,
            &self.attempt,
            &self.seq,
            &self.at,
            &self.actor,
            &self.node,
            &self.command,
            &self.digest,
            &self.body,
            &self.hash,
        ]
    }
}

/// Attempts' rows, column by column.
#[derive(Default)]
pub(super) struct Rows<'a> {
    learner: Vec<Uuid>,
    id: Vec<Uuid>,
    exam: Vec<Uuid>,
    mode: Vec<&'static str>,
    number: Vec<i32>,
    state: Vec<&'static str>,
    started_at: Vec<Time>,
    deadline: Vec<Time>,
    due_at: Vec<Option<Time>>,
    closed_at: Vec<Option<Time>>,
    answered: Vec<i32>,
    score: Vec<Option<i64>>,
    passed: Vec<Option<bool>>,
    hours: Vec<i64>,
    integrity_score: Vec<i64>,
    flags: Vec<i32>,
    start_command: Vec<Uuid>,
    start_digest: Vec<&'a [u8]>,
    case_state: Vec<Option<&'static str>>,
    case_opened_at: Vec<Option<Time>>,
    invalidated: Vec<bool>,
}

impl<'a> FromIterator<&'a AttemptRow> for Rows<'a> {
    fn from_iter<I: IntoIterator<Item = &'a AttemptRow>>(rows: I) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.learner.push(row.learner.0);
            columns.id.push(row.id.0);
            columns.exam.push(row.exam.0);
            columns.mode.push(mode_name(row.mode));
            columns.number.push(int(row.number));
            columns.state.push(row.state.name());
            columns.started_at.push(Time(row.started_at));
            columns.deadline.push(Time(row.deadline));
            columns.due_at.push(row.due_at.map(Time));
            columns.closed_at.push(row.closed_at.map(Time));
            columns.answered.push(int(row.answered));
            columns.score.push(row.score.map(Points::hundredths));
            columns.passed.push(row.passed);
            columns.hours.push(row.hours.hundredths());
            columns.integrity_score.push(i64::from(row.integrity_score));
            columns.flags.push(int(row.flags));
            columns.start_command.push(row.start_command);
            columns.start_digest.push(&row.start_digest);
            columns.case_state.push(row.case.map(|case| case.state.name()));
            columns.case_opened_at.push(row.case.map(|case| Time(case.opened_at)));
            columns.invalidated.push(row.invalidated);
        }
        columns
    }
}

impl Rows<'_> {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.id.len() as u64
    }

    /// As [`INSERT_ATTEMPTS`] takes them.
    pub(super) fn to_insert(&self) -> [Param<'_>; 21] {
        [
            &self.learner,
            &self.id,
            &self.exam,
            &self.mode,
            &self.number,
            &self.state,
            &self.started_at,
            &self.deadline,
            &self.due_at,
            &self.closed_at,
            &self.answered,
            &self.score,
            &self.passed,
            &self.hours,
            &self.integrity_score,
            &self.flags,
            &self.start_command,
            &self.start_digest,
            &self.case_state,
            &self.case_opened_at,
            &self.invalidated,
        ]
    }

    /// As [`UPDATE_ATTEMPTS`] takes them.
    pub(super) fn to_update(&self) -> [Param<'_>; 15] {
        [
            &self.learner,
            &self.id,
            &self.state,
            &self.deadline,
            &self.due_at,
            &self.closed_at,
            &self.answered,
            &self.score,
            &self.passed,
            &self.hours,
            &self.integrity_score,
            &self.flags,
            &self.case_state,
            &self.case_opened_at,
            &self.invalidated,
        ]
    }
}
