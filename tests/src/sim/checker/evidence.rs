//! What a rig hands to the checker.

use super::lesson::{LessonFacts, LessonRecord, LiveStudy, Saved, StoredLesson};
use exam_core::LessonId;
use exam_core::attempt::{Attempt, CommandId, Mode, StepRow};
use exam_core::exam::{ExamRules, Override};
use exam_core::hours::LedgerEntry;
use exam_core::receipt::ReceiptKey;
use exam_core::{AttemptId, CourseId, ExamId, PersonId, Timestamp};
use exam_store::AttemptRow;
use question_bank::{DrawPlan, Points, Pool, Response};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything.
#[derive(Clone)]
pub struct Evidence<'a> {
    /// What was set up before anybody came.
    pub facts: &'a Facts,
    /// What was observed from outside, in the order it was.
    pub observed: &'a [Observed],
    /// What the store holds once everything is quiet.
    pub contents: &'a Contents,
    /// What each node holds in memory then, by node.
    pub caches: &'a [(u16, Attempt)],
    /// Whether a cache may stand behind the store (several nodes): then it has to equal what the store
    /// said before, and must never say anything else.
    pub caches_may_lag: bool,
    /// What was observed of lessons.
    pub lessons: &'a LessonRecord,
    /// The studies each node holds in memory then.
    pub live: Vec<LiveStudy>,
}

/// What was set up before anybody came.
pub struct Facts {
    /// The exams.
    pub exams: Vec<ExamFacts>,
    /// The lessons.
    pub lessons: Vec<LessonFacts>,
    /// Pools by key version: those the exams pin, and those they were marked by again.
    pub keys: BTreeMap<String, Arc<Pool>>,
    /// Who may act as a proctor.
    pub proctors: BTreeSet<PersonId>,
    /// Who may regrade.
    pub authors: BTreeSet<PersonId>,
    /// Who may decide cases.
    pub reviewers: BTreeSet<PersonId>,
    /// Who may take up what is decided.
    pub reopeners: BTreeSet<PersonId>,
    /// What receipts are signed with.
    pub receipts: ReceiptKey,
    /// Texts that stand in keys, explanations, feedback and tags, and nowhere else.
    pub canaries: Vec<String>,
}

/// A published exam.
pub struct ExamFacts {
    /// Which.
    pub id: ExamId,
    /// Its rules.
    pub rules: ExamRules,
    /// The secret its seeds come from.
    pub secret: [u8; 32],
    /// The pinned bank.
    pub pool: Arc<Pool>,
    /// The plan of its papers.
    pub plan: Arc<DrawPlan>,
    /// Whose hours it grants.
    pub course: CourseId,
    /// For which year.
    pub credit_year: i16,
    /// How many.
    pub hours: Points,
}

impl Facts {
    /// An exam by its id.
    #[must_use]
    pub fn exam(&self, id: ExamId) -> Option<&ExamFacts> {
        self.exams.iter().find(|exam| exam.id == id)
    }

    /// A lesson by its id.
    #[must_use]
    pub fn lesson(&self, id: LessonId) -> Option<&LessonFacts> {
        self.lessons.iter().find(|lesson| lesson.id == id)
    }
}

/// A call of a client and its answer. Times are the rig's own, in ms on a clock that no fault touches.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Who called.
    pub caller: PersonId,
    /// The id of the command, where it has one.
    pub command: Option<CommandId>,
    /// When the command was sent for the first time by anybody.
    pub first_sent_ms: i64,
    /// When this call was sent for the first time.
    pub sent_ms: i64,
    /// When it was answered.
    pub told_ms: i64,
}

/// Something seen from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Observed {
    /// A node came up: its clock showed `server` at `real_ms`, and has to run evenly from there.
    NodeStarted {
        /// Which.
        node: u16,
        /// By the rig's clock.
        real_ms: i64,
        /// By the node's.
        server: Timestamp,
    },
    /// An attempt was started.
    Started {
        /// The call.
        call: Call,
        /// At which exam.
        exam: ExamId,
        /// In which mode.
        mode: Mode,
        /// Which.
        attempt: AttemptId,
    },
    /// An answer was acknowledged.
    Answered {
        /// The call.
        call: Call,
        /// The attempt.
        attempt: AttemptId,
        /// The slot, from one.
        slot: u32,
        /// As sent.
        response: Option<Response>,
        /// As received.
        receipt: String,
        /// What was said about it at once, as text.
        feedback: Option<String>,
    },
    /// A submission or an act of a proctor was acknowledged.
    Done {
        /// The call.
        call: Call,
        /// The attempt.
        attempt: AttemptId,
    },
    /// A command was refused by a rule.
    Refused {
        /// The call.
        call: Call,
        /// The attempt, where it is about one.
        attempt: Option<AttemptId>,
        /// For an answer the digest of what was sent.
        answer: Option<[u8; 16]>,
        /// In words.
        why: String,
    },
    /// An attempt was shown, as the protocol's JSON.
    Seen {
        /// The call.
        call: Call,
        /// The attempt.
        attempt: AttemptId,
        /// The node's time when it was shown.
        at: Timestamp,
        /// The JSON.
        json: String,
    },
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// All attempts.
    pub attempts: Vec<StoredAttempt>,
    /// The ledger.
    pub ledger: Vec<StoredEntry>,
    /// Personal exceptions, oldest first.
    pub overrides: Vec<(ExamId, PersonId, Override)>,
    /// All learners' lessons.
    pub lessons: Vec<StoredLesson>,
    /// Every change of their coverage, in order of transactions.
    pub saves: Vec<Saved>,
}

/// An attempt as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAttempt {
    /// Its row.
    pub row: AttemptRow,
    /// Its log in order of the key.
    pub steps: Vec<StoredStep>,
}

/// A step as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredStep {
    /// The row.
    pub row: StepRow,
    /// The number of the transaction that brought it, where the rig knows.
    pub commit: Option<u64>,
}

/// A ledger entry as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: LedgerEntry,
    /// The number of the transaction that brought it, where the rig knows.
    pub commit: Option<u64>,
}
