//! Banks: revisions and what exams pin of them.

use super::kit::{act, at, bank, item, new_exam, new_id};
use crate::{BankRow, ItemState, Page, Store, StoreError};
use exam_core::BankId;
use question_bank::Item;
use std::sync::Arc;

pub(super) async fn revisions_pin_what_they_saw(store: &Arc<dyn Store>) {
    let made = bank("story");
    store.create_bank(made.clone(), act("bank.create")).await.unwrap();
    let twice = store.create_bank(bank("story"), act("bank.create")).await;
    assert_eq!(twice, Err(StoreError::Taken { field: "code" }));

    let first: Vec<_> = (0..50).map(|number| item(&format!("i{number:02}"), "one")).collect();
    assert_eq!(put(store, made.id, first.clone(), ItemState::Ready).await, Ok(1));
    let second = vec![item("i03", "two"), item("i99", "new")];
    assert_eq!(put(store, made.id, second.clone(), ItemState::Ready).await, Ok(2));
    let retire =
        store.set_item_state(made.id, vec!["i05".into(), "i99".into()], ItemState::Retired, at(0), act("retire"));
    assert_eq!(retire.await, Ok(3));
    assert_eq!(put(store, made.id, vec![item("i06", "draft")], ItemState::Draft).await, Ok(4));

    let texts = |items: &[(Item, [u8; 32])]| items.iter().map(|(item, _)| item.clone()).collect::<Vec<_>>();
    let mut expected = texts(&first);
    assert_eq!(store.items_at(made.id, 0).await.unwrap(), []);
    assert_eq!(store.items_at(made.id, 1).await.unwrap(), expected);
    expected[3] = second[0].0.clone();
    expected.push(second[1].0.clone());
    assert_eq!(store.items_at(made.id, 2).await.unwrap(), expected);
    expected.retain(|item| !["i05", "i99"].contains(&item.code.as_str()));
    assert_eq!(store.items_at(made.id, 3).await.unwrap(), expected);
    expected.retain(|item| item.code != "i06");
    assert_eq!(store.items_at(made.id, 4).await.unwrap(), expected);
    assert_eq!(store.items_at(made.id, 1).await.unwrap(), texts(&first), "what was pinned stays");

    let kept = BankRow { revision: 4, ..made };
    assert_eq!(store.bank(kept.id).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.bank_by_code("story").await.unwrap(), Some(kept.clone()));
    current_items_come_in_pages(store, kept.id).await;
    what_fails_makes_no_revision(store, &kept).await;
}

async fn current_items_come_in_pages(store: &Arc<dyn Store>, bank: BankId) {
    let mut rows = Vec::new();
    let mut page = Page { after: None, limit: 20 };
    loop {
        let some = store.items(bank, page.clone()).await.unwrap();
        let Some(last) = some.last() else { break };
        page.after = Some(last.item.code.clone());
        rows.extend(some);
    }
    assert_eq!(rows.len(), 51);
    assert!(rows.is_sorted_by(|left, right| left.item.code < right.item.code));
    let told = |code: &str| {
        let row = rows.iter().find(|row| row.item.code == code).unwrap();
        (row.version, row.state, row.revision)
    };
    assert_eq!(told("i00"), (1, ItemState::Ready, 1));
    assert_eq!(told("i03"), (2, ItemState::Ready, 2));
    assert_eq!(told("i05"), (1, ItemState::Retired, 3));
    assert_eq!(told("i06"), (2, ItemState::Draft, 4));
    assert_eq!(told("i99"), (1, ItemState::Retired, 3));

    let hashes = store.content_hashes(bank).await.unwrap();
    assert_eq!(hashes.len(), 51);
    assert!(hashes.contains(&item("i03", "two").1) && !hashes.contains(&item("i03", "one").1));
}

async fn what_fails_makes_no_revision(store: &Arc<dyn Store>, bank: &BankRow) {
    let some = vec!["i01".into(), "i77".into()];
    let missing = store.set_item_state(bank.id, some, ItemState::Draft, at(0), act("draft")).await;
    assert_eq!(missing, Err(StoreError::NotFound));
    let twice = put(store, bank.id, vec![item("x", "a"), item("x", "b")], ItemState::Ready).await;
    assert_eq!(twice, Err(StoreError::Taken { field: "code" }));
    assert_eq!(put(store, BankId(new_id()), vec![item("x", "a")], ItemState::Ready).await, Err(StoreError::NotFound));
    assert_eq!(store.bank(bank.id).await.unwrap().as_ref(), Some(bank));
    assert_eq!(store.items_at(bank.id, 5).await.unwrap(), store.items_at(bank.id, 4).await.unwrap());

    let other = super::kit::bank("story-2");
    store.create_bank(other.clone(), act("bank.create")).await.unwrap();
    let after = |after: Option<&str>| Page { after: after.map(str::to_owned), limit: 1 };
    assert_eq!(store.banks(after(None)).await.unwrap(), std::slice::from_ref(bank));
    assert_eq!(store.banks(after(Some("story"))).await.unwrap(), [other]);
    assert_eq!(store.banks(after(Some("story-2"))).await.unwrap(), []);
}

async fn put(
    store: &Arc<dyn Store>,
    bank: BankId,
    items: Vec<(Item, [u8; 32])>,
    state: ItemState,
) -> Result<i64, StoreError> {
    store.put_items(bank, items, state, at(0), act("bank.import")).await
}

pub(super) async fn key_versions_read_back(store: &Arc<dyn Store>) {
    let exam = new_exam(store).await.id;
    let items = r#"[{"code":"甲"}]"#.to_owned();
    assert_eq!(store.key_version(exam, "v1").await.unwrap(), None);
    store.put_key_version(exam, "v1", items.clone(), at(0)).await.unwrap();
    store.put_key_version(exam, "v1", items.clone(), at(1)).await.unwrap();
    assert_eq!(store.key_version(exam, "v1").await.unwrap(), Some(items));
    let other = store.put_key_version(exam, "v1", "[]".to_owned(), at(1)).await;
    assert_eq!(other, Err(StoreError::Taken { field: "version" }));
}
