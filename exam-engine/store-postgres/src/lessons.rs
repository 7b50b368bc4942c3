//! Lessons and what learners do in them: making, listing, reading. What learners do is written by [`commit`].

pub(crate) mod commit;

use crate::PostgresStore;
use crate::audit;
use crate::connect::{Param, Session, read_all, read_first};
use crate::convert::{Json, Time, count, get, json, large, limit, named, points, step, time, time_opt, to_json};
use crate::failure::taken;
use crate::people::found;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::log::StepRow;
use exam_core::{BankId, CourseId, LessonId, PartnerId, PersonId, StudyId};
use exam_store::{
    Checkpoint, CommitError, LessonCommit, LessonRow, Lessons, Page, ProgressRow, ProgressState, StoreError, StudyRow,
};
use question_bank::Points;
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! lessons {
    ($rest:literal) => {
        concat!(
            "SELECT l.id, l.code, l.course, l.title, l.duration_ms, l.bank, l.bank_revision, l.bank_version, l.policy, \
             l.hours, l.created_at FROM lessons l ",
            $rest
        )
    };
}

macro_rules! progress {
    ($rest:literal) => {
        concat!(
            "SELECT learner, lesson, seq, epoch, state, covered, position_ms, asked, passed, completed_at, hours, \
             updated_at FROM lesson_progress ",
            $rest
        )
    };
}

pub(crate) const LESSON_STEPS_OF: &str = "SELECT learner, lesson, seq, at, actor, node, command, digest, body, hash \
    FROM lesson_steps WHERE learner = $1 AND lesson = $2 ORDER BY seq";
pub(crate) const PROGRESS: &str = progress!("WHERE learner = $1 AND lesson = $2");
pub(crate) const PROGRESS_OF: &str = progress!("WHERE learner = $1 ORDER BY lesson");
pub(crate) const STUDY_OF: &str =
    "SELECT learner, study, epoch, lesson, partner, opened_at FROM studies WHERE learner = $1";

#[async_trait]
impl Lessons for PostgresStore {
    async fn create_lesson(&self, lesson: LessonRow, audit: NewAudit) -> Result<(), StoreError> {
        let policy = Json(to_json(&lesson.policy)?);
        let transaction = self.writers.begin().await?;
        insert_lesson(&transaction, &lesson, &policy).await?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn lesson(&self, id: LessonId) -> Result<Option<LessonRow>, StoreError> {
        read_first(&self.lines.read(lessons!("WHERE l.id = $1"), &[&id.0]).await?, lesson_row)
    }

    async fn lesson_by_code(&self, code: &str) -> Result<Option<LessonRow>, StoreError> {
        read_first(&self.readers.read(lessons!("WHERE l.code = $1"), &[&code]).await?, lesson_row)
    }

    async fn lessons(&self, course: Option<CourseId>) -> Result<Vec<LessonRow>, StoreError> {
        let of_course = lessons!(
            "WHERE l.course = $1 OR l.id IN (SELECT lesson FROM course_lessons WHERE course = $1) ORDER BY l.code"
        );
        let rows = match course {
            Some(course) => self.readers.read(of_course, &[&course.0]).await?,
            None => self.readers.read(lessons!("ORDER BY l.code"), &[]).await?,
        };
        read_all(&rows, lesson_row)
    }

    async fn set_course_lessons(
        &self,
        course: CourseId,
        lessons: Vec<LessonId>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let transaction = self.writers.begin().await?;
        list_lessons(&transaction, course, &lessons).await?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn course_lessons(&self) -> Result<Vec<(CourseId, LessonId)>, StoreError> {
        let sql = "SELECT course, lesson FROM course_lessons ORDER BY course, place";
        let pair = |row: &Row| Ok((CourseId(get(row, 0)?), LessonId(get(row, 1)?)));
        read_all(&self.readers.read(sql, &[]).await?, pair)
    }

    async fn commit_lesson(&self, commit: LessonCommit) -> Result<(), CommitError> {
        self.lessons.commit(commit).await
    }

    async fn lesson_steps(&self, learner: PersonId, lesson: LessonId) -> Result<Vec<StepRow<LessonId>>, StoreError> {
        let rows = self.lines.read(LESSON_STEPS_OF, &[&learner.0, &lesson.0]).await?;
        read_all(&rows, |row| step(row, LessonId))
    }

    async fn progress(&self, learner: PersonId, lesson: LessonId) -> Result<Option<ProgressRow>, StoreError> {
        read_first(&self.lines.read(PROGRESS, &[&learner.0, &lesson.0]).await?, progress_row)
    }

    async fn progress_of(&self, learner: PersonId) -> Result<Vec<ProgressRow>, StoreError> {
        read_all(&self.lines.read(PROGRESS_OF, &[&learner.0]).await?, progress_row)
    }

    async fn save_progress(&self, checkpoints: Vec<Checkpoint>) -> Result<Vec<bool>, StoreError> {
        if checkpoints.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.writers.begin().await?;
        let saved = commit::save_all(&transaction, self.node, &checkpoints).await?;
        transaction.commit().await?;
        Ok(saved)
    }

    async fn study(&self, learner: PersonId) -> Result<Option<StudyRow>, StoreError> {
        read_first(&self.lines.read(STUDY_OF, &[&learner.0]).await?, study_row)
    }

    async fn lesson_logs(&self, page: Page<(PersonId, LessonId)>) -> Result<Vec<(PersonId, LessonId)>, StoreError> {
        let sql = "SELECT learner, lesson FROM lesson_progress WHERE (learner, lesson) > ($1, $2) \
                   ORDER BY learner, lesson LIMIT $3";
        // None of ours is zero.
        let (learner, lesson) =
            page.after.map_or((Uuid::nil(), Uuid::nil()), |(learner, lesson)| (learner.0, lesson.0));
        let pair = |row: &Row| Ok((PersonId(get(row, 0)?), LessonId(get(row, 1)?)));
        read_all(&self.readers.read(sql, &[&learner, &lesson, &limit(page.limit)]).await?, pair)
    }
}

async fn insert_lesson(session: &Session, lesson: &LessonRow, policy: &Json) -> Result<(), StoreError> {
    let sql = "INSERT INTO lessons (id, code, course, title, duration_ms, bank, bank_revision, bank_version, policy, \
               hours, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let params: [Param<'_>; 11] = [
        &lesson.id.0,
        &lesson.code,
        &lesson.course.0,
        &lesson.title,
        &lesson.duration_ms,
        &lesson.bank.0,
        &lesson.bank_revision,
        &lesson.bank_version,
        policy,
        &lesson.hours.map(Points::hundredths),
        &Time(lesson.created_at),
    ];
    session.execute(sql, &params).await.map(drop).map_err(|error| taken(&error, "code"))
}

async fn list_lessons(session: &Session, course: CourseId, lessons: &[LessonId]) -> Result<(), StoreError> {
    // Held until the commit: of two that set the list at once, the later one's stands whole.
    let known = session.rows("SELECT 1 FROM courses WHERE id = $1 FOR UPDATE", &[&course.0]).await?;
    found(known.len() as u64)?;
    session.rows("DELETE FROM course_lessons WHERE course = $1", &[&course.0]).await?;
    let sql = "INSERT INTO course_lessons (course, place, lesson) VALUES ($1, $2, $3)";
    for (place, lesson) in (1_i64..).zip(lessons) {
        session.execute(sql, &[&course.0, &place, &lesson.0]).await.map_err(|error| taken(&error, "lessons"))?;
    }
    Ok(())
}

fn lesson_row(row: &Row) -> Result<LessonRow, StoreError> {
    Ok(LessonRow {
        id: LessonId(get(row, 0)?),
        code: get(row, 1)?,
        course: CourseId(get(row, 2)?),
        title: get(row, 3)?,
        duration_ms: get(row, 4)?,
        bank: BankId(get(row, 5)?),
        bank_revision: get(row, 6)?,
        bank_version: get(row, 7)?,
        policy: json(row, 8)?,
        hours: get::<Option<i64>>(row, 9)?.map(Points::from_hundredths),
        created_at: time(row, 10)?,
    })
}

fn progress_row(row: &Row) -> Result<ProgressRow, StoreError> {
    Ok(ProgressRow {
        learner: PersonId(get(row, 0)?),
        lesson: LessonId(get(row, 1)?),
        seq: count(row, 2)?,
        epoch: large(row, 3)?,
        state: named(row, 4, ProgressState::parse)?,
        covered: json(row, 5)?,
        position_ms: get(row, 6)?,
        asked: count(row, 7)?,
        passed: count(row, 8)?,
        completed_at: time_opt(row, 9)?,
        hours: points(row, 10)?,
        updated_at: time(row, 11)?,
    })
}

fn study_row(row: &Row) -> Result<StudyRow, StoreError> {
    Ok(StudyRow {
        learner: PersonId(get(row, 0)?),
        study: StudyId(get(row, 1)?),
        epoch: large(row, 2)?,
        lesson: LessonId(get(row, 3)?),
        partner: get::<Option<Uuid>>(row, 4)?.map(PartnerId),
        opened_at: time(row, 5)?,
    })
}
