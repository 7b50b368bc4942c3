//! Columns to values and back. A column that does not read makes the whole row [`StoreError::Corrupt`].

use crate::limits::PAGE_ROWS_MAX;
use bytes::BytesMut;
use exam_core::attempt::Mode;
use exam_core::hours::{Bucket, Obligation, Subject};
use exam_core::log::{CommandId, StepRow};
use exam_core::{PersonId, Timestamp};
use exam_store::StoreError;
use question_bank::Points;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use tokio_postgres::{Row, row::RowIndex};
use uuid::Uuid;

type Fault = Box<dyn std::error::Error + Sync + Send>;

/// Milliseconds from 1970 to 2000, which PostgreSQL counts from, in microseconds.
const EPOCH_MS: i64 = 946_684_800_000;

/// A time as a parameter or a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) Timestamp);

impl ToSql for Time {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        let since = self.0.ms().checked_sub(EPOCH_MS).and_then(|ms| ms.checked_mul(1_000));
        since.ok_or("a time beyond all calendars")?.to_sql(ty, out)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        // The largest and the smallest number are the infinities.
        let ms = micros.div_euclid(1_000).checked_add(EPOCH_MS).filter(|_| micros != i64::MAX && micros != i64::MIN);
        Ok(Self(Timestamp::from_ms(ms.ok_or("a time beyond all calendars")?)))
    }

    accepts!(TIMESTAMPTZ);
}

/// JSON as `jsonb`.
#[derive(Clone, Debug)]
pub(crate) struct Json(pub(crate) String);

impl ToSql for Json {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        // The version of the binary form.
        out.extend_from_slice(&[1]);
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSONB);
    to_sql_checked!();
}

/// JSON as a column has it.
pub(crate) struct JsonText<'a>(pub(crate) &'a str);

impl<'a> FromSql<'a> for JsonText<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        let text = match (ty, raw.split_first()) {
            (&Type::JSONB, Some((1, text))) => text,
            (&Type::JSONB, _) => return Err("an unknown form of jsonb".into()),
            _ => raw,
        };
        Ok(Self(std::str::from_utf8(text)?))
    }

    accepts!(JSONB, TEXT);
}

/// Reads a column.
pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| unreadable(column, &error))
}

/// A time.
pub(crate) fn time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    get::<Time>(row, column).map(|time| time.0)
}

/// A time, if there is one.
pub(crate) fn time_opt(row: &Row, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(get::<Option<Time>>(row, column)?.map(|time| time.0))
}

/// Points or hours.
pub(crate) fn points(row: &Row, column: usize) -> Result<Points, StoreError> {
    get(row, column).map(Points::from_hundredths)
}

/// A number that is never negative.
pub(crate) fn count(row: &Row, column: usize) -> Result<u32, StoreError> {
    u32::try_from(get::<i32>(row, column)?).map_err(|error| unreadable(column, &error))
}

/// Bytes of a fixed number.
pub(crate) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StoreError> {
    get::<&[u8]>(row, column)?.try_into().map_err(|error| unreadable(column, &error))
}

/// One of the names an enum has in rows.
pub(crate) fn named<T>(row: &Row, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let name: &str = get(row, column)?;
    parse(name).ok_or_else(|| unreadable(column, &format!("no such name: {name}")))
}

/// A value kept as JSON, as `jsonb` or as text.
pub(crate) fn json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, StoreError> {
    let text: JsonText<'_> = get(row, column)?;
    serde_json::from_str(text.0).map_err(|error| unreadable(column, &error))
}

/// A value kept as JSON, if there is one.
pub(crate) fn json_opt<T: DeserializeOwned>(row: &Row, column: usize) -> Result<Option<T>, StoreError> {
    let text: Option<JsonText<'_>> = get(row, column)?;
    text.map(|text| serde_json::from_str(text.0).map_err(|error| unreadable(column, &error))).transpose()
}

/// An epoch as a column; studies are counted from one.
pub(crate) const fn epoch(epoch: u64) -> i64 {
    epoch.cast_signed()
}

/// Reads an epoch, or another number that the server keeps signed.
pub(crate) fn large(row: &Row, column: usize) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, column)?).map_err(|error| unreadable(column, &error))
}

/// A step of a log, from the ten columns that both tables of steps have.
pub(crate) fn step<L>(row: &Row, log: impl Fn(Uuid) -> L) -> Result<StepRow<L>, StoreError> {
    let command: Option<CommandId> = get(row, 6)?;
    Ok(StepRow {
        learner: PersonId(get(row, 0)?),
        log: log(get(row, 1)?),
        seq: count(row, 2)?,
        at: time(row, 3)?,
        actor: get::<Option<Uuid>>(row, 4)?.map(PersonId),
        node: u16::try_from(get::<i32>(row, 5)?).map_err(|error| unreadable(5, &error))?,
        command: command.map(|command| Ok::<_, StoreError>((command, bytes(row, 7)?))).transpose()?,
        body: get(row, 8)?,
        hash: bytes(row, 9)?,
    })
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A count as `integer`. None of ours comes near the end of it, and a check in the schema would refuse.
pub(crate) fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MIN)
}

/// The rows a page may have, for `LIMIT`.
pub(crate) fn limit(asked: u32) -> i64 {
    i64::from(asked.min(PAGE_ROWS_MAX))
}

fn unreadable(column: impl RowIndex + std::fmt::Display, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("column {column} does not read: {reason}"))
}

/// The name of a mode in rows.
pub(crate) const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Exam => "exam",
        Mode::Practice => "practice",
    }
}

/// Reads a mode.
pub(crate) fn mode(row: &Row, column: usize) -> Result<Mode, StoreError> {
    named(row, column, |name| [Mode::Exam, Mode::Practice].into_iter().find(|mode| mode_name(*mode) == name))
}

/// The two names of a bucket in rows.
pub(crate) const fn bucket_names(bucket: Bucket) -> (&'static str, &'static str) {
    let subject = match bucket.subject {
        Subject::Public => "public",
        Subject::Professional => "professional",
    };
    let obligation = match bucket.bucket {
        Obligation::Compulsory => "compulsory",
        Obligation::Elective => "elective",
    };
    (subject, obligation)
}

/// Reads a bucket from two neighbouring columns.
pub(crate) fn bucket(row: &Row, column: usize) -> Result<Bucket, StoreError> {
    let names: (&str, &str) = (get(row, column)?, get(row, column + 1)?);
    let found = Bucket::ALL.into_iter().find(|bucket| bucket_names(*bucket) == names);
    found.ok_or_else(|| unreadable(column, &format!("no such bucket: {} {}", names.0, names.1)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn times_are_kept_to_the_millisecond() {
        for ms in [0, 1, -1, EPOCH_MS, EPOCH_MS - 1, 1_700_000_000_123, 4_102_444_800_000] {
            let mut raw = BytesMut::new();
            Time(Timestamp::from_ms(ms)).to_sql(&Type::TIMESTAMPTZ, &mut raw).unwrap();
            assert_eq!(Time::from_sql(&Type::TIMESTAMPTZ, &raw).unwrap().0.ms(), ms);
        }
        assert!(Time(Timestamp::from_ms(i64::MAX)).to_sql(&Type::TIMESTAMPTZ, &mut BytesMut::new()).is_err());
        assert!(Time::from_sql(&Type::TIMESTAMPTZ, &i64::MAX.to_be_bytes()).is_err());
    }
}
