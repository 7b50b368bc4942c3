//! Announcements: heard after what they are about is durable, by everybody who listens.

use super::kit::{act, at, attempt, new_exam, new_id, new_learner, partner, plain, started};
use crate::{Announcement, AttemptNews, Commit, Heard, Listener, PersonChange, SessionRow, Store};
use exam_core::exam::Override;
use exam_core::person::Role;
use exam_core::{ExamId, PersonId};
use std::sync::Arc;

pub(super) async fn announcements_are_heard(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await;
    let learner = new_learner(store).await;
    let (mut one, mut other) = (store.listen(), store.listen());
    let spoken = vec![
        Announcement::StudyTaken { learner, epoch: u64::from(u32::MAX) + 7 },
        Announcement::ExamChanged { exam: ExamId(new_id()) },
        Announcement::StudyResumed { learner, epoch: 3, claim: u64::MAX },
    ];
    store.announce(spoken.clone()).await.unwrap();
    for listener in [&mut one, &mut other] {
        for said in &spoken {
            assert_eq!(heard(listener).await, *said);
        }
    }
    writes_announce_themselves(store, &mut one, learner, exam.id).await;
    commits_announce(store, &mut one, learner, exam.id).await;
}

async fn writes_announce_themselves(store: &Arc<dyn Store>, listener: &mut Listener, person: PersonId, exam: ExamId) {
    let token_hash = [77; 32];
    let session = SessionRow { token_hash, person, created_at: at(0), expires_at: at(9) };
    store.create_session(session).await.unwrap();
    store.delete_session(person, token_hash).await.unwrap();
    assert_eq!(heard(listener).await, Announcement::SessionEnded { person, token_hash });
    assert_eq!(store.session(token_hash).await.unwrap(), None, "after it is durable");
    store.set_password(person, "hash".to_owned(), false, Some([7; 32]), act("password")).await.unwrap();
    assert_eq!(heard(listener).await, Announcement::PersonEnded { person, but: Some([7; 32]) });
    for disabled in [true, false] {
        store.set_disabled(person, disabled, act("disable")).await.unwrap();
        assert_eq!(heard(listener).await, Announcement::PersonEnded { person, but: None });
    }
    let change = PersonChange { name: "改名".to_owned(), roles: [Role::Learner].into_iter().collect(), unit: None };
    store.change_person(person, change, act("person.change")).await.unwrap();
    assert_eq!(heard(listener).await, Announcement::PersonChanged { person });
    let partner = partner("ended");
    store.create_partner(partner.clone(), act("partner.create")).await.unwrap();
    store.revoke_partner(partner.id, at(1), act("partner.revoke")).await.unwrap();
    assert_eq!(heard(listener).await, Announcement::PartnerEnded { partner: partner.id });
    let exception = Override { extra_ms: Some(1), ..Override::default() };
    let granted = crate::OverrideRow { exam, person, exception, reason: "病".to_owned(), by: person, at: at(0) };
    store.add_override(granted, act("override")).await.unwrap();
    assert_eq!(heard(listener).await, Announcement::ExamChanged { exam });
}

async fn commits_announce(store: &Arc<dyn Store>, listener: &mut Listener, learner: PersonId, exam: ExamId) {
    let (row, mut log) = started(store, learner, exam, 1).await;
    let news = |attempt, seq| {
        let (by, due_at) = (u64::MAX, Some(at(77)));
        Announcement::AttemptChanged(AttemptNews { learner, attempt, exam, seq, by, due_at, shows: false })
    };
    let said = news(row.id, 2);
    let commit = Commit { announcements: vec![said.clone()], ..log.answer("told") };
    // One that is not kept is not announced.
    let nowhere = attempt(learner, exam, 9);
    let orphan = super::kit::Log::new(&nowhere).step(None, "orphan", 0);
    let unkept = vec![news(nowhere.id, 1)];
    store.commit(Commit { announcements: unkept, ..plain(vec![orphan]) }).await.unwrap_err();
    store.commit(commit).await.unwrap();
    assert_eq!(heard(listener).await, said);
}

/// The next announcement; others may be missed only by whoever is far behind.
async fn heard(listener: &mut Listener) -> Announcement {
    match listener.next().await.unwrap() {
        Heard::Said(announcement) => announcement,
        Heard::Missed => panic!("some were missed"),
    }
}
