//! What the engine answers when it cannot do what is asked.

use exam_core::Refusal;
use exam_store::StoreError;
use question_bank::draw::BlueprintFault;

/// Something wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// JSON pointer.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl FieldFault {
    /// A fault at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Why not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing of that name, or nothing the caller may know of.
    #[error("not found")]
    NotFound,
    /// Not signed in, or signed in with the wrong password.
    #[error("not signed in")]
    Unauthenticated,
    /// Known, but not for this role.
    #[error("not allowed")]
    Forbidden,
    /// The first password has to be changed before anything else.
    #[error("the password has to be changed first")]
    PasswordChangeRequired,
    /// The request's content is wrong: all faults at once.
    #[error("the request is not valid")]
    Invalid(Vec<FieldFault>),
    /// A unique name is taken.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// The blueprint cannot be drawn from its bank: one fault per short stratum.
    #[error("the blueprint cannot be drawn")]
    Infeasible(Vec<BlueprintFault>),
    /// The thing is in the wrong state for this.
    #[error("{0}")]
    WrongState(&'static str),
    /// Too much at once.
    #[error("overloaded")]
    Overloaded,
    /// The store says no.
    #[error(transparent)]
    Store(StoreError),
    /// Something that cannot be, was.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Taken { field } => Self::Taken(field),
            other => Self::Store(other),
        }
    }
}

impl EngineError {
    /// One wrong field.
    #[must_use]
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldFault::new(pointer, detail)])
    }
}
