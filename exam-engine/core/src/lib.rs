//! The rules of examinations: attempts, lessons, hours, integrity, who may do what.
//!
//! Pure: no clock, no ambient randomness, no I/O; time, ids and facts are arguments. Everything that
//! happens to an attempt is a [`attempt::Command`] to [`attempt::decide()`], which answers with steps
//! or a [`Refusal`]; [`attempt::Attempt::apply`] folds steps into state. Steps are what is kept.
//! Lessons have the same door: [`lesson::Command`], [`lesson::decide()`], [`lesson::Lesson::apply`].
//!
//! How to add the next thing that can happen: a variant in `Command` and in `StepBody`, an arm in
//! `decide` and in `apply`, a case in the simulator's generator, a line in the checker.

pub mod access;
pub mod analysis;
pub mod attempt;
pub mod audit;
pub mod certificate;
pub mod exam;
pub mod hours;
pub mod id_number;
pub mod ids;
pub mod integrity;
pub mod lesson;
pub mod limits;
pub mod log;
pub mod person;
#[doc(hidden)]
pub mod planted;
pub mod receipt;
pub mod refusal;
pub mod release;
pub mod roster;
pub mod start;
pub mod time;
pub mod unit;

pub use ids::{AttemptId, BankId, ChallengeId, CourseId, EntryId, ExamId, LessonId, PartnerId, PersonId, StudyId};
pub use refusal::Refusal;
pub use time::Timestamp;
