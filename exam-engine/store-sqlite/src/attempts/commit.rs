//! A commit, written: the attempt's row, its steps, the hours and the audit record, in this order.
//! Which unique key stopped a row is asked of the rows, so that the answer depends neither on
//! the text of an error nor on the order SQLite checks its indexes in.
//!
//! That a command is kept once is no index's work but the writer's own: there is one writer to a file, by the
//! lock, and it knows the commands of the attempts it writes to, from their rows. An index by command would be
//! another page for every answer to change, and pages are what a commit costs.

use crate::convert::{execute, mode_name, row, rows};
use crate::failure::{Failure, is_duplicate, missing};
use crate::limits::{ATTEMPTS_KNOWN_MAX, COMMANDS_KNOWN_MAX};
use crate::{audit, ledger};
use exam_core::attempt::{CommandId, StepRow};
use exam_core::{AttemptId, PersonId, Timestamp};
use exam_store::{AttemptRow, Commit, CommitError, RowChange, StoreError};
use question_bank::Points;
use rusqlite::{Connection, Params, params};
use std::collections::HashMap;

/// What the writer knows of its own rows, so that it need not look them up for every step.
///
/// Attempts that are closed are let go. Should there be too many all the same, those that were not written to since half
/// as many were are let go together: all at once would mean to read everything again that is written to just then.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    recent: HashMap<AttemptId, Known>,
    older: HashMap<AttemptId, Known>,
    /// How many commands of recent attempts are remembered.
    commands: usize,
    /// What was looked at in the transaction at hand.
    touched: Vec<AttemptId>,
    /// The latest time in the transaction at hand.
    latest: Option<Timestamp>,
}

/// What is known of one attempt.
#[derive(Debug)]
struct Known {
    learner: PersonId,
    /// Its `no`; neither ever changes.
    no: i64,
    /// Halves of the ids of the commands that are kept: whichever is found is looked up in the rows.
    commands: Vec<u64>,
}

impl Memory {
    /// To be called when nothing is known for certain any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// To be called when anything is rolled back: rows that were seen may be gone.
    pub(crate) fn undo(&mut self) {
        for attempt in std::mem::take(&mut self.touched) {
            self.let_go(attempt);
        }
    }

    /// To be called when everything is kept.
    pub(crate) fn settle(&mut self) {
        self.touched.clear();
    }

    fn let_go(&mut self, attempt: AttemptId) {
        if let Some(known) = self.recent.remove(&attempt) {
            self.commands = self.commands.saturating_sub(known.commands.len());
        }
        self.older.remove(&attempt);
    }

    /// The latest time that is not noted yet; noted once for a whole transaction.
    pub(crate) const fn take_latest(&mut self) -> Option<Timestamp> {
        self.latest.take()
    }

    /// A learner's attempt; `None` when there is no such row.
    fn known(
        &mut self,
        connection: &Connection,
        whose: PersonId,
        attempt: AttemptId,
    ) -> rusqlite::Result<Option<&mut Known>> {
        if !self.recent.contains_key(&attempt) {
            let known = match self.older.remove(&attempt) {
                Some(known) => Some(known),
                None => read_known(connection, whose, attempt)?,
            };
            let Some(known) = known else { return Ok(None) };
            if self.recent.len() >= ATTEMPTS_KNOWN_MAX / 2 || self.commands >= COMMANDS_KNOWN_MAX / 2 {
                self.older = std::mem::take(&mut self.recent);
                self.commands = 0;
            }
            self.commands += known.commands.len();
            self.recent.insert(attempt, known);
        }
        self.touched.push(attempt);
        Ok(self.recent.get_mut(&attempt).filter(|known| known.learner == whose))
    }
}

fn read_known(connection: &Connection, whose: PersonId, attempt: AttemptId) -> rusqlite::Result<Option<Known>> {
    let sql = "SELECT no FROM attempts WHERE learner = ? AND id = ?";
    let Some(no) = row(connection, sql, (whose.bytes(), attempt.bytes()), |row| row.get(0))? else { return Ok(None) };
    let sql = "SELECT command FROM steps WHERE attempt_no = ? AND command IS NOT NULL";
    let commands = rows(connection, sql, [no], |row| row.get(0).map(CommandId::from_bytes).map(half))?;
    Ok(Some(Known { learner: whose, no, commands }))
}

/// The half of an id that is random in every version of it.
fn half(command: CommandId) -> u64 {
    command.as_u64_pair().1
}

/// Writes a commit within the transaction at hand.
pub(crate) fn apply(connection: &Connection, memory: &mut Memory, commit: &Commit) -> Result<(), Failure> {
    let first = commit.check()?;
    match &commit.row {
        RowChange::Keep => {}
        RowChange::Insert(attempt) => insert_attempt(connection, attempt)?,
        RowChange::Update(attempt) => update_attempt(connection, attempt)?,
    }
    let Some(known) = memory.known(connection, first.learner, first.log)? else {
        return Err(StoreError::Corrupt(format!("a step of attempt {}, which has no row", first.log)).into());
    };
    for step in &commit.steps {
        insert_step(connection, known, step)?;
    }
    if let Some(entry) = &commit.grant {
        ledger::append(connection, entry)?;
    }
    if let Some(new) = &commit.audit {
        audit::append(connection, new)?;
    }
    memory.commands += commit.steps.iter().filter(|step| step.command.is_some()).count();
    if let RowChange::Update(row) = &commit.row
        && !row.state.is_live()
    {
        memory.let_go(first.log);
    }
    memory.latest = memory.latest.max(commit.steps.iter().map(|step| step.at).max());
    Ok(())
}

/// Remembers that something of this time is kept, see `Attempts::latest_time`.
pub(crate) fn note_time(connection: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    execute(connection, "UPDATE latest_time SET at = ?1 WHERE at IS NULL OR at < ?1", [at.ms()]).map(drop)
}

fn insert_step(connection: &Connection, known: &mut Known, step: &StepRow) -> Result<(), Failure> {
    let (command, digest) = step.command.unzip();
    if let Some(command) = command
        && known.commands.contains(&half(command))
        && is_kept(connection, known.no, command)?
    {
        return Err(CommitError::CommandTaken.into());
    }
    let done = execute(
        connection,
        "INSERT INTO steps (attempt_no, seq, at, actor, node, command, digest, body, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            known.no,
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
        Ok(_) => {
            known.commands.extend(command.map(half));
            Ok(())
        }
        Err(error) if is_duplicate(&error) => Err(CommitError::SeqTaken.into()),
        Err(error) => Err(error.into()),
    }
}

fn is_kept(connection: &Connection, attempt_no: i64, command: CommandId) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM steps WHERE attempt_no = ? AND command = ?";
    exists(connection, sql, (attempt_no, command.into_bytes()))
}

fn insert_attempt(connection: &Connection, attempt: &AttemptRow) -> Result<(), Failure> {
    let done = execute(
        connection,
        "INSERT INTO attempts (learner, id, exam, mode, number, state, started_at, deadline, due_at, closed_at, \
         answered, score, passed, hours, integrity_score, flags, start_command, start_digest, case_state, \
         case_opened_at, invalidated) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            attempt.start_digest,
            attempt.case.map(|case| case.state.name()),
            attempt.case.map(|case| case.opened_at.ms()),
            attempt.invalidated
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
         passed = ?9, hours = ?10, integrity_score = ?11, flags = ?12, case_state = ?13, case_opened_at = ?14, \
         invalidated = ?15 WHERE learner = ?1 AND id = ?2",
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
            attempt.flags,
            attempt.case.map(|case| case.state.name()),
            attempt.case.map(|case| case.opened_at.ms()),
            attempt.invalidated
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use uuid::Uuid;

    /// The tables as far as they are read here, with attempts that have one command each.
    fn table(attempts: u128) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE attempts (no INTEGER PRIMARY KEY, learner BLOB, id BLOB);
                 CREATE TABLE steps (attempt_no INTEGER, command BLOB);",
            )
            .unwrap();
        for number in 0..attempts {
            let (learner, id) = (PersonId(Uuid::nil()).bytes(), attempt(number).bytes());
            execute(&connection, "INSERT INTO attempts (learner, id) VALUES (?, ?)", (learner, id)).unwrap();
            execute(&connection, "INSERT INTO steps VALUES (last_insert_rowid(), ?)", [id]).unwrap();
        }
        connection
    }

    fn attempt(number: u128) -> AttemptId {
        AttemptId(Uuid::from_u128(number))
    }

    fn commands(memory: &mut Memory, connection: &Connection, number: u128) -> Option<usize> {
        let known = memory.known(connection, PersonId(Uuid::nil()), attempt(number)).unwrap();
        known.map(|known| known.commands.len())
    }

    #[test]
    fn what_is_written_to_is_not_let_go_when_there_is_too_much() {
        let connection = table(3);
        let mut memory = Memory::default();
        assert_eq!([0, 1].map(|number| commands(&mut memory, &connection, number)), [Some(1); 2]);
        memory.commands = COMMANDS_KNOWN_MAX / 2;
        assert_eq!(commands(&mut memory, &connection, 2), Some(1));
        assert_eq!((memory.recent.len(), memory.older.len(), memory.commands), (1, 2, 1));
        // The rows are not looked at again for what is still remembered.
        connection.execute_batch("DELETE FROM steps; DELETE FROM attempts").unwrap();
        assert_eq!(commands(&mut memory, &connection, 1), Some(1));
        memory.commands = COMMANDS_KNOWN_MAX / 2;
        assert_eq!(commands(&mut memory, &connection, 0), Some(1), "taken up again, and the others are the older ones");
        assert_eq!((memory.recent.len(), memory.older.len(), memory.commands), (1, 2, 1));
    }

    #[test]
    fn what_a_rolled_back_transaction_saw_is_read_again_and_nothing_else() {
        let connection = table(2);
        let mut memory = Memory::default();
        assert_eq!(commands(&mut memory, &connection, 0), Some(1));
        memory.settle();
        assert_eq!(commands(&mut memory, &connection, 1), Some(1));
        memory.undo();
        assert_eq!((memory.recent.len(), memory.commands), (1, 1));
        connection.execute_batch("DELETE FROM steps; DELETE FROM attempts").unwrap();
        assert_eq!([0, 1].map(|number| commands(&mut memory, &connection, number)), [Some(1), None]);
    }
}
