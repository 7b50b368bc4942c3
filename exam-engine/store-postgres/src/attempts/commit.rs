//! Commits, written: the attempts' rows, their steps, the hours, the audit records and announcements, in
//! this order. Which key stopped a row is asked of the rows, so that the answer depends neither on the
//! text of an error nor on the order the server checks its indexes in.

use super::columns::{INSERT_ATTEMPTS, INSERT_STEPS, INSERT_STEPS_APART, Rows, Steps, UPDATE_ATTEMPTS};
use crate::announcements::{NOTIFY, payloads};
use crate::connect::{Param, Session};
use crate::convert::{get, int, mode_name};
use crate::failure::{is_duplicate, refusal};
use crate::lane::{Failures, Fault, Trouble, Work, Written, roll_back};
use crate::ledger::{self, Entries, INSERT_ENTRIES};
use crate::times::{NOTE_TIME, Noting};
use crate::{announcements, audit};
use exam_core::attempt::StepRow;
use exam_core::hours::LedgerEntry;
use exam_core::{AttemptId, PersonId, Timestamp};
use exam_store::{AttemptRow, Commit, CommitError, RowChange, StoreError};
use futures_util::future::try_join_all;
use std::collections::{HashMap, HashSet};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

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

    /// The site's log is a chain, written record by record; acts of people are few.
    fn fits_at_once(&self) -> bool {
        self.audit.is_none()
    }

    async fn write_at_once(session: &Session, commits: &[&Self], noting: &Noting<'_>) -> Result<Failures, Fault> {
        if commits.iter().all(|commit| is_plain(commit)) {
            steps_at_once(session, commits, noting).await.map_err(|error| Fault::at_commit(&error))
        } else {
            all_at_once(session, commits, noting).await.map(|()| Failures::new())
        }
    }

    async fn write(session: &Session, commits: &[&Self], noting: &Noting<'_>) -> Result<Written, Trouble> {
        with_verdicts(session, commits, noting).await
    }
}

/// Whether there is nothing in it but steps.
fn is_plain(commit: &Commit) -> bool {
    let Commit { steps: _, row, grant, audit, announcements } = commit;
    *row == RowChange::Keep && grant.is_none() && audit.is_none() && announcements.is_empty()
}

fn inserted(commit: &Commit) -> Option<&AttemptRow> {
    match &commit.row {
        RowChange::Insert(attempt) => Some(attempt),
        RowChange::Keep | RowChange::Update(_) => None,
    }
}

fn updated(commit: &Commit) -> Option<&AttemptRow> {
    match &commit.row {
        RowChange::Update(attempt) => Some(attempt),
        RowChange::Keep | RowChange::Insert(_) => None,
    }
}

/// What the rows come to: of several changes to one, the last.
fn last_of_each<'a>(rows: impl Iterator<Item = &'a AttemptRow>) -> Rows<'a> {
    let rows: Vec<&AttemptRow> = rows.collect();
    let whose = |row: &AttemptRow| (row.learner, row.id);
    let last: HashMap<_, usize> = rows.iter().enumerate().map(|(place, row)| (whose(row), place)).collect();
    rows.iter().enumerate().filter(|(place, row)| last.get(&whose(row)) == Some(place)).map(|(_, row)| *row).collect()
}

/// A whole transaction of steps and nothing else, sent in one go; mostly it is one statement, which is a transaction by
/// itself. Fails as a whole when a key is taken; what has no attempt is left out and told.
async fn steps_at_once(session: &Session, commits: &[&Commit], noting: &Noting<'_>) -> Result<Failures, Error> {
    let columns: Steps<'_> = commits.iter().flat_map(|commit| &commit.steps).collect();
    let params = columns.params();
    let kept = if noting.is_nothing() {
        session.execute(INSERT_STEPS, &params).await?
    } else {
        // Prepared before anything is sent, or the order would not hold.
        session.prepared(NOTE_TIME).await?;
        session.prepared(INSERT_STEPS).await?;
        let (begun, noted, kept, committed) = tokio::join!(
            biased;
            session.run("BEGIN"),
            noting.note(session),
            session.execute(INSERT_STEPS, &params),
            session.run("COMMIT")
        );
        begun?;
        noted?;
        committed?;
        kept?
    };
    let mut failures = Failures::new();
    if kept != columns.count() {
        for (place, commit) in commits.iter().enumerate() {
            if let Some(error) = orphan(session, commit).await? {
                failures.insert(place, error);
            }
        }
    }
    Ok(failures)
}

/// A whole transaction of everything but audit records, by one statement for each table: all of it or nothing. What
/// was sent in one go is looked at before it is committed.
async fn all_at_once(session: &Session, commits: &[&Commit], noting: &Noting<'_>) -> Result<(), Fault> {
    let grants: Vec<&LedgerEntry> = commits.iter().filter_map(|commit| commit.grant.as_ref()).collect();
    let grants = Entries::of(session, &grants).await?;
    let new: Rows<'_> = commits.iter().filter_map(|commit| inserted(commit)).collect();
    let steps: Steps<'_> = commits.iter().flat_map(|commit| &commit.steps).collect();
    let changed = last_of_each(commits.iter().filter_map(|commit| updated(commit)));
    let payloads = payloads(commits.iter().flat_map(|commit| &commit.announcements));
    let (new_params, step_params, changed_params) = (new.to_insert(), steps.params(), changed.to_update());
    let (grant_params, notify_params): (_, [Param<'_>; 1]) = (grants.params(), [&payloads]);
    let mut statements: Vec<(&'static str, &[Param<'_>], u64)> = vec![
        (INSERT_ATTEMPTS, &new_params, new.count()),
        (INSERT_STEPS, &step_params, steps.count()),
        (UPDATE_ATTEMPTS, &changed_params, changed.count()),
        (INSERT_ENTRIES, &grant_params, grants.count()),
        // Tells how many there were in one row.
        (NOTIFY, &notify_params, u64::from(!payloads.is_empty())),
    ];
    statements.retain(|(_, _, rows)| *rows > 0);
    let counts = begin_with(session, &statements, noting).await.map_err(|error| Fault::before(&error));
    match counts {
        Ok(counts) if counts.iter().zip(&statements).all(|(count, (_, _, rows))| count == rows) => {
            session.run("COMMIT").await.map_err(|error| Fault::at_commit(&error))
        }
        Ok(_) => Err(roll_back(session, Fault::Clashed).await),
        Err(fault) => Err(roll_back(session, fault).await),
    }
}

/// Sends a transaction up to its end in one go; how many rows each statement wrote.
async fn begin_with(
    session: &Session,
    statements: &[(&'static str, &[Param<'_>], u64)],
    noting: &Noting<'_>,
) -> Result<Vec<u64>, Error> {
    // Prepared before anything is sent, or the order would not hold.
    session.prepared(NOTE_TIME).await?;
    let mut writing = Vec::with_capacity(statements.len());
    for (sql, params, _) in statements {
        session.prepared(sql).await?;
        writing.push(session.execute(sql, params));
    }
    let (begun, noted, counts) =
        tokio::join!(biased; session.run("BEGIN"), noting.note(session), try_join_all(writing));
    begun?;
    noted?;
    counts
}

/// Everything a commit may hold, up to but without the COMMIT.
async fn with_verdicts(session: &Session, commits: &[&Commit], noting: &Noting<'_>) -> Result<Written, Trouble> {
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
    noting.note(session).await?;
    Ok(written)
}

async fn insert_attempts(session: &Session, commits: &[&Commit], written: &mut Written) -> Result<(), Trouble> {
    let trying = written.kept(commits).into_iter();
    let rows: Vec<(usize, &AttemptRow)> =
        trying.filter_map(|(place, commit)| Some((place, inserted(commit)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns: Rows<'_> = rows.iter().map(|(_, attempt)| *attempt).collect();
    // Refused as a whole where a learner is not there.
    let made = session.query(INSERT_ATTEMPTS, &columns.to_insert()).await.map_err(refusal)?;
    let mut made = ids(&made)?;
    for (place, attempt) in rows {
        // Of two with one id the first was written.
        if !made.remove(&attempt.id.0) {
            written.fail(place, attempt_conflict(session, attempt).await?, false);
        }
    }
    Ok(())
}

async fn insert_steps(session: &Session, commits: &[&Commit], written: &mut Written) -> Result<(), Trouble> {
    let trying = written.kept(commits);
    if trying.is_empty() {
        return Ok(());
    }
    let columns: Steps<'_> = trying.iter().flat_map(|(_, commit)| &commit.steps).collect();
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
    let trying = written.kept(commits).into_iter();
    let rows: Vec<(usize, &AttemptRow)> =
        trying.filter_map(|(place, commit)| Some((place, updated(commit)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = last_of_each(rows.iter().map(|(_, attempt)| *attempt));
    let changed = match session.query(UPDATE_ATTEMPTS, &columns.to_update()).await {
        Ok(changed) => ids(&changed)?,
        // Only what an update may change: an attempt that lives again beside an open one.
        Err(error) if is_duplicate(&error) => return Err(Trouble::Refused(CommitError::OpenAttempt)),
        Err(error) => return Err(error.into()),
    };
    for (place, attempt) in rows {
        if !changed.contains(&attempt.id.0) {
            written.fail(place, no_row(attempt.id).into(), true);
        }
    }
    Ok(())
}

/// The ids that a statement returned.
fn ids(rows: &[Row]) -> Result<HashSet<Uuid>, StoreError> {
    rows.iter().map(|row| get(row, 0)).collect()
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
