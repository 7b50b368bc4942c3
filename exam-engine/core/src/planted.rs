//! Bugs planted on purpose, so that the simulator can prove that it would find them. Without the
//! feature `planted-bugs` every question here is a constant `false` and compiles to nothing.

/// A rule broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleBug {
    /// The client's word is taken for when an answer was given.
    ClientClock,
    /// A submitted attempt goes on taking answers.
    AnswerAfterSubmit,
    /// A repeated answer is taken for a new one.
    ReplayUnknown,
    /// An answer that raises a flag is dropped.
    FlagDropsAnswer,
    /// However late it is handed in, it counts as submitted.
    LateSubmit,
    /// Expiry does not wait for the grace.
    GraceForgotten,
    /// Hours are granted again and again.
    DoubleGrant,
    /// A terminated attempt may pass.
    TerminatedPasses,
    /// A resumption moves the deadline by twice the pause.
    ResumeTwice,
    /// A score of flags alone makes an attempt fail.
    ScoreFails,
    /// Who asked for a second review may decide it.
    SameReviewer,
    /// A confirmed case leaves the hours where they are.
    ConfirmedKeepsHours,
    /// A regrade grants hours to what does not count.
    RegradeRestores,
    /// Anybody may take anybody's attempt.
    NoOwnerCheck,
    /// Used attempts are not counted.
    AttemptsUncounted,
    /// The rate that the client names is the rate that its beats earn by.
    ClientRate,
    /// A lesson earns credit while a challenge is open.
    CreditWhileAsked,
    /// A wrong answer costs nothing: the challenge may be answered again.
    WrongIsFree,
    /// A jump beyond the furthest covered point earns what it skipped.
    JumpCredited,
    /// Time in which a client said nothing earns credit.
    SilenceCredited,
    /// A completed lesson is completed again, hours and all.
    LessonGrantTwice,
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<RuleBug>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug for this thread, or none.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<RuleBug>) {
    PLANTED.set(bug);
}

#[cfg(feature = "planted-bugs")]
pub(crate) fn planted(bug: RuleBug) -> bool {
    PLANTED.get() == Some(bug)
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: RuleBug) -> bool {
    false
}
