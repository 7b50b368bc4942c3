//! Certificates of fulfilled years: taking one out, checking one, revoking one.

use crate::limits::CONFLICT_RETRIES_MAX;
use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::audit::NewAudit;
use exam_core::certificate::{Certificate, CertificateNumber, Revocation, Standing, Wish, wish};
use exam_core::hours::{YearQuota, YearSummary, summarize};
use exam_core::ids::PersonId;
use exam_core::limits::REASON_CHARS_MAX;
use exam_core::log::CommandId;
use exam_core::{Refusal, id_number};
use exam_store::{CertificateRow, StoreError};

/// A certificate and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateView {
    /// What stands on it; of an altered one nothing can be relied on.
    pub certificate: Certificate,
    /// Whether it holds.
    pub standing: Standing,
    /// Who revoked it, when and why.
    pub revocation: Option<Revocation>,
}

/// What became of the wish for a certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuedCertificate {
    /// The certificate.
    pub view: CertificateView,
    /// Whether it was there before.
    pub replayed: bool,
}

impl Engine {
    /// The caller's certificates, by year and issue.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn own_certificates(&self, identity: &Identity) -> Result<Vec<CertificateView>, EngineError> {
        identity.may(Act::SeeCatalogue)?;
        self.views_of(identity.id()).await
    }

    /// A person's certificates, for an administrator.
    ///
    /// # Errors
    /// The caller is none, or there is no such person.
    pub async fn certificates_of(
        &self,
        identity: &Identity,
        person: PersonId,
    ) -> Result<Vec<CertificateView>, EngineError> {
        identity.may(Act::ManageCertificates)?;
        self.store.person(person).await?.ok_or(EngineError::NotFound)?;
        self.views_of(person).await
    }

    /// Takes out the caller's certificate of a year. One that holds is given again, so that this happens once
    /// however often and from however many places it is asked.
    ///
    /// # Errors
    /// The year is not fulfilled, or its certificate was revoked for good.
    pub async fn issue_certificate(
        &self,
        identity: &Identity,
        command: CommandId,
        credit_year: i16,
    ) -> Result<IssuedCertificate, EngineError> {
        identity.may(Act::TakeCertificate)?;
        for _ in 0..CONFLICT_RETRIES_MAX {
            // What is not released yet would be told by a certificate as well.
            let year = self.year(identity, credit_year).await?.summary;
            let rows = self.store.certificates_of(identity.id()).await?;
            if let Some(earlier) = rows.iter().find(|row| row.command == command) {
                if earlier.certificate.credit_year != credit_year {
                    return Err(Refusal::CommandReused.into());
                }
                return self.issued(&rows, earlier.clone(), true).await;
            }
            let last = rows.iter().rfind(|row| row.certificate.credit_year == credit_year);
            let issue = match wish(last.map(|row| (&row.certificate, row.revocation.as_ref())), &year)? {
                Wish::Stands => match last {
                    Some(last) => return self.issued(&rows, last.clone(), true).await,
                    None => return Err(EngineError::Internal("a certificate stands that is not there".into())),
                },
                Wish::New(issue) => issue,
            };
            let row = self.made_out(identity, command, credit_year, issue, &year);
            let audit = self.audit(Some(identity.id()), "certificate.issue", row.certificate.number.to_string());
            match self.store.issue_certificate(row.clone(), audit).await {
                Ok(()) => return self.issued(std::slice::from_ref(&row), row.clone(), false).await,
                // Another request was faster: look at what it did.
                Err(StoreError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Overloaded)
    }

    fn made_out(
        &self,
        identity: &Identity,
        command: CommandId,
        credit_year: i16,
        issue: u32,
        year: &YearSummary,
    ) -> CertificateRow {
        let person = &identity.person;
        let certificate = Certificate {
            number: CertificateNumber::from_random(rand::random()),
            learner: person.id,
            credit_year,
            issue,
            holder: person.name.clone(),
            id_number: person.id_number.as_deref().map(id_number::mask),
            hours: year.earned,
            issued_at: self.now(),
        };
        let seal = self.certificates.seal(&certificate);
        CertificateRow { certificate, seal, command, revocation: None }
    }

    async fn issued(
        &self,
        rows: &[CertificateRow],
        row: CertificateRow,
        replayed: bool,
    ) -> Result<IssuedCertificate, EngineError> {
        Ok(IssuedCertificate { view: self.view(row, rows).await?, replayed })
    }

    /// Looks a certificate up for whoever holds its number.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a number that was never given out.
    pub async fn check_certificate(&self, number: CertificateNumber) -> Result<CertificateView, EngineError> {
        let row = self.store.certificate(number).await?.ok_or(EngineError::NotFound)?;
        let rows = self.store.certificates_of(row.certificate.learner).await?;
        self.view(row, &rows).await
    }

    /// Revokes a certificate, for a reason; `reissue` lets the learner take out another one.
    ///
    /// # Errors
    /// The caller is no administrator, there is none of that number, it was revoked before, or no reason is given.
    pub async fn revoke_certificate(
        &self,
        identity: &Identity,
        number: CertificateNumber,
        reason: String,
        reissue: bool,
    ) -> Result<CertificateView, EngineError> {
        identity.may(Act::ManageCertificates)?;
        if reason.trim().is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            return Err(EngineError::Invalid(vec![FieldFault::new("/reason", "请填写理由 / give a reason")]));
        }
        let row = self.store.certificate(number.clone()).await?.ok_or(EngineError::NotFound)?;
        let revocation = Revocation { at: self.now(), by: identity.id(), reason, reissue };
        let audit = NewAudit {
            detail: format!("{{\"reissue\":{reissue}}}"),
            ..self.audit(Some(identity.id()), "certificate.revoke", number.to_string())
        };
        match self.store.revoke_certificate(row.certificate.learner, number.clone(), revocation, audit).await {
            Ok(()) => self.check_certificate(number).await,
            Err(StoreError::Taken { .. }) => {
                Err(EngineError::WrongState("证书已经撤销 / the certificate is revoked already"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn views_of(&self, learner: PersonId) -> Result<Vec<CertificateView>, EngineError> {
        let rows = self.store.certificates_of(learner).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows.clone() {
            views.push(self.view(row, &rows).await?);
        }
        Ok(views)
    }

    /// How a certificate stands among the learner's.
    async fn view(&self, row: CertificateRow, all: &[CertificateRow]) -> Result<CertificateView, EngineError> {
        let CertificateRow { certificate, seal, revocation, .. } = row;
        let of_year = all.iter().filter(|row| row.certificate.credit_year == certificate.credit_year);
        let last_issue = of_year.map(|row| row.certificate.issue).max().unwrap_or(certificate.issue);
        let entries = self.store.entries(certificate.learner, certificate.credit_year).await?;
        let year = summarize(&YearQuota::default(), &entries);
        let sealed = self.certificates.holds(&certificate, &seal);
        if !sealed {
            tracing::error!(number = %certificate.number, "a certificate in the store is not what was issued");
        }
        let standing = certificate.standing(sealed, revocation.as_ref(), last_issue, &year);
        Ok(CertificateView { certificate, standing, revocation })
    }
}
