//! Certificates: kept as issued, one of each issue, revoked once.

use super::kit::{YEAR, act, at, at_once, new_id, new_learner};
use crate::{CertificateRow, Store, StoreError};
use exam_core::PersonId;
use exam_core::certificate::{Certificate, CertificateNumber, Revocation};
use question_bank::Points;
use std::sync::Arc;

fn certificate(learner: PersonId, issue: u32) -> CertificateRow {
    let random = new_id().into_bytes();
    let number = CertificateNumber::from_random(std::array::from_fn(|index| random[(index + 6) % 16]));
    let certificate = Certificate {
        number,
        learner,
        credit_year: YEAR,
        issue,
        holder: "张小三".to_owned(),
        id_number: (issue == 1).then(|| "110105********002X".to_owned()),
        hours: [2_000, 1_050, 2_000, 4_025].map(Points::from_hundredths),
        issued_at: at(i64::from(issue)),
    };
    CertificateRow { certificate, seal: [issue as u8; 32], command: new_id(), revocation: None }
}

pub(super) async fn a_certificate_reads_back(store: &Arc<dyn Store>) {
    let learner = new_learner(store).await;
    let (first, second) = (certificate(learner, 1), certificate(learner, 2));
    for row in [&second, &first] {
        store.issue_certificate(row.clone(), act("certificate.issue")).await.unwrap();
    }
    assert_eq!(store.certificate(first.certificate.number.clone()).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.certificate(certificate(learner, 9).certificate.number).await.unwrap(), None);
    assert_eq!(store.certificates_of(learner).await.unwrap(), [first.clone(), second]);
    assert_eq!(store.certificates_of(new_learner(store).await).await.unwrap(), []);
    let nobody = store.issue_certificate(certificate(PersonId(new_id()), 1), act("certificate.issue")).await;
    assert_eq!(nobody, Err(StoreError::NotFound));
    // A command is used once, whatever for.
    let again = CertificateRow { command: first.command, ..certificate(learner, 3) };
    let again = store.issue_certificate(again, act("certificate.issue")).await;
    assert!(matches!(again, Err(StoreError::Taken { .. })), "{again:?}");
}

pub(super) async fn certificates_are_issued_once(store: &Arc<dyn Store>) {
    let learner = new_learner(store).await;
    let issues = (0..50).map(|_| {
        let (store, row) = (Arc::clone(store), certificate(learner, 1));
        async move { store.issue_certificate(row, act("certificate.issue")).await }
    });
    let outcomes = at_once(issues.collect()).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let taken = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Taken { .. }))).count();
    assert_eq!((taken, store.certificates_of(learner).await.unwrap().len()), (49, 1));
}

pub(super) async fn a_revocation_stands(store: &Arc<dyn Store>) {
    let (learner, admin) = (new_learner(store).await, new_learner(store).await);
    let row = certificate(learner, 1);
    let number = row.certificate.number.clone();
    let revoked = Revocation { at: at(7), by: admin, reason: "姓名有误".to_owned(), reissue: true };
    let early = store.revoke_certificate(learner, number.clone(), revoked.clone(), act("certificate.revoke")).await;
    assert_eq!(early, Err(StoreError::NotFound));
    store.issue_certificate(row.clone(), act("certificate.issue")).await.unwrap();
    store.revoke_certificate(learner, number.clone(), revoked.clone(), act("certificate.revoke")).await.unwrap();
    let later = Revocation { reissue: false, ..revoked.clone() };
    let twice = store.revoke_certificate(learner, number.clone(), later, act("certificate.revoke")).await;
    assert!(matches!(twice, Err(StoreError::Taken { .. })), "{twice:?}");
    let kept = CertificateRow { revocation: Some(revoked), ..row };
    assert_eq!(store.certificate(number).await.unwrap(), Some(kept));
}
