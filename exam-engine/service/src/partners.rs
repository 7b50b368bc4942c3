//! Partner systems: their keys, and what these open. A key opens tickets for learners, nothing else.

use crate::events::Event;
use crate::identity::{new_token, token_hash};
use crate::limits::{NAME_CHARS_MAX, PARTNER_LESSONS_MAX, WEBHOOK_URL_CHARS_MAX};
use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::ids::{LessonId, PartnerId, PersonId};
use exam_store::{OutboxCount, PartnerRow, Webhook};
use std::collections::HashSet;
use std::sync::Arc;

/// What a key begins with, so that one that was left lying about is recognized.
const KEY_PREFIX: &str = "keju_partner_";
/// What a webhook's secret begins with.
const SECRET_PREFIX: &str = "whsec_";

/// A partner as an administrator sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerDraft {
    /// Unique.
    pub name: String,
    /// Where completions are told; `None`: nowhere.
    pub webhook_url: Option<String>,
    /// The lessons its learners may be sent into; `None`: all.
    pub lessons: Option<Vec<LessonId>>,
}

/// A partner that was added. Key and secret are shown here and never again.
#[derive(Clone, Debug)]
pub struct CreatedPartner {
    /// The partner.
    pub partner: PartnerRow,
    /// For `Authorization: Bearer`.
    pub key: String,
}

/// A partner that shows its key.
#[derive(Clone, Debug)]
pub struct PartnerIdentity {
    /// Which.
    pub partner: Arc<PartnerRow>,
}

/// A partner with what it was not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerView {
    /// The partner.
    pub partner: PartnerRow,
    /// Completions that wait to be told.
    pub waiting: u64,
    /// Completions that could not be told for weeks, and are not tried any more.
    pub given_up: u64,
}

impl Engine {
    /// Adds a partner.
    ///
    /// # Errors
    /// The caller is no administrator, or something is wrong with it; all faults at once.
    pub async fn create_partner(
        &self,
        identity: &Identity,
        draft: PartnerDraft,
    ) -> Result<CreatedPartner, EngineError> {
        identity.may(Act::ManagePartners)?;
        self.add_partner(Some(identity.id()), draft).await
    }

    /// Adds a partner on behalf of `by`; the command line has nobody.
    ///
    /// # Errors
    /// As [`Engine::create_partner`].
    pub async fn add_partner(&self, by: Option<PersonId>, draft: PartnerDraft) -> Result<CreatedPartner, EngineError> {
        let faults = self.partner_faults(&draft).await?;
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let key = format!("{KEY_PREFIX}{}", new_token().0);
        let webhook = draft.webhook_url.map(|url| Webhook { url, secret: format!("{SECRET_PREFIX}{}", new_token().0) });
        let partner = PartnerRow {
            id: PartnerId(uuid::Uuid::now_v7()),
            name: draft.name,
            key_hash: token_hash(&key),
            webhook,
            lessons: draft.lessons,
            created_at: self.now(),
            revoked_at: None,
        };
        let audit = self.audit(by, "partner.create", partner.id.to_string());
        self.store.create_partner(partner.clone(), audit).await?;
        Ok(CreatedPartner { partner, key })
    }

    /// All partners by name, revoked ones too.
    ///
    /// # Errors
    /// The caller is no administrator.
    pub async fn partners(&self, identity: &Identity) -> Result<Vec<PartnerView>, EngineError> {
        identity.may(Act::ManagePartners)?;
        let counts = self.store.outbox_counts().await?;
        let count = |id: PartnerId| counts.iter().find(|count| count.partner == id);
        let view = |partner: PartnerRow| {
            let OutboxCount { waiting, given_up, .. } =
                count(partner.id).copied().unwrap_or(OutboxCount { partner: partner.id, waiting: 0, given_up: 0 });
            PartnerView { partner, waiting, given_up }
        };
        Ok(self.store.partners().await?.into_iter().map(view).collect())
    }

    /// Ends what a partner's key opens; what learners it sent have earned stays theirs.
    ///
    /// # Errors
    /// The caller is no administrator, or there is no such partner.
    pub async fn revoke_partner(&self, identity: &Identity, id: PartnerId) -> Result<(), EngineError> {
        identity.may(Act::ManagePartners)?;
        let audit = self.audit(Some(identity.id()), "partner.revoke", id.to_string());
        self.store.revoke_partner(id, self.now(), audit).await?;
        self.events().tell(&Event::PartnerEnded { partner: id });
        Ok(())
    }

    /// Who is behind a partner's key. Asked of the store each time, so that a revoked key opens nothing at once.
    ///
    /// # Errors
    /// [`EngineError::Unauthenticated`] for a key that is unknown or revoked.
    pub async fn identify_partner(&self, key: &str) -> Result<PartnerIdentity, EngineError> {
        // A session's token is no key, whatever it hashes to.
        if !key.starts_with(KEY_PREFIX) {
            return Err(EngineError::Unauthenticated);
        }
        let row = self.store.partner_by_key_hash(token_hash(key)).await?.filter(|row| row.revoked_at.is_none());
        Ok(PartnerIdentity { partner: Arc::new(row.ok_or(EngineError::Unauthenticated)?) })
    }

    async fn partner_faults(&self, draft: &PartnerDraft) -> Result<Vec<FieldFault>, EngineError> {
        let mut faults = Vec::new();
        let name = draft.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || draft.name.chars().any(char::is_control) {
            let detail = format!("请填写 1 至 {NAME_CHARS_MAX} 个字 / give 1 to {NAME_CHARS_MAX} characters");
            faults.push(FieldFault::new("/name", detail));
        }
        if draft.webhook_url.as_ref().is_some_and(|url| !is_webhook_url(url)) {
            let detail = "请填写 http 或 https 地址，不含用户名、密码和片段 / give an http or https address without user, password or fragment";
            faults.push(FieldFault::new("/webhook_url", detail));
        }
        let Some(lessons) = &draft.lessons else { return Ok(faults) };
        if lessons.len() > PARTNER_LESSONS_MAX {
            let detail = format!("最多 {PARTNER_LESSONS_MAX} 个课时 / give at most {PARTNER_LESSONS_MAX} lessons");
            faults.push(FieldFault::new("/lessons", detail));
            return Ok(faults);
        }
        let known: HashSet<LessonId> = self.store.lessons(None).await?.into_iter().map(|row| row.id).collect();
        let unknown = lessons.iter().enumerate().filter(|(_, id)| !known.contains(id));
        faults.extend(
            unknown.map(|(index, _)| {
                FieldFault::new(format!("/lessons/{index}"), "没有这个课时 / there is no such lesson")
            }),
        );
        Ok(faults)
    }
}

/// An absolute `http` or `https` address that says nothing but where to send.
fn is_webhook_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    url.chars().count() <= WEBHOOK_URL_CHARS_MAX
        && url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\'))
        && !authority.is_empty()
        && !authority.contains('@')
        && !authority.starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::is_webhook_url;

    #[test]
    fn webhooks_are_plain_http_addresses() {
        for good in ["https://partner.example/hook?x=1", "http://127.0.0.1:8080", "http://[::1]:8080/a", "https://a"] {
            assert!(is_webhook_url(good), "{good}");
        }
        for bad in [
            "",
            "ftp://a/",
            "https://",
            "https:///x",
            "https://u:p@a/",
            "//a",
            "http://a/#x",
            "http://a b",
            "http://:80/",
        ] {
            assert!(!is_webhook_url(bad), "{bad}");
        }
    }
}
