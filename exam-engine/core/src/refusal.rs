//! Refusals: what the rules say no to. Mapped to HTTP and socket codes in one place, the gateway.

use crate::{AttemptId, Timestamp};

/// Why a command changes nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The attempt is submitted, expired or terminated.
    #[error("the attempt is closed")]
    AttemptClosed,
    /// A proctor has paused the attempt.
    #[error("the attempt is paused")]
    AttemptPaused,
    /// The deadline and its grace are over.
    #[error("the deadline has passed")]
    DeadlinePassed,
    /// All allowed attempts are used.
    #[error("all {max} attempts are used")]
    AttemptsExhausted {
        /// Allowed attempts.
        max: u32,
    },
    /// Another attempt of the learner is open.
    #[error("attempt {attempt} is still open")]
    AttemptOpen {
        /// The open one.
        attempt: AttemptId,
    },
    /// The exam wants a finished practice first.
    #[error("a practice has to be finished first")]
    PracticeRequired,
    /// The exam offers no practice.
    #[error("the exam offers no practice")]
    PracticeOff,
    /// The exam is not open now.
    #[error("the exam is open from {opens_at} to {closes_at}")]
    WindowClosed {
        /// First instant.
        opens_at: Timestamp,
        /// First instant after it.
        closes_at: Timestamp,
    },
    /// Too soon after the last attempt.
    #[error("the next attempt may start at {until}")]
    Cooldown {
        /// When it may start.
        until: Timestamp,
        /// How long that is from now.
        retry_after_ms: i64,
    },
    /// The paper has no such slot.
    #[error("the paper has no slot {slot}")]
    NoSuchSlot {
        /// As sent.
        slot: u32,
    },
    /// The response does not fit its slot; the earlier answer stands.
    #[error("{detail}")]
    InvalidResponse {
        /// What is wrong and what would be right.
        detail: String,
    },
    /// The command id was used before with other content.
    #[error("command_id was used before with another content")]
    CommandReused,
    /// The attempt holds as many steps of this sort as it may.
    #[error("the attempt holds as many changes as it may")]
    TooManyChanges,
    /// The act does not fit the state (resume without pause, extend a closed attempt …).
    #[error("{0}")]
    WrongState(&'static str),
    /// An argument of an act is missing or out of range.
    #[error("{detail}")]
    InvalidArgument {
        /// The field.
        pointer: &'static str,
        /// What would be right.
        detail: String,
    },
}
