//! One socket, as others see it: who said hello on it, what it is about, what waits to be sent.

use super::close::Close;
use super::mailbox::Mailbox;
use super::wheel::SocketId;
use exam_core::Timestamp;
use exam_core::ids::{AttemptId, PartnerId, PersonId};
use exam_service::{Pass, Purpose};
use parking_lot::Mutex;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// One socket, as the hub and whoever has something for it sees it.
#[derive(Debug)]
pub struct Peer {
    /// Its name in this process.
    pub id: SocketId,
    /// Where it comes from.
    pub address: IpAddr,
    /// What waits to be sent.
    pub mailbox: Mailbox,
    /// The tick of the wheel at which anything was heard last.
    heard: AtomicU64,
    /// Known after hello.
    known: Mutex<Option<Known>>,
    /// Of its own study, once it has one, and of the newest study it was told of: the other ends it.
    epochs: Mutex<Epochs>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Epochs {
    own: Option<u64>,
    newest: u64,
    claim: Claim,
}

/// A study that is resumed is the same one, on whatever node; its last socket has it. All nodes hear of the claims of
/// sockets in the same order, so whatever is heard after a socket's own claim was made after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Claim {
    /// None was made: the study was begun here, before any other socket could go on with it.
    #[default]
    None,
    /// Made, and not heard yet.
    Made(u64),
    /// Heard.
    Heard(u64),
    /// Another one was heard after it.
    Lost,
}

/// Whoever said hello, and about what.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The person.
    pub person: PersonId,
    /// Their session; `None` for a learner whom a partner sent.
    pub session: Option<[u8; 32]>,
    /// The partner.
    pub partner: Option<PartnerId>,
    /// When it ends.
    pub until: Timestamp,
    /// What the socket is about.
    pub about: About,
}

/// What a socket is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The learner's own attempt.
    Attempt(AttemptId),
    /// An exam, for a proctor.
    Exam,
    /// The learner's study.
    Lesson,
}

impl Known {
    /// What a pass says.
    #[must_use]
    pub fn of(pass: &Pass) -> Self {
        let about = match pass.purpose {
            Purpose::Attempt(attempt) => About::Attempt(attempt),
            Purpose::Proctor(_) => About::Exam,
            Purpose::Lesson(_) => About::Lesson,
        };
        let identity = pass.identity();
        Self {
            person: pass.person().id,
            session: identity.map(|identity| identity.session),
            partner: pass.partner(),
            until: identity.map_or(Timestamp::from_ms(i64::MAX), |identity| identity.expires_at),
            about,
        }
    }
}

impl Peer {
    /// Nothing is known of it yet.
    #[must_use]
    pub fn new(id: SocketId, address: IpAddr, tick: u64) -> Self {
        let (known, epochs) = (Mutex::default(), Mutex::default());
        Self { id, address, mailbox: Mailbox::default(), heard: AtomicU64::new(tick), known, epochs }
    }

    /// The tick at which anything was heard last.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Something was heard.
    pub fn hear(&self, tick: u64) {
        self.heard.store(tick, Ordering::Relaxed);
    }

    /// Keeps who said hello.
    pub fn introduce(&self, known: Known) {
        *self.known.lock() = Some(known);
    }

    /// Forgets it.
    pub fn forget(&self) -> Option<Known> {
        self.known.lock().take()
    }

    /// Whoever said hello on it.
    #[must_use]
    pub fn known(&self) -> Option<Known> {
        *self.known.lock()
    }

    /// The socket is about to claim a study that it resumes.
    pub fn make_claim(&self, claim: u64) {
        self.epochs.lock().claim = Claim::Made(claim);
    }

    /// The socket has the learner's study of this epoch from now on, if no other was faster.
    pub fn claim_study(&self, epoch: u64) {
        let mut epochs = self.epochs.lock();
        epochs.own = Some(epoch);
        if epochs.claim == Claim::Lost {
            self.mailbox.close(Close::TAKEN_OVER);
        }
    }

    /// Whether it has the study of this epoch.
    #[must_use]
    pub fn has_study(&self, epoch: u64) -> bool {
        self.epochs.lock().own == Some(epoch)
    }

    /// Has none any more.
    pub fn forget_study(&self) {
        *self.epochs.lock() = Epochs::default();
    }

    /// Some socket has claimed the study of this epoch.
    pub fn hear_claim(&self, epoch: u64, claim: u64) {
        let mut epochs = self.epochs.lock();
        match epochs.claim {
            Claim::Made(own) if own == claim => epochs.claim = Claim::Heard(own),
            Claim::Heard(own) if own == claim => {}
            // Its own comes later, and so it is the other that ends.
            Claim::Made(_) | Claim::Lost => {}
            Claim::None | Claim::Heard(_) if epochs.own == Some(epoch) => self.mailbox.close(Close::TAKEN_OVER),
            // Another socket of the learner was faster than this one's welcome.
            Claim::Heard(_) if epochs.own.is_none() => epochs.claim = Claim::Lost,
            Claim::None | Claim::Heard(_) => {}
        }
    }

    /// A study of this epoch is the newest; an older one on this socket ends.
    pub fn overtake(&self, epoch: u64) {
        let mut epochs = self.epochs.lock();
        epochs.newest = epochs.newest.max(epoch);
        if epochs.own.is_some_and(|own| own < epochs.newest) {
            self.mailbox.close(Close::TAKEN_OVER);
        }
    }
}
