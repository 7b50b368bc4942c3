//! Every limit of this crate in one place.

use std::time::Duration;

/// Commits one transaction takes.
pub(crate) const BATCH_COMMITS_MAX: usize = 4_096;
/// Lanes that attempts have, each with a connection of its own.
pub(crate) const ATTEMPT_LANES: usize = 2;
/// Commits that wait for a lane; more wait outside.
pub(crate) const QUEUE_COMMITS_MAX: usize = 8_192;
/// The noted latest time is so far ahead of what is kept at most, so that it has to be noted seldom.
pub(crate) const NOTED_AHEAD_MS: i64 = 250;
/// How often a transaction is begun again that the server ended to resolve a deadlock.
pub(crate) const DEADLOCK_RETRIES_MAX: u32 = 3;
/// Making one connection may take so long.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The server ends a statement that takes longer.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
/// The server gives up waiting for a lock after this.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// The server ends a transaction in which nothing happens for so long: its node is gone.
pub(crate) const IDLE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that does not answer for so long, though its own timeouts have passed, is given up.
pub(crate) const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections that many read by at once.
pub(crate) const LINES: usize = 4;
/// Statements that wait at one of them before the next one is taken.
pub(crate) const LINE_STATEMENTS: usize = 16;
/// How long a statement that is answered in no time may take, with those before it.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request waits for a free connection.
pub(crate) const POOL_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failed connection the next try waits a random time up to this, doubled with every failure …
pub(crate) const RECONNECT_MIN: Duration = Duration::from_millis(50);
/// … and never longer than this.
pub(crate) const RECONNECT_MAX: Duration = Duration::from_secs(1);
/// Items one statement writes.
pub(crate) const ITEMS_CHUNK: usize = 2_000;
/// Rows of a page, whatever the caller asks for.
pub(crate) const PAGE_ROWS_MAX: u32 = 100_000;
/// Bytes of an announcement; the server takes less than 8,000.
pub(crate) const NOTICE_BYTES_MAX: usize = 7_900;
