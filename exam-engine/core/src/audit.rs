//! The audit log: acts of people on the site as a whole, each hashed onto the one before. What happens
//! to an attempt is in the attempt's own log.

use crate::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// From one, without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who; `None` is the server or its command line.
    pub actor: Option<PersonId>,
    /// What, such as `exam.publish`.
    pub act: String,
    /// On what, such as an exam's id; never personal data.
    pub subject: String,
    /// More, as JSON text; never personal data.
    pub detail: String,
    /// The chain up to here, in hexadecimal.
    pub hash: String,
}

/// An act to be recorded; the store numbers and hashes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Option<PersonId>,
    /// What.
    pub act: &'static str,
    /// On what.
    pub subject: String,
    /// More, as JSON text.
    pub detail: String,
}

impl AuditRecord {
    /// Numbers and hashes an act onto the record before it (`None` for the first).
    #[must_use]
    pub fn seal(previous: Option<(i64, &str)>, new: &NewAudit) -> Self {
        let (seq, head) = previous.map_or((1, ""), |(seq, hash)| (seq + 1, hash));
        let mut record = Self {
            seq,
            at: new.at,
            actor: new.actor,
            act: new.act.to_owned(),
            subject: new.subject.clone(),
            detail: new.detail.clone(),
            hash: String::new(),
        };
        record.hash = record.link(head);
        record
    }

    /// The hash this record has to carry after one with hash `head` (empty before the first).
    #[must_use]
    pub fn link(&self, head: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let actor = self.actor.map(|actor| actor.to_string()).unwrap_or_default();
        for part in [head, &self.seq.to_string(), &self.at.to_string(), &actor, &self.act, &self.subject, &self.detail]
        {
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}
