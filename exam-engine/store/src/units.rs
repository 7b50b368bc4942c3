//! The tree of units.

use crate::{Page, StoreError};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::unit::{Level, Unit};

/// The tree of units.
#[async_trait]
pub trait Units {
    /// Adds units and changes names and parents of those that are there, all or none. A parent comes before its
    /// children; nobody changes a level.
    async fn put_units(&self, units: Vec<Unit>, audit: NewAudit) -> Result<(), StoreError>;

    /// Removes a unit below which there is no other and to which nobody belongs; whether it was so.
    async fn delete_unit(&self, code: &str, audit: NewAudit) -> Result<bool, StoreError>;

    /// All, by code.
    async fn units(&self, page: Page<String>) -> Result<Vec<Unit>, StoreError>;

    /// Several at once, by code; unknown codes are left out.
    async fn units_by_codes(&self, codes: Vec<String>) -> Result<Vec<Unit>, StoreError>;

    /// The codes of a node and all below it, by code; none where it is not of that level.
    async fn codes_below(&self, code: &str, level: Level) -> Result<Vec<String>, StoreError>;
}
