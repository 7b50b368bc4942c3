//! Partner systems.

use crate::PostgresStore;
use crate::connect::{read_all, read_first};
use crate::convert::{Json, Time, bytes, get, json_opt, time, time_opt, to_json};
use crate::failure::{store_error, taken};
use crate::people::found;
use crate::{announcements, audit};
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::{PartnerId, Timestamp};
use exam_store::{Announcement, PartnerRow, Partners, StoreError, Webhook};
use tokio_postgres::Row;

macro_rules! partners {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, key_hash, webhook_url, webhook_secret, lessons, created_at, revoked_at FROM partners ",
            $rest
        )
    };
}

#[async_trait]
impl Partners for PostgresStore {
    async fn create_partner(&self, partner: PartnerRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO partners (id, name, key_hash, webhook_url, webhook_secret, lessons, created_at, \
                   revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let lessons = partner.lessons.as_ref().map(to_json).transpose()?.map(Json);
        let (url, secret) = partner.webhook.as_ref().map(|hook| (&hook.url, &hook.secret)).unzip();
        let (created_at, revoked_at) = (Time(partner.created_at), partner.revoked_at.map(Time));
        let key_hash = &partner.key_hash[..];
        let transaction = self.writers.begin().await?;
        transaction
            .execute(sql, &[&partner.id.0, &partner.name, &key_hash, &url, &secret, &lessons, &created_at, &revoked_at])
            .await
            .map_err(|error| taken(&error, "name"))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn partner(&self, id: PartnerId) -> Result<Option<PartnerRow>, StoreError> {
        read_first(&self.lines.read(partners!("WHERE id = $1"), &[&id.0]).await?, partner_row)
    }

    async fn partner_by_key_hash(&self, key_hash: [u8; 32]) -> Result<Option<PartnerRow>, StoreError> {
        read_first(&self.lines.read(partners!("WHERE key_hash = $1"), &[&&key_hash[..]]).await?, partner_row)
    }

    async fn partners(&self) -> Result<Vec<PartnerRow>, StoreError> {
        read_all(&self.readers.read(partners!("ORDER BY name"), &[]).await?, partner_row)
    }

    async fn revoke_partner(&self, id: PartnerId, at: Timestamp, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "UPDATE partners SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";
        let transaction = self.writers.begin().await?;
        let revoked = transaction.execute(sql, &[&id.0, &Time(at)]).await;
        found(revoked.map_err(|error| store_error(&error))?)?;
        let said = [Announcement::PartnerEnded { partner: id }];
        announcements::send(&transaction, &said).await.map_err(|error| store_error(&error))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }
}

fn partner_row(row: &Row) -> Result<PartnerRow, StoreError> {
    let (url, secret): (Option<String>, Option<String>) = (get(row, 3)?, get(row, 4)?);
    Ok(PartnerRow {
        id: PartnerId(get(row, 0)?),
        name: get(row, 1)?,
        key_hash: bytes(row, 2)?,
        webhook: url.zip(secret).map(|(url, secret)| Webhook { url, secret }),
        lessons: json_opt(row, 5)?,
        created_at: time(row, 6)?,
        revoked_at: time_opt(row, 7)?,
    })
}
