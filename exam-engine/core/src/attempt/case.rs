//! The case of an attempt: that people have to look at it, and what they decided.
//!
//! A case is opened by what the log says (flags whose weights reach [`CASE_SCORE`], or a termination)
//! or by a person, and is closed by people alone. Nothing but a person's decision changes what the
//! attempt is worth: see [`Case::is_confirmed`].

use super::{Attempt, Mode, Step, StepBody};
use crate::hours::Bucket;
use crate::integrity::CASE_SCORE;
use crate::log::Actor;
use crate::{CourseId, EntryId, PersonId, Timestamp};
use question_bank::Points;
use serde::{Deserialize, Serialize};

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaseState {
    /// Nobody has decided yet.
    Open,
    /// Somebody else has to decide.
    SecondReview,
    /// Nothing that would count against the learner.
    Cleared,
    /// The attempt does not count.
    Confirmed,
}

impl CaseState {
    /// All states, in their order.
    pub const ALL: [Self; 4] = [Self::Open, Self::SecondReview, Self::Cleared, Self::Confirmed];

    /// The name in the protocol and in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SecondReview => "second_review",
            Self::Cleared => "cleared",
            Self::Confirmed => "confirmed",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether somebody has to decide.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Open | Self::SecondReview)
    }
}

/// What a reviewer can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing that would count against the learner.
    Cleared,
    /// The attempt does not count: it passes no longer, and its hours are taken back.
    Confirmed,
    /// Somebody else has to decide.
    SecondReview,
}

impl Decision {
    /// The name in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.leads_to().name()
    }

    /// Where the case stands after it.
    #[must_use]
    pub const fn leads_to(self) -> CaseState {
        match self {
            Self::Cleared => CaseState::Cleared,
            Self::Confirmed => CaseState::Confirmed,
            Self::SecondReview => CaseState::SecondReview,
        }
    }
}

/// What opened a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseCause {
    /// The weights of its flags reached [`CASE_SCORE`].
    Score,
    /// It was terminated.
    Terminated,
    /// A person asked for it.
    Person {
        /// Who.
        by: PersonId,
        /// Why.
        reason: String,
    },
}

/// One entry of a case's record: a decision, or that a decided case was taken up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEntry {
    /// Its step.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
    /// Who; `None` is the server itself, which no decision is by.
    pub by: Option<PersonId>,
    /// What; `None`: the case was taken up again.
    pub decision: Option<Decision>,
    /// Why, in words.
    pub reason: String,
    /// What the decision did to the learner's hours: negative when it took them back.
    pub hours: Points,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// When it was opened first.
    pub opened_at: Timestamp,
    /// By what.
    pub cause: CaseCause,
    /// Where it stands.
    pub state: CaseState,
    /// What was decided so far, oldest first.
    pub record: Vec<CaseEntry>,
}

impl Case {
    /// Whether flags of this weight open a case.
    #[must_use]
    pub fn opens_by_score(mode: Mode, score: u32) -> bool {
        mode == Mode::Exam && score >= CASE_SCORE
    }

    const fn open(opened_at: Timestamp, cause: CaseCause) -> Self {
        Self { opened_at, cause, state: CaseState::Open, record: Vec::new() }
    }

    /// The decision that stands: the last one that decided anything. While a decided case is looked at
    /// again, it is the one from before.
    #[must_use]
    pub fn standing(&self) -> Option<&CaseEntry> {
        let decides = |entry: &&CaseEntry| entry.decision.is_some_and(|decision| !decision.leads_to().is_waiting());
        self.record.iter().rfind(decides)
    }

    /// The decision by which the attempt does not count, while it stands.
    #[must_use]
    pub fn is_confirmed(&self) -> Option<&CaseEntry> {
        self.standing().filter(|entry| entry.decision == Some(Decision::Confirmed))
    }

    /// Whether the person has decided anything in it.
    #[must_use]
    pub fn knows(&self, person: PersonId) -> bool {
        self.record.iter().any(|entry| entry.decision.is_some() && entry.by == Some(person))
    }
}

/// Hours that an attempt granted and that were not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldHours {
    /// The ledger's entry.
    pub entry: EntryId,
    /// The course.
    pub course: CourseId,
    /// The credit year.
    pub credit_year: i16,
    /// The bucket.
    pub bucket: Bucket,
    /// How many.
    pub hours: Points,
}

impl Attempt {
    /// What the step does to the attempt's case, after all else it does.
    pub(super) fn apply_to_case(&mut self, step: &Step) {
        let by = match step.actor {
            Actor::Person(person) => Some(person),
            Actor::System => None,
        };
        let entry = |decision, reason: &str| CaseEntry {
            seq: step.seq,
            at: step.at,
            by,
            decision,
            reason: reason.to_owned(),
            hours: Points::ZERO,
        };
        match &step.body {
            StepBody::Flagged(_) if Case::opens_by_score(self.mode, self.observer.score()) => {
                self.open_case(step.at, CaseCause::Score);
            }
            StepBody::Terminated { .. } => self.open_case(step.at, CaseCause::Terminated),
            StepBody::CaseOpened { reason } => match (&mut self.case, by) {
                (Some(case), _) => {
                    case.state = CaseState::SecondReview;
                    case.record.push(entry(None, reason));
                }
                (None, Some(by)) => self.open_case(step.at, CaseCause::Person { by, reason: reason.clone() }),
                (None, None) => {}
            },
            StepBody::CaseDecided { decision, reason } => {
                if let Some(case) = &mut self.case {
                    case.state = decision.leads_to();
                    case.record.push(entry(Some(*decision), reason));
                }
            }
            _ => {}
        }
    }

    fn open_case(&mut self, at: Timestamp, cause: CaseCause) {
        if self.case.is_none() && self.mode == Mode::Exam {
            self.case = Some(Box::new(Case::open(at, cause)));
        }
    }

    /// Notes in the case's record what a decision did to the hours: that step follows the decision's.
    pub(super) fn note_hours(&mut self, seq: u32, change: Points) {
        let last = self.case.as_mut().and_then(|case| case.record.last_mut());
        if let Some(decided) = last.filter(|entry| entry.seq + 1 == seq) {
            decided.hours += change;
        }
    }

    /// The decision by which the attempt does not count, while it stands.
    #[must_use]
    pub fn invalidated(&self) -> Option<&CaseEntry> {
        self.case.as_ref()?.is_confirmed()
    }

    /// Whether it passed, once it is marked: by its grade, unless a person decided that it does not count.
    #[must_use]
    pub fn passed(&self) -> Option<bool> {
        self.grade().map(|grade| grade.passed && self.invalidated().is_none())
    }
}
