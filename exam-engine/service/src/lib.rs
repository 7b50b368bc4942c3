//! The engine: ties the pure rules to a store. It has no idea of HTTP.
//!
//! The way of one answer: [`Engine::answer`] → the attempt's slot (one command at a time, see
//! `slots`) → `exam_core::attempt::decide` on the cached state → [`exam_store::Attempts::commit`],
//! where commits of many attempts become one transaction → after it: the cache, the receipt, the caller.
//!
//! How to add the next thing the engine does: a file named after the noun, an `impl Engine` block in it.

mod analysis;
mod attempts;
mod banks;
mod cases;
mod certificates;
pub mod clock;
mod commands;
mod engine;
pub mod error;
pub mod events;
mod exams;
mod expiry;
mod heed;
mod history;
mod hours;
mod identity;
mod lessons;
pub mod limits;
mod loaded;
mod notebook;
mod outbox;
mod outlive;
mod partners;
mod password;
mod people;
mod practice;
mod proctor;
mod progress;
mod regrade;
mod results;
mod roster;
mod rows;
mod sample;
mod slots;
mod start;
mod starts;
mod study;
mod tickets;
mod transfer;
mod units;
mod verify;

pub use analysis::{ExamAnalysis, Which};
pub use attempts::{AnswerOutcome, BatchOutcome, Feedback, ReceiptCheck, Submission};
pub use banks::{ImportRequest, Stratum, WrittenItem};
pub use cases::{CaseFile, CaseLine, CaseOutcome};
pub use certificates::{CertificateView, IssuedCertificate};
pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::{Engine, Options, Stats};
pub use error::{EngineError, FieldFault};
pub use exams::{ExamDraft, LearnerExam};
pub use history::OwnAttempt;
pub use hours::{EntryView, PersonHours, PersonYear, SourceView, SourcedEntry, YearView};
pub use identity::{Identity, SignedIn, token_hash};
pub use lessons::{LearnerLesson, LessonDraft, LessonTimeline, LoadedLesson};
pub use loaded::LoadedExam;
pub use notebook::{NotebookEntry, NotebookView};
pub use outbox::{Courier, Delivery};
pub use partners::{CreatedPartner, PartnerDraft, PartnerIdentity, PartnerView};
pub use people::{CreatedPerson, NewPerson, RefusedPerson, subject_person};
pub use practice::{PracticeOf, Wanted};
pub use proctor::{ActOutcome, SessionView, TimelineView};
pub use regrade::{RegradeChange, RegradeReport};
pub use results::ResultView;
pub use roster::RosterPreview;
pub use sample::SamplePaper;
pub use start::StartedAttempt;
pub use study::{
    BeatOutcome, ChallengeOutcome, CreditView, OpenedStudy, Replay, Resume, StudyError, StudyHandle, Welcome,
};
pub use tickets::{Bearer, Pass, Purpose};
pub use transfer::MovedLogs;
pub use verify::{AttemptVerdict, AuditReport};
