//! Every limit of this crate in one place.

/// Attempts whose state is kept in memory.
pub const SLOTS_CACHED_MAX: u64 = 200_000;
/// Idle time after which an attempt's state is dropped from memory.
pub const SLOT_IDLE_SECONDS: u64 = 30 * 60;
/// How often a command is decided again after another node was faster.
pub const CONFLICT_RETRIES_MAX: u32 = 5;
/// Sessions whose owner is kept in memory.
pub const SESSIONS_CACHED_MAX: u64 = 200_000;
/// How long a session's owner is believed without asking the store again.
pub const SESSION_CACHE_SECONDS: u64 = 60;
/// How long a sign-in lasts.
pub const SESSION_MS: i64 = 12 * 3_600_000;
/// Attempts closed by one round of the expiry worker.
pub const EXPIRY_BATCH: u32 = 256;
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
/// Papers after which the exposure cap is looked at again.
pub const EXPOSURE_ROUND: u32 = 16;
/// Papers before the exposure cap begins to bind: shares of few papers say nothing.
pub const EXPOSURE_PAPERS_MIN: u32 = 20;
