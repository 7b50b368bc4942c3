//! A site that was moved, looked at row by row as they lie in their new place: every hash chain, and of a sample of
//! the logs whether they fold and come to what their rows say.

use crate::rows::{attempt_row, fold};
use crate::verify::{chain_fault, site_log_fault};
use crate::{AuditReport, EngineError};
use exam_core::audit::AuditRecord;
use exam_core::ids::{AttemptId, LessonId, PersonId};
use exam_core::log::{LogId, StepRow};
use exam_core::{Timestamp, attempt::Attempt};
use exam_store::StoreError;
use exam_store::transfer::{Row, Table, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// The first logs are all folded …
const FOLDED_FIRST: u64 = 2_000;
/// … and after them one of so many.
const FOLDED_ONE_OF: u64 = 50;

/// See the module. Tables come one after the other: those that [`Self::order`] names first.
#[derive(Debug, Default)]
pub struct MovedLogs {
    attempts: Log<AttemptId>,
    lessons: Log<LessonId>,
    samples: HashMap<Uuid, Row>,
    head: String,
    folded: u64,
    report: AuditReport,
}

/// The steps of the log that is being read.
#[derive(Debug)]
struct Log<L> {
    rows: Vec<StepRow<L>>,
}

impl<L> Default for Log<L> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

/// What steps and rows of attempts both say.
const TOLD_TWICE: [&str; 8] = ["learner", "exam", "number", "state", "deadline", "score", "passed", "hours"];

impl MovedLogs {
    /// The order a table's rows have to come in; empty: any, and after the others.
    #[must_use]
    pub fn order(table: &str) -> &'static str {
        match table {
            "steps" => "learner, attempt, seq",
            "lesson_steps" => "learner, lesson, seq",
            "audit" => "seq",
            _ => "",
        }
    }

    /// Looks at a row.
    ///
    /// # Errors
    /// The row is none of this table.
    pub fn look(&mut self, table: &Table, row: &[Value]) -> Result<(), StoreError> {
        let columns = Columns { table, row };
        match table.name.as_str() {
            "steps" => {
                let step = columns.step("attempt", AttemptId)?;
                if let Some(rows) = self.attempts.take(step) {
                    self.attempt(&rows);
                }
            }
            "lesson_steps" => {
                let step = columns.step("lesson", LessonId)?;
                if let Some(rows) = self.lessons.take(step) {
                    self.lesson(&rows);
                }
            }
            "audit" => self.record(&columns.record()?),
            "attempts" => self.row_of_attempt(&columns)?,
            _ => {}
        }
        Ok(())
    }

    /// Says that there are no more rows of the tables with an order.
    pub fn logs_are_read(&mut self) {
        let (attempts, lessons) = (std::mem::take(&mut self.attempts), std::mem::take(&mut self.lessons));
        self.attempt(&attempts.rows);
        self.lesson(&lessons.rows);
    }

    /// What was found, and how many logs were folded.
    #[must_use]
    pub fn report(mut self) -> (AuditReport, u64) {
        let orphans = self.samples.keys().map(|attempt| format!("attempt {attempt}: it has steps and no row"));
        self.report.faults.extend(orphans);
        (self.report, self.folded)
    }

    fn is_sample(&mut self, logs_before: u64) -> bool {
        let is_sample = logs_before < FOLDED_FIRST || logs_before.is_multiple_of(FOLDED_ONE_OF);
        self.folded += u64::from(is_sample);
        is_sample
    }

    fn attempt(&mut self, rows: &[StepRow]) {
        let Some(first) = rows.first() else { return };
        let (learner, attempt) = (first.learner, first.log);
        let mut fault = chain_fault(rows);
        if fault.is_none() && self.is_sample(self.report.attempts) {
            match fold(learner, attempt, rows) {
                Ok(state) => drop(self.samples.insert(attempt.0, told_by_steps(&state))),
                Err(error) => fault = Some(error.to_string()),
            }
        }
        self.report.attempts += 1;
        self.report.steps += rows.len() as u64;
        self.report.faults.extend(fault.map(|fault| format!("attempt {attempt}: {fault}")));
    }

    fn lesson(&mut self, rows: &[StepRow<LessonId>]) {
        let Some(first) = rows.first() else { return };
        let (learner, lesson) = (first.learner, first.log);
        let mut fault = chain_fault(rows);
        if fault.is_none() && self.is_sample(self.report.lessons) {
            let folded: Result<_, EngineError> = crate::study::fold(learner, lesson, rows);
            fault = folded.err().map(|error| error.to_string());
        }
        self.report.lessons += 1;
        self.report.lesson_steps += rows.len() as u64;
        self.report.faults.extend(fault.map(|fault| format!("lesson {lesson} of {learner}: {fault}")));
    }

    fn record(&mut self, record: &AuditRecord) {
        let expected = i64::try_from(self.report.records).unwrap_or(i64::MAX).saturating_add(1);
        self.report.faults.extend(site_log_fault(record, expected, &self.head));
        self.head.clone_from(&record.hash);
        self.report.records += 1;
    }

    fn row_of_attempt(&mut self, columns: &Columns<'_>) -> Result<(), StoreError> {
        let attempt = columns.id("id")?;
        let Some(sample) = self.samples.remove(&attempt) else { return Ok(()) };
        let told = TOLD_TWICE.iter().map(|name| columns.get(name).cloned()).collect::<Result<Row, _>>()?;
        if told != sample {
            self.report.faults.push(format!("attempt {attempt}: its row is not what its steps come to"));
        }
        Ok(())
    }
}

/// In the order of [`TOLD_TWICE`].
fn told_by_steps(state: &Attempt) -> Row {
    let row = attempt_row(state, Uuid::nil(), [0; 16]);
    vec![
        Value::Bytes(row.learner.bytes().to_vec()),
        Value::Bytes(row.exam.bytes().to_vec()),
        Value::Int(i64::from(row.number)),
        Value::Text(row.state.name().to_owned()),
        Value::Int(row.deadline.ms()),
        row.score.map_or(Value::Null, |score| Value::Int(score.hundredths())),
        row.passed.map_or(Value::Null, |passed| Value::Int(i64::from(passed))),
        Value::Int(row.hours.hundredths()),
    ]
}

impl<L: LogId + PartialEq> Log<L> {
    /// Takes a step in; returns the log before it when another one begins.
    fn take(&mut self, step: StepRow<L>) -> Option<Vec<StepRow<L>>> {
        let begins = self.rows.first().is_some_and(|first| (first.learner, first.log) != (step.learner, step.log));
        let before = begins.then(|| std::mem::take(&mut self.rows));
        self.rows.push(step);
        before
    }
}

/// A row by the names of its columns.
struct Columns<'a> {
    table: &'a Table,
    row: &'a [Value],
}

impl Columns<'_> {
    fn get(&self, name: &str) -> Result<&Value, StoreError> {
        let place = self.table.columns.iter().position(|column| column.name == name);
        place.and_then(|place| self.row.get(place)).ok_or_else(|| self.unfit(name))
    }

    fn unfit(&self, name: &str) -> StoreError {
        StoreError::Corrupt(format!("{}.{name} is not what was expected", self.table.name))
    }

    fn int<N: TryFrom<i64>>(&self, name: &str) -> Result<N, StoreError> {
        match self.get(name)? {
            Value::Int(number) => N::try_from(*number).map_err(|_| self.unfit(name)),
            _ => Err(self.unfit(name)),
        }
    }

    fn text(&self, name: &str) -> Result<String, StoreError> {
        match self.get(name)? {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(self.unfit(name)),
        }
    }

    fn bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, StoreError> {
        match self.get(name)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => bytes.as_slice().try_into().map(Some).map_err(|_| self.unfit(name)),
            _ => Err(self.unfit(name)),
        }
    }

    fn id(&self, name: &str) -> Result<Uuid, StoreError> {
        self.bytes(name)?.map(Uuid::from_bytes).ok_or_else(|| self.unfit(name))
    }

    fn actor(&self) -> Result<Option<PersonId>, StoreError> {
        Ok(self.bytes("actor")?.map(PersonId::from_bytes))
    }

    fn step<L>(&self, name: &str, log: impl Fn(Uuid) -> L) -> Result<StepRow<L>, StoreError> {
        Ok(StepRow {
            learner: PersonId(self.id("learner")?),
            log: log(self.id(name)?),
            seq: self.int("seq")?,
            at: Timestamp::from_ms(self.int("at")?),
            actor: self.actor()?,
            node: self.int("node")?,
            command: self.bytes("command")?.map(Uuid::from_bytes).zip(self.bytes("digest")?),
            body: self.text("body")?,
            hash: self.bytes("hash")?.ok_or_else(|| self.unfit("hash"))?,
        })
    }

    fn record(&self) -> Result<AuditRecord, StoreError> {
        Ok(AuditRecord {
            seq: self.int("seq")?,
            at: Timestamp::from_ms(self.int("at")?),
            actor: self.actor()?,
            act: self.text("act")?,
            subject: self.text("subject")?,
            detail: self.text("detail")?,
            hash: self.text("hash")?,
        })
    }
}
