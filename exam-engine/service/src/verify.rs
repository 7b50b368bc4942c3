//! Verification: chains, papers, scores, from nothing but what is stored.

use crate::rows::fold;
use crate::{Engine, EngineError};
use exam_core::attempt::StepBody;
use exam_core::audit::AuditRecord;
use exam_core::ids::{AttemptId, LessonId, PersonId};
use exam_core::lesson::LessonStepRow;
use exam_core::log::{LogId, StepRow};
use exam_store::{Page, ProgressRow, ProgressState};
use question_bank::draw::{Avoid, Seed};
use question_bank::snapshot::ItemIndex;

/// What a whole check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Records of the site's log.
    pub records: u64,
    /// Attempts.
    pub attempts: u64,
    /// Steps of attempts.
    pub steps: u64,
    /// Lessons of learners.
    pub lessons: u64,
    /// Steps of lessons.
    pub lesson_steps: u64,
    /// Everything that does not hold, in words.
    pub faults: Vec<String>,
}

/// What re-deriving one attempt's paper found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptVerdict {
    /// The seed, in hexadecimal.
    pub seed: String,
    /// Whether it is the one that was committed to.
    pub commitment_holds: bool,
    /// Whether it gives the stored paper again.
    pub paper_holds: bool,
    /// Whether the log's chain holds.
    pub chain_holds: bool,
}

impl Engine {
    /// Checks the site's log, the log of every attempt and the log of every learner's lesson.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn verify_logs(&self) -> Result<AuditReport, EngineError> {
        let mut report = AuditReport::default();
        self.verify_site_log(&mut report).await?;
        self.verify_attempts(&mut report).await?;
        self.verify_lessons(&mut report).await?;
        Ok(report)
    }

    async fn verify_attempts(&self, report: &mut AuditReport) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            let ids = self.store.attempt_ids(Page { after, limit: 1_000 }).await?;
            let Some((_, last)) = ids.last() else { return Ok(()) };
            after = Some(*last);
            for (learner, attempt) in ids {
                let rows = self.store.steps(learner, attempt).await?;
                report.attempts += 1;
                report.steps += rows.len() as u64;
                report.faults.extend(chain_fault(&rows).map(|fault| format!("attempt {attempt}: {fault}")));
            }
        }
    }

    /// The chain, the folding, and that the row says what the steps say: coverage that was earned since is its own.
    async fn verify_lessons(&self, report: &mut AuditReport) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            let logs = self.store.lesson_logs(Page { after, limit: 1_000 }).await?;
            let Some(last) = logs.last() else { return Ok(()) };
            after = Some(*last);
            for (learner, lesson) in logs {
                // The row first, so that it is never newer than the steps.
                let row = self.store.progress(learner, lesson).await?;
                let rows = self.store.lesson_steps(learner, lesson).await?;
                report.lessons += 1;
                report.lesson_steps += rows.len() as u64;
                let fault = chain_fault(&rows).or_else(|| lesson_fault(learner, lesson, &rows, row.as_ref()));
                report.faults.extend(fault.map(|fault| format!("lesson {lesson} of {learner}: {fault}")));
            }
        }
    }

    async fn verify_site_log(&self, report: &mut AuditReport) -> Result<(), EngineError> {
        let (mut after, mut head, mut expected) = (None, String::new(), 1);
        loop {
            let records = self.store.audit_records(Page { after, limit: 1_000 }).await?;
            let Some(last) = records.last() else { return Ok(()) };
            after = Some(last.seq);
            for record in records {
                report.faults.extend(site_log_fault(&record, expected, &head));
                expected = record.seq + 1;
                head = record.hash;
                report.records += 1;
            }
        }
    }

    /// Re-derives an attempt's paper from the exam's secret.
    ///
    /// # Errors
    /// There is no such attempt.
    pub async fn verify_attempt(&self, attempt: AttemptId) -> Result<AttemptVerdict, EngineError> {
        let row = self.store.attempt(attempt).await?.ok_or(EngineError::NotFound)?;
        let exam = self.loaded(row.exam).await?;
        let rows = self.store.steps(row.learner, attempt).await?;
        let first = rows.first().ok_or(EngineError::NotFound)?;
        let step = first.read().map_err(|error| EngineError::Internal(error.to_string()))?;
        let StepBody::Started(started) = step.body else {
            return Err(EngineError::Internal("the log does not begin with a start".into()));
        };
        let seed = Seed::derive(&exam.secret, &attempt.bytes());
        let index = |items: &[u32]| items.iter().map(|item| ItemIndex(*item)).collect::<Vec<_>>();
        let (earlier, capped) = (index(&started.avoided_earlier), index(&started.avoided_capped));
        let chosen = match &started.choice {
            Some(choice) => Some(exam.plan.of_choice(&exam.pool, choice).ok_or(EngineError::NotFound)?),
            None => None,
        };
        let plan = chosen.as_ref().unwrap_or(&exam.plan);
        let drawn = plan.draw(&exam.pool, &seed, &Avoid { earlier: &earlier, capped: &capped });
        Ok(AttemptVerdict {
            commitment_holds: seed.commitment() == started.seed_commitment,
            paper_holds: drawn.is_ok_and(|drawn| drawn.paper == *started.paper),
            chain_holds: chain_fault(&rows).is_none() && fold(row.learner, attempt, &rows).is_ok(),
            seed: seed.to_hex(),
        })
    }

    /// The seed of an attempt, for a released result.
    ///
    /// # Errors
    /// There is no such attempt of this learner.
    pub async fn seed_of(&self, learner: PersonId, attempt: AttemptId) -> Result<String, EngineError> {
        let (_, exam) = self.slot_of(learner, attempt).await?;
        Ok(Seed::derive(&exam.secret, &attempt.bytes()).to_hex())
    }
}

/// What is wrong with a record of the site's log, behind one with the hash `head`.
pub(crate) fn site_log_fault(record: &AuditRecord, expected: i64, head: &str) -> Option<String> {
    if record.seq != expected {
        return Some(format!("audit log: record {} stands where {expected} belongs", record.seq));
    }
    (record.link(head) != record.hash)
        .then(|| format!("audit log: record {} was altered, or one before it", record.seq))
}

/// The first thing wrong with a log.
pub(crate) fn chain_fault<L: LogId>(rows: &[StepRow<L>]) -> Option<String> {
    let mut head = [0; 32];
    for (expected, row) in (1..).zip(rows) {
        if row.seq != expected {
            return Some(format!("step {} stands where {expected} belongs", row.seq));
        }
        if row.link(&head) != row.hash {
            return Some(format!("step {expected} was altered, or one before it"));
        }
        head = row.hash;
    }
    None
}

/// What a lesson's row says against its steps.
fn lesson_fault(
    learner: PersonId,
    lesson: LessonId,
    rows: &[LessonStepRow],
    row: Option<&ProgressRow>,
) -> Option<String> {
    let state = match crate::study::fold(learner, lesson, rows) {
        Ok(state) => state,
        Err(error) => return Some(error.to_string()),
    };
    let row = row?;
    // A step that came meanwhile.
    if row.seq < state.seq {
        return None;
    }
    let completed = row.state == ProgressState::Completed;
    let told = (row.seq, completed, row.asked, row.passed, row.hours);
    let holds = told == (state.seq, state.is_completed(), state.asked, state.passed, state.hours_granted);
    (!holds).then(|| "its row is not what its steps come to".to_owned())
}
