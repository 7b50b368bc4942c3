//! The site's audit log.

use crate::{Page, StoreError};
use async_trait::async_trait;
use exam_core::audit::{AuditRecord, NewAudit};

/// The audit log, append-only.
#[async_trait]
pub trait AuditLog {
    /// Appends an act that changes no row.
    async fn append_audit(&self, new: NewAudit) -> Result<AuditRecord, StoreError>;

    /// Records after the one named, oldest first.
    async fn audit_records(&self, page: Page<i64>) -> Result<Vec<AuditRecord>, StoreError>;

    /// Records before the one named, newest first.
    async fn latest_audit_records(&self, page: Page<i64>) -> Result<Vec<AuditRecord>, StoreError>;
}
