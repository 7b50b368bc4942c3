//! A commit, written: the fence, the learner's row, the steps, the hours and what partners are told, in this
//! order. The fence comes first: a study that was taken over must not wait to find out by a step's number.

use crate::attempts::note_time;
use crate::convert::{epoch, execute, row, to_json};
use crate::failure::{Failure, is_duplicate, missing};
use crate::{ledger, outbox};
use exam_core::log::{CommandId, StepRow};
use exam_core::{LessonId, PartnerId, PersonId, Timestamp};
use exam_store::{Checkpoint, CommitError, Fence, LessonCommit, ProgressRow, StoreError, StudyRow};
use rusqlite::{Connection, params};

/// Writes a commit within the transaction at hand.
pub(super) fn apply(connection: &Connection, commit: &LessonCommit) -> Result<(), Failure> {
    commit.check()?;
    match &commit.fence {
        Fence::Take { from, to } => take(connection, *from, to)?,
        Fence::Hold { study, epoch: held } => {
            let sql = "SELECT 1 FROM studies WHERE learner = ? AND study = ? AND epoch = ?";
            let key = params![commit.row.learner.bytes(), study.bytes(), epoch(*held)];
            row(connection, sql, key, |_| Ok(()))?.ok_or(CommitError::StudyTaken)?;
        }
    }
    let no = put_row(connection, &commit.row)?;
    for step in &commit.steps {
        insert_step(connection, no, step)?;
    }
    if let Some(entry) = &commit.grant {
        ledger::append(connection, entry)?;
    }
    if let Some(new) = &commit.outbox {
        outbox::append(connection, new)?;
    }
    let latest = commit.steps.iter().map(|step| step.at).max();
    latest.map_or(Ok(()), |at| Ok(note_time(connection, at)?))
}

fn take(connection: &Connection, from: Option<u64>, to: &StudyRow) -> Result<(), Failure> {
    let sql = match from {
        None => {
            "INSERT INTO studies (learner, study, epoch, lesson, partner, opened_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (learner) DO NOTHING"
        }
        Some(_) => {
            "UPDATE studies SET study = ?2, epoch = ?3, lesson = ?4, partner = ?5, opened_at = ?6 \
             WHERE learner = ?1 AND epoch = ?7"
        }
    };
    let partner = to.partner.map(PartnerId::bytes);
    let (learner, study, lesson) = (to.learner.bytes(), to.study.bytes(), to.lesson.bytes());
    let changed = match from {
        None => execute(connection, sql, params![learner, study, epoch(to.epoch), lesson, partner, to.opened_at.ms()]),
        Some(from) => execute(
            connection,
            sql,
            params![learner, study, epoch(to.epoch), lesson, partner, to.opened_at.ms(), epoch(from)],
        ),
    };
    match changed.map_err(missing)? {
        0 => Err(CommitError::StudyTaken.into()),
        _ => Ok(()),
    }
}

/// Writes the row; returns the short key of the log.
fn put_row(connection: &Connection, new: &ProgressRow) -> Result<i64, Failure> {
    let sql = "INSERT INTO lesson_progress (learner, lesson, seq, epoch, state, covered, position_ms, asked, passed, \
               completed_at, hours, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
               ON CONFLICT (learner, lesson) DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch, \
               state = excluded.state, covered = excluded.covered, position_ms = excluded.position_ms, \
               asked = excluded.asked, passed = excluded.passed, completed_at = excluded.completed_at, \
               hours = excluded.hours, updated_at = excluded.updated_at RETURNING no";
    let values = params![
        new.learner.bytes(),
        new.lesson.bytes(),
        new.seq,
        epoch(new.epoch),
        new.state.name(),
        to_json(&new.covered)?,
        new.position_ms,
        new.asked,
        new.passed,
        new.completed_at.map(Timestamp::ms),
        new.hours.hundredths(),
        new.updated_at.ms()
    ];
    let no = row(connection, sql, values, |row| row.get(0)).map_err(missing)?;
    Ok(no.ok_or_else(|| StoreError::Corrupt("a row was written and is not there".to_owned()))?)
}

fn insert_step(connection: &Connection, no: i64, step: &StepRow<LessonId>) -> Result<(), Failure> {
    let (command, digest) = step.command.unzip();
    let sql = "INSERT INTO lesson_steps (progress_no, seq, at, actor, node, command, digest, body, hash) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        no,
        step.seq,
        step.at.ms(),
        step.actor.map(PersonId::bytes),
        step.node,
        command.map(CommandId::into_bytes),
        digest,
        step.body,
        step.hash
    ];
    match execute(connection, sql, values) {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(step_conflict(connection, no, step)?.into()),
        Err(error) => Err(error.into()),
    }
}

fn step_conflict(connection: &Connection, no: i64, step: &StepRow<LessonId>) -> rusqlite::Result<CommitError> {
    let Some((command, _)) = step.command else { return Ok(CommitError::SeqTaken) };
    let sql = "SELECT 1 FROM lesson_steps WHERE progress_no = ? AND command = ?";
    let taken = row(connection, sql, params![no, command.into_bytes()], |_| Ok(()))?;
    Ok(if taken.is_some() { CommitError::CommandTaken } else { CommitError::SeqTaken })
}

/// Writes coverage where its study is still the active one and nothing came after it.
pub(super) fn save_all(connection: &Connection, checkpoints: &[Checkpoint]) -> Result<Vec<bool>, Failure> {
    let sql = "UPDATE lesson_progress SET covered = ?5, position_ms = ?6, updated_at = ?7 \
               WHERE learner = ?1 AND lesson = ?2 AND seq = ?3 AND epoch = ?4 AND updated_at <= ?7 \
               AND EXISTS (SELECT 1 FROM studies WHERE learner = ?1 AND epoch = ?4 AND lesson = ?2)";
    let mut saved = Vec::with_capacity(checkpoints.len());
    for checkpoint in checkpoints {
        let (learner, lesson) = (checkpoint.learner.bytes(), checkpoint.lesson.bytes());
        let (seq, held) = (checkpoint.seq, epoch(checkpoint.epoch));
        let (covered, at) = (to_json(&checkpoint.covered)?, checkpoint.at.ms());
        let values = params![learner, lesson, seq, held, covered, checkpoint.position_ms, at];
        saved.push(execute(connection, sql, values)? == 1);
    }
    if let Some(latest) = checkpoints.iter().map(|checkpoint| checkpoint.at).max() {
        note_time(connection, latest)?;
    }
    Ok(saved)
}
