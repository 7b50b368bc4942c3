//! Commits, written: the attempts' rows, their steps, the hours, the audit records and announcements, in
//! this order. Which key stopped a row is asked of the rows, so that the answer depends neither on the
//! text of an error nor on the order the server checks its indexes in.

use crate::connect::{Param, Session};
use crate::convert::{Time, get, int, mode_name};
use crate::failure::{is_duplicate, refusal};
use crate::lane::{Failures, Trouble, Work, Written};
use crate::{announcements, audit, ledger};
use exam_core::attempt::StepRow;
use exam_core::{AttemptId, PersonId, Timestamp};
use exam_store::{AttemptRow, Commit, CommitError, RowChange, StoreError};
use futures_util::future::join_all;
use question_bank::Points;
use std::collections::HashSet;
use tokio_postgres::Error;
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

pub(crate) const INSERT_STEPS: &str = insert_steps!("");
pub(crate) const INSERT_STEPS_APART: &str = insert_steps!(" ON CONFLICT DO NOTHING RETURNING attempt, seq, hash");
pub(crate) const INSERT_ATTEMPT: &str = "INSERT INTO attempts (learner, id, exam, mode, number, state, started_at, \
    deadline, due_at, closed_at, answered, score, passed, hours, integrity_score, flags, start_command, start_digest, \
    case_state, case_opened_at, invalidated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
    $16, $17, $18, $19, $20, $21) ON CONFLICT DO NOTHING";
pub(crate) const UPDATE_ATTEMPT: &str = "UPDATE attempts SET state = $3, deadline = $4, due_at = $5, closed_at = $6, \
    answered = $7, score = $8, passed = $9, hours = $10, integrity_score = $11, flags = $12, case_state = $13, \
    case_opened_at = $14, invalidated = $15 WHERE learner = $1 AND id = $2";
const NOTE_TIME: &str = "INSERT INTO latest_times AS l (node, writer, at) VALUES ($1, $2, $3) \
    ON CONFLICT (node, writer) DO UPDATE SET at = excluded.at WHERE l.at < excluded.at";

impl Work for Commit {
    const WRITER: &'static str = "commits";

    fn check(&self) -> Result<(), StoreError> {
        Self::check(self).map(drop)
    }

    fn key(&self) -> (PersonId, Uuid) {
        self.steps.first().map_or((PersonId(Uuid::nil()), Uuid::nil()), |step| (step.learner, step.log.0))
    }

    fn latest(&self) -> Option<Timestamp> {
        self.steps.iter().map(|step| step.at).max()
    }

    fn is_plain(&self) -> bool {
        let Self { steps: _, row, grant, audit, announcements } = self;
        *row == RowChange::Keep && grant.is_none() && audit.is_none() && announcements.is_empty()
    }

    async fn write_at_once(
        session: &Session,
        commits: &[&Self],
        node: i32,
        later: Option<Timestamp>,
    ) -> Result<Failures, Error> {
        steps_at_once(session, commits, node, later).await
    }

    async fn write(
        session: &Session,
        commits: &[&Self],
        node: i32,
        later: Option<Timestamp>,
    ) -> Result<Written, Trouble> {
        with_verdicts(session, commits, node, later).await
    }
}

/// Remembers that something of this time is kept, see `Attempts::latest_time`. Within the transaction
/// that keeps it, or before.
pub(crate) async fn note_time(session: &Session, node: i32, writer: &str, at: Timestamp) -> Result<(), Error> {
    session.execute(NOTE_TIME, &[&node, &writer, &Time(at)]).await.map(drop)
}

/// A whole transaction of steps and nothing else, sent in one go. Fails as a whole when a key is taken;
/// what has no attempt is left out and told.
async fn steps_at_once(
    session: &Session,
    commits: &[&Commit],
    node: i32,
    later: Option<Timestamp>,
) -> Result<Failures, Error> {
    let columns = Columns::of(commits.iter().flat_map(|commit| &commit.steps));
    // Prepared before anything is sent, or the order would not hold.
    let (insert, note) = (session.prepared(INSERT_STEPS).await?, session.prepared(NOTE_TIME).await?);
    let params = columns.params();
    let noting = async {
        match later {
            Some(at) => session.client().execute(&note, &[&node, &Commit::WRITER, &Time(at)]).await,
            None => Ok(0),
        }
    };
    let (begun, noted, kept, committed) = tokio::join!(
        biased;
        session.run("BEGIN"),
        noting,
        session.client().execute(&insert, &params),
        session.run("COMMIT")
    );
    begun?;
    noted?;
    let kept = kept?;
    committed?;
    let mut failures = Failures::new();
    if kept != columns.seq.len() as u64 {
        for (place, commit) in commits.iter().enumerate() {
            if let Some(error) = orphan(session, commit).await? {
                failures.insert(place, error);
            }
        }
    }
    Ok(failures)
}

/// Everything a commit may hold, up to but without the COMMIT.
async fn with_verdicts(
    session: &Session,
    commits: &[&Commit],
    node: i32,
    later: Option<Timestamp>,
) -> Result<Written, Trouble> {
    session.run("BEGIN").await?;
    // Before any other lock: whoever holds one of those never waits for this one.
    let is_audited = commits.iter().any(|commit| commit.audit.is_some());
    let mut head = if is_audited { Some(audit::head(session).await?) } else { None };
    let mut written = Written::default();
    insert_attempts(session, commits, &mut written).await?;
    insert_steps(session, commits, &mut written).await?;
    update_attempts(session, commits, &mut written).await?;
    let grants = written.kept(commits).into_iter().filter_map(|(place, commit)| Some((place, commit.grant.as_ref()?)));
    ledger::grant(session, grants.collect(), &mut written).await?;
    if written.leaves_traces {
        return Ok(written);
    }
    for (_, commit) in written.kept(commits) {
        if let (Some(new), Some(head)) = (&commit.audit, &mut head) {
            audit::append_after(session, head, new).await?;
        }
    }
    announcements::send(session, written.kept(commits).into_iter().flat_map(|(_, commit)| &commit.announcements))
        .await?;
    if let Some(at) = later {
        note_time(session, node, Commit::WRITER, at).await?;
    }
    Ok(written)
}

async fn insert_attempts(session: &Session, commits: &[&Commit], written: &mut Written) -> Result<(), Trouble> {
    let rows: Vec<(usize, &AttemptRow)> = written
        .kept(commits)
        .into_iter()
        .filter_map(|(place, commit)| match &commit.row {
            RowChange::Insert(attempt) => Some((place, &**attempt)),
            _ => None,
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = &session.prepared(INSERT_ATTEMPT).await?;
    let inserting = rows.iter().map(|(_, attempt)| async move {
        let values = Values::of(attempt);
        session.client().execute(statement, &values.to_insert()).await
    });
    for ((place, attempt), outcome) in rows.iter().zip(join_all(inserting).await) {
        match outcome {
            Ok(0) => written.fail(*place, attempt_conflict(session, attempt).await?, false),
            Ok(_) => {}
            // Whose learner is not there.
            Err(error) => return Err(refusal(error)),
        }
    }
    Ok(())
}

async fn insert_steps(session: &Session, commits: &[&Commit], written: &mut Written) -> Result<(), Trouble> {
    let trying = written.kept(commits);
    if trying.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(trying.iter().flat_map(|(_, commit)| &commit.steps));
    let rows = session.query(INSERT_STEPS_APART, &columns.params()).await?;
    let mut inserted = HashSet::with_capacity(rows.len());
    for row in &rows {
        inserted.insert((get::<Uuid>(row, 0)?, get::<i32>(row, 1)?, get::<&[u8]>(row, 2)?.to_vec()));
    }
    for (place, commit) in trying {
        // Two commits of one batch may hold the very same step: it was written for the first of them.
        let mut mine = |step: &StepRow| inserted.remove(&(step.log.0, int(step.seq), step.hash.to_vec()));
        let are_mine: Vec<bool> = commit.steps.iter().map(&mut mine).collect();
        let Some(missing) = are_mine.iter().position(|mine| !mine) else { continue };
        let leaves_traces = are_mine.contains(&true) || matches!(commit.row, RowChange::Insert(_));
        let error = match orphan(session, commit).await? {
            Some(error) => error,
            None => step_conflict(session, &commit.steps[missing]).await?,
        };
        written.fail(place, error, leaves_traces);
    }
    Ok(())
}

async fn update_attempts(session: &Session, commits: &[&Commit], written: &mut Written) -> Result<(), Trouble> {
    let rows: Vec<(usize, &AttemptRow)> = written
        .kept(commits)
        .into_iter()
        .filter_map(|(place, commit)| match &commit.row {
            RowChange::Update(attempt) => Some((place, &**attempt)),
            _ => None,
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = &session.prepared(UPDATE_ATTEMPT).await?;
    let updating = rows.iter().map(|(_, attempt)| async move {
        let values = Values::of(attempt);
        session.client().execute(statement, &values.to_update()).await
    });
    for ((place, attempt), outcome) in rows.iter().zip(join_all(updating).await) {
        match outcome {
            Ok(0) => written.fail(*place, no_row(attempt.id).into(), true),
            Ok(_) => {}
            // Only what an update may change: an attempt that lives again beside an open one.
            Err(error) if is_duplicate(&error) => return Err(Trouble::Refused(CommitError::OpenAttempt)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn no_row(attempt: AttemptId) -> StoreError {
    StoreError::Corrupt(format!("attempt {attempt} has no row"))
}

/// What is wrong with a commit whose attempt has no row.
async fn orphan(session: &Session, commit: &Commit) -> Result<Option<CommitError>, Error> {
    let Some(step) = commit.steps.first() else { return Ok(None) };
    let sql = "SELECT 1 FROM attempts WHERE learner = $1 AND id = $2";
    let found = session.query(sql, &[&step.learner.0, &step.log.0]).await?;
    Ok(found.is_empty().then(|| no_row(step.log).into()))
}

async fn step_conflict(session: &Session, step: &StepRow) -> Result<CommitError, Error> {
    let Some((command, _)) = step.command else { return Ok(CommitError::SeqTaken) };
    let sql = "SELECT 1 FROM steps WHERE learner = $1 AND attempt = $2 AND command = $3";
    let taken = session.query(sql, &[&step.learner.0, &step.log.0, &command]).await?;
    Ok(if taken.is_empty() { CommitError::SeqTaken } else { CommitError::CommandTaken })
}

/// Of several keys that are taken, the one that tells the caller most: the command was done already,
/// another attempt is open, and only then the number.
async fn attempt_conflict(session: &Session, attempt: &AttemptRow) -> Result<CommitError, Trouble> {
    let sql = "SELECT coalesce(bool_or(start_command = $2), false), \
               coalesce(bool_or(exam = $3 AND state IN ('open', 'paused')), false), \
               coalesce(bool_or(exam = $3 AND mode = $4 AND number = $5), false) FROM attempts WHERE learner = $1";
    let (mode, number) = (mode_name(attempt.mode), int(attempt.number));
    let params: [Param<'_>; 5] = [&attempt.learner.0, &attempt.start_command, &attempt.exam.0, &mode, &number];
    let rows = session.query(sql, &params).await?;
    let row = rows.first().ok_or_else(|| StoreError::Corrupt("a count without a row".to_owned()))?;
    if get(row, 0)? {
        return Ok(CommitError::CommandTaken);
    }
    if attempt.state.is_live() && get(row, 1)? {
        return Ok(CommitError::OpenAttempt);
    }
    if get(row, 2)? {
        return Ok(CommitError::NumberTaken);
    }
    Ok(StoreError::Taken { field: "id" }.into())
}

/// Steps, column by column.
#[derive(Default)]
struct Columns<'a> {
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

impl<'a> Columns<'a> {
    fn of(steps: impl Iterator<Item = &'a StepRow>) -> Self {
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

    fn params(&self) -> [Param<'_>; 10] {
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

/// An attempt's row as columns.
struct Values<'a> {
    row: &'a AttemptRow,
    mode: &'static str,
    number: i32,
    state: &'static str,
    started_at: Time,
    deadline: Time,
    due_at: Option<Time>,
    closed_at: Option<Time>,
    answered: i32,
    score: Option<i64>,
    hours: i64,
    integrity_score: i64,
    flags: i32,
    start_digest: &'a [u8],
    case_state: Option<&'static str>,
    case_opened_at: Option<Time>,
}

impl<'a> Values<'a> {
    fn of(row: &'a AttemptRow) -> Self {
        Self {
            row,
            mode: mode_name(row.mode),
            number: int(row.number),
            state: row.state.name(),
            started_at: Time(row.started_at),
            deadline: Time(row.deadline),
            due_at: row.due_at.map(Time),
            closed_at: row.closed_at.map(Time),
            answered: int(row.answered),
            score: row.score.map(Points::hundredths),
            hours: row.hours.hundredths(),
            integrity_score: i64::from(row.integrity_score),
            flags: int(row.flags),
            start_digest: &row.start_digest,
            case_state: row.case.map(|case| case.state.name()),
            case_opened_at: row.case.map(|case| Time(case.opened_at)),
        }
    }

    fn to_insert(&self) -> [Param<'_>; 21] {
        [
            &self.row.learner.0,
            &self.row.id.0,
            &self.row.exam.0,
            &self.mode,
            &self.number,
            &self.state,
            &self.started_at,
            &self.deadline,
            &self.due_at,
            &self.closed_at,
            &self.answered,
            &self.score,
            &self.row.passed,
            &self.hours,
            &self.integrity_score,
            &self.flags,
            &self.row.start_command,
            &self.start_digest,
            &self.case_state,
            &self.case_opened_at,
            &self.row.invalidated,
        ]
    }

    fn to_update(&self) -> [Param<'_>; 15] {
        [
            &self.row.learner.0,
            &self.row.id.0,
            &self.state,
            &self.deadline,
            &self.due_at,
            &self.closed_at,
            &self.answered,
            &self.score,
            &self.row.passed,
            &self.hours,
            &self.integrity_score,
            &self.flags,
            &self.case_state,
            &self.case_opened_at,
            &self.row.invalidated,
        ]
    }
}
