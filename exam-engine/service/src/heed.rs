//! What other nodes announce: caches follow, and sockets are told.

use crate::Engine;
use crate::events::{AttemptEvent, Event};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_store::{Announcement, Heard, Listener};
use std::sync::Arc;
use std::time::Duration;

/// How long exams may stay unread after the store did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// Runs until the task is dropped. To be started before anything is served.
    pub async fn heed_forever(self: Arc<Self>, mut listener: Listener) {
        while let Some(heard) = listener.next().await {
            match heard {
                Heard::Said(announcement) => self.heed(announcement).await,
                Heard::Missed => self.doubt_everything().await,
            }
        }
    }

    /// The ears for [`Engine::heed_forever`].
    #[must_use]
    pub fn listen(&self) -> Listener {
        self.store.listen()
    }

    async fn heed(&self, announcement: Announcement) {
        match announcement {
            Announcement::SessionEnded { person, token_hash } => {
                self.sessions.forget(&token_hash);
                self.events().tell(&Event::SessionEnded { person, session: token_hash });
            }
            Announcement::PersonEnded { person, but } => {
                self.sessions.forget_person(person);
                self.events().tell(&Event::PersonEnded { person, but });
            }
            Announcement::PersonChanged { person } => {
                self.sessions.forget_person(person);
                self.events().tell(&Event::PersonChanged { person });
            }
            Announcement::AttemptChanged { learner, attempt, exam, seq } => {
                self.heed_attempt(learner, attempt, exam, seq).await;
            }
            Announcement::ExamChanged { exam } => self.heed_exams(Some(exam)).await,
            Announcement::StudyTaken { learner, epoch } => self.events().tell(&Event::StudyTaken { learner, epoch }),
            Announcement::StudyResumed { learner, epoch, claim } => {
                self.events().tell(&Event::StudyResumed { learner, epoch, claim });
            }
            Announcement::PartnerEnded { partner } => self.events().tell(&Event::PartnerEnded { partner }),
        }
    }

    /// This node's own changes are known already, and cost a look at the slot.
    async fn heed_attempt(&self, learner: PersonId, attempt: AttemptId, exam: ExamId, seq: u32) {
        self.events().touch(exam, attempt);
        if let Some(slot) = self.slots.peek(attempt) {
            let known = slot.read(|attempt| attempt.seq);
            slot.hear(seq);
            if let Some(known) = known.filter(|known| *known < seq) {
                match self.store.steps(learner, attempt).await {
                    Ok(rows) => self.tell_steps(learner, attempt, rows.iter().filter(|row| row.seq > known)),
                    Err(error) => tracing::warn!(%error, "what another node did could not be read"),
                }
            }
        }
        // A deadline may have moved.
        self.keeper.due.notify_one();
    }

    fn tell_steps<'a>(
        &self,
        learner: PersonId,
        attempt: AttemptId,
        rows: impl Iterator<Item = &'a exam_core::attempt::StepRow>,
    ) {
        for event in rows.filter_map(|row| AttemptEvent::of(learner, attempt, &row.read().ok()?)) {
            self.events().tell(&Event::Attempt(event));
        }
    }

    async fn heed_exams(&self, only: Option<ExamId>) {
        while let Err(error) = self.exams.forget_changed(self.store.as_ref(), only).await {
            tracing::warn!(%error, "an exam could not be read again; it is tried again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Announcements were missed: nothing that is held is believed before the store has confirmed it.
    async fn doubt_everything(&self) {
        tracing::info!("announcements were missed; everything held in memory is looked up again");
        self.sessions.forget_all();
        self.slots.all().iter().for_each(|slot| slot.doubt());
        self.events().tell(&Event::Missed);
        self.keeper.due.notify_one();
        self.heed_exams(None).await;
    }
}
