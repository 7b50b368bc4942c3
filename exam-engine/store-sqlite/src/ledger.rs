//! The hours ledger. The column `lesson` is set where a lesson's own hours were granted, and only there: it is
//! what the two unique keys of grants tell them apart by. A counter-entry names in `takes_back` what it takes back;
//! a grant's `generation` is one more than the counter-entries before it, so that it comes into the way of any other
//! grant that stands.

use crate::SqliteStore;
use crate::convert::{bucket, bucket_names, execute, json, points, row, rows, time, to_json};
use crate::failure::{Failure, is_duplicate, missing};
use async_trait::async_trait;
use exam_core::hours::LedgerEntry;
use exam_core::{CourseId, EntryId, LessonId, PersonId};
use exam_store::{CommitError, Ledger, StoreError};
use rusqlite::{Connection, Row, params};

/// Appends an entry within the transaction of what earned it, or took it back.
pub(crate) fn append(connection: &Connection, entry: &LedgerEntry) -> Result<(), Failure> {
    let (subject, obligation) = bucket_names(entry.bucket);
    let done = execute(
        connection,
        "INSERT INTO ledger (learner, credit_year, id, course, subject, obligation, hours, source, at, lesson, \
         takes_back, generation) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1 + (SELECT count(*) FROM ledger \
         WHERE learner = ?1 AND credit_year = ?2 AND course = ?4 AND takes_back IS NOT NULL))",
        params![
            entry.learner.bytes(),
            entry.credit_year,
            entry.id.bytes(),
            entry.course.bytes(),
            subject,
            obligation,
            entry.hours.hundredths(),
            to_json(&entry.source)?,
            entry.at.ms(),
            entry.lesson().map(LessonId::bytes),
            entry.takes_back().map(EntryId::bytes)
        ],
    );
    match done {
        Ok(_) => Ok(()),
        Err(error) if is_duplicate(&error) => Err(CommitError::AlreadyGranted.into()),
        Err(error) => Err(missing(error)),
    }
}

#[async_trait]
impl Ledger for SqliteStore {
    async fn entries(&self, learner: PersonId, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = "SELECT id, learner, course, credit_year, subject, obligation, hours, source, at FROM ledger \
                   WHERE learner = ? AND credit_year = ? ORDER BY at, id";
        let key = (learner.bytes(), credit_year);
        self.readers.read(move |connection| rows(connection, sql, key, entry)).await
    }

    async fn entries_of(&self, learners: Vec<PersonId>, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = "SELECT id, learner, course, credit_year, subject, obligation, hours, source, at FROM ledger \
                   WHERE learner IN (SELECT unhex(value) FROM json_each(?)) AND credit_year = ? \
                   ORDER BY learner, at, id";
        let learners: Vec<String> = learners.iter().map(|id| id.0.simple().to_string()).collect();
        let key = (to_json(&learners)?, credit_year);
        self.readers.read(move |connection| rows(connection, sql, key, entry)).await
    }

    async fn is_granted(&self, learner: PersonId, course: CourseId, credit_year: i16) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM ledger g WHERE learner = ? AND course = ? AND credit_year = ? AND hours >= 0 \
                   AND takes_back IS NULL AND lesson IS NULL AND NOT EXISTS \
                   (SELECT 1 FROM ledger b WHERE b.learner = g.learner AND b.takes_back = g.id)";
        let key = (learner.bytes(), course.bytes(), credit_year);
        let found = self.readers.read(move |connection| row(connection, sql, key, |_| Ok(()))).await?;
        Ok(found.is_some())
    }

    async fn is_lesson_granted(
        &self,
        learner: PersonId,
        lesson: LessonId,
        credit_year: i16,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM ledger WHERE learner = ? AND lesson = ? AND credit_year = ? AND hours >= 0";
        let key = (learner.bytes(), lesson.bytes(), credit_year);
        let found = self.readers.read(move |connection| row(connection, sql, key, |_| Ok(()))).await?;
        Ok(found.is_some())
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    Ok(LedgerEntry {
        id: EntryId::from_bytes(row.get(0)?),
        learner: PersonId::from_bytes(row.get(1)?),
        course: CourseId::from_bytes(row.get(2)?),
        credit_year: row.get(3)?,
        bucket: bucket(row, 4)?,
        hours: points(row, 6)?,
        source: json(row, 7)?,
        at: time(row, 8)?,
    })
}
