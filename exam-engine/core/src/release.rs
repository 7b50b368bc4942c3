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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exam::PracticePolicy;
    use question_bank::{Blueprint, Points};

    fn rules(review: ReviewPolicy, results_at: Option<i64>) -> ExamRules {
        ExamRules {
            blueprint: Blueprint { sections: Vec::new(), overlap_max: None, exposure_max: None, shuffle_options: true },
            duration_ms: 1,
            grace_ms: 0,
            pass_score: Points::ZERO,
            attempts_max: 0,
            cooldown_ms: 0,
            opens_at: Timestamp::from_ms(0),
            closes_at: Timestamp::from_ms(1),
            practice: PracticePolicy::Off,
            review,
            results_at: results_at.map(Timestamp::from_ms),
        }
    }

    #[test]
    fn nothing_shows_before_the_set_time_and_as_much_as_the_policy_says_from_it_on() {
        for (review, shown) in [
            (ReviewPolicy::None, [false, false, false]),
            (ReviewPolicy::Score, [true, false, false]),
            (ReviewPolicy::Marks, [true, true, false]),
            (ReviewPolicy::Full, [true, true, true]),
        ] {
            let rules = rules(review, Some(10));
            let before = exam_visibility(&rules, Timestamp::from_ms(9));
            assert!(!before.released && !before.score && !before.marks && !before.keys);
            assert_eq!(before.released_at, Some(Timestamp::from_ms(10)));
            let after = exam_visibility(&rules, Timestamp::from_ms(10));
            assert!(after.released);
            assert_eq!([after.score, after.marks, after.keys], shown, "{review:?}");
        }
        assert!(exam_visibility(&rules(ReviewPolicy::None, None), Timestamp::from_ms(0)).released);
    }
}
