//! Announcements: what the caches and sockets of every node must learn of at once. They are hints: what
//! is true stands in the rows, and whoever missed some asks there again.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::{AttemptId, ExamId, PartnerId, PersonId};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// Announcements a listener may be behind; one that is further behind hears [`Heard::Missed`].
const BACKLOG_MAX: usize = 4_096;

/// Something changed. Made known after it is durable, to this node's listeners as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Announcement {
    /// A session ended.
    SessionEnded {
        /// Whose.
        person: PersonId,
        /// SHA-256 of its token.
        token_hash: [u8; 32],
    },
    /// A person was disabled or enabled, or has another password: sessions of theirs may have ended, so
    /// each has to be looked up again.
    PersonEnded {
        /// Who.
        person: PersonId,
        /// The session that goes on.
        but: Option<[u8; 32]>,
    },
    /// A person has other roles or another unit: their sessions go on, each has to be looked up again.
    PersonChanged {
        /// Who.
        person: PersonId,
    },
    /// An attempt began, or went on in a way its readers have to know of: a proctor acted, it was closed.
    AttemptChanged {
        /// Whose.
        learner: PersonId,
        /// Which.
        attempt: AttemptId,
        /// At which exam.
        exam: ExamId,
        /// The number of the last step; a cache that knows it knows all.
        seq: u32,
    },
    /// An exam was published, its release was set, or an exception was granted at it.
    ExamChanged {
        /// Which.
        exam: ExamId,
    },
    /// A newer study session of this learner took over from all earlier ones.
    StudyTaken {
        /// Whose.
        learner: PersonId,
        /// The newer one's number; those below it are over.
        epoch: u64,
    },
    /// The study of this epoch goes on over another socket; whoever had it before has it no more. Of two sockets the one
    /// whose claim is announced later has it: all nodes hear announcements in the same order.
    StudyResumed {
        /// Whose.
        learner: PersonId,
        /// Its number.
        epoch: u64,
        /// Names the socket, at random.
        claim: u64,
    },
    /// A partner's key was revoked: it opens nothing any more, and what it opened is over.
    PartnerEnded {
        /// Whose.
        partner: PartnerId,
    },
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// An announcement.
    Said(Announcement),
    /// Some were missed, nobody knows which: everything cached has to be asked for again.
    Missed,
}

/// Makes announcements and listens to them.
#[async_trait]
pub trait Announcements {
    /// Announces what concerns no row. What a write concerns is announced by the write: see
    /// [`crate::Commit::announcements`], and the functions of sessions, people and exams that end or change something.
    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), StoreError>;

    /// Listens from now on.
    fn listen(&self) -> Listener;
}

/// Hands announcements on to the listeners of this process. A clone is the same hub.
#[derive(Clone, Debug)]
pub struct Hub(broadcast::Sender<Heard>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }
}

impl Hub {
    /// Tells all listeners; nobody may be listening.
    pub fn tell(&self, heard: Heard) {
        // Refused only when there are none.
        let _ = self.0.send(heard);
    }

    /// Tells all of them.
    pub fn say(&self, announcements: impl IntoIterator<Item = Announcement>) {
        announcements.into_iter().for_each(|announcement| self.tell(Heard::Said(announcement)));
    }

    /// A listener from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// Hears announcements in the order they were made.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Heard>);

impl Listener {
    /// The next one; `None` once the store is gone.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
