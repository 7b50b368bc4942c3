//! The latest time of anything kept, see `Attempts::latest_time`: a row for each node and each of its writers, so that
//! they do not wait for each other. Lanes note it a little ahead of what they keep.

use crate::connect::Session;
use crate::convert::Time;
use exam_core::Timestamp;
use tokio_postgres::Error;

pub(crate) const NOTE_TIME: &str = "INSERT INTO latest_times AS l (node, writer, at) VALUES ($1, $2, $3) \
    ON CONFLICT (node, writer) DO UPDATE SET at = excluded.at WHERE l.at < excluded.at";

/// Remembers that something of this time is kept. Within the transaction that keeps it, or before.
pub(crate) async fn note_time(session: &Session, node: i32, writer: &str, at: Timestamp) -> Result<(), Error> {
    session.execute(NOTE_TIME, &[&node, &writer, &Time(at)]).await.map(drop)
}

/// What a transaction has to remember.
pub(crate) struct Noting<'a> {
    /// This node.
    pub(crate) node: i32,
    /// Who writes.
    pub(crate) writer: &'a str,
    /// A time that none of its steps is later than, unless what is noted already is one.
    pub(crate) later: Option<Timestamp>,
}

impl Noting<'_> {
    /// Whether there is nothing to remember.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.later.is_none()
    }

    /// Remembers it, if there is anything to remember.
    pub(crate) async fn note(&self, session: &Session) -> Result<(), Error> {
        match self.later {
            Some(at) => note_time(session, self.node, self.writer, at).await,
            None => Ok(()),
        }
    }
}
