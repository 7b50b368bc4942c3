//! Every limit of this crate in one place.

/// Attempts whose state is kept in memory.
pub const SLOTS_CACHED_MAX: u64 = 200_000;
/// Idle time after which an attempt's state is dropped from memory.
pub const SLOT_IDLE_SECONDS: u64 = 30 * 60;
/// The same of one that is over.
pub const SLOT_OVER_MS: i64 = 60_000;
/// How often a command is decided again after another node was faster.
pub const CONFLICT_RETRIES_MAX: u32 = 32;
/// Sessions whose owner is kept in memory.
pub const SESSIONS_CACHED_MAX: u64 = 200_000;
/// How long a session's owner is believed without asking the store again.
pub const SESSION_CACHE_SECONDS: u64 = 600;
/// How long a sign-in lasts.
pub const SESSION_MS: i64 = 12 * 3_600_000;
/// Attempts closed by one round of the expiry worker.
pub const EXPIRY_BATCH: u32 = 256;
/// What one node has taken to close, others leave to it for so long.
pub const EXPIRY_LEASE_MS: i64 = 30_000;
/// Nodes that wait for the same deadline wake up apart from each other, by so much at most.
pub const EXPIRY_SPREAD_MS: i64 = 250;
/// Changed attempts of a watched exam that are kept for its watcher; beyond them it reads all again.
pub const WATCHED_CHANGES_MAX: usize = 50_000;
/// The longest the expiry worker sleeps.
pub const EXPIRY_SLEEP_MS_MAX: i64 = 30_000;
/// Sign-ins that may wait for a place to hash their password.
pub const HASHES_WAITING_MAX: usize = 4_096;
/// Shortest and longest password, in characters.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
/// People in one request.
pub const PEOPLE_BATCH_MAX: usize = 10_000;
/// Characters of a username, a code, a name or a title.
pub const NAME_CHARS_MAX: usize = 200;
/// Attempts whose logs an analysis holds at once.
pub const ANALYSIS_BATCH: u32 = 32;
/// Analyses kept for whoever asks again, and for how long.
pub const ANALYSES_KEPT: u64 = 16;
/// See [`ANALYSES_KEPT`].
pub const ANALYSIS_KEPT_SECONDS: u64 = 60;
/// People in one imported table: each gets a password of their own, which takes its time.
pub const ROSTER_ROWS_MAX: usize = 5_000;
/// Units in one request.
pub const UNITS_BATCH_MAX: usize = 5_000;
/// Papers after which the exposure cap is looked at again.
pub const EXPOSURE_ROUND: u32 = 16;
/// Papers before the exposure cap begins to bind: shares of few papers say nothing.
pub const EXPOSURE_PAPERS_MIN: u32 = 20;
/// How long a ticket may wait to be used.
pub const TICKET_MS: i64 = 30_000;
/// Lessons that a course may list beside its own.
pub const COURSE_LESSONS_MAX: usize = 500;
/// Items a lesson's bank must have: a wrong answer is followed by another question.
pub const LESSON_ITEMS_MIN: usize = 2;
/// Bytes of a question as a socket sends it, without what stands around it in the message.
pub const QUESTION_BYTES_MAX: usize = 7 * 1024;
/// Lessons that a partner may be limited to.
pub const PARTNER_LESSONS_MAX: usize = 1_000;
/// Characters of a webhook's address.
pub const WEBHOOK_URL_CHARS_MAX: usize = 1_000;
/// Coverage that one transaction keeps.
pub const CHECKPOINTS_BATCH: usize = 1_000;
/// How long claimed tellings are kept from other nodes; longer than any one delivery may take.
pub const OUTBOX_LEASE_MS: i64 = 60_000;
/// Tellings claimed at once.
pub const OUTBOX_BATCH: u32 = 64;
/// Tellings on their way at once.
pub const OUTBOX_AT_ONCE: usize = 16;
/// The first wait after a failed telling; it doubles up to [`OUTBOX_RETRY_MS_MAX`].
pub const OUTBOX_RETRY_MS: i64 = 1_000;
/// The longest wait between two tries.
pub const OUTBOX_RETRY_MS_MAX: i64 = 86_400_000;
/// Failed tries after which a telling is given up: some three weeks.
pub const OUTBOX_ATTEMPTS_MAX: u32 = 38;
/// The longest the outbox worker sleeps; another node may have left something behind.
pub const OUTBOX_SLEEP_MS_MAX: i64 = 30_000;
/// Of a learner's attempts, the latest ones that a notebook of wrong answers is made of.
pub const NOTEBOOK_ATTEMPTS_MAX: usize = 40;
/// Steps of theirs that are read for it; the attempt that goes beyond is the last.
pub const NOTEBOOK_STEPS_MAX: usize = 20_000;
/// Entries it shows.
pub const NOTEBOOK_ENTRIES_MAX: usize = 300;
/// Attempts in which a question has to be right, one after the other, to leave it.
pub const NOTEBOOK_RIGHT_TO_LEAVE: u32 = 2;
