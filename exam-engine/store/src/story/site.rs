//! The site as a whole: settings, the audit log, copies.

use super::kit::{act, at_once, is_chain, new_exam, new_learner, started};
use crate::{Page, Store};
use std::sync::Arc;

pub(super) async fn an_empty_store_answers(store: &Arc<dyn Store>) {
    store.ping().await.unwrap();
    assert_eq!(store.latest_time().await.unwrap(), None);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(store.audit_records(Page { after: None, limit: 10 }).await.unwrap(), []);
    assert_eq!(store.latest_audit_records(Page { after: None, limit: 10 }).await.unwrap(), []);
}

pub(super) async fn settings_are_agreed_on(store: &Arc<dyn Store>) {
    assert_eq!(store.setting("secret").await.unwrap(), None);
    let work = (0..20_u8).map(|node| {
        let store = Arc::clone(store);
        async move { store.setting_or_insert("secret", vec![node; 32]).await.unwrap() }
    });
    let kept = at_once(work.collect()).await;
    assert!(kept.iter().all(|value| *value == kept[0]));
    assert_eq!(store.setting("secret").await.unwrap().as_ref(), Some(&kept[0]));
}

pub(super) async fn audit_records_chain(store: &Arc<dyn Store>) {
    let before = audit_chain_holds(store).await;
    let work = (0..100).map(|_| {
        let store = Arc::clone(store);
        async move { store.append_audit(act("site.act")).await.unwrap().seq }
    });
    let mut numbers = at_once(work.collect()).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (before + 1..=before + 100).collect::<Vec<_>>());
    assert_eq!(audit_chain_holds(store).await, before + 100);
    let numbers = async |after, limit| {
        let records = store.latest_audit_records(Page { after, limit }).await.unwrap();
        records.into_iter().map(|record| record.seq).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 2).await, [before + 100, before + 99], "the newest first");
    assert_eq!(numbers(Some(before + 99), 2).await, [before + 98, before + 97]);
    assert_eq!(numbers(Some(1), 2).await, Vec::<i64>::new());
}

/// Reads the whole audit log and checks its chain; returns the number of its last record.
///
/// # Panics
/// A record is missing, altered or out of place.
pub async fn audit_chain_holds(store: &Arc<dyn Store>) -> i64 {
    let (mut head, mut last) = (String::new(), 0);
    loop {
        let records = store.audit_records(Page { after: Some(last), limit: 30 }).await.unwrap();
        if records.is_empty() {
            return last;
        }
        for record in records {
            assert_eq!((record.seq, &record.hash), (last + 1, &record.link(&head)));
            (head, last) = (record.hash, record.seq);
        }
    }
}

/// Copies the store into `path` while learners answer, and checks the copy as `open` opens it: it is
/// the store as of one instant, whole.
///
/// # Panics
/// The copy is not, or a second copy overwrites the first.
pub async fn copy_is_whole(store: &Arc<dyn Store>, path: &std::path::Path, open: impl FnOnce() -> Arc<dyn Store>) {
    let exam = new_exam(store).await.id;
    let mut attempts = Vec::new();
    for _ in 0..20 {
        attempts.push(started(store, new_learner(store).await, exam, 1).await);
    }
    let keys: Vec<_> = attempts.iter().map(|(row, _)| (row.learner, row.id)).collect();
    let work = attempts.into_iter().map(|(_, mut log)| {
        let store = Arc::clone(store);
        async move {
            for number in 0..50 {
                store.commit(log.answer(&format!("{number}"))).await.unwrap();
            }
        }
    });
    let copying = Arc::clone(store);
    let to = path.to_owned();
    let copied = tokio::spawn(async move { copying.backup_to(&to).await });
    at_once(work.collect()).await;
    copied.await.unwrap().unwrap();
    assert!(store.backup_to(path).await.is_err(), "never over an existing file");

    let copy = open();
    copy.ping().await.unwrap();
    audit_chain_holds(&copy).await;
    for (learner, attempt) in keys {
        let (whole, copied) =
            (store.steps(learner, attempt).await.unwrap(), copy.steps(learner, attempt).await.unwrap());
        assert_eq!(whole.len(), 51);
        assert!(!copied.is_empty() && is_chain(&copied) && whole.starts_with(&copied));
    }
}
