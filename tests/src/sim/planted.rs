//! Bugs on purpose: a checker that does not find them proves nothing.

use super::checker::Promise;
use exam_core::planted::RuleBug;

/// A bug of the rules, of a node or of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// In `exam-core`, under its feature `planted-bugs`; the store drops the key that would catch it.
    Rule(RuleBug),
    /// A node answers before the commit is durable.
    AckBeforeCommit,
    /// A node takes an unknown outcome for success.
    UnknownIsDone,
    /// A node believes its wall clock while it runs.
    WallClock,
    /// Steps carry the node's time even where the log is ahead of it.
    StepTimeGoesBack,
    /// The time is read once to decide and once more to write.
    TimeReadTwice,
    /// A node folds steps into its cache before the commit and keeps them when it fails.
    CacheAhead,
    /// A client hangs up, and its command is dropped between the commit and the cache.
    DroppedMidway,
    /// An answer is refused for what another node's cache still says.
    StaleRefusal,
    /// What a learner sees of an open attempt contains the keys.
    KeyInPaper,
    /// Reviews are shown without looking at the release.
    EarlyReview,
    /// Hours are written in a transaction of their own.
    GrantApart,
    /// The store does not keep the key of live attempts.
    TwoLiveAttempts,
    /// A verdict is sent before it is durable.
    VerdictBeforeCommit,
    /// A study that was taken over goes on earning: the store has no fence.
    StaleStudy,
    /// Coverage from before a step is kept after it: what a wrong answer took comes back.
    OldCheckpoint,
    /// A question is shown with its key.
    KeyInChallenge,
    /// The store tells of a commit before it is kept through a crash.
    BufferedIsDurable,
}

impl Bug {
    /// Every one of them, and the promises any of which it breaks first.
    pub const ALL: [(Self, &'static [Promise]); 38] = {
        use Promise as P;
        use RuleBug as R;
        [
            (Self::Rule(R::ClientClock), &[P::P2]),
            (Self::Rule(R::AnswerAfterSubmit), &[P::P2, P::P9]),
            (Self::Rule(R::ReplayUnknown), &[P::P8]),
            (Self::Rule(R::FlagDropsAnswer), &[P::P11]),
            (Self::Rule(R::LateSubmit), &[P::P2]),
            (Self::Rule(R::GraceForgotten), &[P::P2]),
            (Self::Rule(R::DoubleGrant), &[P::P3]),
            (Self::Rule(R::TerminatedPasses), &[P::P3, P::P5]),
            (Self::Rule(R::ResumeTwice), &[P::P2]),
            (Self::Rule(R::ScoreFails), &[P::P5, P::P11]),
            (Self::Rule(R::SameReviewer), &[P::Review]),
            (Self::Rule(R::ConfirmedKeepsHours), &[P::Review]),
            (Self::Rule(R::RegradeRestores), &[P::P3]),
            (Self::Rule(R::NoOwnerCheck), &[P::P7, P::P10]),
            (Self::Rule(R::AttemptsUncounted), &[P::P6]),
            (Self::AckBeforeCommit, &[P::P1]),
            (Self::UnknownIsDone, &[P::P1, P::P12]),
            (Self::WallClock, &[P::P2]),
            (Self::StepTimeGoesBack, &[P::P7]),
            (Self::TimeReadTwice, &[P::P1, P::P2, P::P8]),
            (Self::CacheAhead, &[P::P1, P::P7, P::P12]),
            (Self::DroppedMidway, &[P::P8, P::P12]),
            (Self::StaleRefusal, &[P::P8]),
            (Self::KeyInPaper, &[P::P10]),
            (Self::EarlyReview, &[P::P10]),
            (Self::GrantApart, &[P::P3]),
            (Self::TwoLiveAttempts, &[P::P6]),
            (Self::Rule(R::ClientRate), &[P::Credit]),
            (Self::Rule(R::CreditWhileAsked), &[P::Credit]),
            (Self::Rule(R::WrongIsFree), &[P::Challenge]),
            (Self::Rule(R::JumpCredited), &[P::Credit]),
            (Self::Rule(R::SilenceCredited), &[P::Credit]),
            (Self::Rule(R::LessonGrantTwice), &[P::P3, P::P9]),
            (Self::VerdictBeforeCommit, &[P::P1]),
            (Self::StaleStudy, &[P::P6]),
            (Self::OldCheckpoint, &[P::Credit]),
            (Self::KeyInChallenge, &[P::P10]),
            (Self::BufferedIsDurable, &[P::P1, P::P7, P::P12]),
        ]
    };

    /// The rule it breaks, where it is one.
    #[must_use]
    pub const fn rule(self) -> Option<RuleBug> {
        match self {
            Self::Rule(rule) => Some(rule),
            _ => None,
        }
    }
}
