//! Every limit of this crate in one place.

/// Jobs one transaction takes.
pub(crate) const BATCH_JOBS_MAX: usize = 4_096;
/// Jobs that wait for the writer; more wait outside.
pub(crate) const QUEUE_JOBS_MAX: usize = 8_192;
/// How often a transaction is begun again that another process kept from the file, each after the
/// busy timeout.
pub(crate) const BUSY_RETRIES_MAX: u32 = 2;
/// Attempts that the writer remembers, about a hundred bytes each.
pub(crate) const ATTEMPTS_KNOWN_MAX: usize = 100_000;
/// Commands of these attempts that it remembers, eight bytes each.
pub(crate) const COMMANDS_KNOWN_MAX: usize = 2_000_000;
/// Prepared statements a connection keeps.
pub(crate) const STATEMENTS_MAX: usize = 128;
/// Memory for the writer's pages.
pub(crate) const WRITER_CACHE_KIB: i64 = 32_768;
/// Memory for each reader's pages.
pub(crate) const READER_CACHE_KIB: i64 = 2_048;
/// Pages in the write-ahead log from which on they are copied into the database.
pub(crate) const LOG_PAGES: u32 = 16_000;
/// So many times as many, and commits wait until they are.
pub(crate) const LOG_PAGES_TIMES_MAX: u32 = 4;
/// The writer copies the rest when it is this part of where copying begins.
pub(crate) const LOG_REST_SHARE: u32 = 32;
/// How often in a row what was written meanwhile is copied.
pub(crate) const LOG_PASSES_MAX: usize = 8;
/// The priority of the thread that copies it, as of `nice`.
pub(crate) const LOG_COPIER_NICE: i32 = 10;
/// The write-ahead log is cut to this once it is copied.
pub(crate) const LOG_BYTES_KEPT: i64 = 96 << 20;
/// Rows of a page, whatever the caller asks for.
pub(crate) const PAGE_ROWS_MAX: u32 = 100_000;
