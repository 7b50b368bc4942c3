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
/// Pages in the write-ahead log that make the next commit copy them into the database.
pub(crate) const WAL_PAGES: u32 = 4_000;
/// The write-ahead log is cut to this once it is copied.
pub(crate) const WAL_BYTES_KEPT: i64 = 64 << 20;
/// Rows of a page, whatever the caller asks for.
pub(crate) const PAGE_ROWS_MAX: u32 = 100_000;
