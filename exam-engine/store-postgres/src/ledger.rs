//! The hours ledger. The column `lesson` is set where a lesson's own hours were granted, and only there: it is
//! what the two unique keys of grants tell them apart by. A counter-entry names in `takes_back` what it takes back;
//! a grant's `generation` is one more than the counter-entries before it, so that it comes into the way of any other
//! grant that stands. A counter-entry that is not committed yet is not counted, and its grant is still in the way.

use crate::PostgresStore;
use crate::connect::{Param, Session, read_all};
use crate::convert::{Json, Time, bucket, bucket_names, get, json, points, time, to_json};
use crate::failure::refusal;
use crate::lane::{Trouble, Written};
use async_trait::async_trait;
use exam_core::hours::LedgerEntry;
use exam_core::{CourseId, EntryId, LessonId, PersonId};
use exam_store::{CommitError, Ledger, StoreError};
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) const INSERT_ENTRY: &str = "INSERT INTO ledger (learner, credit_year, id, course, subject, obligation, \
    hours, source, at, lesson, takes_back, generation) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING";
/// Asked by itself: a sharding PostgreSQL takes no query within the values of an insert. Whatever is committed in
/// between, the key decides.
pub(crate) const GENERATION: &str = "SELECT 1 + count(*)::integer FROM ledger \
    WHERE learner = $1 AND credit_year = $2 AND course = $3 AND takes_back IS NOT NULL";
/// The same for many; those without a counter-entry are left out.
const GENERATIONS: &str = "SELECT u.place, 1 + count(*)::integer \
    FROM unnest($1::uuid[], $2::smallint[], $3::uuid[]) WITH ORDINALITY AS u (learner, credit_year, course, place) \
    JOIN ledger l ON l.learner = u.learner AND l.credit_year = u.credit_year AND l.course = u.course \
    WHERE l.takes_back IS NOT NULL GROUP BY u.place";
/// What is not written is missing in the count, which a sharding PostgreSQL tells rightly when rows are returned.
pub(crate) const INSERT_ENTRIES: &str = "INSERT INTO ledger (learner, credit_year, id, course, subject, obligation, \
    hours, source, at, lesson, takes_back, generation) \
    SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], \
    $8::jsonb[], $9::timestamptz[], $10::uuid[], $11::uuid[], $12::integer[]) \
    ON CONFLICT DO NOTHING RETURNING id";
pub(crate) const ENTRIES_OF: &str = "SELECT id, learner, course, credit_year, subject, obligation, hours, source, at \
    FROM ledger WHERE learner = $1 AND credit_year = $2 ORDER BY at, id";
pub(crate) const IS_GRANTED: &str = "SELECT 1 FROM ledger g WHERE g.learner = $1 AND course = $2 AND credit_year = $3 \
    AND hours >= 0 AND takes_back IS NULL AND lesson IS NULL AND NOT EXISTS \
    (SELECT 1 FROM ledger b WHERE b.learner = $1 AND b.takes_back = g.id)";
pub(crate) const IS_LESSON_GRANTED: &str =
    "SELECT 1 FROM ledger WHERE learner = $1 AND lesson = $2 AND credit_year = $3 AND hours >= 0";

/// Appends entries within the transaction of what earned them, or took them back, each with the place of its commit.
pub(crate) async fn grant(
    session: &Session,
    entries: Vec<(usize, &LedgerEntry)>,
    written: &mut Written,
) -> Result<(), Trouble> {
    for (place, entry) in entries {
        let (subject, obligation) = bucket_names(entry.bucket);
        let source = Json(to_json(&entry.source)?);
        let key: [Param<'_>; 3] = [&entry.learner.0, &entry.credit_year, &entry.course.0];
        let counted = session.query(GENERATION, &key).await.map_err(refusal)?;
        let generation: i32 = counted.first().map_or(Ok(1), |row| get(row, 0))?;
        let params: [Param<'_>; 12] = [
            &entry.learner.0,
            &entry.credit_year,
            &entry.id.0,
            &entry.course.0,
            &subject,
            &obligation,
            &entry.hours.hundredths(),
            &source,
            &Time(entry.at),
            &entry.lesson().map(|lesson| lesson.0),
            &entry.takes_back().map(|entry| entry.0),
            &generation,
        ];
        if session.execute(INSERT_ENTRY, &params).await.map_err(refusal)? == 0 {
            written.fail(place, CommitError::AlreadyGranted, true);
        }
    }
    Ok(())
}

/// Entries that are written at once, column by column.
#[derive(Default)]
pub(crate) struct Entries {
    learner: Vec<Uuid>,
    credit_year: Vec<i16>,
    id: Vec<Uuid>,
    course: Vec<Uuid>,
    subject: Vec<&'static str>,
    obligation: Vec<&'static str>,
    hours: Vec<i64>,
    source: Vec<Json>,
    at: Vec<Time>,
    lesson: Vec<Option<Uuid>>,
    takes_back: Vec<Option<Uuid>>,
    generation: Vec<i32>,
}

impl Entries {
    /// Numbers them by the counter-entries that are committed. Where one is committed in between, or stands before
    /// its grant among these, the key refuses all of them.
    pub(crate) async fn of(session: &Session, entries: &[&LedgerEntry]) -> Result<Self, Trouble> {
        let mut columns = Self::default();
        for entry in entries {
            let (subject, obligation) = bucket_names(entry.bucket);
            columns.learner.push(entry.learner.0);
            columns.credit_year.push(entry.credit_year);
            columns.id.push(entry.id.0);
            columns.course.push(entry.course.0);
            columns.subject.push(subject);
            columns.obligation.push(obligation);
            columns.hours.push(entry.hours.hundredths());
            columns.source.push(Json(to_json(&entry.source)?));
            columns.at.push(Time(entry.at));
            columns.lesson.push(entry.lesson().map(|lesson| lesson.0));
            columns.takes_back.push(entry.takes_back().map(|entry| entry.0));
            columns.generation.push(1);
        }
        if columns.count() > 0 {
            let keys: [Param<'_>; 3] = [&columns.learner, &columns.credit_year, &columns.course];
            for row in session.query(GENERATIONS, &keys).await? {
                let place = usize::try_from(get::<i64>(&row, 0)?).unwrap_or(usize::MAX);
                if let Some(generation) = columns.generation.get_mut(place.wrapping_sub(1)) {
                    *generation = get(&row, 1)?;
                }
            }
        }
        Ok(columns)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.id.len() as u64
    }

    /// As [`INSERT_ENTRIES`] takes them.
    pub(crate) fn params(&self) -> [Param<'_>; 12] {
        [
            &self.learner,
            &self.credit_year,
            &self.id,
            &self.course,
            &self.subject,
            &self.obligation,
            &self.hours,
            &self.source,
            &self.at,
            &self.lesson,
            &self.takes_back,
            &self.generation,
        ]
    }
}

#[async_trait]
impl Ledger for PostgresStore {
    async fn entries(&self, learner: PersonId, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError> {
        read_all(&self.lines.read(ENTRIES_OF, &[&learner.0, &credit_year]).await?, entry)
    }

    async fn entries_of(&self, learners: Vec<PersonId>, credit_year: i16) -> Result<Vec<LedgerEntry>, StoreError> {
        let sql = "SELECT id, learner, course, credit_year, subject, obligation, hours, source, at FROM ledger \
                   WHERE learner = ANY($1) AND credit_year = $2 ORDER BY learner, at, id";
        let learners: Vec<Uuid> = learners.iter().map(|learner| learner.0).collect();
        read_all(&self.readers.read(sql, &[&learners, &credit_year]).await?, entry)
    }

    async fn is_granted(&self, learner: PersonId, course: CourseId, credit_year: i16) -> Result<bool, StoreError> {
        Ok(!self.lines.read(IS_GRANTED, &[&learner.0, &course.0, &credit_year]).await?.is_empty())
    }

    async fn is_lesson_granted(
        &self,
        learner: PersonId,
        lesson: LessonId,
        credit_year: i16,
    ) -> Result<bool, StoreError> {
        Ok(!self.lines.read(IS_LESSON_GRANTED, &[&learner.0, &lesson.0, &credit_year]).await?.is_empty())
    }
}

fn entry(row: &Row) -> Result<LedgerEntry, StoreError> {
    Ok(LedgerEntry {
        id: EntryId(get(row, 0)?),
        learner: PersonId(get(row, 1)?),
        course: CourseId(get(row, 2)?),
        credit_year: get(row, 3)?,
        bucket: bucket(row, 4)?,
        hours: points(row, 6)?,
        source: json(row, 7)?,
        at: time(row, 8)?,
    })
}
