//! The notebook of wrong answers. What stands in it follows from the steps of attempts; kept here is only what
//! a learner took out by hand.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::{BankId, PersonId, Timestamp};

/// An item that a learner took out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovalRow {
    /// Of this bank.
    pub bank: BankId,
    /// The item's code.
    pub code: String,
    /// When; what is wrong later brings it back.
    pub at: Timestamp,
}

/// What was taken out of notebooks.
#[async_trait]
pub trait Notebook {
    /// Takes an item out; of one that was taken out before the later time counts.
    async fn remove_from_notebook(&self, learner: PersonId, removal: RemovalRow) -> Result<(), StoreError>;

    /// All that a learner took out, by bank and code.
    async fn notebook_removals(&self, learner: PersonId) -> Result<Vec<RemovalRow>, StoreError>;
}
