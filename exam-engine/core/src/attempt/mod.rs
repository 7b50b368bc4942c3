//! One attempt at an exam or a practice: a state folded from steps.

mod case;
pub mod command;
pub mod decide;
mod grade;
mod review;
pub mod step;

pub use crate::log::{ChainHash, FoldError, NewStep, Step, StepRow, StepRowError};
pub use case::{Case, CaseCause, CaseEntry, CaseState, Decision, HeldHours};
pub use command::{AnswerInput, ClientSignal, Command, CommandId, Context, HoursFacts, ProctorAction, SignalKind};
pub use decide::{Answered, Decided, decide};
pub use grade::grade;
pub use step::{Grade, Started, StepBody};

use crate::integrity::Observer;
use crate::{AttemptId, ExamId, PersonId, Timestamp};
use question_bank::Response;
use question_bank::paper::Paper;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Counts; may grant hours.
    Exam,
    /// Counts for nothing; every answer is told right or wrong at once.
    Practice,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Takes answers.
    Open,
    /// Stopped by a proctor; its clock stands still.
    Paused {
        /// Since when.
        since: Timestamp,
    },
    /// Closed by the learner.
    Submitted {
        /// When.
        at: Timestamp,
    },
    /// Closed by the deadline.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Closed by a proctor.
    Terminated {
        /// When.
        at: Timestamp,
    },
}

impl Phase {
    /// The `state` in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused { .. } => "paused",
            Self::Submitted { .. } => "submitted",
            Self::Expired { .. } => "expired",
            Self::Terminated { .. } => "terminated",
        }
    }

    /// When the attempt was closed; `None` while it may still go on.
    #[must_use]
    pub const fn closed_at(self) -> Option<Timestamp> {
        match self {
            Self::Open | Self::Paused { .. } => None,
            Self::Submitted { at } | Self::Expired { at } | Self::Terminated { at } => Some(at),
        }
    }
}

/// The answer a slot holds.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedAnswer {
    /// As sent; `None` when the learner cleared it.
    pub response: Option<Response>,
    /// The step that holds it.
    pub seq: u32,
    /// When that step was taken.
    pub saved_at: Timestamp,
}

/// What a command did, kept so that its repeat gets the same receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandTrace {
    /// Of the command's content.
    pub digest: [u8; 16],
    /// Its first step.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
}

/// An attempt as its steps tell it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Whose.
    pub learner: PersonId,
    /// At which exam.
    pub exam: ExamId,
    /// Exam or practice.
    pub mode: Mode,
    /// Its number within the mode, from one.
    pub number: u32,
    /// The last step's number.
    pub seq: u32,
    /// The last step's hash.
    pub head: ChainHash,
    /// The last step's time; no later step is earlier.
    pub last_at: Timestamp,
    /// When the paper was delivered.
    pub started_at: Timestamp,
    /// When it ends.
    pub deadline: Timestamp,
    /// How long after the deadline answers still count.
    pub grace_ms: i64,
    /// Open, paused or closed.
    pub phase: Phase,
    /// The paper.
    pub paper: Arc<Paper>,
    /// What the seed was committed to.
    pub seed_commitment: String,
    /// By slot, from the first.
    pub answers: Vec<Option<SavedAnswer>>,
    /// How many answer steps there are.
    pub answer_steps: u32,
    /// The grades, the last one counts.
    pub grades: Vec<Grade>,
    /// When the last of them was given.
    pub graded_at: Option<Timestamp>,
    /// Hours this attempt granted and that were not taken back, in hundredths.
    pub hours_granted: question_bank::Points,
    /// The ledger's entry of them.
    pub held: Option<HeldHours>,
    /// Whether it granted hours once, taken back or not.
    pub earned: bool,
    /// That people have to look at it, and what they decided.
    pub case: Option<Box<Case>>,
    /// The integrity layer's running state.
    pub observer: Observer,
    commands: HashMap<CommandId, CommandTrace>,
}

impl Attempt {
    /// Folds the first step.
    ///
    /// # Errors
    /// The step is not `Started`, or not number one.
    pub fn begin(learner: PersonId, id: AttemptId, first: &Step) -> Result<Self, FoldError> {
        let StepBody::Started(started) = &first.body else {
            return Err(FoldError { seq: first.seq, expected: 1 });
        };
        if first.seq != 1 {
            return Err(FoldError { seq: first.seq, expected: 1 });
        }
        let slots = started.paper.slot_count();
        Ok(Self {
            id,
            learner,
            exam: started.exam,
            mode: started.mode,
            number: started.number,
            seq: 1,
            head: first.hash,
            last_at: first.at,
            started_at: first.at,
            deadline: started.deadline,
            grace_ms: started.grace_ms,
            phase: Phase::Open,
            paper: Arc::clone(&started.paper),
            seed_commitment: started.seed_commitment.clone(),
            answers: vec![None; slots],
            answer_steps: 0,
            grades: Vec::new(),
            graded_at: None,
            hours_granted: question_bank::Points::ZERO,
            held: None,
            earned: false,
            case: None,
            observer: Observer::new(first.at, started.origin.clone()),
            commands: first.command.into_iter().map(|(id, digest)| (id, trace(first, digest))).collect(),
        })
    }

    /// Folds a whole log.
    ///
    /// # Errors
    /// The log is empty, does not begin with `Started`, or has a gap.
    pub fn fold<'a>(
        learner: PersonId,
        id: AttemptId,
        steps: impl IntoIterator<Item = &'a Step>,
    ) -> Result<Self, FoldError> {
        let mut steps = steps.into_iter();
        let first = steps.next().ok_or(FoldError { seq: 0, expected: 1 })?;
        let mut attempt = Self::begin(learner, id, first)?;
        for step in steps {
            attempt.apply(step)?;
        }
        Ok(attempt)
    }

    /// Folds the next step.
    ///
    /// # Errors
    /// The step's number is not the next one; nothing is changed then.
    pub fn apply(&mut self, step: &Step) -> Result<(), FoldError> {
        if step.seq != self.seq + 1 {
            return Err(FoldError { seq: step.seq, expected: self.seq + 1 });
        }
        self.seq = step.seq;
        self.head = step.hash;
        self.last_at = self.last_at.max(step.at);
        if let Some((id, digest)) = step.command {
            self.commands.insert(id, trace(step, digest));
        }
        self.observer.apply(&step.body, step.at);
        self.apply_body(step);
        self.apply_to_case(step);
        Ok(())
    }

    fn apply_body(&mut self, step: &Step) {
        let at = step.at;
        match &step.body {
            StepBody::Started(_)
            | StepBody::Origin(_)
            | StepBody::Signalled(_)
            | StepBody::Flagged(_)
            | StepBody::Warned { .. }
            | StepBody::CaseOpened { .. }
            | StepBody::CaseDecided { .. } => {}
            StepBody::Answered { slot, response, .. } => {
                self.answer_steps += 1;
                if let Some(place) = (*slot as usize).checked_sub(1).and_then(|index| self.answers.get_mut(index)) {
                    *place = Some(SavedAnswer { response: response.clone(), seq: step.seq, saved_at: at });
                }
            }
            StepBody::Paused { .. } => self.phase = Phase::Paused { since: at },
            StepBody::Resumed { deadline, .. } => {
                self.phase = Phase::Open;
                self.deadline = *deadline;
            }
            StepBody::Extended { deadline, .. } => self.deadline = *deadline,
            StepBody::Submitted => self.phase = Phase::Submitted { at },
            StepBody::Expired => self.phase = Phase::Expired { at },
            StepBody::Terminated { .. } => self.phase = Phase::Terminated { at },
            StepBody::Graded(grade) | StepBody::Regraded { grade, .. } => {
                self.grades.push(grade.clone());
                self.graded_at = Some(at);
            }
            StepBody::HoursGranted { entry, course, credit_year, bucket, hours } => {
                let held = HeldHours {
                    entry: *entry,
                    course: *course,
                    credit_year: *credit_year,
                    bucket: *bucket,
                    hours: *hours,
                };
                self.held = Some(held);
                self.earned = true;
                self.hours_granted += *hours;
                self.note_hours(step.seq, *hours);
            }
            StepBody::HoursTakenBack { hours, .. } => {
                self.held = None;
                self.hours_granted = self.hours_granted - *hours;
                self.note_hours(step.seq, question_bank::Points::ZERO - *hours);
            }
        }
    }

    /// What the command of this id did, if it was taken.
    #[must_use]
    pub fn command(&self, id: &CommandId) -> Option<&CommandTrace> {
        self.commands.get(id)
    }

    /// The grade that counts.
    #[must_use]
    pub fn grade(&self) -> Option<&Grade> {
        self.grades.last()
    }

    /// The last instant at which answers count.
    #[must_use]
    pub fn answers_until(&self) -> Timestamp {
        self.deadline.plus_ms(self.grace_ms)
    }

    /// How many slots hold an answer.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.answers.iter().flatten().filter(|answer| answer.response.is_some()).count()
    }
}

const fn trace(step: &Step, digest: [u8; 16]) -> CommandTrace {
    CommandTrace { digest, seq: step.seq, at: step.at }
}
