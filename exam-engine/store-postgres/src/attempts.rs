//! Attempts and their steps: reading. What is written goes through [`commit`].

mod columns;
mod commit;

use crate::PostgresStore;
use crate::connect::{Param, read_all, read_first};
use crate::convert::{Time, bytes, count, get, limit, mode, mode_name, named, points, step, time, time_opt};
use crate::failure::store_error;
use crate::limits::NOTED_AHEAD_MS;
use async_trait::async_trait;
use exam_core::attempt::{CaseState, StepRow};
use exam_core::{AttemptId, ExamId, PersonId, Timestamp};
use exam_store::attempts::{AttemptFilter, CaseFilter};
use exam_store::{
    AttemptRow, AttemptState, Attempts, BeforeStart, CaseMark, Commit, CommitError, Exams, LatestTime, Page, StoreError,
};
use futures_util::future::join_all;
use question_bank::Points;
use tokio_postgres::Row;
use uuid::Uuid;

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
            "SELECT s.learner, s.attempt, s.seq, s.at, s.actor, s.node, s.command, s.digest, s.body, s.hash ",
            $rest
        )
    };
}

pub(crate) const CLAIM: &str = "UPDATE attempts SET due_at = $4 WHERE learner = $1 AND id = $2 AND due_at = $3";
pub(crate) const STEPS_OF: &str = steps!("FROM steps s WHERE s.learner = $1 AND s.attempt = $2 ORDER BY s.seq");
pub(crate) const LAST_SEQ: &str = "SELECT max(seq) FROM steps WHERE learner = $1 AND attempt = $2";
pub(crate) const ATTEMPTS_OF: &str = attempts!("WHERE learner = $1 ORDER BY started_at, id");
pub(crate) const ATTEMPTS_OF_EXAM: &str = attempts!("WHERE learner = $1 AND exam = $2 ORDER BY started_at, id");
pub(crate) const FIRST_STEPS: &str = steps!(
    "FROM attempts a JOIN steps s ON s.learner = a.learner AND s.attempt = a.id AND s.seq = 1 \
     WHERE a.learner = $1 AND a.exam = $2 AND a.mode = 'exam' ORDER BY a.number DESC LIMIT $3"
);

#[async_trait]
impl Attempts for PostgresStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.attempts.commit(commit).await
    }

    async fn steps(&self, learner: PersonId, attempt: AttemptId) -> Result<Vec<StepRow>, StoreError> {
        read_all(&self.lines.read(STEPS_OF, &[&learner.0, &attempt.0]).await?, step_row)
    }

    async fn last_seq(&self, learner: PersonId, attempt: AttemptId) -> Result<Option<u32>, StoreError> {
        let rows = self.lines.read(LAST_SEQ, &[&learner.0, &attempt.0]).await?;
        let last: Option<i32> = read_first(&rows, |row| get(row, 0))?.flatten();
        last.map(u32::try_from).transpose().map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, StoreError> {
        read_first(&self.readers.read(attempts!("WHERE id = $1"), &[&attempt.0]).await?, attempt_row)
    }

    async fn attempts_of(&self, learner: PersonId, exam: Option<ExamId>) -> Result<Vec<AttemptRow>, StoreError> {
        let rows = match exam {
            Some(exam) => self.lines.read(ATTEMPTS_OF_EXAM, &[&learner.0, &exam.0]).await?,
            None => self.lines.read(ATTEMPTS_OF, &[&learner.0]).await?,
        };
        read_all(&rows, attempt_row)
    }

    async fn before_start(&self, learner: PersonId, exam: ExamId) -> Result<BeforeStart, StoreError> {
        let (attempts, overrides) = tokio::try_join!(self.attempts_of(learner, None), self.overrides(exam, learner))?;
        Ok(BeforeStart { attempts, overrides })
    }

    async fn first_steps(&self, learner: PersonId, exam: ExamId, limit: u32) -> Result<Vec<StepRow>, StoreError> {
        read_all(&self.lines.read(FIRST_STEPS, &[&learner.0, &exam.0, &i64::from(limit)]).await?, step_row)
    }

    async fn first_steps_at(&self, exam: ExamId, page: Page<AttemptId>) -> Result<Vec<StepRow>, StoreError> {
        let sql = steps!(
            "FROM attempts a JOIN steps s ON s.learner = a.learner AND s.attempt = a.id AND s.seq = 1 \
             WHERE a.exam = $1 AND a.id > $2 AND a.mode = 'exam' ORDER BY a.id LIMIT $3"
        );
        read_all(&self.readers.read(sql, &[&exam.0, &after(page.after), &limit(page.limit)]).await?, step_row)
    }

    async fn closed_logs_at(
        &self,
        exam: ExamId,
        first_only: bool,
        page: Page<AttemptId>,
    ) -> Result<Vec<StepRow>, StoreError> {
        let sql = steps!(
            "FROM (SELECT learner, id FROM attempts WHERE exam = $1 AND id > $2 AND mode = 'exam' \
             AND state IN ('submitted', 'expired') AND (number = 1 OR NOT $3) ORDER BY id LIMIT $4) a \
             JOIN steps s ON s.learner = a.learner AND s.attempt = a.id ORDER BY s.attempt, s.seq"
        );
        let params: [Param<'_>; 4] = [&exam.0, &after(page.after), &first_only, &limit(page.limit)];
        read_all(&self.readers.read(sql, &params).await?, step_row)
    }

    async fn attempts_at(
        &self,
        exam: ExamId,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        // Live attempts are few among many closed ones and have an index of their own.
        let live = filter.state.is_some_and(AttemptState::is_live);
        let sql = if live {
            attempts!(
                "WHERE state IN ('open', 'paused') AND exam = $1 AND id < $2 \
                 AND ($3::text IS NULL OR mode = $3) AND state = $4 ORDER BY id DESC LIMIT $5"
            )
        } else {
            attempts!(
                "WHERE exam = $1 AND id < $2 AND ($3::text IS NULL OR mode = $3) \
                 AND ($4::text IS NULL OR state = $4) ORDER BY id DESC LIMIT $5"
            )
        };
        let before = before(page.after);
        let (mode, state) = (filter.mode.map(mode_name), filter.state.map(AttemptState::name));
        let params: [Param<'_>; 5] = [&exam.0, &before, &mode, &state, &limit(page.limit)];
        read_all(&self.readers.read(sql, &params).await?, attempt_row)
    }

    async fn attempts_of_units(
        &self,
        exam: ExamId,
        units: Vec<String>,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        let sql = attempts!(
            "WHERE exam = $1 AND id < $2 AND ($3::text IS NULL OR mode = $3) AND ($4::text IS NULL OR state = $4) \
             AND learner IN (SELECT p.id FROM people p WHERE p.unit = ANY($5)) ORDER BY id DESC LIMIT $6"
        );
        let before = page.after.map_or(Uuid::max(), |id| id.0);
        let (mode, state) = (filter.mode.map(mode_name), filter.state.map(AttemptState::name));
        let params: [Param<'_>; 6] = [&exam.0, &before, &mode, &state, &units, &limit(page.limit)];
        read_all(&self.readers.read(sql, &params).await?, attempt_row)
    }

    async fn cases(&self, filter: CaseFilter, page: Page<AttemptId>) -> Result<Vec<AttemptRow>, StoreError> {
        // Those that wait are few among many decided ones and have an index of their own.
        let waiting = filter.state.is_some_and(CaseState::is_waiting);
        let sql = if waiting {
            attempts!(
                "WHERE case_state IN ('open', 'second_review') AND id < $1 AND case_state = $2 \
                 AND ($3::uuid IS NULL OR exam = $3) ORDER BY id DESC LIMIT $4"
            )
        } else {
            attempts!(
                "WHERE case_state IS NOT NULL AND id < $1 AND ($2::text IS NULL OR case_state = $2) \
                 AND ($3::uuid IS NULL OR exam = $3) ORDER BY id DESC LIMIT $4"
            )
        };
        let (before, state, exam) =
            (before(page.after), filter.state.map(CaseState::name), filter.exam.map(|exam| exam.0));
        let params: [Param<'_>; 4] = [&before, &state, &exam, &limit(page.limit)];
        read_all(&self.readers.read(sql, &params).await?, attempt_row)
    }

    async fn attempts_due(&self, now: Timestamp, limit: u32) -> Result<Vec<AttemptRow>, StoreError> {
        let sql = attempts!("WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2");
        read_all(&self.readers.read(sql, &[&Time(now), &i64::from(limit)]).await?, attempt_row)
    }

    async fn claim_due_attempts(
        &self,
        now: Timestamp,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        loop {
            let due = self.attempts_due(now, limit).await?;
            // Others claimed all of these meanwhile: what comes after them is looked for.
            let claimed = self.claim_attempts(&due, now.plus_ms(lease_ms)).await?;
            if due.is_empty() || !claimed.is_empty() || lease_ms <= 0 {
                return Ok(claimed);
            }
        }
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM attempts WHERE due_at IS NOT NULL";
        Ok(read_first(&self.readers.read(sql, &[]).await?, |row| time_opt(row, 0))?.flatten())
    }

    async fn attempt_ids(&self, page: Page<AttemptId>) -> Result<Vec<(PersonId, AttemptId)>, StoreError> {
        let sql = "SELECT learner, id FROM attempts WHERE id > $1 ORDER BY id LIMIT $2";
        let ids = |row: &Row| Ok((PersonId(get(row, 0)?), AttemptId(get(row, 1)?)));
        read_all(&self.readers.read(sql, &[&after(page.after), &limit(page.limit)]).await?, ids)
    }

    async fn latest_time(&self) -> Result<Option<LatestTime>, StoreError> {
        let rows = self.readers.read("SELECT max(at) FROM latest_times", &[]).await?;
        let at = read_first(&rows, |row| time_opt(row, 0))?.flatten();
        Ok(at.map(|at| LatestTime { at, ahead_ms: NOTED_AHEAD_MS }))
    }
}

impl PostgresStore {
    /// Moves the due times of those that still have theirs, in the order that commits have, so that none waits in a
    /// circle.
    async fn claim_attempts(&self, due: &[AttemptRow], until: Timestamp) -> Result<Vec<AttemptRow>, StoreError> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |error: tokio_postgres::Error| store_error(&error);
        let mut ordered: Vec<&AttemptRow> = due.iter().collect();
        ordered.sort_by_key(|row| (row.learner, row.id));
        let transaction = self.writers.begin().await?;
        // A claim that is lost is made again: nobody waits for a disk.
        transaction.run("SET LOCAL synchronous_commit = off").await.map_err(failed)?;
        let statement = &transaction.prepared(CLAIM).await.map_err(failed)?;
        let claiming = ordered.into_iter().map(|row| {
            let (client, at) = (transaction.client(), row.due_at.map(Time));
            async move { (row, client.execute(statement, &[&row.learner.0, &row.id.0, &at, &Time(until)]).await) }
        });
        let mut claimed = Vec::new();
        for (row, changed) in join_all(claiming).await {
            if changed.map_err(failed)? == 1 {
                claimed.push(AttemptRow { due_at: Some(until), ..row.clone() });
            }
        }
        transaction.commit().await?;
        Ok(claimed)
    }
}

/// The id to begin after: none of ours is zero.
fn after(id: Option<AttemptId>) -> Uuid {
    id.map_or(Uuid::nil(), |id| id.0)
}

/// The id to end before: none of ours is the largest of all.
fn before(id: Option<AttemptId>) -> Uuid {
    id.map_or(Uuid::max(), |id| id.0)
}

fn attempt_row(row: &Row) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        id: AttemptId(get(row, 0)?),
        learner: PersonId(get(row, 1)?),
        exam: ExamId(get(row, 2)?),
        mode: mode(row, 3)?,
        number: count(row, 4)?,
        state: named(row, 5, AttemptState::parse)?,
        started_at: time(row, 6)?,
        deadline: time(row, 7)?,
        due_at: time_opt(row, 8)?,
        closed_at: time_opt(row, 9)?,
        answered: count(row, 10)?,
        score: get::<Option<i64>>(row, 11)?.map(Points::from_hundredths),
        passed: get(row, 12)?,
        hours: points(row, 13)?,
        integrity_score: u32::try_from(get::<i64>(row, 14)?).map_err(|error| StoreError::Corrupt(error.to_string()))?,
        flags: count(row, 15)?,
        start_command: get(row, 16)?,
        start_digest: bytes(row, 17)?,
        case: case_mark(row, 18)?,
        invalidated: get(row, 20)?,
    })
}

/// Reads where a case stands from two neighbouring columns.
fn case_mark(row: &Row, column: usize) -> Result<Option<CaseMark>, StoreError> {
    if get::<Option<&str>>(row, column)?.is_none() {
        return Ok(None);
    }
    Ok(Some(CaseMark { state: named(row, column, CaseState::parse)?, opened_at: time(row, column + 1)? }))
}

fn step_row(row: &Row) -> Result<StepRow, StoreError> {
    step(row, AttemptId)
}
