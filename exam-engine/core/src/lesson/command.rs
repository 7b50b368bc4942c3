//! Everything that can be asked of a lesson under way, and the facts a decision needs.

use super::policy::LessonRules;
use crate::hours::{Bucket, GrantSource, LedgerEntry};
use crate::integrity::Origin;
use crate::log::CommandId;
use crate::{ChallengeId, CourseId, EntryId, LessonId, PartnerId, PersonId, StudyId, Timestamp};
use question_bank::pool::Pool;
use question_bank::{Points, Response, Seed};

/// A command. There is no other way to change a lesson's state; in particular none that completes it.
#[derive(Clone, Debug)]
pub enum Command {
    /// A study begins, or takes over from an older one.
    Open {
        /// Its id.
        study: StudyId,
        /// Its number among all studies of the learner: greater than any before.
        epoch: u64,
        /// What moments, items and orders are drawn from; random and secret.
        seed: Seed,
        /// The partner system it was opened through.
        partner: Option<PartnerId>,
    },
    /// The player reports.
    Beat(Beat),
    /// The learner answers the open challenge.
    Answer {
        /// For repeats.
        command: CommandId,
        /// Which one is meant.
        challenge: ChallengeId,
        /// The answer.
        response: Response,
    },
    /// A time has come (see [`super::Lesson::wake_at`]), or the learner is back.
    Wake,
}

/// What a player says of itself. Nothing of it is believed beyond what the server's clock allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// The client's count of beats; one that does not rise is a repeat and ignored.
    pub n: u64,
    /// Where the player is.
    pub position_ms: i64,
    /// Whether it plays from here on.
    pub playing: bool,
    /// The rate it says it plays at; never used.
    pub rate: f64,
}

/// The facts a decision needs; all of them read before it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Read once, at the edge.
    pub now: Timestamp,
    /// The lesson's rules.
    pub rules: &'a LessonRules,
    /// The items that challenges are made of.
    pub pool: &'a Pool,
    /// What completing it grants.
    pub hours: &'a LessonHours,
    /// Where the command came from.
    pub origin: Option<&'a Origin>,
}

/// What completing this lesson now grants.
#[derive(Clone, Debug, PartialEq)]
pub struct LessonHours {
    /// The entry to write, made before the decision so that deciding stays deterministic.
    pub entry: EntryId,
    /// Whose hours, and how many.
    pub grants: LessonGrant,
    /// The course.
    pub course: CourseId,
    /// Its credit year.
    pub credit_year: i16,
    /// Where they count.
    pub bucket: Bucket,
    /// Whether the key of the grant has its entry already.
    pub already_granted: bool,
}

/// Whose hours a completed lesson grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonGrant {
    /// None: the course grants by exam, or other lessons of its set are not completed yet.
    None,
    /// The lesson's own, once per (learner, lesson, year).
    Lesson {
        /// How many.
        hours: Points,
    },
    /// The course's, as the last of its set, once per (learner, course, year).
    Course {
        /// How many.
        hours: Points,
    },
}

impl LessonHours {
    /// The entry to write beside the step that grants it; `None` if nothing is granted.
    #[must_use]
    pub fn ledger_entry(&self, learner: PersonId, lesson: LessonId, at: Timestamp) -> Option<LedgerEntry> {
        let (source, hours) = self.source(lesson)?;
        Some(LedgerEntry {
            id: self.entry,
            learner,
            course: self.course,
            credit_year: self.credit_year,
            bucket: self.bucket,
            hours,
            source,
            at,
        })
    }

    /// Who vouches for the hours, and how many they are.
    pub(super) fn source(&self, lesson: LessonId) -> Option<(GrantSource, Points)> {
        match self.grants {
            LessonGrant::None => None,
            LessonGrant::Lesson { hours } => Some((GrantSource::Lesson { lesson }, hours)),
            LessonGrant::Course { hours } => Some((GrantSource::Lessons { lesson }, hours)),
        }
    }
}
