//! Partner systems: whoever holds a partner's key may send learners into lessons.

use crate::StoreError;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::{LessonId, PartnerId, Timestamp};

/// A partner system. Its key is nowhere kept, only the key's hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerRow {
    /// The id.
    pub id: PartnerId,
    /// Unique; shown to administrators.
    pub name: String,
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// Where completions are told, and what the telling is signed with; `None`: nowhere.
    pub webhook: Option<Webhook>,
    /// The lessons its learners may be sent into; `None`: all.
    pub lessons: Option<Vec<LessonId>>,
    /// Since when.
    pub created_at: Timestamp,
    /// Since when its key opens nothing any more.
    pub revoked_at: Option<Timestamp>,
}

/// Where a partner is told what its learners completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// An `http` or `https` address.
    pub url: String,
    /// The key of the signature, as the partner has it.
    pub secret: String,
}

/// Partner systems.
#[async_trait]
pub trait Partners {
    /// Adds a partner; [`StoreError::Taken`] when the name is.
    async fn create_partner(&self, partner: PartnerRow, audit: NewAudit) -> Result<(), StoreError>;

    /// By id.
    async fn partner(&self, id: PartnerId) -> Result<Option<PartnerRow>, StoreError>;

    /// By the hash of its key, revoked or not.
    async fn partner_by_key_hash(&self, key_hash: [u8; 32]) -> Result<Option<PartnerRow>, StoreError>;

    /// All, by name.
    async fn partners(&self) -> Result<Vec<PartnerRow>, StoreError>;

    /// Ends what its key opens; the first time stays when it was revoked before.
    /// [`StoreError::NotFound`] when there is no such partner.
    async fn revoke_partner(&self, id: PartnerId, at: Timestamp, audit: NewAudit) -> Result<(), StoreError>;
}
