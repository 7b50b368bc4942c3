//! Steps: what is kept of an attempt, in a log as [`crate::log`] has it.
//!
//! The body's shape is versioned by the `v` of [`Started`] (absent means 1), and readers read every
//! version ever written.

use super::Mode;
use super::case::Decision;
use super::command::ClientSignal;
use crate::hours::Bucket;
use crate::integrity::{Flag, Origin};
use crate::{CourseId, EntryId, ExamId, Timestamp};
use question_bank::draw::Choice;
use question_bank::paper::Paper;
use question_bank::{Points, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum StepBody {
    /// The paper was drawn; the clock runs.
    Started(Box<Started>),
    /// Commands come from here now.
    Origin(Origin),
    /// An answer was given, changed or cleared.
    Answered {
        /// From one.
        slot: u32,
        /// `None` clears.
        response: Option<Response>,
        /// When the client says it was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered_at: Option<Timestamp>,
        /// Whether it waited at the client.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        offline: bool,
    },
    /// The client observed something.
    Signalled(ClientSignal),
    /// The integrity layer noticed something.
    Flagged(Flag),
    /// A proctor spoke to the learner.
    Warned {
        /// What was said.
        reason: String,
    },
    /// A proctor stopped the attempt.
    Paused {
        /// Why.
        reason: String,
    },
    /// A proctor let it go on.
    Resumed {
        /// Why.
        reason: String,
        /// The deadline from now on.
        deadline: Timestamp,
    },
    /// A proctor gave more time.
    Extended {
        /// Why.
        reason: String,
        /// How much.
        minutes: u32,
        /// The deadline from now on.
        deadline: Timestamp,
    },
    /// The learner handed it in.
    Submitted,
    /// The time was over.
    Expired,
    /// A proctor closed it.
    Terminated {
        /// Why.
        reason: String,
    },
    /// It was marked.
    Graded(Grade),
    /// The pass was credited.
    HoursGranted {
        /// The ledger's entry.
        entry: EntryId,
        /// The course.
        course: CourseId,
        /// The credit year.
        credit_year: i16,
        /// The bucket.
        bucket: Bucket,
        /// How many.
        hours: Points,
    },
    /// It was marked again.
    Regraded {
        /// Why.
        reason: String,
        /// The new grade; the old one stays in the log.
        grade: Grade,
    },
    /// A person asked for a look at it, or for another one at what was decided.
    CaseOpened {
        /// Why.
        reason: String,
    },
    /// A person decided its case.
    CaseDecided {
        /// What.
        decision: Decision,
        /// Why.
        reason: String,
    },
    /// The decision before it took back what the attempt had granted.
    HoursTakenBack {
        /// The ledger's counter-entry.
        entry: EntryId,
        /// The entry that it counters.
        takes_back: EntryId,
        /// The course.
        course: CourseId,
        /// The credit year.
        credit_year: i16,
        /// The bucket.
        bucket: Bucket,
        /// How many.
        hours: Points,
    },
}

/// The first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// Shape of this log's bodies.
    #[serde(default = "version_one")]
    pub v: u32,
    /// At which exam.
    pub exam: ExamId,
    /// Exam or practice.
    pub mode: Mode,
    /// Its number within the mode.
    pub number: u32,
    /// When it ends.
    pub deadline: Timestamp,
    /// How long after it answers still count.
    pub grace_ms: i64,
    /// What the seed was committed to.
    pub seed_commitment: String,
    /// The drawn paper.
    pub paper: Arc<Paper>,
    /// Item indexes the draw had to avoid: of the learner's earlier papers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoided_earlier: Vec<u32>,
    /// Item indexes the draw had to avoid: shown too often.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoided_capped: Vec<u32>,
    /// What the learner chose to practise, instead of the blueprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Where it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

const fn version_one() -> u32 {
    1
}

/// Marks and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grade {
    /// The version of the scoring rules.
    pub scoring: String,
    /// The version of the keys.
    pub key_version: String,
    /// By slot, from the first.
    pub marks: Vec<Points>,
    /// Their sum.
    pub score: Points,
    /// The paper's points.
    pub max_score: Points,
    /// What passes.
    pub pass_score: Points,
    /// Whether it did.
    pub passed: bool,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::attempt::command::Actor;
    use crate::attempt::{NewStep, StepRow};
    use crate::{AttemptId, PersonId};

    /// Written by version 1; read by every later one, for ever. New shapes get a new file beside it.
    const SAMPLES: &str = include_str!("../../samples/steps-v1.jsonl");
    /// What review added.
    const CASE_SAMPLES: &str = include_str!("../../samples/steps-v1-cases.jsonl");

    /// The same shape with what a learner chose to practise.
    const CHOICES: &str = include_str!("../../samples/steps-v1-choice.jsonl");

    #[test]
    fn steps_of_every_version_read_and_write_the_same() {
        for line in SAMPLES.lines().chain(CASE_SAMPLES.lines()).chain(CHOICES.lines()) {
            let body: StepBody = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(serde_json::to_string(&body).unwrap(), line);
        }
        assert_eq!((SAMPLES.lines().count(), CASE_SAMPLES.lines().count()), (20, 5));
    }

    #[test]
    fn a_row_changed_anywhere_breaks_its_link() {
        let (learner, attempt) = (PersonId(uuid::Uuid::from_u128(1)), AttemptId(uuid::Uuid::from_u128(2)));
        let new = NewStep { command: Some((uuid::Uuid::from_u128(3), [4; 16])), body: StepBody::Submitted };
        let at = Timestamp::from_ms(5);
        let row = StepRow::seal(learner, attempt, 6, &[7; 32], at, Actor::Person(learner), 8, &new).unwrap();
        assert_eq!(row.link(&[7; 32]), row.hash);
        assert_eq!(row.read().unwrap().body, StepBody::Submitted);
        let changed = [
            StepRow { seq: 9, ..row.clone() },
            StepRow { at: at.plus_ms(1), ..row.clone() },
            StepRow { actor: None, ..row.clone() },
            StepRow { node: 9, ..row.clone() },
            StepRow { command: None, ..row.clone() },
            StepRow { body: r#"{"t":"expired"}"#.into(), ..row.clone() },
        ];
        assert!(changed.iter().all(|other| other.link(&[7; 32]) != row.hash));
        assert_ne!(row.link(&[6; 32]), row.hash);
    }
}
