//! Steps: what is kept of a person's way through a lesson, in a log as [`crate::log`] has it, one per
//! (learner, lesson).
//!
//! Steps that matter carry the coverage as it was: folding them alone gives a state that was true, and
//! no older checkpoint brings back what a wrong answer took away.

use super::Coverage;
use crate::hours::{Bucket, GrantSource};
use crate::integrity::Origin;
use crate::{ChallengeId, CourseId, EntryId, PartnerId, StudyId, Timestamp};
use question_bank::draw::DrawnQuestion;
use question_bank::{Points, Response, Seed};
use serde::{Deserialize, Serialize};

/// The shape that this version writes.
pub const STEP_VERSION: u32 = 1;

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum LessonStepBody {
    /// A study began, or took over from an older one.
    Opened(Box<Opened>),
    /// A question was asked; credit stops.
    Challenged {
        /// The challenge.
        challenge: ChallengeId,
        /// Its number within the lesson, from one.
        number: u32,
        /// The item and its orders.
        question: DrawnQuestion,
        /// Where the player was.
        position_ms: i64,
        /// What was covered.
        covered: Coverage,
        /// The last instant at which it takes an answer.
        answer_until: Timestamp,
    },
    /// It was not answered in time; kept with what followed from that.
    Lapsed {
        /// Which.
        challenge: ChallengeId,
    },
    /// It was answered.
    Answered {
        /// Which.
        challenge: ChallengeId,
        /// What was said.
        response: Response,
        /// Whether it was right.
        correct: bool,
        /// What is covered from now on.
        covered: Coverage,
        /// Where the player has to go back to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rewind_to_ms: Option<i64>,
        /// When the next question comes, after a wrong answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
        /// At which covered time the next challenge is due, after a right one; absent: at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_at_ms: Option<i64>,
    },
    /// Every item was asked, and the policy locks.
    Locked {
        /// Until when.
        until: Timestamp,
        /// What was covered.
        covered: Coverage,
    },
    /// The lesson is covered and passed.
    Completed {
        /// What was covered.
        covered: Coverage,
        /// Challenges asked.
        asked: u32,
        /// Challenges passed.
        passed: u32,
    },
    /// The completion was credited.
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
        /// Whether they are the lesson's own or the course's.
        source: GrantSource,
    },
}

/// A study begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Shape of the bodies from here on.
    pub v: u32,
    /// The study.
    pub study: StudyId,
    /// Its number among the learner's studies.
    pub epoch: u64,
    /// What its moments, items and orders are drawn from. Secret.
    pub seed: Seed,
    /// What was covered.
    pub covered: Coverage,
    /// At which covered time the next challenge is due; absent while something else comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at_ms: Option<i64>,
    /// The partner system it was opened through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// Where it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}
