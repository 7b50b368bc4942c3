//! Exams and personal exceptions. An exam is kept as its JSON, beside the columns that are searched or
//! must be unique.

use crate::PostgresStore;
use crate::connect::{read_all, read_first};
use crate::convert::{Json, Time, bytes, get, json, limit, time, to_json};
use crate::failure::{missing, store_error, taken};
use crate::people::found;
use crate::pool::Transaction;
use crate::{announcements, audit};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::exam::{Exam, ExamState};
use exam_core::{ExamId, PersonId, Timestamp};
use exam_store::{Announcement, Exams, OverrideRow, Page, StoreError};
use tokio_postgres::Row;
use uuid::Uuid;

#[async_trait]
impl Exams for PostgresStore {
    async fn create_exam(&self, exam: Exam, secret: [u8; 32], audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO exams (id, code, course, bank, state, secret, body) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let (body, state, secret) = (Json(to_json(&exam)?), state_name(&exam.state), &secret[..]);
        let transaction = self.writers.begin().await?;
        transaction
            .execute(sql, &[&exam.id.0, &exam.code, &exam.course.0, &exam.bank.0, &state, &secret, &body])
            .await
            .map_err(|error| taken(&error, "code"))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn update_draft(&self, exam: Exam, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "UPDATE exams SET code = $1, course = $2, bank = $3, state = $4, body = $5 \
                   WHERE id = $6 AND state = 'draft'";
        let (body, state) = (Json(to_json(&exam)?), state_name(&exam.state));
        let transaction = self.writers.begin().await?;
        let changed = transaction
            .execute(sql, &[&exam.code, &exam.course.0, &exam.bank.0, &state, &body, &exam.id.0])
            .await
            .map_err(|error| taken(&error, "code"))?;
        found(changed)?;
        self.changed(transaction, exam.id, &audit).await
    }

    async fn set_results_at(&self, exam: ExamId, at: Option<Timestamp>, audit: NewAudit) -> Result<(), StoreError> {
        let transaction = self.writers.begin().await?;
        let sql = "SELECT body FROM exams WHERE id = $1 AND state = 'published' FOR UPDATE";
        let kept: Option<Exam> = read_first(&transaction.rows(sql, &[&exam.0]).await?, |row| json(row, 0))?;
        let mut kept = kept.ok_or(StoreError::NotFound)?;
        kept.rules.results_at = at;
        let body = Json(to_json(&kept)?);
        transaction.rows("UPDATE exams SET body = $1 WHERE id = $2", &[&body, &exam.0]).await?;
        self.changed(transaction, exam, &audit).await
    }

    async fn exam(&self, id: ExamId) -> Result<Option<Exam>, StoreError> {
        let rows = self.lines.read("SELECT body FROM exams WHERE id = $1", &[&id.0]).await?;
        read_first(&rows, |row| json(row, 0))
    }

    async fn exam_by_code(&self, code: &str) -> Result<Option<Exam>, StoreError> {
        let rows = self.readers.read("SELECT body FROM exams WHERE code = $1", &[&code]).await?;
        read_first(&rows, |row| json(row, 0))
    }

    async fn exams_by_ids(&self, ids: Vec<ExamId>) -> Result<Vec<Exam>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = self.readers.read("SELECT body FROM exams WHERE id = ANY($1)", &[&ids]).await?;
        read_all(&rows, |row| json(row, 0))
    }

    async fn exams(&self) -> Result<Vec<Exam>, StoreError> {
        read_all(&self.readers.read("SELECT body FROM exams ORDER BY code", &[]).await?, |row| json(row, 0))
    }

    async fn exam_secret(&self, id: ExamId) -> Result<Option<[u8; 32]>, StoreError> {
        let rows = self.lines.read("SELECT secret FROM exams WHERE id = $1", &[&id.0]).await?;
        read_first(&rows, |row| bytes(row, 0))
    }

    async fn add_override(&self, new: OverrideRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO overrides (person, exam, exception, reason, granted_by, at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let exception = Json(to_json(&new.exception)?);
        let transaction = self.writers.begin().await?;
        // The learner tables have no foreign key to exams.
        let exam = transaction.rows("SELECT 1 FROM exams WHERE id = $1", &[&new.exam.0]).await?;
        found(exam.len() as u64)?;
        transaction
            .execute(sql, &[&new.person.0, &new.exam.0, &exception, &new.reason, &new.by.0, &Time(new.at)])
            .await
            .map_err(|error| missing(&error))?;
        self.changed(transaction, new.exam, &audit).await
    }

    async fn overrides(&self, exam: ExamId, person: PersonId) -> Result<Vec<OverrideRow>, StoreError> {
        let rows = self.lines.read(OVERRIDES_OF, &[&person.0, &exam.0]).await?;
        read_all(&rows, override_row)
    }

    async fn overrides_at(&self, exam: ExamId, page: Page<i64>) -> Result<Vec<(i64, OverrideRow)>, StoreError> {
        let sql = "SELECT exam, person, exception, reason, granted_by, at, id FROM overrides \
                   WHERE exam = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
        let before = page.after.unwrap_or(i64::MAX);
        let rows = self.readers.read(sql, &[&exam.0, &before, &limit(page.limit)]).await?;
        read_all(&rows, |row| Ok((get(row, 6)?, override_row(row)?)))
    }
}

pub(crate) const OVERRIDES_OF: &str = "SELECT exam, person, exception, reason, granted_by, at FROM overrides \
    WHERE person = $1 AND exam = $2 ORDER BY id";

impl PostgresStore {
    /// Ends a transaction that changed an exam.
    async fn changed(&self, transaction: Transaction, exam: ExamId, audit: &NewAudit) -> Result<(), StoreError> {
        let said = [Announcement::ExamChanged { exam }];
        announcements::send(&transaction, &said).await.map_err(|error| store_error(&error))?;
        audit::append(&transaction, self.node, audit).await?;
        transaction.commit().await
    }
}

const fn state_name(state: &ExamState) -> &'static str {
    match state {
        ExamState::Draft => "draft",
        ExamState::Published { .. } => "published",
    }
}

fn override_row(row: &Row) -> Result<OverrideRow, StoreError> {
    Ok(OverrideRow {
        exam: ExamId(get(row, 0)?),
        person: PersonId(get(row, 1)?),
        exception: json(row, 2)?,
        reason: get(row, 3)?,
        by: PersonId(get(row, 4)?),
        at: time(row, 5)?,
    })
}
