//! What a learner may see of an attempt, decided in one place for every door: HTTP, socket, export, ledger.

use crate::Timestamp;
use crate::attempt::{Attempt, Mode, Phase};
use crate::exam::{ExamRules, ReviewPolicy};

/// What may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visibility {
    /// Whether the result is released: passed or not, hours, the seed.
    pub released: bool,
    /// When it will be, if that is known and still to come.
    pub released_at: Option<Timestamp>,
    /// The score.
    pub score: bool,
    /// Points by slot.
    pub marks: bool,
    /// Responses, keys and explanations.
    pub keys: bool,
}

impl Visibility {
    const NOTHING: Self = Self { released: false, released_at: None, score: false, marks: false, keys: false };
}

/// What the learner may see of `attempt` at `now`.
#[must_use]
pub fn visibility(rules: &ExamRules, attempt: &Attempt, now: Timestamp) -> Visibility {
    match (attempt.mode, attempt.phase) {
        (_, Phase::Open | Phase::Paused { .. }) => Visibility::NOTHING,
        // Practice told everything as it went.
        (Mode::Practice, _) => Visibility { released: true, released_at: None, score: true, marks: true, keys: true },
        (Mode::Exam, _) => exam_visibility(rules, now),
    }
}

/// What learners may see of closed attempts at an exam.
#[must_use]
pub fn exam_visibility(rules: &ExamRules, now: Timestamp) -> Visibility {
    match rules.results_at {
        Some(at) if now < at => Visibility { released_at: Some(at), ..Visibility::NOTHING },
        _ => Visibility {
            released: true,
            released_at: None,
            score: rules.review >= ReviewPolicy::Score,
            marks: rules.review >= ReviewPolicy::Marks,
            keys: rules.review >= ReviewPolicy::Full,
        },
    }
}
