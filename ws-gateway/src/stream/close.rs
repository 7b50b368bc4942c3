//! Why a socket ends, in the protocol's numbers. 44xx are final; after any other the client comes back.

/// A close code with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The number.
    pub code: u16,
    /// For people who read logs; clients go by the number.
    pub reason: &'static str,
}

impl Close {
    /// The frames are none of the protocol's.
    pub const PROTOCOL: Self = Self::new(1002, "not a WebSocket frame");
    /// A frame that is no text.
    pub const NOT_TEXT: Self = Self::new(1003, "text frames only");
    /// Text that is no UTF-8.
    pub const NOT_UTF8: Self = Self::new(1007, "not UTF-8");
    /// More than the socket may send.
    pub const FLOOD: Self = Self::new(1008, "too many messages");
    /// A frame or message over the limit.
    pub const TOO_BIG: Self = Self::new(1009, "at most 8 KiB");
    /// A mistake of the server, or its storage does not answer.
    pub const INTERNAL: Self = Self::new(1011, "the server failed");
    /// The server stops.
    pub const RESTART: Self = Self::new(1012, "restarting");
    /// The person's roles or unit changed: what was shown so far may not be theirs to see any more.
    pub const CHANGED: Self = Self::new(1012, "roles or unit changed");
    /// The peer does not read.
    pub const SLOW_READER: Self = Self::new(1013, "slow reader");
    /// Too many come at once.
    pub const BUSY: Self = Self::new(1013, "busy, try again");
    /// Nothing was heard of the peer.
    pub const SILENT: Self = Self::new(1001, "silent");
    /// A message that is none of this stream's.
    pub const MALFORMED: Self = Self::new(4400, "malformed");
    /// The ticket is unknown, used or too old.
    pub const BAD_TICKET: Self = Self::new(4401, "bad or used ticket");
    /// The session ended.
    pub const SIGNED_OUT: Self = Self::new(4401, "signed out");
    /// Not for this person, or no more.
    pub const NOT_ALLOWED: Self = Self::new(4403, "not allowed");
    /// No hello in time.
    pub const NO_HELLO: Self = Self::new(4408, "no hello");
    /// A newer session took over.
    pub const TAKEN_OVER: Self = Self::new(4409, "taken over");
    /// Too many sockets of one person or address.
    pub const TOO_MANY: Self = Self::new(4429, "too many connections");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}
