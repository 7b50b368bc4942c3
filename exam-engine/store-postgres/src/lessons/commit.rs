//! Commits, written: the fence, the steps, the learner's row, the hours and what partners are told, in this
//! order. The fence comes first: a study that was taken over must not wait to find out by a step's number,
//! and who holds the fence keeps others from taking it until the commit.

use crate::audit::SITE;
use crate::connect::{Param, Session};
use crate::convert::{Json, Time, epoch, int, to_json};
use crate::failure::{refusal, store_error};
use crate::lane::{Failures, Fault, Trouble, Work, Written};
use crate::times::{Noting, note_time};
use crate::{announcements, ledger, outbox};
use exam_core::log::StepRow;
use exam_core::{LessonId, PersonId, Timestamp};
use exam_store::{Checkpoint, CommitError, Fence, LessonCommit, ProgressRow, StoreError, StudyRow};
use futures_util::future::join_all;
use tokio_postgres::Error;
use uuid::Uuid;

pub(crate) const HOLD: &str = "SELECT 1 FROM studies WHERE learner = $1 AND study = $2 AND epoch = $3 FOR SHARE";
pub(crate) const TAKE_FIRST: &str = "INSERT INTO studies (learner, study, epoch, lesson, partner, opened_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (learner) DO NOTHING";
pub(crate) const TAKE_OVER: &str = "UPDATE studies SET study = $2, epoch = $3, lesson = $4, partner = $5, \
    opened_at = $6 WHERE learner = $1 AND epoch = $7";
pub(crate) const PUT_ROW: &str = "INSERT INTO lesson_progress (learner, lesson, seq, epoch, state, covered, \
    position_ms, asked, passed, completed_at, hours, updated_at) \
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 WHERE EXISTS (SELECT 1 FROM lessons WHERE id = $2) \
    ON CONFLICT (learner, lesson) DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch, state = excluded.state, \
    covered = excluded.covered, position_ms = excluded.position_ms, asked = excluded.asked, passed = excluded.passed, \
    completed_at = excluded.completed_at, hours = excluded.hours, updated_at = excluded.updated_at";
pub(crate) const INSERT_STEP: &str = "INSERT INTO lesson_steps (learner, lesson, seq, at, actor, node, command, \
    digest, body, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
pub(crate) const SAVE: &str = "UPDATE lesson_progress p SET covered = $5, position_ms = $6, updated_at = $7 \
    FROM studies s WHERE p.learner = $1 AND p.lesson = $2 AND p.seq = $3 AND p.epoch = $4 AND p.updated_at <= $7 \
    AND s.learner = p.learner AND s.learner = $1 AND s.epoch = $4 AND s.lesson = $2";

impl Work for LessonCommit {
    const WRITER: &'static str = "lessons";

    fn check(&self) -> Result<(), StoreError> {
        Self::check(self)
    }

    fn key(&self) -> (PersonId, Uuid) {
        (self.row.learner, self.row.lesson.0)
    }

    fn latest(&self) -> Option<Timestamp> {
        self.steps.iter().map(|step| step.at).max()
    }

    /// The fence of each has a verdict of its own.
    fn fits_at_once(&self) -> bool {
        false
    }

    async fn write_at_once(_: &Session, _: &[&Self], _: &Noting<'_>) -> Result<Failures, Fault> {
        Err(Fault::Clashed)
    }

    async fn write(session: &Session, commits: &[&Self], noting: &Noting<'_>) -> Result<Written, Trouble> {
        session.run("BEGIN").await?;
        let mut written = Written::default();
        pass_fences(session, commits, &mut written).await?;
        insert_steps(session, commits, &mut written).await?;
        put_rows(session, commits, &mut written).await?;
        let kept = written.kept(commits);
        let grants = kept.iter().filter_map(|(place, commit)| Some((*place, commit.grant.as_ref()?)));
        ledger::grant(session, grants.collect(), &mut written).await?;
        let tellings = kept.iter().filter_map(|(place, commit)| Some((*place, commit.outbox.as_ref()?)));
        outbox::append(session, tellings.collect(), &mut written).await?;
        if written.leaves_traces {
            return Ok(written);
        }
        let said = written.kept(commits).into_iter().flat_map(|(_, commit)| &commit.announcements);
        announcements::send(session, said).await?;
        noting.note(session).await?;
        Ok(written)
    }
}

/// In the order of the batch: of a learner's two, the second finds what the first did.
async fn pass_fences(session: &Session, commits: &[&LessonCommit], written: &mut Written) -> Result<(), Trouble> {
    let passing = commits.iter().map(|commit| async move {
        match &commit.fence {
            Fence::Take { from, to } => take(session, *from, to).await,
            Fence::Hold { study, epoch: held } => {
                let held = session.query(HOLD, &[&commit.row.learner.0, &study.0, &epoch(*held)]).await?;
                Ok(held.len() as u64)
            }
        }
    });
    for sql in [HOLD, TAKE_FIRST, TAKE_OVER, INSERT_STEP, PUT_ROW] {
        // Before anything is sent, or the order would not hold.
        session.prepared(sql).await?;
    }
    for (place, passed) in join_all(passing).await.into_iter().enumerate() {
        if passed.map_err(refusal)? == 0 {
            written.fail(place, CommitError::StudyTaken, false);
        }
    }
    Ok(())
}

async fn take(session: &Session, from: Option<u64>, to: &StudyRow) -> Result<u64, Error> {
    let (partner, opened_at) = (to.partner.map(|partner| partner.0), Time(to.opened_at));
    let new = epoch(to.epoch);
    match from {
        None => {
            let params: [Param<'_>; 6] = [&to.learner.0, &to.study.0, &new, &to.lesson.0, &partner, &opened_at];
            session.execute(TAKE_FIRST, &params).await
        }
        Some(from) => {
            let from = epoch(from);
            let params: [Param<'_>; 7] = [&to.learner.0, &to.study.0, &new, &to.lesson.0, &partner, &opened_at, &from];
            session.execute(TAKE_OVER, &params).await
        }
    }
}

async fn insert_steps(session: &Session, commits: &[&LessonCommit], written: &mut Written) -> Result<(), Trouble> {
    let steps: Vec<(usize, &StepRow<LessonId>)> = written
        .kept(commits)
        .into_iter()
        .flat_map(|(place, commit)| commit.steps.iter().map(move |step| (place, step)))
        .collect();
    let inserting = steps.iter().map(|(_, step)| insert_step(session, step));
    let inserted = join_all(inserting).await.into_iter().collect::<Result<Vec<u64>, Error>>()?;
    let is_in = |place: usize| steps.iter().zip(&inserted).any(|((of, _), count)| *of == place && *count == 1);
    for ((place, step), count) in steps.iter().zip(&inserted) {
        if *count == 0 && !written.failures.contains_key(place) {
            let takes = matches!(commits[*place].fence, Fence::Take { .. });
            written.fail(*place, step_conflict(session, step).await?, takes || is_in(*place));
        }
    }
    Ok(())
}

async fn insert_step(session: &Session, step: &StepRow<LessonId>) -> Result<u64, Error> {
    let (command, digest) = step.command.as_ref().map(|(command, digest)| (command, &digest[..])).unzip();
    let (actor, node) = (step.actor.map(|actor| actor.0), i32::from(step.node));
    let hash = &step.hash[..];
    let params: [Param<'_>; 10] = [
        &step.learner.0,
        &step.log.0,
        &int(step.seq),
        &Time(step.at),
        &actor,
        &node,
        &command,
        &digest,
        &step.body,
        &hash,
    ];
    session.execute(INSERT_STEP, &params).await
}

async fn step_conflict(session: &Session, step: &StepRow<LessonId>) -> Result<CommitError, Error> {
    let Some((command, _)) = step.command else { return Ok(CommitError::SeqTaken) };
    let sql = "SELECT 1 FROM lesson_steps WHERE learner = $1 AND lesson = $2 AND command = $3";
    let taken = session.query(sql, &[&step.learner.0, &step.log.0, &command]).await?;
    Ok(if taken.is_empty() { CommitError::SeqTaken } else { CommitError::CommandTaken })
}

/// The learner tables have no foreign key to lessons: a row of one that is not there is not written.
async fn put_rows(session: &Session, commits: &[&LessonCommit], written: &mut Written) -> Result<(), Trouble> {
    let rows = written.kept(commits);
    let putting = rows.iter().map(|(_, commit)| put_row(session, &commit.row));
    for ((place, _), put) in rows.iter().zip(join_all(putting).await) {
        if put? == 0 {
            written.fail(*place, StoreError::NotFound.into(), true);
        }
    }
    Ok(())
}

async fn put_row(session: &Session, new: &ProgressRow) -> Result<u64, Trouble> {
    let covered = Json(to_json(&new.covered)?);
    let params: [Param<'_>; 12] = [
        &new.learner.0,
        &new.lesson.0,
        &int(new.seq),
        &epoch(new.epoch),
        &new.state.name(),
        &covered,
        &new.position_ms,
        &int(new.asked),
        &int(new.passed),
        &new.completed_at.map(Time),
        &new.hours.hundredths(),
        &Time(new.updated_at),
    ];
    session.execute(PUT_ROW, &params).await.map_err(refusal)
}

/// Writes coverage where its study is still the active one and nothing came after it.
pub(super) async fn save_all(
    session: &Session,
    node: i32,
    checkpoints: &[Checkpoint],
) -> Result<Vec<bool>, StoreError> {
    // All nodes in one order; those of one lesson stay in theirs.
    let mut order: Vec<usize> = (0..checkpoints.len()).collect();
    order.sort_by_key(|place| (checkpoints[*place].learner, checkpoints[*place].lesson));
    session.prepared(SAVE).await.map_err(|error| store_error(&error))?;
    let saving = order.iter().map(|place| save(session, &checkpoints[*place]));
    let mut saved = vec![false; checkpoints.len()];
    for (place, outcome) in order.iter().zip(join_all(saving).await) {
        saved[*place] = outcome?;
    }
    if let Some(latest) = checkpoints.iter().map(|checkpoint| checkpoint.at).max() {
        note_time(session, node, SITE, latest).await.map_err(|error| store_error(&error))?;
    }
    Ok(saved)
}

async fn save(session: &Session, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
    let covered = Json(to_json(&checkpoint.covered)?);
    let params: [Param<'_>; 7] = [
        &checkpoint.learner.0,
        &checkpoint.lesson.0,
        &int(checkpoint.seq),
        &epoch(checkpoint.epoch),
        &covered,
        &checkpoint.position_ms,
        &Time(checkpoint.at),
    ];
    session.execute(SAVE, &params).await.map(|count| count == 1).map_err(|error| store_error(&error))
}
