//! Every limit of this crate in one place.

/// Answers one attempt may hold, changes included: an hour and a half of two a second.
pub const ATTEMPT_ANSWERS_MAX: u32 = 10_000;
/// Client signals one attempt keeps; later ones are counted only.
pub const ATTEMPT_SIGNALS_MAX: u32 = 2_000;
/// Integrity flags of one kind one attempt keeps; later ones are counted in the last.
pub const FLAGS_PER_KIND_MAX: u16 = 20;
/// Answers in one batch.
pub const BATCH_ANSWERS_MAX: usize = 500;
/// Signals in one request.
pub const BATCH_SIGNALS_MAX: usize = 100;
/// Characters of a signal's detail.
pub const SIGNAL_DETAIL_CHARS_MAX: usize = 200;
/// Questions of a practice of one's own choice.
pub const PRACTICE_SLOTS_MAX: u32 = 100;
/// Topics named for one.
pub const PRACTICE_TOPICS_MAX: usize = 100;
/// Characters of a reason a person gives for an act.
pub const REASON_CHARS_MAX: usize = 1_000;
/// Entries in the record of one case: decisions, and takings up of what was decided.
pub const CASE_RECORD_MAX: usize = 50;
/// The longest an attempt may last, extensions included: one day.
pub const ATTEMPT_DURATION_MS_MAX: i64 = 24 * 3_600_000;
/// The longest grace after a deadline.
pub const GRACE_MS_MAX: i64 = 600_000;
/// The most minutes one extension may add.
pub const EXTENSION_MINUTES_MAX: u32 = 600;
/// Earlier papers whose items count against the overlap bound.
pub const OVERLAP_PAPERS_MAX: usize = 20;
/// Characters of a username.
pub const USERNAME_CHARS_MAX: usize = 64;
/// Characters of a person's name.
pub const PERSON_NAME_CHARS_MAX: usize = 200;
/// Characters of a unit's code.
pub const UNIT_CODE_CHARS_MAX: usize = 64;
/// Characters of a unit's name.
pub const UNIT_NAME_CHARS_MAX: usize = 200;
/// The shortest and the longest lesson.
pub const LESSON_DURATION_MS_MIN: i64 = 10_000;
/// See [`LESSON_DURATION_MS_MIN`].
pub const LESSON_DURATION_MS_MAX: i64 = 12 * 3_600_000;
/// Stretches one coverage holds; what would need more waits until a gap closes.
pub const COVERAGE_STRETCHES_MAX: usize = 64;
/// Challenges a policy may ask for at least.
pub const CHALLENGES_MIN_MAX: u32 = 200;
/// The largest share of right answers, in percent, that a lesson may ask for: each wrong one then needs nine right ones
/// beside it. At a hundred a single mistake could never be made good.
pub const CORRECT_SHARE_MAX: u32 = 90;
/// Answers of a lesson whose repeats get the first verdict; older challenges are closed anyway.
pub const LESSON_COMMANDS_KEPT: usize = 64;
/// Messages of a lesson that can be told again to a client that missed them.
pub const LESSON_TAIL_KEPT: usize = 32;
