//! Banks and their items. An item version is never changed: a bank has revisions, every row says from
//! which revision on and until which one it holds, and an exam pins one.

use crate::{Page, StoreError};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::{BankId, ExamId, Timestamp};
use question_bank::Item;

/// A bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankRow {
    /// The id.
    pub id: BankId,
    /// The author's name for it, unique.
    pub code: String,
    /// Shown to authors.
    pub title: String,
    /// Counts changes of its items.
    pub revision: i64,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// Being written; no paper draws it.
    Draft,
    /// Drawn.
    Ready,
    /// No new exam draws it; pinned ones still do.
    Retired,
}

impl ItemState {
    /// The name in the protocol and in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Ready => "ready",
            Self::Retired => "retired",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Draft, Self::Ready, Self::Retired].into_iter().find(|state| state.name() == name)
    }
}

/// One version of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRow {
    /// The item.
    pub item: Item,
    /// From one.
    pub version: u32,
    /// Draft, ready or retired.
    pub state: ItemState,
    /// The bank's revision that brought it.
    pub revision: i64,
}

/// Banks and items.
#[async_trait]
pub trait Banks {
    /// Makes a bank; [`StoreError::Taken`] when the code is.
    async fn create_bank(&self, bank: BankRow, audit: NewAudit) -> Result<(), StoreError>;

    /// By id.
    async fn bank(&self, id: BankId) -> Result<Option<BankRow>, StoreError>;

    /// By code.
    async fn bank_by_code(&self, code: &str) -> Result<Option<BankRow>, StoreError>;

    /// By code.
    async fn banks(&self, page: Page<String>) -> Result<Vec<BankRow>, StoreError>;

    /// Adds items, or new versions where the code is there already, all as one new revision, which is
    /// returned. The content hash of each stands beside it.
    async fn put_items(
        &self,
        bank: BankId,
        items: Vec<(Item, [u8; 32])>,
        state: ItemState,
        at: Timestamp,
        audit: NewAudit,
    ) -> Result<i64, StoreError>;

    /// Changes the state of current items as one new revision, which is returned.
    async fn set_item_state(
        &self,
        bank: BankId,
        codes: Vec<String>,
        state: ItemState,
        at: Timestamp,
        audit: NewAudit,
    ) -> Result<i64, StoreError>;

    /// The bank's current items by code.
    async fn items(&self, bank: BankId, page: Page<String>) -> Result<Vec<ItemRow>, StoreError>;

    /// All ready items as of a revision, by code.
    async fn items_at(&self, bank: BankId, revision: i64) -> Result<Vec<Item>, StoreError>;

    /// The content hashes of the bank's current items.
    async fn content_hashes(&self, bank: BankId) -> Result<Vec<[u8; 32]>, StoreError>;

    /// Keeps the items (prompts as pinned, keys as corrected) an exam was marked by again; the JSON of the item list.
    async fn put_key_version(
        &self,
        exam: ExamId,
        version: &str,
        items: String,
        at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Reads them back.
    async fn key_version(&self, exam: ExamId, version: &str) -> Result<Option<String>, StoreError>;
}
