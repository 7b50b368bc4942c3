//! What other nodes announce: caches follow, and sockets are told.

use crate::Engine;
use crate::events::{AttemptEvent, Event};
use exam_core::ids::{AttemptId, ExamId, PersonId};
use exam_store::{Announcement, AttemptNews, Heard, Listener};
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
            // This engine's own are told and applied where they were made.
            Announcement::AttemptChanged(news) if news.by == self.keeper.voice => {}
            Announcement::AttemptChanged(news) => self.heed_attempt(&news).await,
            Announcement::ExamChanged { exam } => self.heed_exams(Some(exam)).await,
            Announcement::StudyTaken { learner, epoch } => self.events().tell(&Event::StudyTaken { learner, epoch }),
            Announcement::StudyResumed { learner, epoch, claim } => {
                self.events().tell(&Event::StudyResumed { learner, epoch, claim });
            }
            Announcement::PartnerEnded { partner } => self.events().tell(&Event::PartnerEnded { partner }),
        }
    }

    async fn heed_attempt(&self, news: &AttemptNews) {
        let AttemptNews { learner, attempt, exam, seq, by: _, due_at, shows } = *news;
        self.events().touch(exam, attempt);
        if let Some(slot) = self.slots.peek(attempt) {
            let known = slot.read(|attempt| attempt.seq);
            slot.hear(seq);
            if let Some(known) = known.filter(|known| shows && *known < seq) {
                match self.store.steps(learner, attempt).await {
                    Ok(rows) => self.tell_steps(learner, attempt, rows.iter().filter(|row| row.seq > known)),
                    Err(error) => tracing::warn!(%error, "what another node did could not be read"),
                }
            }
        }
        if let Some(due_at) = due_at {
            self.keeper.alarm.comes_due(due_at);
        }
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
        self.keeper.alarm.ring();
        self.heed_exams(None).await;
    }
}
