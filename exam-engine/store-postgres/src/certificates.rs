//! Certificates and their revocations.

use crate::PostgresStore;
use crate::audit;
use crate::connect::{read_all, read_first};
use crate::convert::{Json, Time, bytes, count, get, int, json, time, time_opt, to_json};
use crate::failure::taken;
use crate::people::found;
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::NewAudit;
use exam_core::certificate::{Certificate, CertificateNumber, Revocation};
use exam_store::{CertificateRow, Certificates, StoreError};
use question_bank::Points;
use tokio_postgres::Row;

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
impl Certificates for PostgresStore {
    async fn issue_certificate(&self, row: CertificateRow, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "INSERT INTO certificates (learner, number, credit_year, issue, command, holder, id_number, hours, \
                   issued_at, seal) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let CertificateRow { certificate: issued, seal, command, .. } = row;
        let hours = Json(to_json(&issued.hours.map(Points::hundredths))?);
        let (number, issue, at) = (issued.number.as_str(), int(issued.issue), Time(issued.issued_at));
        let (learner, year, seal) = (issued.learner.0, issued.credit_year, &seal[..]);
        let (holder, id_number) = (&issued.holder, &issued.id_number);
        let transaction = self.writers.begin().await?;
        transaction
            .execute(sql, &[&learner, &number, &year, &issue, &command, holder, id_number, &hours, &at, &seal])
            .await
            .map_err(|error| taken(&error, "certificate"))?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }

    async fn certificate(&self, number: CertificateNumber) -> Result<Option<CertificateRow>, StoreError> {
        let sql = certificates!("WHERE c.number = $1");
        read_first(&self.readers.read(sql, &[&number.as_str()]).await?, certificate_row)
    }

    async fn certificates_of(&self, learner: PersonId) -> Result<Vec<CertificateRow>, StoreError> {
        let sql = certificates!("WHERE c.learner = $1 ORDER BY c.credit_year, c.issue");
        read_all(&self.lines.read(sql, &[&learner.0]).await?, certificate_row)
    }

    async fn revoke_certificate(
        &self,
        learner: PersonId,
        number: CertificateNumber,
        revocation: Revocation,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO revocations (learner, number, at, revoked_by, reason, reissue) \
                   SELECT learner, number, $3::timestamptz, $4::uuid, $5::text, $6::boolean FROM certificates \
                   WHERE learner = $1 AND number = $2";
        let Revocation { at, by, reason, reissue } = revocation;
        let transaction = self.writers.begin().await?;
        let revoked =
            transaction.execute(sql, &[&learner.0, &number.as_str(), &Time(at), &by.0, &reason, &reissue]).await;
        found(revoked.map_err(|error| taken(&error, "revocation"))?)?;
        audit::append(&transaction, self.node, &audit).await?;
        transaction.commit().await
    }
}

fn certificate_row(row: &Row) -> Result<CertificateRow, StoreError> {
    let unreadable = || StoreError::Corrupt("the number of a certificate does not read".to_owned());
    let revocation = time_opt(row, 10)?.map(|at| {
        let by = PersonId(get(row, 11)?);
        Ok::<_, StoreError>(Revocation { at, by, reason: get(row, 12)?, reissue: get(row, 13)? })
    });
    Ok(CertificateRow {
        certificate: Certificate {
            number: CertificateNumber::parse(get(row, 1)?).ok_or_else(unreadable)?,
            learner: PersonId(get(row, 0)?),
            credit_year: get(row, 2)?,
            issue: count(row, 3)?,
            holder: get(row, 5)?,
            id_number: get(row, 6)?,
            hours: json::<[i64; 4]>(row, 7)?.map(Points::from_hundredths),
            issued_at: time(row, 8)?,
        },
        seal: bytes(row, 9)?,
        command: get(row, 4)?,
        revocation: revocation.transpose()?,
    })
}
