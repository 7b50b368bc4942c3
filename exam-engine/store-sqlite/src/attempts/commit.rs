//! A commit, written: the attempt's row, its steps, the hours and the audit record, in this order.
//! Which unique key stopped a row is asked of the rows, so that the answer depends neither on
//! the text of an error nor on the order SQLite checks its indexes in.

use crate::convert::{execute, mode_name, row};
use crate::failure::{Failure, is_duplicate, missing};
use crate::limits::ATTEMPTS_KNOWN_MAX;
use crate::{audit, ledger};
use exam_core::attempt::{CommandId, StepRow};
use exam_core::{AttemptId, PersonId, Timestamp};
use exam_store::{AttemptRow, Commit, CommitError, RowChange, StoreError};
use question_bank::Points;
use rusqlite::{Connection, Params, params};
use std::collections::HashMap;

/// What the writer knows of its own rows, so that it need not look them up for every step.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Whose an attempt is, and its `no`; neither ever changes.
    attempts: HashMap<AttemptId, (PersonId, i64)>,
    /// The latest time in the transaction at hand.
    latest: Option<Timestamp>,
}

impl Memory {
    /// To be called when anything is rolled back: rows that were seen may be gone.
    pub(crate) fn forget(&mut self) {
        self.attempts.clear();
    }

    /// The latest time that is not noted yet; noted once for a whole transaction.
    pub(crate) const fn take_latest(&mut self) -> Option<Timestamp> {
        self.latest.take()
    }

    /// The number of a learner's attempt; `None` when there is no such row.
    fn number(
        &mut self,
        connection: &Connection,
        whose: PersonId,
        attempt: AttemptId,
    ) -> rusqlite::Result<Option<i64>> {
        if let Some((owner, no)) = self.attempts.get(&attempt) {
            return Ok((*owner == whose).then_some(*no));
        }
        let sql = "SELECT no FROM attempts WHERE learner = ? AND id = ?";
        let no = row(connection, sql, (whose.bytes(), attempt.bytes()), |row| row.get(0))?;
        if let Some(no) = no {
            if self.attempts.len() >= ATTEMPTS_KNOWN_MAX {
                self.attempts.clear();
            }
            self.attempts.insert(attempt, (whose, no));
        }
        Ok(no)
    }
}

/// Writes a commit within the transaction at hand.
pub(crate) fn apply(connection: &Connection, memory: &mut Memory, commit: &Commit) -> Result<(), Failure> {
    let first = commit.check()?;
    match &commit.row {
        RowChange::Keep => {}
        RowChange::Insert(attempt) => insert_attempt(connection, attempt)?,
        RowChange::Update(attempt) => update_attempt(connection, attempt)?,
    }
    let Some(no) = memory.number(connection, first.learner, first.log)? else {
        return Err(StoreError::Corrupt(format!("a step of attempt {}, which has no row", first.log)).into());
    };
    for step in &commit.steps {
        insert_step(connection, no, step)?;
    }
    if let Some(entry) = &commit.grant {
        ledger::append(connection, entry)?;
    }
    if let Some(new) = &commit.audit {
        audit::append(connection, new)?;
    }
    memory.latest = memory.latest.max(commit.steps.iter().map(|step| step.at).max());
    Ok(())
}

/// Remembers that something of this time is kept, see `Attempts::latest_time`.
pub(crate) fn note_time(connection: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    execute(connection, "UPDATE latest_time SET at = ?1 WHERE at IS NULL OR at < ?1", [at.ms()]).map(drop)
}

fn insert_step(connection: &Connection, attempt_no: i64, step: &StepRow) -> Result<(), Failure> {
    let (command, digest) = step.command.unzip();
    let done = execute(
        connection,
        "INSERT INTO steps (attempt_no, seq, at, actor, node, command, digest, body, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            attempt_no,
            step.seq,
            step.at.ms(),
            step.actor.map(PersonId::bytes),
            step.node,
            command.map(CommandId::into_bytes),
            digest,
            step.body,
            step.hash
        ],
    );
    match done {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(step_conflict(connection, attempt_no, step)?.into()),
        Err(error) => Err(error.into()),
    }
}

fn step_conflict(connection: &Connection, attempt_no: i64, step: &StepRow) -> rusqlite::Result<CommitError> {
    let Some((command, _)) = step.command else { return Ok(CommitError::SeqTaken) };
    let sql = "SELECT 1 FROM steps WHERE attempt_no = ? AND command = ?";
    let taken = exists(connection, sql, (attempt_no, command.into_bytes()))?;
    Ok(if taken { CommitError::CommandTaken } else { CommitError::SeqTaken })
}

fn insert_attempt(connection: &Connection, attempt: &AttemptRow) -> Result<(), Failure> {
    let done = execute(
        connection,
        "INSERT INTO attempts (learner, id, exam, mode, number, state, started_at, deadline, due_at, closed_at, \
         answered, score, passed, hours, integrity_score, flags, start_command, start_digest) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            attempt.learner.bytes(),
            attempt.id.bytes(),
            attempt.exam.bytes(),
            mode_name(attempt.mode),
            attempt.number,
            attempt.state.name(),
            attempt.started_at.ms(),
            attempt.deadline.ms(),
            attempt.due_at.map(Timestamp::ms),
            attempt.closed_at.map(Timestamp::ms),
            attempt.answered,
            attempt.score.map(Points::hundredths),
            attempt.passed,
            attempt.hours.hundredths(),
            attempt.integrity_score,
            attempt.flags,
            attempt.start_command.into_bytes(),
            attempt.start_digest
        ],
    );
    match done {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(attempt_conflict(connection, attempt)?.into()),
        Err(error) => Err(missing(error)),
    }
}

/// Of several keys that are taken, the one that tells the caller most: the command was done already,
/// another attempt is open, and only then the number.
fn attempt_conflict(connection: &Connection, attempt: &AttemptRow) -> rusqlite::Result<CommitError> {
    let (learner, exam) = (attempt.learner.bytes(), attempt.exam.bytes());
    let command = attempt.start_command.into_bytes();
    if exists(connection, "SELECT 1 FROM attempts WHERE learner = ? AND start_command = ?", (learner, command))? {
        return Ok(CommitError::CommandTaken);
    }
    let open = "SELECT 1 FROM attempts WHERE learner = ? AND exam = ? AND state IN ('open', 'paused')";
    if attempt.state.is_live() && exists(connection, open, (learner, exam))? {
        return Ok(CommitError::OpenAttempt);
    }
    let number = "SELECT 1 FROM attempts WHERE learner = ? AND exam = ? AND mode = ? AND number = ?";
    if exists(connection, number, (learner, exam, mode_name(attempt.mode), attempt.number))? {
        return Ok(CommitError::NumberTaken);
    }
    Ok(StoreError::Taken { field: "id" }.into())
}

fn update_attempt(connection: &Connection, attempt: &AttemptRow) -> Result<(), Failure> {
    let done = execute(
        connection,
        "UPDATE attempts SET state = ?3, deadline = ?4, due_at = ?5, closed_at = ?6, answered = ?7, score = ?8, \
         passed = ?9, hours = ?10, integrity_score = ?11, flags = ?12 WHERE learner = ?1 AND id = ?2",
        params![
            attempt.learner.bytes(),
            attempt.id.bytes(),
            attempt.state.name(),
            attempt.deadline.ms(),
            attempt.due_at.map(Timestamp::ms),
            attempt.closed_at.map(Timestamp::ms),
            attempt.answered,
            attempt.score.map(Points::hundredths),
            attempt.passed,
            attempt.hours.hundredths(),
            attempt.integrity_score,
            attempt.flags
        ],
    );
    match done {
        Ok(0) => Err(StoreError::Corrupt(format!("attempt {} has no row", attempt.id)).into()),
        Ok(_) => Ok(()),
        // Only what an update may change: an attempt that lives again beside an open one.
        Err(error) if is_duplicate(&error) => Err(CommitError::OpenAttempt.into()),
        Err(error) => Err(error.into()),
    }
}

fn exists(connection: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<bool> {
    Ok(row(connection, sql, params, |_| Ok(()))?.is_some())
}
