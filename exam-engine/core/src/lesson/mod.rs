//! One person's way through one lesson: a state folded from steps, and the credit earned since.
//!
//! While a lesson plays, beats earn credit by [`credit()`]; at moments that only the server knows a
//! challenge stops it until a right answer. What was said and concluded is steps, kept before anybody is
//! told. Credit between steps is soft: it lives in memory and in a checkpoint, and a crash may lose what
//! was earned since the last one.

mod command;
mod coverage;
mod credit;
mod decide;
mod moment;
mod policy;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod told;

pub use crate::log::ChainHash;
pub use command::{Beat, Command, Context, LessonGrant, LessonHours};
pub use coverage::Coverage;
pub use credit::{Credit, credit};
pub use decide::{Decided, decide, number};
pub use moment::next_moment;
pub use policy::{Exhausted, LessonPolicy, LessonRules, Rate};
pub use state::{Asked, LastBeat, Lesson, Phase, Study, Verdict};
pub use step::{LessonStepBody, Opened, STEP_VERSION};
pub use told::{Told, ToldWhat};

use crate::LessonId;
use crate::log::{NewStep, Step, StepRow};

/// A step of a lesson's log.
pub type LessonStep = Step<LessonStepBody>;
/// A decided step that is not numbered yet.
pub type NewLessonStep = NewStep<LessonStepBody>;
/// A lesson's step as a store keeps it.
pub type LessonStepRow = StepRow<LessonId>;
