//! Settings the service makes for itself, such as its secret.

use crate::StoreError;
use async_trait::async_trait;

/// Settings.
#[async_trait]
pub trait Settings {
    /// Keeps `value` unless there is one already; returns the one that is kept. Nodes that start at
    /// once agree on one.
    async fn setting_or_insert(&self, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError>;

    /// Reads a setting.
    async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Whether the store can take work: a read and a write that is rolled back.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Copies the whole database into a new file (embedded back ends) while work goes on.
    async fn backup_to(&self, path: &std::path::Path) -> Result<(), StoreError>;
}
