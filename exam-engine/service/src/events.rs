//! What happened, told to whoever shows it to people: sockets of learners and proctors.
//!
//! Two ways, because they cost differently. [`Event`]s are few (an act of a proctor, the end of a session) and
//! each is told at once to the one [`Listener`]. Changes of attempts are many (every answer), so they are only
//! collected, as a set, and only for exams that somebody watches; an answer at any other exam costs one load.
//!
//! Everything here is said after the commit. Whatever brings news from other nodes calls [`Events::tell`] and
//! [`Events::touch`] like the engine itself.

use crate::limits::WATCHED_CHANGES_MAX;
use exam_core::Timestamp;
use exam_core::attempt::{Step, StepBody};
use exam_core::ids::{AttemptId, ExamId, PartnerId, PersonId};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// Something a socket must know at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A person signed out of a session.
    SessionEnded {
        /// Whose.
        person: PersonId,
        /// SHA-256 of the session's token.
        session: [u8; 32],
    },
    /// A person's sessions ended: another password, or disabled.
    PersonEnded {
        /// Whose.
        person: PersonId,
        /// The session that goes on.
        but: Option<[u8; 32]>,
    },
    /// A person has other roles or another unit.
    PersonChanged {
        /// Who.
        person: PersonId,
    },
    /// An attempt took a turn that its learner's screens must show.
    Attempt(AttemptEvent),
    /// A partner's key was revoked.
    PartnerEnded {
        /// Whose.
        partner: PartnerId,
    },
    /// A newer study of a learner took over from all older ones.
    StudyTaken {
        /// Whose.
        learner: PersonId,
        /// The epoch of the newer one; what is older has ended.
        epoch: u64,
    },
    /// A study goes on over the socket of this claim, and over no other any more.
    StudyResumed {
        /// Whose.
        learner: PersonId,
        /// The study's epoch.
        epoch: u64,
        /// The socket's claim; see [`crate::Resume::claim`].
        claim: u64,
    },
    /// Some of the above may have happened and not been told: each socket has to be looked at again.
    Missed,
}

/// See [`Event::Attempt`].
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptEvent {
    /// Which attempt.
    pub attempt: AttemptId,
    /// Whose.
    pub learner: PersonId,
    /// The number of the step that tells it.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: AttemptChange,
}

/// What happened to an attempt.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "see exam_core::attempt::StepBody")]
pub enum AttemptChange {
    Warned { reason: String },
    Paused { reason: String },
    Resumed { reason: String, deadline: Timestamp },
    Extended { reason: String, deadline: Timestamp },
    Terminated { reason: String },
    Submitted,
    Expired,
}

impl AttemptEvent {
    /// What a step has to say to its learner's screens; `None` for all that they know themselves or must not know.
    #[must_use]
    pub fn of(learner: PersonId, attempt: AttemptId, step: &Step) -> Option<Self> {
        let change = match &step.body {
            StepBody::Warned { reason } => AttemptChange::Warned { reason: reason.clone() },
            StepBody::Paused { reason } => AttemptChange::Paused { reason: reason.clone() },
            StepBody::Resumed { reason, deadline } => {
                AttemptChange::Resumed { reason: reason.clone(), deadline: *deadline }
            }
            StepBody::Extended { reason, deadline, .. } => {
                AttemptChange::Extended { reason: reason.clone(), deadline: *deadline }
            }
            StepBody::Terminated { reason } => AttemptChange::Terminated { reason: reason.clone() },
            StepBody::Submitted => AttemptChange::Submitted,
            StepBody::Expired => AttemptChange::Expired,
            _ => return None,
        };
        Some(Self { attempt, learner, seq: step.seq, at: step.at, change })
    }
}

/// Hears every event, in the task it happened in: must neither block nor wait.
pub trait Listener: Send + Sync {
    /// Something happened.
    fn told(&self, event: &Event);
}

/// See the module.
#[derive(Default)]
pub struct Events {
    listener: OnceLock<Arc<dyn Listener>>,
    /// How many watches there are; looked at before anything else.
    watches: AtomicUsize,
    watched: Mutex<HashMap<ExamId, Vec<Arc<Watched>>>>,
}

/// What changed at one watched exam since its watcher last looked.
#[derive(Default)]
struct Watched {
    changed: Mutex<Changed>,
    news: Notify,
}

/// The attempts of an exam that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Which, each once, oldest first.
    pub attempts: BTreeSet<AttemptId>,
    /// There were more than are kept: everything has to be read again.
    pub all: bool,
}

impl Events {
    /// Lets somebody listen; the first stays.
    pub fn listen(&self, listener: Arc<dyn Listener>) {
        // There is one gateway in a process; a second one hears nothing.
        let _ = self.listener.set(listener);
    }

    /// Tells an event.
    pub fn tell(&self, event: &Event) {
        if let Some(listener) = self.listener.get() {
            listener.told(event);
        }
    }

    /// Notes that an attempt at this exam changed.
    pub fn touch(&self, exam: ExamId, attempt: AttemptId) {
        if self.watches.load(Ordering::Relaxed) == 0 {
            return;
        }
        let watched = self.watched.lock().get(&exam).cloned();
        for one in watched.iter().flatten() {
            one.note(attempt);
        }
    }

    /// Watches an exam until the watch is dropped. What changed before is not told.
    #[must_use]
    pub fn watch(self: &Arc<Self>, exam: ExamId) -> ExamWatch {
        let watched = Arc::new(Watched::default());
        self.watched.lock().entry(exam).or_default().push(Arc::clone(&watched));
        self.watches.fetch_add(1, Ordering::Relaxed);
        ExamWatch { events: Arc::clone(self), exam, watched }
    }
}

impl Watched {
    fn note(&self, attempt: AttemptId) {
        let mut changed = self.changed.lock();
        if changed.all {
            return;
        }
        let first = changed.attempts.is_empty();
        changed.attempts.insert(attempt);
        if changed.attempts.len() > WATCHED_CHANGES_MAX {
            *changed = Changed { attempts: BTreeSet::new(), all: true };
        }
        drop(changed);
        if first {
            self.news.notify_one();
        }
    }
}

/// Somebody watches an exam.
pub struct ExamWatch {
    events: Arc<Events>,
    exam: ExamId,
    watched: Arc<Watched>,
}

impl ExamWatch {
    /// Waits until something changed since the last [`ExamWatch::take`].
    pub async fn changed(&self) {
        self.watched.news.notified().await;
    }

    /// Takes what changed.
    #[must_use]
    pub fn take(&self) -> Changed {
        std::mem::take(&mut *self.watched.changed.lock())
    }
}

impl Drop for ExamWatch {
    fn drop(&mut self) {
        let mut watched = self.events.watched.lock();
        if let Some(all) = watched.get_mut(&self.exam) {
            all.retain(|one| !Arc::ptr_eq(one, &self.watched));
            if all.is_empty() {
                watched.remove(&self.exam);
            }
        }
        self.events.watches.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u128) -> AttemptId {
        AttemptId(uuid::Uuid::from_u128(number))
    }

    fn exam(number: u128) -> ExamId {
        ExamId(uuid::Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn changes_are_collected_for_watched_exams_only() {
        let events = Arc::new(Events::default());
        events.touch(exam(1), attempt(1));
        let watch = events.watch(exam(1));
        assert_eq!(watch.take(), Changed::default());
        for number in [3, 2, 3] {
            events.touch(exam(1), attempt(number));
            events.touch(exam(2), attempt(number));
        }
        watch.changed().await;
        assert_eq!(watch.take(), Changed { attempts: [attempt(2), attempt(3)].into(), all: false });
        assert_eq!(watch.take(), Changed::default());
        drop(watch);
        assert_eq!(events.watches.load(Ordering::Relaxed), 0);
        assert!(events.watched.lock().is_empty());
    }

    #[test]
    fn a_watcher_that_lags_is_told_to_read_everything_again() {
        let events = Arc::new(Events::default());
        let watch = events.watch(exam(1));
        for number in 0..=WATCHED_CHANGES_MAX as u128 + 5 {
            events.touch(exam(1), attempt(number));
        }
        assert_eq!(watch.take(), Changed { attempts: BTreeSet::new(), all: true });
        events.touch(exam(1), attempt(7));
        assert_eq!(watch.take(), Changed { attempts: [attempt(7)].into(), all: false });
    }

    #[test]
    fn the_first_listener_hears_everything() {
        #[derive(Default)]
        struct Ears(Mutex<Vec<Event>>);
        impl Listener for Ears {
            fn told(&self, event: &Event) {
                self.0.lock().push(event.clone());
            }
        }
        let (events, ears) = (Events::default(), Arc::new(Ears::default()));
        let event = Event::StudyTaken { learner: PersonId(uuid::Uuid::from_u128(1)), epoch: 2 };
        events.tell(&event);
        events.listen(Arc::clone(&ears) as Arc<dyn Listener>);
        events.listen(Arc::new(Ears::default()));
        events.tell(&event);
        assert_eq!(*ears.0.lock(), [event]);
    }
}
