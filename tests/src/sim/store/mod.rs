//! A store in memory with the real unique keys. A commit is first buffered, then kept, then
//! acknowledged, and things can go wrong between any two of these.

mod lessons;

pub(crate) use lessons::StudyFacts;

use super::checker::{Contents, StoredAttempt, StoredEntry, StoredStep};
use super::planted::Bug;
use super::schedule::{Ticket, Write};
use exam_core::attempt::{CommandId, Mode, StepRow};
use exam_core::exam::Override;
use exam_core::hours::LedgerEntry;
use exam_core::planted::RuleBug;
use exam_core::{AttemptId, CourseId, ExamId, LessonId, PersonId, Timestamp};
use exam_store::{AttemptRow, Commit, CommitError, RowChange, StoreError};
use lessons::KeptLessons;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct SimStore {
    pub(crate) up: bool,
    buffered: Vec<(Ticket, Write)>,
    /// By the rig's clock, for the evidence.
    pub(crate) now_ms: i64,
    kept: Kept,
    /// What a crash leaves, where the store only pretends that commits are durable.
    checkpoint: Option<Kept>,
    bug: Option<Bug>,
}

/// What is durable.
#[derive(Clone, Default)]
struct Kept {
    commits: u64,
    rows: BTreeMap<AttemptId, AttemptRow>,
    steps: BTreeMap<AttemptId, BTreeMap<u32, StoredStep>>,
    commands: BTreeSet<(AttemptId, CommandId)>,
    ledger: Vec<StoredEntry>,
    overrides: Vec<(ExamId, PersonId, Override)>,
    latest: Option<Timestamp>,
    lessons: KeptLessons,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Kept and told so.
    Kept,
    /// Not kept, and told so.
    Failed,
    /// Kept, and nobody is told.
    KeptUnknown,
    /// Not kept, and nobody is told.
    LostUnknown,
}

type Read<T> = Result<T, StoreError>;

impl SimStore {
    pub(crate) fn new(bug: Option<Bug>) -> Self {
        Self { up: true, bug, ..Self::default() }
    }

    fn reading(&self) -> Read<&Kept> {
        if self.up { Ok(&self.kept) } else { Err(StoreError::Unavailable("down".into())) }
    }

    pub(crate) fn steps(&self, attempt: AttemptId) -> Read<Vec<StepRow>> {
        let kept = self.reading()?;
        Ok(kept
            .steps
            .get(&attempt)
            .map(|steps| steps.values().map(|step| step.row.clone()).collect())
            .unwrap_or_default())
    }

    pub(crate) fn attempt(&self, attempt: AttemptId) -> Read<Option<AttemptRow>> {
        Ok(self.reading()?.rows.get(&attempt).cloned())
    }

    pub(crate) fn attempts_of(&self, learner: PersonId) -> Read<Vec<AttemptRow>> {
        Ok(self.reading()?.rows.values().filter(|row| row.learner == learner).cloned().collect())
    }

    pub(crate) fn attempts_at(&self, exam: ExamId) -> Read<Vec<AttemptRow>> {
        Ok(self.reading()?.rows.values().filter(|row| row.exam == exam && row.mode == Mode::Exam).cloned().collect())
    }

    pub(crate) fn started_by(&self, learner: PersonId, command: CommandId) -> Read<Option<AttemptRow>> {
        let mut rows = self.reading()?.rows.values();
        Ok(rows.find(|row| row.learner == learner && row.start_command == command).cloned())
    }

    /// First steps of a learner's attempts in exam mode.
    pub(crate) fn first_steps(&self, learner: PersonId, exam: ExamId) -> Read<Vec<StepRow>> {
        let kept = self.reading()?;
        let own = |row: &&AttemptRow| row.learner == learner && row.exam == exam && row.mode == Mode::Exam;
        let first = |row: &AttemptRow| kept.steps.get(&row.id)?.get(&1).map(|step| step.row.clone());
        Ok(kept.rows.values().filter(own).filter_map(first).collect())
    }

    pub(crate) fn attempts_due(&self, now: Timestamp) -> Read<Vec<AttemptRow>> {
        let due = |row: &&AttemptRow| row.due_at.is_some_and(|due| due < now);
        Ok(self.reading()?.rows.values().filter(due).cloned().collect())
    }

    pub(crate) fn next_due(&self) -> Read<Option<Timestamp>> {
        Ok(self.reading()?.rows.values().filter_map(|row| row.due_at).min())
    }

    pub(crate) fn is_granted(&self, learner: PersonId, course: CourseId, credit_year: i16) -> Read<bool> {
        let key = (learner, course, credit_year, None);
        Ok(self.reading()?.stands(key))
    }

    pub(crate) fn overrides(&self, exam: ExamId, learner: PersonId) -> Read<Vec<Override>> {
        let own = self.reading()?.overrides.iter().filter(|(at, whose, _)| (*at, *whose) == (exam, learner));
        Ok(own.map(|(_, _, exception)| exception.clone()).collect())
    }

    pub(crate) fn latest_time(&self) -> Read<Option<Timestamp>> {
        Ok(self.reading()?.latest)
    }

    pub(crate) fn add_override(&mut self, exam: ExamId, learner: PersonId, exception: Override) {
        self.kept.overrides.push((exam, learner, exception));
    }

    /// Writes hours beside nothing; only a planted bug does that.
    pub(crate) fn grant_apart(&mut self, entry: LedgerEntry) {
        self.kept.commits += 1;
        self.kept.ledger.push(StoredEntry { entry, commit: Some(self.kept.commits) });
    }

    /// Takes a commit into the buffer; an outcome at once where the store is down, or lies.
    pub(crate) fn buffer(&mut self, ticket: Ticket, write: Write) -> Option<Result<(), CommitError>> {
        if !self.up {
            return Some(Err(StoreError::Unavailable("down".into()).into()));
        }
        if self.bug == Some(Bug::BufferedIsDurable) {
            if self.checkpoint.is_none() {
                self.checkpoint = Some(self.kept.clone());
            }
            return Some(self.kept.write(write, self.now_ms, self.bug));
        }
        self.buffered.push((ticket, write));
        None
    }

    pub(crate) fn has_buffered(&self) -> bool {
        !self.buffered.is_empty() || self.checkpoint.is_some()
    }

    /// Ends the transaction of everything buffered; each commit stands or falls alone (`poisoned`: falls).
    pub(crate) fn flush(
        &mut self,
        ending: Ending,
        mut poisoned: impl FnMut() -> bool,
    ) -> Vec<(Ticket, Result<(), CommitError>)> {
        self.checkpoint = None;
        let unknown = || CommitError::Store(StoreError::Unknown("the connection broke".into()));
        let mut outcomes = Vec::new();
        for (ticket, write) in std::mem::take(&mut self.buffered) {
            let outcome = match ending {
                Ending::Failed => Err(StoreError::Full.into()),
                Ending::LostUnknown => Err(unknown()),
                _ if poisoned() => Err(StoreError::Corrupt("a row the store does not take".into()).into()),
                Ending::Kept => self.kept.write(write, self.now_ms, self.bug),
                Ending::KeptUnknown => {
                    // Whether it was kept or lost to a key, the one who waits does not learn.
                    let _ = self.kept.write(write, self.now_ms, self.bug);
                    Err(unknown())
                }
            };
            outcomes.push((ticket, outcome));
        }
        outcomes
    }

    /// Loses what is not durable.
    pub(crate) fn crash(&mut self) -> Vec<(Ticket, Result<(), CommitError>)> {
        if let Some(checkpoint) = self.checkpoint.take() {
            self.kept = checkpoint;
        }
        let outcomes = self.flush(Ending::LostUnknown, || false);
        self.up = false;
        outcomes
    }

    pub(crate) fn contents(&self) -> Contents {
        let attempt = |row: &AttemptRow| StoredAttempt {
            row: row.clone(),
            steps: self.kept.steps.get(&row.id).map(|steps| steps.values().cloned().collect()).unwrap_or_default(),
        };
        let (lessons, saves) = self.lesson_contents();
        Contents {
            lessons,
            saves,
            attempts: self.kept.rows.values().map(attempt).collect(),
            ledger: self.kept.ledger.clone(),
            overrides: self.kept.overrides.clone(),
        }
    }
}

/// What one grant at most stands under: own hours of a lesson under it, all others under the course.
type GrantKey = (PersonId, CourseId, i16, Option<LessonId>);

fn grant_key(entry: &LedgerEntry) -> GrantKey {
    (entry.learner, entry.course, entry.credit_year, entry.lesson())
}

impl Kept {
    fn write(&mut self, write: Write, real_ms: i64, bug: Option<Bug>) -> Result<(), CommitError> {
        match write {
            Write::Attempt(commit) => self.keep(*commit, bug),
            Write::Lesson(commit) => self.keep_lesson(*commit, real_ms, bug),
            Write::Checkpoint(checkpoint) => self.keep_checkpoint(*checkpoint, real_ms, bug),
        }
    }

    /// Whether there is a grant that was not taken back.
    fn stands(&self, key: GrantKey) -> bool {
        let entries = self.ledger.iter().filter(|stored| grant_key(&stored.entry) == key);
        let (back, granted): (Vec<_>, Vec<_>) = entries.partition(|stored| stored.entry.takes_back().is_some());
        granted.len() > back.len()
    }

    /// What the ledger's keys refuse: a second grant that stands, and what was taken back already.
    fn is_granted(&self, entry: &LedgerEntry) -> bool {
        match entry.takes_back() {
            Some(_) => self.ledger.iter().any(|stored| stored.entry.takes_back() == entry.takes_back()),
            None => self.stands(grant_key(entry)),
        }
    }

    /// All of a commit or nothing of it, as the unique keys decide.
    fn keep(&mut self, commit: Commit, bug: Option<Bug>) -> Result<(), CommitError> {
        self.check_steps(&commit, bug)?;
        if let RowChange::Insert(row) = &commit.row {
            self.check_row(row, bug)?;
        }
        if let Some(entry) = &commit.grant
            && self.is_granted(entry)
            && bug != Some(Bug::Rule(RuleBug::DoubleGrant))
        {
            return Err(CommitError::AlreadyGranted);
        }
        self.commits += 1;
        let number = Some(self.commits);
        for row in commit.steps {
            self.latest = self.latest.max(Some(row.at));
            self.commands.extend(row.command.map(|(command, _)| (row.log, command)));
            self.steps.entry(row.log).or_default().insert(row.seq, StoredStep { row, commit: number });
        }
        match commit.row {
            RowChange::Keep => {}
            RowChange::Insert(row) => {
                self.rows.insert(row.id, *row);
            }
            RowChange::Update(new) => {
                if let Some(row) = self.rows.get_mut(&new.id) {
                    let (start_command, start_digest) = (row.start_command, row.start_digest);
                    *row = AttemptRow { start_command, start_digest, ..*new };
                }
            }
        }
        self.ledger.extend(commit.grant.map(|entry| StoredEntry { entry, commit: number }));
        Ok(())
    }

    fn check_steps(&self, commit: &Commit, bug: Option<Bug>) -> Result<(), CommitError> {
        for row in &commit.steps {
            if self.steps.get(&row.log).is_some_and(|steps| steps.contains_key(&row.seq)) {
                return Err(CommitError::SeqTaken);
            }
            let taken = row.command.is_some_and(|(command, _)| self.commands.contains(&(row.log, command)));
            if taken && bug != Some(Bug::Rule(RuleBug::ReplayUnknown)) {
                return Err(CommitError::CommandTaken);
            }
        }
        Ok(())
    }

    fn check_row(&self, row: &AttemptRow, bug: Option<Bug>) -> Result<(), CommitError> {
        for other in self.rows.values().filter(|other| other.learner == row.learner) {
            if other.start_command == row.start_command {
                return Err(CommitError::CommandTaken);
            }
            if other.exam != row.exam {
                continue;
            }
            if other.state.is_live() && bug != Some(Bug::TwoLiveAttempts) {
                return Err(CommitError::OpenAttempt);
            }
            if (other.mode, other.number) == (row.mode, row.number) {
                return Err(CommitError::NumberTaken);
            }
        }
        Ok(())
    }
}
