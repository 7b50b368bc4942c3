//! Attempts and their steps: reading. What is written goes through [`commit`].

mod commit;

use crate::SqliteStore;
use crate::convert::{limit, mode, mode_name, named, points, row, rows, step, time, time_opt, to_json};
use crate::exams::overrides;
use async_trait::async_trait;
use exam_core::attempt::{CaseState, CommandId, StepRow};
use exam_core::{AttemptId, ExamId, PersonId, Timestamp};
use exam_store::attempts::{AttemptFilter, CaseFilter};
use exam_store::{
    AttemptRow, AttemptState, Attempts, BeforeStart, CaseMark, Commit, CommitError, LatestTime, Page, StoreError,
};
use question_bank::Points;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(crate) use commit::{Memory, apply, note_time};

macro_rules! attempts {
    ($rest:literal) => {
        concat!(
            "SELECT id, learner, exam, mode, number, state, started_at, deadline, due_at, closed_at, answered, score, \
             passed, hours, integrity_score, flags, start_command, start_digest, case_state, case_opened_at, invalidated \
             FROM attempts ",
            $rest
        )
    };
}

macro_rules! steps {
    ($rest:literal) => {
        concat!(
            "SELECT a.learner, a.id, s.seq, s.at, s.actor, s.node, s.command, s.digest, s.body, s.hash FROM attempts a ",
            $rest
        )
    };
}

#[async_trait]
impl Attempts for SqliteStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.writer.commit(commit).await
    }

    async fn steps(&self, learner: PersonId, attempt: AttemptId) -> Result<Vec<StepRow>, StoreError> {
        let sql = steps!("JOIN steps s ON s.attempt_no = a.no WHERE a.learner = ? AND a.id = ? ORDER BY s.seq");
        let key = (learner.bytes(), attempt.bytes());
        self.readers.read(move |connection| rows(connection, sql, key, step_row)).await
    }

    async fn last_seq(&self, learner: PersonId, attempt: AttemptId) -> Result<Option<u32>, StoreError> {
        let sql =
            "SELECT max(s.seq) FROM attempts a JOIN steps s ON s.attempt_no = a.no WHERE a.learner = ? AND a.id = ?";
        let key = (learner.bytes(), attempt.bytes());
        Ok(self.readers.read(move |connection| row(connection, sql, key, |row| row.get(0))).await?.flatten())
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        let sql = attempts!("WHERE id = ?");
        self.readers.read(move |connection| row(connection, sql, [attempt.bytes()], attempt_row)).await
    }

    async fn attempts_of(&self, learner: PersonId, exam: Option<ExamId>) -> Result<Vec<AttemptRow>, StoreError> {
        let of_exam = attempts!("WHERE learner = ? AND exam = ? ORDER BY started_at, id");
        let of_all = attempts!("WHERE learner = ? ORDER BY started_at, id");
        let learner = learner.bytes();
        self.readers
            .read(move |connection| match exam {
                Some(exam) => rows(connection, of_exam, (learner, exam.bytes()), attempt_row),
                None => rows(connection, of_all, [learner], attempt_row),
            })
            .await
    }

    async fn before_start(&self, learner: PersonId, exam: ExamId) -> Result<BeforeStart, StoreError> {
        let sql = attempts!("WHERE learner = ? ORDER BY started_at, id");
        self.readers
            .read(move |connection| {
                let attempts = rows(connection, sql, [learner.bytes()], attempt_row)?;
                Ok(BeforeStart { attempts, overrides: overrides(connection, exam, learner)? })
            })
            .await
    }

    async fn first_steps(&self, learner: PersonId, exam: ExamId, limit: u32) -> Result<Vec<StepRow>, StoreError> {
        let sql = steps!(
            "JOIN steps s ON s.attempt_no = a.no AND s.seq = 1 \
             WHERE a.learner = ? AND a.exam = ? AND a.mode = 'exam' ORDER BY a.number DESC LIMIT ?"
        );
        let key = (learner.bytes(), exam.bytes(), limit);
        self.readers.read(move |connection| rows(connection, sql, key, step_row)).await
    }

    async fn first_steps_at(&self, exam: ExamId, page: Page<AttemptId>) -> Result<Vec<StepRow>, StoreError> {
        let sql = steps!(
            "INDEXED BY attempts_exam JOIN steps s ON s.attempt_no = a.no AND s.seq = 1 \
             WHERE a.exam = ? AND a.id > ? AND a.mode = 'exam' ORDER BY a.id LIMIT ?"
        );
        let key = (exam.bytes(), after(page.after), limit(page.limit));
        self.readers.read(move |connection| rows(connection, sql, key, step_row)).await
    }

    async fn closed_logs_at(
        &self,
        exam: ExamId,
        first_only: bool,
        page: Page<AttemptId>,
    ) -> Result<Vec<StepRow>, StoreError> {
        let sql = "SELECT a.learner, a.id, s.seq, s.at, s.actor, s.node, s.command, s.digest, s.body, s.hash \
             FROM (SELECT no, learner, id FROM attempts INDEXED BY attempts_exam WHERE exam = ?1 AND id > ?2 \
             AND mode = 'exam' AND state IN ('submitted', 'expired') AND (number = 1 OR NOT ?3) ORDER BY id LIMIT ?4) a \
             JOIN steps s ON s.attempt_no = a.no ORDER BY a.id, s.seq";
        let key = (exam.bytes(), after(page.after), first_only, limit(page.limit));
        self.readers.read(move |connection| rows(connection, sql, key, step_row)).await
    }

    async fn attempts_at(
        &self,
        exam: ExamId,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        // Live attempts are few among many closed ones and have an index of their own, which SQLite
        // takes only when its condition is repeated.
        let live = filter.state.is_some_and(AttemptState::is_live);
        let sql = if live {
            attempts!(
                "INDEXED BY attempts_exam_open WHERE state IN ('open', 'paused') AND exam = ?1 AND id < ?2 \
                 AND (?3 IS NULL OR mode = ?3) AND state = ?4 ORDER BY id DESC LIMIT ?5"
            )
        } else {
            attempts!(
                "INDEXED BY attempts_exam WHERE exam = ?1 AND id < ?2 \
                 AND (?3 IS NULL OR mode = ?3) AND (?4 IS NULL OR state = ?4) ORDER BY id DESC LIMIT ?5"
            )
        };
        let before = before(page.after);
        let (mode, state) = (filter.mode.map(mode_name), filter.state.map(AttemptState::name));
        self.readers
            .read(move |connection| {
                rows(connection, sql, params![exam.bytes(), before, mode, state, limit(page.limit)], attempt_row)
            })
            .await
    }

    async fn attempts_of_units(
        &self,
        exam: ExamId,
        units: Vec<String>,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        let sql = attempts!(
            "INDEXED BY attempts_exam WHERE exam = ?1 AND id < ?2 AND (?3 IS NULL OR mode = ?3) \
             AND (?4 IS NULL OR state = ?4) AND (SELECT unit FROM people p WHERE p.id = learner) \
             IN (SELECT value FROM json_each(?5)) ORDER BY id DESC LIMIT ?6"
        );
        let (before, units) = (before(page.after), to_json(&units)?);
        let (mode, state) = (filter.mode.map(mode_name), filter.state.map(AttemptState::name));
        let of_page = limit(page.limit);
        self.readers
            .read(move |connection| {
                rows(connection, sql, params![exam.bytes(), before, mode, state, units, of_page], attempt_row)
            })
            .await
    }

    async fn cases(&self, filter: CaseFilter, page: Page<AttemptId>) -> Result<Vec<AttemptRow>, StoreError> {
        // Those that wait are few among many decided ones and have an index of their own.
        let waiting = filter.state.is_some_and(CaseState::is_waiting);
        let sql = if waiting {
            attempts!(
                "INDEXED BY attempts_case_waiting WHERE case_state IN ('open', 'second_review') AND id < ?1 \
                 AND case_state = ?2 AND (?3 IS NULL OR exam = ?3) ORDER BY id DESC LIMIT ?4"
            )
        } else {
            attempts!(
                "INDEXED BY attempts_case WHERE case_state IS NOT NULL AND id < ?1 \
                 AND (?2 IS NULL OR case_state = ?2) AND (?3 IS NULL OR exam = ?3) ORDER BY id DESC LIMIT ?4"
            )
        };
        let (before, state, exam) =
            (before(page.after), filter.state.map(CaseState::name), filter.exam.map(ExamId::bytes));
        self.readers
            .read(move |connection| rows(connection, sql, params![before, state, exam, limit(page.limit)], attempt_row))
            .await
    }

    async fn attempts_due(&self, now: Timestamp, limit: u32) -> Result<Vec<AttemptRow>, StoreError> {
        let sql = attempts!("WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT ?");
        self.readers.read(move |connection| rows(connection, sql, (now.ms(), limit), attempt_row)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM attempts WHERE due_at IS NOT NULL";
        self.readers.read(move |connection| one_time(connection, sql)).await
    }

    async fn attempt_ids(&self, page: Page<AttemptId>) -> Result<Vec<(PersonId, AttemptId)>, StoreError> {
        let sql = "SELECT learner, id FROM attempts WHERE id > ? ORDER BY id LIMIT ?";
        let key = (after(page.after), limit(page.limit));
        let ids = |row: &Row<'_>| Ok((PersonId::from_bytes(row.get(0)?), AttemptId::from_bytes(row.get(1)?)));
        self.readers.read(move |connection| rows(connection, sql, key, ids)).await
    }

    async fn latest_time(&self) -> Result<Option<LatestTime>, StoreError> {
        let at = self.readers.read(|connection| one_time(connection, "SELECT at FROM latest_time")).await?;
        Ok(at.map(|at| LatestTime { at, ahead_ms: 0 }))
    }
}

/// The id to begin after: the empty one lies before all.
fn after(id: Option<AttemptId>) -> Vec<u8> {
    id.map_or_else(Vec::new, |id| id.bytes().to_vec())
}

/// The id to end before: longer than any, so that no id is at or above it.
fn before(id: Option<AttemptId>) -> Vec<u8> {
    id.map_or_else(|| vec![0xFF; 17], |id| id.bytes().to_vec())
}

fn one_time(connection: &Connection, sql: &str) -> rusqlite::Result<Option<Timestamp>> {
    let at = connection.prepare_cached(sql)?.query_row([], |row| time_opt(row, 0)).optional()?;
    Ok(at.flatten())
}

fn attempt_row(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        id: AttemptId::from_bytes(row.get(0)?),
        learner: PersonId::from_bytes(row.get(1)?),
        exam: ExamId::from_bytes(row.get(2)?),
        mode: mode(row, 3)?,
        number: row.get(4)?,
        state: named(row, 5, AttemptState::parse)?,
        started_at: time(row, 6)?,
        deadline: time(row, 7)?,
        due_at: time_opt(row, 8)?,
        closed_at: time_opt(row, 9)?,
        answered: row.get(10)?,
        score: row.get::<_, Option<i64>>(11)?.map(Points::from_hundredths),
        passed: row.get(12)?,
        hours: points(row, 13)?,
        integrity_score: row.get(14)?,
        flags: row.get(15)?,
        start_command: CommandId::from_bytes(row.get(16)?),
        start_digest: row.get(17)?,
        case: case_mark(row, 18)?,
        invalidated: row.get(20)?,
    })
}

/// Reads where a case stands from two neighbouring columns.
fn case_mark(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<CaseMark>> {
    if row.get_ref(column)?.data_type() == Type::Null {
        return Ok(None);
    }
    Ok(Some(CaseMark { state: named(row, column, CaseState::parse)?, opened_at: time(row, column + 1)? }))
}

fn step_row(row: &Row<'_>) -> rusqlite::Result<StepRow> {
    step(row, AttemptId::from_bytes)
}
