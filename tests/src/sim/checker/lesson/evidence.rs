//! What a rig hands to the checker about lessons.

use exam_core::hours::Bucket;
use exam_core::lesson::{Coverage, Lesson, LessonGrant, LessonRules, LessonStepRow, Told};
use exam_core::log::CommandId;
use exam_core::{CourseId, LessonId, PersonId, StudyId};
use exam_store::ProgressRow;
use question_bank::{Points, Pool};
use std::sync::Arc;

/// A lesson.
pub struct LessonFacts {
    /// Which.
    pub id: LessonId,
    /// Its rules.
    pub rules: LessonRules,
    /// The items of its challenges.
    pub pool: Arc<Pool>,
    /// Its course.
    pub course: CourseId,
    /// For which year.
    pub credit_year: i16,
    /// Where its hours count.
    pub bucket: Bucket,
    /// What it grants.
    pub pays: LessonPays,
}

impl LessonFacts {
    /// Whether it is one of the lessons that grant the course's hours together.
    #[must_use]
    pub fn is_in_set(&self, course: CourseId) -> bool {
        self.course == course && matches!(self.pays, LessonPays::AsSet { .. })
    }
}

/// What completing a lesson grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonPays {
    /// Nothing.
    Nothing,
    /// Hours of its own.
    ItsOwn {
        /// How many.
        hours: Points,
    },
    /// The course's hours, with the last lesson of the set.
    AsSet {
        /// How many.
        hours: Points,
    },
}

impl LessonPays {
    /// In the engine's words.
    #[must_use]
    pub const fn grant(self, is_last: bool) -> LessonGrant {
        match self {
            Self::ItsOwn { hours } => LessonGrant::Lesson { hours },
            Self::AsSet { hours } if is_last => LessonGrant::Course { hours },
            Self::AsSet { .. } | Self::Nothing => LessonGrant::None,
        }
    }
}

/// A beat that a node judged, at the time it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The study's time in one node's memory.
    pub instance: u64,
    /// The node.
    pub node: u16,
    /// By the rig's clock.
    pub real_ms: i64,
    /// Whose.
    pub learner: PersonId,
    /// In which lesson.
    pub lesson: LessonId,
    /// Of which study of the learner.
    pub epoch: u64,
    /// The client's count.
    pub n: u64,
    /// Where it said the player was.
    pub position_ms: i64,
    /// Whether it said that it plays.
    pub playing: bool,
    /// What was covered before it, in memory.
    pub covered_ms: i64,
}

/// Who saw something, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Who {
    /// By the rig's clock.
    pub real_ms: i64,
    /// The player.
    pub player: usize,
    /// Its learner.
    pub learner: PersonId,
    /// The lesson.
    pub lesson: LessonId,
    /// The study.
    pub study: StudyId,
}

/// Something a player was told.
#[derive(Clone, Debug, PartialEq)]
pub enum LessonSeen {
    /// The study began, or went on where `told` is absent.
    Welcomed {
        /// Who.
        who: Who,
        /// What is covered.
        covered_ms: i64,
        /// The number of the last message, for a player that knew none.
        told: Option<u32>,
    },
    /// Messages were missed that are not told again; the count goes on from here.
    Resynced {
        /// Who.
        who: Who,
        /// The number of the last message.
        told: u32,
    },
    /// What is covered.
    Credited {
        /// Who.
        who: Who,
        /// So much.
        covered_ms: i64,
    },
    /// A numbered message.
    Told {
        /// Who.
        who: Who,
        /// What.
        told: Told,
        /// A question as shown.
        json: Option<String>,
        /// The command that a verdict is about.
        command: Option<CommandId>,
        /// Whether it is what a repeat was told.
        again: bool,
    },
    /// An answer was refused.
    Refused {
        /// Who.
        who: Who,
        /// The command.
        command: Option<CommandId>,
        /// In words.
        why: String,
    },
}

impl LessonSeen {
    /// Who saw it.
    #[must_use]
    pub const fn who(&self) -> &Who {
        match self {
            Self::Welcomed { who, .. }
            | Self::Resynced { who, .. }
            | Self::Credited { who, .. }
            | Self::Told { who, .. }
            | Self::Refused { who, .. } => who,
        }
    }
}

/// Coverage that became durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The number of the transaction.
    pub commit: u64,
    /// By the rig's clock.
    pub real_ms: i64,
    /// Whose.
    pub learner: PersonId,
    /// In which lesson.
    pub lesson: LessonId,
    /// By which study of the learner.
    pub epoch: u64,
    /// After which step.
    pub seq: u32,
    /// What is covered.
    pub covered: Coverage,
    /// Whether the study began with it.
    pub takes: bool,
}

impl Saved {
    pub(crate) fn new(commit: u64, real_ms: i64, row: &ProgressRow, takes: bool) -> Self {
        let ProgressRow { learner, lesson, seq, epoch, covered, .. } = row.clone();
        Self { commit, real_ms, learner, lesson, epoch, seq, covered, takes }
    }
}

/// A learner's lesson as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredLesson {
    /// Its row.
    pub row: ProgressRow,
    /// Its log.
    pub steps: Vec<StoredLessonStep>,
}

/// A step of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredLessonStep {
    /// The row.
    pub row: LessonStepRow,
    /// The number of the transaction.
    pub commit: u64,
    /// By the rig's clock.
    pub real_ms: i64,
}

/// A study in a node's memory once all is quiet.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveStudy {
    /// The node.
    pub node: u16,
    /// Its number among the learner's studies.
    pub epoch: u64,
    /// Its state.
    pub state: Lesson,
    /// Whether something of it is not saved.
    pub dirty: bool,
}

/// What was observed of lessons.
#[derive(Default)]
pub struct LessonRecord {
    /// What players were told, in the order they were.
    pub seen: Vec<LessonSeen>,
    /// The beats that nodes judged.
    pub heard: Vec<Heard>,
    /// When which node crashed, by the rig's clock.
    pub crashes: Vec<(u16, i64)>,
    /// When the store did not do what it was asked, by the rig's clock.
    pub trouble_ms: Vec<i64>,
}
