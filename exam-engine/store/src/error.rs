//! What can go wrong in a store.

/// Reading or writing failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A unique name is taken: the field, and what was given.
    #[error("{field} is taken")]
    Taken {
        /// Such as `code` or `username`.
        field: &'static str,
    },
    /// Nothing of that id.
    #[error("not found")]
    NotFound,
    /// No space is left; reading goes on.
    #[error("storage is full")]
    Full,
    /// The store cannot be reached or does not answer; nothing was kept.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// The commit may or may not have been kept.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// Rows contradict each other or do not read.
    #[error("stored rows are inconsistent: {0}")]
    Corrupt(String),
}

/// A commit was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another node took the step's number: reload and decide again.
    #[error("the step number is taken")]
    SeqTaken,
    /// The command is kept already: reload and replay.
    #[error("the command is taken")]
    CommandTaken,
    /// The learner has an open attempt at the exam.
    #[error("another attempt is open")]
    OpenAttempt,
    /// The attempt's number is taken.
    #[error("the attempt number is taken")]
    NumberTaken,
    /// (learner, course, year), or (learner, lesson, year), has its entry: decide again knowing that.
    #[error("hours are granted already")]
    AlreadyGranted,
    /// Another study of the learner is the active one.
    #[error("another study has taken over")]
    StudyTaken,
    /// Something else.
    #[error(transparent)]
    Store(#[from] StoreError),
}
