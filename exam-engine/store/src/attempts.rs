//! Attempts and their steps.

use crate::{Announcement, CommitError, OverrideRow, Page, StoreError};
use async_trait::async_trait;
use exam_core::attempt::{CaseState, CommandId, Mode, StepRow};
use exam_core::audit::NewAudit;
use exam_core::hours::LedgerEntry;
use exam_core::{AttemptId, ExamId, PersonId, Timestamp};
use question_bank::Points;

/// Where an attempt stands, as rows know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "see exam_core::attempt::Phase")]
pub enum AttemptState {
    Open,
    Paused,
    Submitted,
    Expired,
    Terminated,
}

impl AttemptState {
    /// All states, in their order.
    pub const ALL: [Self; 5] = [Self::Open, Self::Paused, Self::Submitted, Self::Expired, Self::Terminated];

    /// The name in the protocol and in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Submitted => "submitted",
            Self::Expired => "expired",
            Self::Terminated => "terminated",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the attempt may still go on.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::Paused)
    }
}

/// What lists and workers need of an attempt without folding its steps. Derived: written with the
/// steps that change it (start, close, pause, extension, flags), never with a plain answer.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    /// The id.
    pub id: AttemptId,
    /// Whose.
    pub learner: PersonId,
    /// At which exam.
    pub exam: ExamId,
    /// Exam or practice.
    pub mode: Mode,
    /// Its number within the mode.
    pub number: u32,
    /// Where it stands.
    pub state: AttemptState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ends.
    pub deadline: Timestamp,
    /// When the server closes it; `None` while it is paused or closed.
    pub due_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Slots answered, as of the last write of this row.
    pub answered: u32,
    /// The score.
    pub score: Option<Points>,
    /// Whether it passed.
    pub passed: Option<bool>,
    /// Hours it granted.
    pub hours: Points,
    /// Sum of the integrity flags' weights.
    pub integrity_score: u32,
    /// Number of integrity flags.
    pub flags: u32,
    /// Where its case stands; `None` while there is none.
    pub case: Option<CaseMark>,
    /// Whether a person's decision stands by which it does not count.
    pub invalidated: bool,
    /// The command that started it, for repeats.
    pub start_command: CommandId,
    /// The digest of that command's content.
    pub start_digest: [u8; 16],
}

/// Where the case of an attempt stands, as rows know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseMark {
    /// Where.
    pub state: CaseState,
    /// When it was opened first.
    pub opened_at: Timestamp,
}

/// What happens to the attempt's row.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    /// Nothing.
    Keep,
    /// The attempt begins.
    Insert(Box<AttemptRow>),
    /// It changed.
    Update(Box<AttemptRow>),
}

/// One command's effect on one attempt: all of it or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Consecutive steps of one attempt, at least one.
    pub steps: Vec<StepRow>,
    /// The attempt's row.
    pub row: RowChange,
    /// Hours it earns, or the counter-entry to what it earned.
    pub grant: Option<LedgerEntry>,
    /// An act of a person that belongs into the site's audit log as well.
    pub audit: Option<NewAudit>,
    /// Made known to all nodes once it is kept.
    pub announcements: Vec<Announcement>,
}

impl Commit {
    /// Whether all that is in it concerns one attempt and its steps follow each other; the first of them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with what does not fit.
    pub fn check(&self) -> Result<&StepRow, StoreError> {
        let wrong = |reason: &str| Err(StoreError::Corrupt(format!("a commit {reason}")));
        let Some(first) = self.steps.first() else { return wrong("without steps") };
        let whose = (first.learner, first.log);
        if self.steps.iter().any(|step| (step.learner, step.log) != whose) {
            return wrong("to several attempts");
        }
        if self.steps.iter().zip(first.seq..).any(|(step, seq)| step.seq != seq) {
            return wrong("whose steps do not follow each other");
        }
        match &self.row {
            RowChange::Insert(attempt) | RowChange::Update(attempt) if (attempt.learner, attempt.id) != whose => {
                wrong("with the row of another attempt")
            }
            _ => Ok(first),
        }
    }
}

/// Which attempts of an exam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// Only these.
    pub mode: Option<Mode>,
    /// Only these.
    pub state: Option<AttemptState>,
}

/// What a start has to know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BeforeStart {
    /// The learner's attempts at all exams, oldest first.
    pub attempts: Vec<AttemptRow>,
    /// The learner's exceptions at this one, oldest first.
    pub overrides: Vec<OverrideRow>,
}

/// Which cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Only these.
    pub state: Option<CaseState>,
    /// Only of attempts at it.
    pub exam: Option<ExamId>,
}

/// Attempts and their steps.
#[async_trait]
pub trait Attempts {
    /// Keeps a commit. Many commits at once are gathered into one transaction; returns when this one is durable.
    async fn commit(&self, commit: Commit) -> Result<(), CommitError>;

    /// All steps of an attempt in order; empty when there is none.
    async fn steps(&self, learner: PersonId, attempt: AttemptId) -> Result<Vec<StepRow>, StoreError>;

    /// The number of an attempt's last step: whether what a cache knows is still all there is.
    async fn last_seq(&self, learner: PersonId, attempt: AttemptId) -> Result<Option<u32>, StoreError>;

    /// The row of an attempt.
    async fn attempt(&self, attempt: AttemptId) -> Result<Option<AttemptRow>, StoreError>;

    /// A learner's attempts, oldest first; all exams when none is named.
    async fn attempts_of(&self, learner: PersonId, exam: Option<ExamId>) -> Result<Vec<AttemptRow>, StoreError>;

    /// What a start at this exam has to know, in one go: it is on the way of everybody at nine o'clock.
    async fn before_start(&self, learner: PersonId, exam: ExamId) -> Result<BeforeStart, StoreError>;

    /// The first steps of a learner's attempts in exam mode at an exam, newest first.
    async fn first_steps(&self, learner: PersonId, exam: ExamId, limit: u32) -> Result<Vec<StepRow>, StoreError>;

    /// The first steps of all attempts in exam mode at an exam, by attempt id.
    async fn first_steps_at(&self, exam: ExamId, page: Page<AttemptId>) -> Result<Vec<StepRow>, StoreError>;

    /// The whole logs of attempts in exam mode at an exam that were handed in or ended by their deadline, by attempt
    /// id and step; `page.limit` counts attempts. With `first_only`, of each learner's first attempt alone.
    async fn closed_logs_at(
        &self,
        exam: ExamId,
        first_only: bool,
        page: Page<AttemptId>,
    ) -> Result<Vec<StepRow>, StoreError>;

    /// The attempts at an exam by id, newest first.
    async fn attempts_at(
        &self,
        exam: ExamId,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, StoreError>;

    /// The same of people of these units alone.
    async fn attempts_of_units(
        &self,
        exam: ExamId,
        units: Vec<String>,
        filter: AttemptFilter,
        page: Page<AttemptId>,
    ) -> Result<Vec<AttemptRow>, StoreError>;

    /// The attempts that have a case by id, newest first.
    async fn cases(&self, filter: CaseFilter, page: Page<AttemptId>) -> Result<Vec<AttemptRow>, StoreError>;

    /// Attempts the server has to close, longest overdue first.
    async fn attempts_due(&self, now: Timestamp, limit: u32) -> Result<Vec<AttemptRow>, StoreError>;

    /// The same for a worker that is about to close them: what one is given, no other is for as long as the lease. A
    /// back end that one process has needs none.
    async fn claim_due_attempts(
        &self,
        now: Timestamp,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        let _ = lease_ms;
        self.attempts_due(now, limit).await
    }

    /// When the next attempt is due; a claimed one at the end of its lease.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Ids of all attempts, for audits, by id.
    async fn attempt_ids(&self, page: Page<AttemptId>) -> Result<Vec<(PersonId, AttemptId)>, StoreError>;

    /// The latest time of anything kept: a node's clock never goes behind it.
    async fn latest_time(&self) -> Result<Option<LatestTime>, StoreError>;
}

/// See [`Attempts::latest_time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestTime {
    /// Nothing kept is later.
    pub at: Timestamp,
    /// It is ahead of what is kept by so much at most: a store may note it seldom.
    pub ahead_ms: i64,
}
