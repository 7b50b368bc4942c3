//! What learners take out of their notebooks.

use super::kit::{act, at, bank, new_id, new_learner};
use crate::{RemovalRow, Store, StoreError};
use exam_core::PersonId;
use std::sync::Arc;

pub(super) async fn what_is_taken_out_stays_out(store: &Arc<dyn Store>) {
    let (learner, other) = (new_learner(store).await, new_learner(store).await);
    let bank = bank(&new_id().to_string());
    store.create_bank(bank.clone(), act("bank.create")).await.unwrap();
    let removal = |code: &str, ms: i64| RemovalRow { bank: bank.id, code: code.to_owned(), at: at(ms) };
    for removal in [removal("乙", 5), removal("甲", 1), removal("甲", 7), removal("乙", 3)] {
        store.remove_from_notebook(learner, removal).await.unwrap();
    }
    assert_eq!(store.notebook_removals(learner).await.unwrap(), [removal("乙", 5), removal("甲", 7)]);
    assert_eq!(store.notebook_removals(other).await.unwrap(), []);
    let nobody = store.remove_from_notebook(PersonId(new_id()), removal("甲", 1)).await;
    assert_eq!(nobody, Err(StoreError::NotFound));
}
