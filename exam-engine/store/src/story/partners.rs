//! Partners, what they are told, and the tickets their learners come with.

use super::kit::{LessonLog, act, at, at_once, new_id, new_learner, new_lesson, outbox_row, partner};
use crate::outbox::OutboxCount;
use crate::{LessonCommit, OutboxRow, PartnerRow, Store, StoreError};
use exam_core::PartnerId;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) async fn partners_come_and_go(store: &Arc<dyn Store>) {
    let lesson = new_lesson(store).await.id;
    let (mut first, second) = (partner("b-partner"), partner("a-partner"));
    first.lessons = Some(vec![lesson]);
    let second = PartnerRow { webhook: None, ..second };
    for row in [&first, &second] {
        store.create_partner(row.clone(), act("partner.create")).await.unwrap();
    }
    let twice = store.create_partner(partner("a-partner"), act("partner.create")).await;
    assert_eq!(twice, Err(StoreError::Taken { field: "name" }));
    assert_eq!(store.partner(first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.partner(PartnerId(new_id())).await.unwrap(), None);
    assert_eq!(store.partner_by_key_hash(second.key_hash).await.unwrap().as_ref(), Some(&second));
    assert_eq!(store.partner_by_key_hash([255; 32]).await.unwrap(), None);
    let all = store.partners().await.unwrap();
    let ours: Vec<_> = all.iter().filter(|row| row.id == first.id || row.id == second.id).cloned().collect();
    assert_eq!(ours, [second.clone(), first.clone()], "by name");

    store.revoke_partner(first.id, at(7), act("partner.revoke")).await.unwrap();
    store.revoke_partner(first.id, at(9), act("partner.revoke")).await.unwrap();
    let revoked = PartnerRow { revoked_at: Some(at(7)), ..first };
    assert_eq!(store.partner_by_key_hash(revoked.key_hash).await.unwrap(), Some(revoked));
    let nobody = store.revoke_partner(PartnerId(new_id()), at(7), act("partner.revoke")).await;
    assert_eq!(nobody, Err(StoreError::NotFound));
}

pub(super) async fn tickets_are_spent_once(store: &Arc<dyn Store>) {
    let spend = |nonce: u8| {
        let store = Arc::clone(store);
        async move { store.spend_ticket([nonce; 16], at(30_000)).await.unwrap() }
    };
    let spent = at_once((0..50).map(|_| spend(1)).collect()).await;
    assert_eq!(spent.iter().filter(|first| **first).count(), 1);
    assert!(spend(2).await);
    assert!(!spend(2).await);
    assert_eq!(store.purge_tickets(at(30_000)).await.unwrap(), 0, "not while it could still be used");
    assert_eq!(store.purge_tickets(at(30_001)).await.unwrap(), 2);
    assert!(spend(2).await);
}

pub(super) async fn what_is_told_is_claimed_by_one(store: &Arc<dyn Store>) {
    let partner = partner("told");
    store.create_partner(partner.clone(), act("partner.create")).await.unwrap();
    let rows = told(store, partner.id).await;
    assert_eq!(store.outbox_next_due().await.unwrap(), Some(at(0)));
    assert_eq!(store.claim_due(at(-1), 60_000, 100).await.unwrap(), []);
    // Longest overdue first.
    let first = store.claim_due(at(19), 60_000, 2).await.unwrap();
    let leased = |row: &OutboxRow, until: i64| OutboxRow { due_at: at(until), ..row.clone() };
    assert_eq!(first, [leased(&rows[0], 60_019), leased(&rows[1], 60_019)]);

    // Many claim what is left at once: each row goes to one of them.
    let claims = (0..20).map(|_| {
        let store = Arc::clone(store);
        async move { store.claim_due(at(19), 60_000, 3).await.unwrap() }
    });
    let claimed: Vec<OutboxRow> = at_once(claims.collect()).await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), rows.len() - 2);
    let ids: HashSet<_> = claimed.iter().chain(&first).map(|row| row.id).collect();
    assert_eq!(ids, rows.iter().map(|row| row.id).collect());
    assert_eq!(store.outbox_next_due().await.unwrap(), Some(at(60_019)), "claimed until then");
    what_is_done_is_gone(store, &first, partner.id, rows.len() as u64).await;
}

async fn told(store: &Arc<dyn Store>, partner: PartnerId) -> Vec<OutboxRow> {
    let lesson = new_lesson(store).await.id;
    let mut rows = Vec::new();
    for number in 0..20 {
        let mut log = LessonLog::new(new_learner(store).await, lesson);
        let row = outbox_row(log.learner, partner, number);
        store.commit_lesson(LessonCommit { outbox: Some(row.clone()), ..log.open(None, 1) }).await.unwrap();
        rows.push(row);
    }
    rows
}

async fn what_is_done_is_gone(store: &Arc<dyn Store>, claimed: &[OutboxRow], partner: PartnerId, all: u64) {
    store.outbox_done(&claimed[0]).await.unwrap();
    store.outbox_done(&claimed[0]).await.unwrap();
    store.outbox_retry(&claimed[1], Some(at(500))).await.unwrap();
    // Whoever lost its claim changes nothing.
    store.outbox_retry(&claimed[1], None).await.unwrap();
    assert_eq!(store.outbox_next_due().await.unwrap(), Some(at(500)));
    let again = store.claim_due(at(500), 1_000, 100).await.unwrap();
    assert_eq!(again, [OutboxRow { attempts: 1, due_at: at(1_500), ..claimed[1].clone() }]);
    // A claimer that never answers: its row is due again when the lease is over.
    let after = store.claim_due(at(1_500), 1_000, 100).await.unwrap();
    assert_eq!(after, [OutboxRow { due_at: at(2_500), ..again[0].clone() }]);
    store.outbox_retry(&after[0], None).await.unwrap();
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!(
        counts.iter().find(|count| count.partner == partner),
        Some(&OutboxCount { partner, waiting: all - 2, given_up: 1 })
    );
    for row in store.claim_due(at(100_000), 1, 100).await.unwrap() {
        assert_ne!(row.id, after[0].id, "given up is never due");
        store.outbox_done(&row).await.unwrap();
    }
    assert_eq!(store.outbox_next_due().await.unwrap(), None);
}
