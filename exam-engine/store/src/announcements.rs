//! Announcements: what the caches and sockets of every node must learn of at once. They are hints: what
//! is true stands in the rows, and whoever missed some asks there again.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::{AttemptId, ExamId, PartnerId, PersonId, Timestamp};
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
    AttemptChanged(AttemptNews),
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

/// See [`Announcement::AttemptChanged`]. What an older release does not say is taken for news; when an attempt of its
/// own comes due, it knows itself, and the others ask the store within half a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptNews {
    /// Whose.
    pub learner: PersonId,
    /// Which.
    pub attempt: AttemptId,
    /// At which exam.
    pub exam: ExamId,
    /// The number of the last step; a cache that knows it knows all.
    pub seq: u32,
    /// Who says so, by the number that each engine draws when it opens: it knows its own changes already. 0: not told.
    #[serde(default)]
    pub by: u64,
    /// When the attempt is to be closed, if it is to be.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// Whether the learner's screens have something to show for it.
    #[serde(default = "told")]
    pub shows: bool,
}

const fn told() -> bool {
    true
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
    /// The next one; `None` once the store is gone. What is there already comes without waiting for a turn: between two
    /// turns on a busy machine more may be said than one turn takes.
    pub async fn next(&mut self) -> Option<Heard> {
        if let Some(heard) = self.at_hand() {
            return Some(heard);
        }
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(self.begin_anew()),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    fn at_hand(&mut self) -> Option<Heard> {
        match self.0.try_recv() {
            Ok(heard) => Some(heard),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(self.begin_anew()),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }

    /// Everything is to be asked for again, so nothing of what was said until now is to be heard any more.
    fn begin_anew(&mut self) -> Heard {
        self.0 = self.0.resubscribe();
        Heard::Missed
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use uuid::Uuid;

    fn said(epoch: u64) -> Announcement {
        Announcement::StudyTaken { learner: PersonId(Uuid::nil()), epoch }
    }

    #[tokio::test]
    async fn whoever_is_too_far_behind_misses_once_and_hears_what_comes_after() {
        let hub = Hub::default();
        let (mut slow, mut quick) = (hub.listen(), hub.listen());
        for epoch in 0..2 * BACKLOG_MAX as u64 {
            hub.say([said(epoch)]);
            assert_eq!(quick.at_hand(), Some(Heard::Said(said(epoch))));
        }
        assert_eq!(slow.next().await, Some(Heard::Missed));
        assert_eq!((slow.at_hand(), quick.at_hand()), (None, None), "what was said before is no news");
        hub.say([said(7)]);
        assert_eq!(slow.next().await, Some(Heard::Said(said(7))));
    }

    #[test]
    fn what_an_older_release_does_not_say_is_taken_for_news() {
        let id = Uuid::nil();
        let old = format!(r#"{{"kind":"attempt_changed","learner":"{id}","attempt":"{id}","exam":"{id}","seq":4}}"#);
        let Announcement::AttemptChanged(news) = serde_json::from_str(&old).unwrap() else { panic!("it is one") };
        assert_eq!((news.seq, news.by, news.due_at, news.shows), (4, 0, None, true));
        let new = AttemptNews { by: u64::MAX, due_at: Some(Timestamp::from_ms(5)), shows: false, ..news };
        let text = serde_json::to_string(&Announcement::AttemptChanged(new.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Announcement>(&text).unwrap(), Announcement::AttemptChanged(new));
        // An older release reads what it knows of it.
        assert!(text.starts_with(r#"{"kind":"attempt_changed","learner":"#), "{text}");
    }
}
