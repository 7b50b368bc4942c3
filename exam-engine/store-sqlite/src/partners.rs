//! Partner systems.

use crate::SqliteStore;
use crate::audit;
use crate::convert::{execute, json_opt, row, rows, time, time_opt, to_json};
use crate::failure::taken;
use crate::people::found;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::{PartnerId, Timestamp};
use exam_store::{Announcement, PartnerRow, Partners, StoreError, Webhook};
use rusqlite::{Connection, Row, params};

macro_rules! partners {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, key_hash, webhook_url, webhook_secret, lessons, created_at, revoked_at FROM partners ",
            $rest
        )
    };
}

#[async_trait]
impl Partners for SqliteStore {
    async fn create_partner(&self, partner: PartnerRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO partners (id, name, key_hash, webhook_url, webhook_secret, lessons, created_at, revoked_at) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        let lessons = partner.lessons.as_ref().map(to_json).transpose()?;
        self.writer
            .write(move |connection| {
                let (url, secret) = partner.webhook.as_ref().map(|hook| (&hook.url, &hook.secret)).unzip();
                let times = (partner.created_at.ms(), partner.revoked_at.map(Timestamp::ms));
                let (id, name, key_hash) = (partner.id.bytes(), &partner.name, partner.key_hash);
                execute(connection, sql, params![id, name, key_hash, url, secret, lessons, times.0, times.1])
                    .map_err(|error| taken(error, "name"))?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn partner(&self, id: PartnerId) -> Result<Option<PartnerRow>, StoreError> {
        let sql = partners!("WHERE id = ?");
        self.readers.read(move |connection| row(connection, sql, [id.bytes()], partner_row)).await
    }

    async fn partner_by_key_hash(&self, key_hash: [u8; 32]) -> Result<Option<PartnerRow>, StoreError> {
        let sql = partners!("WHERE key_hash = ?");
        self.readers.read(move |connection| row(connection, sql, [key_hash], partner_row)).await
    }

    async fn partners(&self) -> Result<Vec<PartnerRow>, StoreError> {
        let sql = partners!("ORDER BY name");
        self.readers.read(move |connection| rows(connection, sql, [], partner_row)).await
    }

    async fn revoke_partner(&self, id: PartnerId, at: Timestamp, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "UPDATE partners SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
        let work = move |connection: &Connection| {
            found(execute(connection, sql, params![id.bytes(), at.ms()])?)?;
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, vec![Announcement::PartnerEnded { partner: id }]).await
    }
}

fn partner_row(row: &Row<'_>) -> rusqlite::Result<PartnerRow> {
    let (url, secret): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    Ok(PartnerRow {
        id: PartnerId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        key_hash: row.get(2)?,
        webhook: url.zip(secret).map(|(url, secret)| Webhook { url, secret }),
        lessons: json_opt(row, 5)?,
        created_at: time(row, 6)?,
        revoked_at: time_opt(row, 7)?,
    })
}
