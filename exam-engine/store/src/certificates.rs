//! Certificates. Rows are never changed: a revocation is a row of its own.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::NewAudit;
use exam_core::certificate::{Certificate, CertificateNumber, Revocation};
use exam_core::log::CommandId;

/// A certificate as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRow {
    /// What stands on it.
    pub certificate: Certificate,
    /// The service's seal of it.
    pub seal: [u8; 32],
    /// The command it was taken out by.
    pub command: CommandId,
    /// Whether it was revoked.
    pub revocation: Option<Revocation>,
}

/// Certificates.
#[async_trait]
pub trait Certificates {
    /// Keeps a new one without a revocation; [`StoreError::Taken`] when (learner, year, issue) is, or
    /// (learner, command).
    async fn issue_certificate(&self, row: CertificateRow, audit: NewAudit) -> Result<(), StoreError>;

    /// The one of that number.
    async fn certificate(&self, number: CertificateNumber) -> Result<Option<CertificateRow>, StoreError>;

    /// A person's, by year and issue.
    async fn certificates_of(&self, learner: PersonId) -> Result<Vec<CertificateRow>, StoreError>;

    /// Revokes one; [`StoreError::Taken`] when it was revoked before, [`StoreError::NotFound`] when there is none.
    async fn revoke_certificate(
        &self,
        learner: PersonId,
        number: CertificateNumber,
        revocation: Revocation,
        audit: NewAudit,
    ) -> Result<(), StoreError>;
}
