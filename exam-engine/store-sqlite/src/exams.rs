//! Exams and personal exceptions. An exam is kept as its JSON, beside the columns that are searched or
//! must be unique.

use crate::SqliteStore;
use crate::audit;
use crate::convert::{execute, json, limit, row, rows, time, to_json};
use crate::failure::{Failure, missing, taken};
use crate::people::found;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::exam::{Exam, ExamState};
use exam_core::{ExamId, PersonId, Timestamp};
use exam_store::{Announcement, Exams, OverrideRow, Page, StoreError};
use rusqlite::{Connection, Row, params};

#[async_trait]
impl Exams for SqliteStore {
    async fn create_exam(&self, exam: Exam, secret: [u8; 32], audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO exams (id, code, course, bank, state, secret, body) VALUES (?, ?, ?, ?, ?, ?, ?)";
        let body = to_json(&exam)?;
        self.writer
            .write(move |connection| {
                let (id, course, bank) = (exam.id.bytes(), exam.course.bytes(), exam.bank.bytes());
                execute(connection, sql, params![id, exam.code, course, bank, state_name(&exam.state), secret, body])
                    .map_err(|error| taken(error, "code"))?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn update_draft(&self, exam: Exam, audit: NewAudit) -> Result<(), StoreError> {
        let sql =
            "UPDATE exams SET code = ?, course = ?, bank = ?, state = ?, body = ? WHERE id = ? AND state = 'draft'";
        let body = to_json(&exam)?;
        let changed = vec![Announcement::ExamChanged { exam: exam.id }];
        let work = move |connection: &Connection| {
            let (id, course, bank) = (exam.id.bytes(), exam.course.bytes(), exam.bank.bytes());
            let values = params![exam.code, course, bank, state_name(&exam.state), body, id];
            found(execute(connection, sql, values).map_err(|error| taken(error, "code"))?)?;
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, changed).await
    }

    async fn set_results_at(&self, exam: ExamId, at: Option<Timestamp>, audit: NewAudit) -> Result<(), StoreError> {
        let changed = vec![Announcement::ExamChanged { exam }];
        let work = move |connection: &Connection| {
            set_results_at(connection, exam, at)?;
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, changed).await
    }

    async fn exam(&self, id: ExamId) -> Result<Option<Exam>, StoreError> {
        let sql = "SELECT body FROM exams WHERE id = ?";
        self.readers.read(move |connection| row(connection, sql, [id.bytes()], |row| json(row, 0))).await
    }

    async fn exam_by_code(&self, code: &str) -> Result<Option<Exam>, StoreError> {
        let sql = "SELECT body FROM exams WHERE code = ?";
        let code = code.to_owned();
        self.readers.read(move |connection| row(connection, sql, [code], |row| json(row, 0))).await
    }

    async fn exams_by_ids(&self, ids: Vec<ExamId>) -> Result<Vec<Exam>, StoreError> {
        let sql = "SELECT body FROM exams WHERE id IN (SELECT unhex(value) FROM json_each(?))";
        let ids: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
        let ids = to_json(&ids)?;
        self.readers.read(move |connection| rows(connection, sql, [ids], |row| json(row, 0))).await
    }

    async fn exams(&self) -> Result<Vec<Exam>, StoreError> {
        let sql = "SELECT body FROM exams ORDER BY code";
        self.readers.read(move |connection| rows(connection, sql, [], |row| json(row, 0))).await
    }

    async fn exam_secret(&self, id: ExamId) -> Result<Option<[u8; 32]>, StoreError> {
        let sql = "SELECT secret FROM exams WHERE id = ?";
        self.readers.read(move |connection| row(connection, sql, [id.bytes()], |row| row.get(0))).await
    }

    async fn add_override(&self, new: OverrideRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO overrides (exam, person, exception, reason, granted_by, at) VALUES (?, ?, ?, ?, ?, ?)";
        let exception = to_json(&new.exception)?;
        let changed = vec![Announcement::ExamChanged { exam: new.exam }];
        let work = move |connection: &Connection| {
            let (exam, person, by) = (new.exam.bytes(), new.person.bytes(), new.by.bytes());
            execute(connection, sql, params![exam, person, exception, new.reason, by, new.at.ms()]).map_err(missing)?;
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, changed).await
    }

    async fn overrides(&self, exam: ExamId, person: PersonId) -> Result<Vec<OverrideRow>, StoreError> {
        self.readers.read(move |connection| overrides(connection, exam, person)).await
    }

    async fn overrides_at(&self, exam: ExamId, page: Page<i64>) -> Result<Vec<(i64, OverrideRow)>, StoreError> {
        let sql = "SELECT exam, person, exception, reason, granted_by, at, id FROM overrides \
                   WHERE exam = ? AND id < ? ORDER BY id DESC LIMIT ?";
        let key = (exam.bytes(), page.after.unwrap_or(i64::MAX), limit(page.limit));
        let numbered = |row: &Row<'_>| Ok((row.get(6)?, override_row(row)?));
        self.readers.read(move |connection| rows(connection, sql, key, numbered)).await
    }
}

/// A person's exceptions at an exam.
pub(crate) fn overrides(connection: &Connection, exam: ExamId, person: PersonId) -> rusqlite::Result<Vec<OverrideRow>> {
    let sql = "SELECT exam, person, exception, reason, granted_by, at FROM overrides \
               WHERE exam = ? AND person = ? ORDER BY id";
    rows(connection, sql, (exam.bytes(), person.bytes()), override_row)
}

fn set_results_at(connection: &Connection, id: ExamId, at: Option<Timestamp>) -> Result<(), Failure> {
    let sql = "SELECT body FROM exams WHERE id = ? AND state = 'published'";
    let exam: Option<Exam> = row(connection, sql, [id.bytes()], |row| json(row, 0))?;
    let mut exam = exam.ok_or(StoreError::NotFound)?;
    exam.rules.results_at = at;
    execute(connection, "UPDATE exams SET body = ? WHERE id = ?", params![to_json(&exam)?, id.bytes()])?;
    Ok(())
}

const fn state_name(state: &ExamState) -> &'static str {
    match state {
        ExamState::Draft => "draft",
        ExamState::Published { .. } => "published",
    }
}

fn override_row(row: &Row<'_>) -> rusqlite::Result<OverrideRow> {
    Ok(OverrideRow {
        exam: ExamId::from_bytes(row.get(0)?),
        person: PersonId::from_bytes(row.get(1)?),
        exception: json(row, 2)?,
        reason: row.get(3)?,
        by: PersonId::from_bytes(row.get(4)?),
        at: time(row, 5)?,
    })
}
