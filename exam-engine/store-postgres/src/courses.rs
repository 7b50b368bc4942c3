//! Courses.

use crate::PostgresStore;
use crate::audit;
use crate::connect::{read_all, read_first};
use crate::convert::{bucket, bucket_names, get, points};
use crate::failure::taken;
use async_trait::async_trait;
use exam_core::CourseId;
use exam_core::audit::NewAudit;
use exam_store::{CourseRow, Courses, StoreError};
use tokio_postgres::Row;

macro_rules! courses {
    ($rest:literal) => {
        concat!("SELECT id, code, title, subject, obligation, credit_year, hours FROM courses ", $rest)
    };
}

#[async_trait]
impl Courses for PostgresStore {
    async fn create_course(&self, course: CourseRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO courses (id, code, title, subject, obligation, credit_year, hours) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let (subject, obligation) = bucket_names(course.bucket);
        let hours = course.hours.hundredths();
        let transaction = self.writers.begin().await?;
        transaction
            .execute(
                sql,
                &[&course.id.0, &course.code, &course.title, &subject, &obligation, &course.credit_year, &hours],
            )
            .await
            .map_err(|error| taken(&error, "code"))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn course(&self, id: CourseId) -> Result<Option<CourseRow>, StoreError> {
        read_first(&self.lines.read(courses!("WHERE id = $1"), &[&id.0]).await?, course_row)
    }

    async fn courses(&self, credit_year: Option<i16>) -> Result<Vec<CourseRow>, StoreError> {
        let sql = courses!("WHERE $1::smallint IS NULL OR credit_year = $1 ORDER BY code");
        read_all(&self.readers.read(sql, &[&credit_year]).await?, course_row)
    }
}

fn course_row(row: &Row) -> Result<CourseRow, StoreError> {
    Ok(CourseRow {
        id: CourseId(get(row, 0)?),
        code: get(row, 1)?,
        title: get(row, 2)?,
        bucket: bucket(row, 3)?,
        credit_year: get(row, 5)?,
        hours: points(row, 6)?,
    })
}
