//! Certificates and their revocations.

use crate::SqliteStore;
use crate::audit;
use crate::convert::{execute, json, row, rows, time, to_json};
use crate::failure::taken;
use async_trait::async_trait;
use exam_core::audit::NewAudit;
use exam_core::certificate::{Certificate, CertificateNumber, Revocation};
use exam_core::log::CommandId;
use exam_core::{PersonId, Timestamp};
use exam_store::{CertificateRow, Certificates, StoreError};
use question_bank::Points;
use rusqlite::{Row, params};

macro_rules! certificates {
    ($rest:literal) => {
        concat!(
            "SELECT c.learner, c.number, c.credit_year, c.issue, c.command, c.holder, c.id_number, c.hours, c.issued_at, \
             c.seal, r.at, r.revoked_by, r.reason, r.reissue FROM certificates c \
             LEFT JOIN revocations r ON r.learner = c.learner AND r.number = c.number ",
            $rest
        )
    };
}

#[async_trait]
impl Certificates for SqliteStore {
    async fn issue_certificate(&self, row: CertificateRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO certificates (learner, number, credit_year, issue, command, holder, id_number, hours, \
                   issued_at, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let CertificateRow { certificate: issued, seal, command, .. } = row;
        let hours = to_json(&issued.hours.map(Points::hundredths))?;
        self.writer
            .write(move |connection| {
                let (learner, number, year) = (issued.learner.bytes(), issued.number.as_str(), issued.credit_year);
                let (issue, command, at) = (issued.issue, command.as_bytes(), issued.issued_at.ms());
                let (holder, id_number) = (&issued.holder, &issued.id_number);
                execute(
                    connection,
                    sql,
                    params![learner, number, year, issue, command, holder, id_number, hours, at, seal],
                )
                .map_err(|error| taken(error, "certificate"))?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }

    async fn certificate(&self, number: CertificateNumber) -> Result<Option<CertificateRow>, StoreError> {
        let sql = certificates!("WHERE c.number = ?");
        self.readers.read(move |connection| row(connection, sql, [number.as_str()], certificate_row)).await
    }

    async fn certificates_of(&self, learner: PersonId) -> Result<Vec<CertificateRow>, StoreError> {
        let sql = certificates!("WHERE c.learner = ? ORDER BY c.credit_year, c.issue");
        self.readers.read(move |connection| rows(connection, sql, [learner.bytes()], certificate_row)).await
    }

    async fn revoke_certificate(
        &self,
        learner: PersonId,
        number: CertificateNumber,
        revocation: Revocation,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO revocations (learner, number, at, revoked_by, reason, reissue) VALUES (?, ?, ?, ?, ?, ?)";
        self.writer
            .write(move |connection| {
                let Revocation { at, by, reason, reissue } = &revocation;
                let key = (learner.bytes(), number.as_str());
                execute(connection, sql, params![key.0, key.1, at.ms(), by.bytes(), reason, reissue])
                    .map_err(|error| taken(error, "revocation"))?;
                audit::append(connection, &audit)?;
                Ok(())
            })
            .await
    }
}

fn certificate_row(row: &Row<'_>) -> rusqlite::Result<CertificateRow> {
    let number: String = row.get(1)?;
    let number = CertificateNumber::parse(&number).ok_or(rusqlite::Error::InvalidColumnType(
        1,
        "number".to_owned(),
        rusqlite::types::Type::Text,
    ))?;
    let revoked_at: Option<i64> = row.get(10)?;
    let revocation = revoked_at.map(|at| {
        let by = PersonId::from_bytes(row.get(11)?);
        Ok::<_, rusqlite::Error>(Revocation {
            at: Timestamp::from_ms(at),
            by,
            reason: row.get(12)?,
            reissue: row.get(13)?,
        })
    });
    Ok(CertificateRow {
        certificate: Certificate {
            number,
            learner: PersonId::from_bytes(row.get(0)?),
            credit_year: row.get(2)?,
            issue: row.get(3)?,
            holder: row.get(5)?,
            id_number: row.get(6)?,
            hours: json::<[i64; 4]>(row, 7)?.map(Points::from_hundredths),
            issued_at: time(row, 8)?,
        },
        seal: row.get(9)?,
        command: CommandId::from_bytes(row.get(4)?),
        revocation: revocation.transpose()?,
    })
}
