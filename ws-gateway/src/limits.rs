//! Every limit of the gateway in one place. Those with a name in the configuration are its defaults.

use std::time::Duration;

/// From the moment a connection may send a request to the end of its head: a half-sent head and a
/// silent connection both end here.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// From the head to the end of an ordinary body.
pub const BODY_READ_TIMEOUT: Duration = Duration::from_secs(20);
/// From the head to the end of an uploaded file.
pub const UPLOAD_READ_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a client may read nothing of what is sent to it.
pub const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// From SIGTERM to the end, at most.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);
/// Connections at once, sockets of the stream among them, where there are descriptors for so many.
pub const CONNECTIONS_MAX: usize = 60_000;
/// Connections that the kernel holds until they are accepted; it takes its own limit (`somaxconn`) if that is less. Of
/// more it forgets the first packet, and whoever sent it tries again after a second.
pub const CONNECTIONS_WAITING_MAX: u32 = 4_096;
/// Descriptors kept for files, the database and what is about to be refused.
pub const DESCRIPTORS_RESERVED: usize = 200;
/// Connections kept for HTTP, however many sockets there are.
pub const HTTP_CONNECTIONS_RESERVED: usize = 200;
/// Bytes of a frame or message on a socket, in either direction.
pub const FRAME_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a socket's buffer for reading; most are idle most of the time.
pub const SOCKET_READ_BUFFER: usize = 256;
/// Bytes that may wait in a socket's own buffer to be written.
pub const SOCKET_WRITE_BUFFER_MAX: usize = 64 * 1024;
/// Bytes one socket may send a second in the long run.
pub const SOCKET_BYTES_PER_SECOND: u32 = 64 * 1024;
/// Bytes one socket may send at once.
pub const SOCKET_BYTES_BURST: u32 = 1024 * 1024;
/// Unsent bytes the system keeps for a connection; what a client does not read waits with us, not there.
pub const UNSENT_BYTES_MAX: u32 = 64 * 1024;
/// Letters that may wait for a socket whose peer does not read.
pub const MAILBOX_LETTERS_MAX: usize = 32;
/// How long one message to a socket may take to be written.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the peer of a closed socket has to agree.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long, after a socket's end, what its peer still sends is read away.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// How many bytes of it.
pub const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Messages that are told again after a cut; whoever missed more reads everything again.
pub const REPLAY_MAX: usize = 64;
/// How often proctors are told what changed.
pub const DELTA_EVERY: Duration = Duration::from_secs(1);
/// The time over which sockets are sent away when the server stops.
pub const DRAIN_SPREAD: Duration = Duration::from_secs(2);
/// The time over which all sockets are looked at again when announcements of other nodes were missed.
pub const CHECK_SPREAD_MS: u64 = 5_000;
/// Sockets that are told to come back, a second: they are given times apart accordingly.
pub const RECONNECTS_PER_SECOND: u64 = 1_000;
/// Bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of an ordinary JSON body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a batch of answers.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an administrator's JSON body.
pub const ADMIN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of an uploaded table of people with its form.
pub const ROSTER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of an uploaded file of items with its form.
pub const UPLOAD_BYTES_MAX: usize = question_bank::limits::IMPORT_BYTES_MAX + 64 * 1024;
/// A worker takes every second task from the queue that all share, see [`crate::runtime`]. At 1 it would be the workers' own
/// that wait.
pub const SHARED_QUEUE_INTERVAL: u32 = 2;
/// Requests in work at once, all classes together.
pub const REQUESTS_MAX: usize = 4_096;
/// The same when what comes is an answer or a submission.
pub const ANSWERS_MAX: usize = 16_384;
/// Rows of a page unless asked otherwise.
pub const PAGE_DEFAULT: u32 = 50;
/// Rows of a page at most.
pub const PAGE_MAX: u32 = 500;
/// Learners who wait to start, at most.
pub const QUEUE_LENGTH_MAX: usize = 50_000;
/// Nobody joins a line whose end is further off than this.
pub const QUEUE_WAIT_MAX: Duration = Duration::from_secs(30 * 60);
/// How old the ticket of a place may be.
pub const QUEUE_TICKET_AGE_MAX: Duration = Duration::from_secs(60 * 60);
/// The soonest a waiting learner is told to ask again.
pub const QUEUE_RETRY_MIN: Duration = Duration::from_millis(500);
/// And the latest, so that nobody loses touch.
pub const QUEUE_RETRY_MAX: Duration = Duration::from_secs(30);
/// How long beyond the time to ask again a place in the line is kept without its ticket.
pub const QUEUE_SILENCE_MAX: Duration = Duration::from_secs(30);
/// Whoever should ask within this time is waited for before others are called; longer than the shortest time to ask
/// again, with what is added to it.
pub const QUEUE_NEAR: Duration = Duration::from_millis(750);
/// And whoever should have asked this long ago.
pub const QUEUE_LATE: Duration = Duration::from_millis(250);
/// How often it is found out who is called, at most.
pub const QUEUE_CALL_INTERVAL: Duration = Duration::from_millis(20);
/// How many times as many as there is room for are called, at most, where those who are called do not come.
pub const QUEUE_REACH_MAX: f64 = 16.0;
/// How often somebody comes in although there is no room.
pub const QUEUE_TRICKLE: Duration = Duration::from_secs(5);
/// Starts in work at once.
pub const STARTS_IN_WORK_MAX: usize = 256;
/// Seats of the room, by which learners are counted; four bytes each.
pub const ROOM_SEATS: usize = 1 << 18;
/// Whoever was not heard for so long is not inside any more.
pub const ROOM_SILENCE: Duration = Duration::from_secs(120);
/// So many may always be inside.
pub const ROOM_LEAST: f64 = 50.0;
/// How often it is looked at how many may be inside.
pub const PACE_INTERVAL: Duration = Duration::from_millis(100);
/// Answers that take longer than this in the mean are slow.
pub const PACE_ANSWER_MAX: Duration = Duration::from_millis(30);
/// Threads are busy if a timer fires later than this.
pub const PACE_LATENESS_MAX: Duration = Duration::from_millis(25);
/// A house fuller than this is full.
pub const PACE_FULLNESS_MAX: f64 = 0.25;
/// From connecting to a partner's webhook to its answer; far below the lease of what is delivered.
pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// Certificates that one address may look at in the long run; an office checks a pile of them.
pub const CHECKS_PER_SECOND: u32 = 5;
/// And at once.
pub const CHECKS_BURST: u32 = 100;
/// Bytes of an answer from which on it is packed for who takes that; below it nothing is won.
pub const PACK_BYTES_MIN: u64 = 2 * 1024;
/// Bytes up to which: packing more would keep others waiting.
pub const PACK_BYTES_MAX: u64 = 1024 * 1024;
