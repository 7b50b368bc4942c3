//! Everything that can be asked of an attempt, and the facts a decision needs.

use super::case::Decision;
use crate::exam::ExamRules;
use crate::hours::{Bucket, GrantSource};
use crate::integrity::{ItemTiming, Origin};
use crate::{CourseId, EntryId, PersonId, Timestamp};
use question_bank::pool::Pool;
use question_bank::{Points, Response};
use serde::{Deserialize, Serialize};

pub use crate::log::{Actor, CommandId};

/// A command. There is no other way to change an attempt.
#[derive(Clone, Debug)]
pub enum Command {
    /// One answer, or what a client kept while it was offline.
    Answer {
        /// In the order they were given.
        answers: Vec<AnswerInput>,
        /// Whether they waited at the client.
        offline: bool,
    },
    /// What the client observed.
    Signal {
        /// In the order they were observed.
        signals: Vec<ClientSignal>,
    },
    /// The learner is done.
    Submit {
        /// For repeats.
        command: CommandId,
    },
    /// The practice gives way to the exam.
    GiveWay,
    /// The deadline and its grace are over.
    Expire,
    /// A proctor acts.
    Proctor {
        /// For repeats.
        command: CommandId,
        /// What to do.
        action: ProctorAction,
        /// Why, in words.
        reason: String,
    },
    /// Marks the closed attempt again with the pool of the context.
    Regrade {
        /// Why, in words.
        reason: String,
    },
    /// A person asks for a look at the attempt, or for another one at what was decided.
    OpenCase {
        /// For repeats.
        command: CommandId,
        /// Why, in words.
        reason: String,
        /// Whether the person may take up what is decided.
        may_reopen: bool,
    },
    /// A person decides the attempt's case.
    DecideCase {
        /// For repeats.
        command: CommandId,
        /// Who.
        by: PersonId,
        /// What.
        decision: Decision,
        /// Why, in words.
        reason: String,
    },
}

/// One answer as sent.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerInput {
    /// For repeats.
    pub command: CommandId,
    /// From one.
    pub slot: u32,
    /// `None` clears the answer.
    pub response: Option<Response>,
    /// When the client says it was given; recorded, never believed.
    pub answered_at: Option<Timestamp>,
}

/// What a proctor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProctorAction {
    /// Tell the learner something.
    Warn,
    /// Stop the clock and the answers.
    Pause,
    /// Go on; the deadline moves by the length of the pause.
    Resume,
    /// Give more time.
    Extend {
        /// How much.
        minutes: u32,
    },
    /// Close the attempt; it is marked but cannot pass.
    Terminate,
}

/// What a client can observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SignalKind {
    Blur,
    Focus,
    Hidden,
    Visible,
    Copy,
    Paste,
    FullscreenExit,
    Resize,
    Devtools,
    Offline,
    Online,
    MultiScreen,
}

/// One observation of the client. Telemetry is a hint: it never proves guilt or innocence alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSignal {
    /// What.
    pub kind: SignalKind,
    /// When, by the client's clock.
    #[serde(rename = "client_at")]
    pub at: Timestamp,
    /// More, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The facts a decision needs; all of them read before it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Read once, at the edge.
    pub now: Timestamp,
    /// The exam's rules.
    pub rules: &'a ExamRules,
    /// Items and keys of the paper (for a regrade: with the keys to mark by).
    pub pool: &'a Pool,
    /// What a pass grants.
    pub hours: &'a HoursFacts,
    /// Where the command came from; `None` for the server's own.
    pub origin: Option<&'a Origin>,
    /// How long others take for each item.
    pub timing: &'a dyn Fn(question_bank::snapshot::ItemIndex) -> ItemTiming,
    /// Whether the integrity layer watches.
    pub heuristics: bool,
}

/// What a pass at this exam grants, and whether the learner has it already.
#[derive(Clone, Debug, PartialEq)]
pub struct HoursFacts {
    /// The entry to write, made before the decision so that deciding stays deterministic.
    pub entry: EntryId,
    /// The course.
    pub course: CourseId,
    /// Its credit year.
    pub credit_year: i16,
    /// Where they count.
    pub bucket: Bucket,
    /// How many.
    pub hours: Points,
    /// Whether (learner, course, year) has its entry.
    pub already_granted: bool,
    /// Who vouches for the entry.
    pub source: GrantSource,
}
