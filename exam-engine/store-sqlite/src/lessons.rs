//! Lessons and what learners do in them: making, listing, reading. What learners do is written by [`commit`].

mod commit;

use crate::SqliteStore;
use crate::audit;
use crate::convert::{count, execute, json, limit, named, points, row, rows, step, time, time_opt, to_json};
use crate::failure::{Failure, taken};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::log::StepRow;
use exam_core::{BankId, CourseId, LessonId, PartnerId, PersonId, StudyId};
use exam_store::{
    Checkpoint, CommitError, LessonCommit, LessonRow, Lessons, Page, ProgressRow, ProgressState, StoreError, StudyRow,
};
use question_bank::Points;
use rusqlite::{Connection, Row, params};

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

#[async_trait]
impl Lessons for SqliteStore {
    async fn create_lesson(&self, lesson: LessonRow, audit: NewAudit) -> Result<(), StoreError> {
        let policy = to_json(&lesson.policy)?;
        self.writer
            .write(move |connection| {
                insert_lesson(connection, &lesson, &policy)?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn lesson(&self, id: LessonId) -> Result<Option<LessonRow>, StoreError> {
        let sql = lessons!("WHERE l.id = ?");
        self.readers.read(move |connection| row(connection, sql, [id.bytes()], lesson_row)).await
    }

    async fn lesson_by_code(&self, code: &str) -> Result<Option<LessonRow>, StoreError> {
        let sql = lessons!("WHERE l.code = ?");
        let code = code.to_owned();
        self.readers.read(move |connection| row(connection, sql, [code], lesson_row)).await
    }

    async fn lessons(&self, course: Option<CourseId>) -> Result<Vec<LessonRow>, StoreError> {
        let of_all = lessons!("ORDER BY l.code");
        let of_course = lessons!(
            "WHERE l.course = ?1 OR l.id IN (SELECT lesson FROM course_lessons WHERE course = ?1) ORDER BY l.code"
        );
        self.readers
            .read(move |connection| match course {
                Some(course) => rows(connection, of_course, [course.bytes()], lesson_row),
                None => rows(connection, of_all, [], lesson_row),
            })
            .await
    }

    async fn set_course_lessons(
        &self,
        course: CourseId,
        lessons: Vec<LessonId>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| {
                list_lessons(connection, course, &lessons)?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn course_lessons(&self) -> Result<Vec<(CourseId, LessonId)>, StoreError> {
        let sql = "SELECT course, lesson FROM course_lessons ORDER BY course, place";
        let pair = |row: &Row<'_>| Ok((CourseId::from_bytes(row.get(0)?), LessonId::from_bytes(row.get(1)?)));
        self.readers.read(move |connection| rows(connection, sql, [], pair)).await
    }

    async fn commit_lesson(&self, mut commit: LessonCommit) -> Result<(), CommitError> {
        let announcements = std::mem::take(&mut commit.announcements);
        self.writer.run(move |connection| commit::apply(connection, &commit), announcements).await
    }

    async fn lesson_steps(&self, learner: PersonId, lesson: LessonId) -> Result<Vec<StepRow<LessonId>>, StoreError> {
        let sql = "SELECT p.learner, p.lesson, s.seq, s.at, s.actor, s.node, s.command, s.digest, s.body, s.hash \
                   FROM lesson_progress p JOIN lesson_steps s ON s.progress_no = p.no \
                   WHERE p.learner = ? AND p.lesson = ? ORDER BY s.seq";
        let key = (learner.bytes(), lesson.bytes());
        self.readers.read(move |connection| rows(connection, sql, key, |row| step(row, LessonId::from_bytes))).await
    }

    async fn progress(&self, learner: PersonId, lesson: LessonId) -> Result<Option<ProgressRow>, StoreError> {
        let sql = progress!("WHERE learner = ? AND lesson = ?");
        let key = (learner.bytes(), lesson.bytes());
        self.readers.read(move |connection| row(connection, sql, key, progress_row)).await
    }

    async fn progress_of(&self, learner: PersonId) -> Result<Vec<ProgressRow>, StoreError> {
        let sql = progress!("WHERE learner = ? ORDER BY lesson");
        self.readers.read(move |connection| rows(connection, sql, [learner.bytes()], progress_row)).await
    }

    async fn save_progress(&self, checkpoints: Vec<Checkpoint>) -> Result<Vec<bool>, StoreError> {
        if checkpoints.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.write(move |connection| commit::save_all(connection, &checkpoints)).await
    }

    async fn study(&self, learner: PersonId) -> Result<Option<StudyRow>, StoreError> {
        let sql = "SELECT learner, study, epoch, lesson, partner, opened_at FROM studies WHERE learner = ?";
        self.readers.read(move |connection| row(connection, sql, [learner.bytes()], study_row)).await
    }

    async fn lesson_logs(&self, page: Page<(PersonId, LessonId)>) -> Result<Vec<(PersonId, LessonId)>, StoreError> {
        let sql = "SELECT learner, lesson FROM lesson_progress WHERE (learner, lesson) > (?, ?) \
                   ORDER BY learner, lesson LIMIT ?";
        // The empty blob lies before all ids.
        let after = page.after.map(|(learner, lesson)| (learner.bytes().to_vec(), lesson.bytes().to_vec()));
        let (learner, lesson) = after.unwrap_or_default();
        let limit = limit(page.limit);
        let pair = |row: &Row<'_>| Ok((PersonId::from_bytes(row.get(0)?), LessonId::from_bytes(row.get(1)?)));
        self.readers.read(move |connection| rows(connection, sql, (learner, lesson, limit), pair)).await
    }
}

fn insert_lesson(connection: &Connection, lesson: &LessonRow, policy: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO lessons (id, code, course, title, duration_ms, bank, bank_revision, bank_version, policy, \
               hours, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = params![
        lesson.id.bytes(),
        lesson.code,
        lesson.course.bytes(),
        lesson.title,
        lesson.duration_ms,
        lesson.bank.bytes(),
        lesson.bank_revision,
        lesson.bank_version,
        policy,
        lesson.hours.map(Points::hundredths),
        lesson.created_at.ms()
    ];
    execute(connection, sql, values).map(drop).map_err(|error| taken(error, "code"))
}

fn list_lessons(connection: &Connection, course: CourseId, lessons: &[LessonId]) -> Result<(), Failure> {
    let known = row(connection, "SELECT 1 FROM courses WHERE id = ?", [course.bytes()], |_| Ok(()))?;
    known.ok_or(StoreError::NotFound)?;
    execute(connection, "DELETE FROM course_lessons WHERE course = ?", [course.bytes()])?;
    let sql = "INSERT INTO course_lessons (course, place, lesson) VALUES (?, ?, ?)";
    for (place, lesson) in (1_i64..).zip(lessons) {
        execute(connection, sql, params![course.bytes(), place, lesson.bytes()])
            .map_err(|error| taken(error, "lessons"))?;
    }
    Ok(())
}

fn lesson_row(row: &Row<'_>) -> rusqlite::Result<LessonRow> {
    Ok(LessonRow {
        id: LessonId::from_bytes(row.get(0)?),
        code: row.get(1)?,
        course: CourseId::from_bytes(row.get(2)?),
        title: row.get(3)?,
        duration_ms: row.get(4)?,
        bank: BankId::from_bytes(row.get(5)?),
        bank_revision: row.get(6)?,
        bank_version: row.get(7)?,
        policy: json(row, 8)?,
        hours: row.get::<_, Option<i64>>(9)?.map(Points::from_hundredths),
        created_at: time(row, 10)?,
    })
}

fn progress_row(row: &Row<'_>) -> rusqlite::Result<ProgressRow> {
    Ok(ProgressRow {
        learner: PersonId::from_bytes(row.get(0)?),
        lesson: LessonId::from_bytes(row.get(1)?),
        seq: row.get(2)?,
        epoch: count(row, 3)?,
        state: named(row, 4, ProgressState::parse)?,
        covered: json(row, 5)?,
        position_ms: row.get(6)?,
        asked: row.get(7)?,
        passed: row.get(8)?,
        completed_at: time_opt(row, 9)?,
        hours: points(row, 10)?,
        updated_at: time(row, 11)?,
    })
}

fn study_row(row: &Row<'_>) -> rusqlite::Result<StudyRow> {
    Ok(StudyRow {
        learner: PersonId::from_bytes(row.get(0)?),
        study: StudyId::from_bytes(row.get(1)?),
        epoch: count(row, 2)?,
        lesson: LessonId::from_bytes(row.get(3)?),
        partner: row.get::<_, Option<[u8; 16]>>(4)?.map(PartnerId::from_bytes),
        opened_at: time(row, 5)?,
    })
}
