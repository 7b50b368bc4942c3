//! Courses.

use crate::SqliteStore;
use crate::audit;
use crate::convert::{bucket, bucket_names, execute, points, row, rows};
use crate::failure::taken;
use async_trait::async_trait;
use exam_core::CourseId;
use exam_core::audit::NewAudit;
use exam_store::{CourseRow, Courses, StoreError};
use rusqlite::{Row, params};

macro_rules! courses {
    ($rest:literal) => {
        concat!("SELECT id, code, title, subject, obligation, credit_year, hours FROM courses ", $rest)
    };
}

#[async_trait]
impl Courses for SqliteStore {
    async fn create_course(&self, course: CourseRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO courses (id, code, title, subject, obligation, credit_year, hours) \
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        self.writer
            .write(move |connection| {
                let (id, hours) = (course.id.bytes(), course.hours.hundredths());
                let (subject, obligation) = bucket_names(course.bucket);
                let values = params![id, course.code, course.title, subject, obligation, course.credit_year, hours];
                execute(connection, sql, values).map_err(|error| taken(error, "code"))?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn course(&self, id: CourseId) -> Result<Option<CourseRow>, StoreError> {
        let sql = courses!("WHERE id = ?");
        self.readers.read(move |connection| row(connection, sql, [id.bytes()], course_row)).await
    }

    async fn courses(&self, credit_year: Option<i16>) -> Result<Vec<CourseRow>, StoreError> {
        let sql = courses!("WHERE ?1 IS NULL OR credit_year = ?1 ORDER BY code");
        self.readers.read(move |connection| rows(connection, sql, [credit_year], course_row)).await
    }
}

fn course_row(row: &Row<'_>) -> rusqlite::Result<CourseRow> {
    Ok(CourseRow {
        id: CourseId::from_bytes(row.get(0)?),
        code: row.get(1)?,
        title: row.get(2)?,
        bucket: bucket(row, 3)?,
        credit_year: row.get(5)?,
        hours: points(row, 6)?,
    })
}
