//! Every limit of the load generator in one place.

use std::time::Duration;

/// How long one request may take before it counts as `timeout`.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to open.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection idle for longer is opened anew: the server closes it after ten seconds.
pub const IDLE_MAX: Duration = Duration::from_secs(8);
/// Bytes of a response.
pub const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a buffer that is kept between two requests.
pub const BUFFER_BYTES_KEPT: usize = 4 * 1024;
/// How often a request that was not answered for good is sent again.
pub const RETRIES_MAX: u32 = 8;
/// The pause before something is tried again when the server names none; it doubles, with full jitter.
pub const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// The longest one before a request is sent again.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long the server may be busy in all before a call that sets up or reads back is given up.
pub const BUSY_MAX: Duration = Duration::from_secs(120);
/// The longest pause of such a call when the server names none.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_secs(2);
/// The longest pause before a socket is opened again.
pub const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(20);
/// Learners created by one request.
pub const PEOPLE_PER_REQUEST: usize = 500;
/// Requests at once when everything is read back at the end.
pub const READ_BACK_AT_ONCE: usize = 32;
/// Points in time of a report: longer runs have longer intervals.
pub const INTERVALS_MAX: u64 = 600;
/// The greatest latency that is told apart.
pub const LATENCY_MAX: Duration = Duration::from_secs(600);
/// Findings that a report lists; all are counted.
pub const FINDINGS_LISTED_MAX: usize = 200;
/// A worker takes every second task from the queue that all share: by default it comes to it once in dozens of its own
/// tasks, and what a generator that is full does late would count against the server.
pub const SHARED_QUEUE_INTERVAL: u32 = 2;
/// Learners of a scenario.
pub const LEARNERS_MAX: usize = 1_000_000;
/// Bytes of a socket's frame, by the protocol.
pub const FRAME_BYTES_MAX: usize = 8 * 1024;
/// How long after the end of the last phase learners may finish what they began.
pub const FINISH_TIMEOUT: Duration = Duration::from_secs(120);
