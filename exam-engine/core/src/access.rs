//! Who may do what: the one place. Everything not allowed here is denied.

use crate::PersonId;
use crate::person::{Role, Roles};
use crate::planted::{RuleBug, planted};

/// Whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Who.
    pub person: PersonId,
    /// As what.
    pub roles: Roles,
}

/// What is asked for. Owned things carry their owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// One's own person and password; all that a first password is good for.
    UseOwnAccount,
    /// See courses, the exams open to oneself, one's own hours.
    SeeCatalogue,
    /// Start an attempt for oneself.
    StartAttempt,
    /// Read or change an attempt as its learner.
    TakeAttempt {
        /// Whose it is.
        owner: PersonId,
    },
    /// Study lessons.
    StudyLessons,
    /// Take out a certificate of one's own.
    TakeCertificate,
    /// See and revoke others' certificates.
    ManageCertificates,
    /// Check a receipt.
    VerifyReceipt,
    /// Write banks; sees keys.
    WriteBanks,
    /// Write courses, exams and lessons.
    WriteExams,
    /// Publish, release, regrade, make exceptions.
    RunExams,
    /// Watch attempts and lessons and their timelines.
    Proctor,
    /// See cases and their evidence, open them.
    ReviewCases,
    /// Decide a case.
    DecideCase {
        /// Whose attempt it is about.
        owner: PersonId,
    },
    /// Take a decided case up again.
    ReopenCase {
        /// Whose attempt it is about.
        owner: PersonId,
    },
    /// Add, list and revoke partner systems.
    ManagePartners,
    /// Add and change people, and the tree of units.
    ManagePeople,
    /// List people, their hours, their sessions and results, as far as one oversees them.
    Oversee,
    /// See one person's hours and results.
    OverseePerson {
        /// Whether the person is of a unit that the subject oversees.
        within: bool,
    },
    /// Read the audit log.
    ReadAudit,
    /// Read metrics and status.
    Operate,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allow,
    /// 403: the thing may be known, the act is not for this role.
    Deny,
    /// 404: the thing must not be known to exist.
    Hide,
}

/// Who sees people that are not one's own affair by another role.
const OVERSEERS: [Role; 4] = [Role::UnitAdmin, Role::DistrictAdmin, Role::CityAdmin, Role::Admin];

/// Decides.
#[must_use]
pub fn decide(subject: &Subject, act: Act) -> Verdict {
    let roles = |allowed: &[Role]| if subject.roles.has_any(allowed) { Verdict::Allow } else { Verdict::Deny };
    match act {
        Act::UseOwnAccount | Act::VerifyReceipt | Act::SeeCatalogue => Verdict::Allow,
        Act::StartAttempt | Act::StudyLessons | Act::TakeCertificate => roles(&[Role::Learner]),
        Act::TakeAttempt { owner } if owner == subject.person || planted(RuleBug::NoOwnerCheck) => Verdict::Allow,
        Act::TakeAttempt { .. } => Verdict::Hide,
        Act::WriteBanks => roles(&[Role::Author, Role::Admin]),
        Act::WriteExams => roles(&[Role::Author, Role::Admin]),
        Act::RunExams => roles(&[Role::Author, Role::Admin]),
        Act::Proctor => roles(&[Role::Proctor, Role::Admin]),
        // Nobody judges in a cause of their own.
        Act::DecideCase { owner } | Act::ReopenCase { owner } if owner == subject.person => Verdict::Deny,
        Act::ReviewCases | Act::DecideCase { .. } => roles(&[Role::Proctor, Role::CityAdmin, Role::Admin]),
        Act::ReopenCase { .. } => roles(&[Role::CityAdmin, Role::Admin]),
        Act::ManagePeople | Act::ManagePartners | Act::ManageCertificates => roles(&[Role::Admin]),
        Act::Oversee => roles(&OVERSEERS),
        Act::OverseePerson { within } if within => roles(&OVERSEERS),
        Act::OverseePerson { .. } => match roles(&OVERSEERS) {
            Verdict::Allow => Verdict::Hide,
            other => other,
        },
        Act::ReadAudit => roles(&[Role::Admin, Role::CityAdmin]),
        Act::Operate => roles(&[Role::Operator, Role::Admin]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_another_persons_is_hidden_whatever_the_role() {
        let (me, other) = (PersonId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(2)));
        for role in Role::ALL {
            let subject = Subject { person: me, roles: [role].into_iter().collect() };
            assert_eq!(decide(&subject, Act::TakeAttempt { owner: other }), Verdict::Hide, "{role:?}");
        }
    }

    #[test]
    fn people_of_other_units_are_hidden_from_those_who_oversee_and_everybody_else_is_denied() {
        for role in Role::ALL {
            let subject = Subject { person: PersonId(Uuid::from_u128(1)), roles: [role].into_iter().collect() };
            let verdicts = [true, false].map(|within| decide(&subject, Act::OverseePerson { within }));
            let expected = if OVERSEERS.contains(&role) {
                [Verdict::Allow, Verdict::Hide]
            } else {
                [Verdict::Deny, Verdict::Deny]
            };
            assert_eq!(verdicts, expected, "{role:?}");
        }
    }

    #[test]
    fn nobody_decides_in_a_cause_of_their_own() {
        let me = PersonId(Uuid::from_u128(1));
        let subject = Subject { person: me, roles: Role::ALL.into_iter().collect() };
        for act in [Act::DecideCase { owner: me }, Act::ReopenCase { owner: me }] {
            assert_eq!(decide(&subject, act), Verdict::Deny, "{act:?}");
        }
        assert_eq!(decide(&subject, Act::DecideCase { owner: PersonId(Uuid::from_u128(2)) }), Verdict::Allow);
    }

    #[test]
    fn nobody_without_a_role_may_write_run_watch_or_manage() {
        let nobody = Subject { person: PersonId(Uuid::from_u128(1)), roles: Roles::default() };
        for act in [
            Act::StartAttempt,
            Act::StudyLessons,
            Act::TakeCertificate,
            Act::ManageCertificates,
            Act::WriteBanks,
            Act::WriteExams,
            Act::RunExams,
            Act::Proctor,
            Act::ReviewCases,
            Act::DecideCase { owner: PersonId(Uuid::from_u128(2)) },
            Act::ReopenCase { owner: PersonId(Uuid::from_u128(2)) },
            Act::ManagePeople,
            Act::ManagePartners,
            Act::Oversee,
            Act::OverseePerson { within: true },
            Act::ReadAudit,
            Act::Operate,
        ] {
            assert_eq!(decide(&nobody, act), Verdict::Deny, "{act:?}");
        }
    }
}
