//! The engine: ties the pure rules to a store. It has no idea of HTTP.
//!
//! The way of one answer: [`Engine::answer`] → the attempt's slot (one command at a time, see
//! `slots`) → `exam_core::attempt::decide` on the cached state → [`exam_store::Attempts::commit`],
//! where commits of many attempts become one transaction → after it: the cache, the receipt, the caller.
//!
//! How to add the next thing the engine does: a file named after the noun, an `impl Engine` block in it.

mod attempts;
mod banks;
pub mod clock;
mod commands;
mod engine;
pub mod error;
pub mod events;
mod exams;
mod expiry;
mod history;
mod hours;
mod identity;
pub mod limits;
mod loaded;
mod password;
mod people;
mod proctor;
mod regrade;
mod rows;
mod slots;
mod start;
mod verify;

pub use attempts::{AnswerOutcome, BatchOutcome, Feedback, ReceiptCheck, Submission};
pub use banks::{ImportRequest, Stratum};
pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::{Engine, Options, Stats};
pub use error::{EngineError, FieldFault};
pub use exams::{ExamDraft, LearnerExam};
pub use history::OwnAttempt;
pub use hours::{EntryView, YearView};
pub use identity::{Identity, SignedIn};
pub use loaded::LoadedExam;
pub use people::{CreatedPerson, NewPerson, RefusedPerson};
pub use proctor::{SessionView, TimelineView};
pub use regrade::{RegradeChange, RegradeReport};
pub use start::StartedAttempt;
pub use verify::{AttemptVerdict, AuditReport};
