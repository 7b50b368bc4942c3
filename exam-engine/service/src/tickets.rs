//! Tickets: single-use passes for a socket, so that no token ever stands in a URL.
//!
//! `base64url(version ‖ purpose ‖ bearer ‖ thing ‖ person ‖ by ‖ expires_at ‖ nonce ‖ mac)`, where `by` is the hash of
//! the session or the partner's id, and the MAC is keyed BLAKE3 over what stands before it. Any node redeems
//! what any node signed; that it is redeemed once is the store's word. Nothing in it is believed for longer
//! than it lives: on redeeming, the session and the partner must still be there.

use crate::limits::TICKET_MS;
use crate::{Engine, EngineError, Identity, PartnerIdentity};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exam_core::Timestamp;
use exam_core::access::Act;
use exam_core::ids::{AttemptId, ExamId, LessonId, PartnerId, PersonId};
use exam_core::person::{Person, Role};
use std::sync::Arc;

const VERSION: u8 = 1;
const BODY: usize = 3 + 16 + 16 + 32 + 8 + 16;
const MAC: usize = 32;

/// What a ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Studying a lesson.
    Lesson(LessonId),
    /// Taking one's own attempt.
    Attempt(AttemptId),
    /// Watching an exam.
    Proctor(ExamId),
}

/// Whoever came with a ticket.
#[derive(Clone, Debug)]
pub enum Bearer {
    /// Somebody signed in.
    Session(Identity),
    /// A learner whom a partner system sent.
    Partner {
        /// Which.
        partner: PartnerId,
        /// The learner.
        person: Arc<Person>,
    },
}

/// A redeemed ticket: what its bearer may do on their socket.
#[derive(Clone, Debug)]
pub struct Pass {
    /// What for.
    pub purpose: Purpose,
    /// Who.
    pub who: Bearer,
}

impl Pass {
    /// The person.
    #[must_use]
    pub fn person(&self) -> &Arc<Person> {
        match &self.who {
            Bearer::Session(identity) => &identity.person,
            Bearer::Partner { person, .. } => person,
        }
    }

    /// The sign-in, if there is one.
    #[must_use]
    pub const fn identity(&self) -> Option<&Identity> {
        match &self.who {
            Bearer::Session(identity) => Some(identity),
            Bearer::Partner { .. } => None,
        }
    }

    /// The partner that sent the learner.
    #[must_use]
    pub const fn partner(&self) -> Option<PartnerId> {
        match &self.who {
            Bearer::Session(_) => None,
            Bearer::Partner { partner, .. } => Some(*partner),
        }
    }
}

/// What a ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticket {
    purpose: Purpose,
    person: PersonId,
    by: By,
    expires_at: Timestamp,
    nonce: [u8; 16],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Session([u8; 32]),
    Partner(PartnerId),
}

/// The service's signing key for tickets.
pub(crate) struct TicketKey([u8; 32]);

impl TicketKey {
    pub(crate) fn derive(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("keju 2026 stream ticket v1", secret))
    }

    fn sign(&self, ticket: &Ticket) -> String {
        let mut bytes = Vec::with_capacity(BODY + MAC);
        let (purpose, thing) = match ticket.purpose {
            Purpose::Lesson(lesson) => (1, lesson.bytes()),
            Purpose::Attempt(attempt) => (2, attempt.bytes()),
            Purpose::Proctor(exam) => (3, exam.bytes()),
        };
        let (bearer, by) = match ticket.by {
            By::Session(hash) => (1, hash),
            By::Partner(partner) => {
                let mut padded = [0; 32];
                padded[..16].copy_from_slice(&partner.bytes());
                (2, padded)
            }
        };
        bytes.extend([VERSION, purpose, bearer]);
        bytes.extend(thing);
        bytes.extend(ticket.person.bytes());
        bytes.extend(by);
        bytes.extend(ticket.expires_at.ms().to_be_bytes());
        bytes.extend(ticket.nonce);
        let mac = self.mac(&bytes);
        bytes.extend(mac.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for anything this key did not sign.
    fn verify(&self, text: &str) -> Option<Ticket> {
        let bytes: [u8; BODY + MAC] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        // Equality of BLAKE3 hashes takes constant time.
        if bytes[0] != VERSION || self.mac(&bytes[..BODY]) != blake3::Hash::from_bytes(field(&bytes, BODY)) {
            return None;
        }
        let thing = field(&bytes, 3);
        let purpose = match bytes[1] {
            1 => Purpose::Lesson(LessonId::from_bytes(thing)),
            2 => Purpose::Attempt(AttemptId::from_bytes(thing)),
            3 => Purpose::Proctor(ExamId::from_bytes(thing)),
            _ => return None,
        };
        let by = match bytes[2] {
            1 => By::Session(field(&bytes, 35)),
            2 => By::Partner(PartnerId::from_bytes(field(&bytes, 35))),
            _ => return None,
        };
        Some(Ticket {
            purpose,
            person: PersonId::from_bytes(field(&bytes, 19)),
            by,
            expires_at: Timestamp::from_ms(i64::from_be_bytes(field(&bytes, 67))),
            nonce: field(&bytes, 75),
        })
    }

    fn mac(&self, body: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.0, body)
    }
}

fn field<const N: usize>(bytes: &[u8; BODY + MAC], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

impl Engine {
    /// Mints a ticket for something the caller may do on a socket; says until when it can be redeemed.
    ///
    /// # Errors
    /// There is no such thing, or it is not the caller's, or not for their role.
    pub async fn mint_ticket(&self, identity: &Identity, purpose: Purpose) -> Result<(String, Timestamp), EngineError> {
        match purpose {
            Purpose::Lesson(lesson) => {
                identity.may(Act::StudyLessons)?;
                self.loaded_lesson(lesson).await?;
            }
            Purpose::Attempt(attempt) => self.read_attempt(identity, attempt, |_, _| ()).await?,
            Purpose::Proctor(exam) => {
                identity.may(Act::Proctor)?;
                self.learner_exam(identity, exam).await?;
            }
        }
        Ok(self.sign_ticket(purpose, identity.id(), By::Session(identity.session)))
    }

    /// Mints a lesson ticket for a learner, named by id or username, in the name of a partner.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for a learner or a lesson that is not there or not the partner's.
    pub async fn mint_partner_ticket(
        &self,
        partner: &PartnerIdentity,
        learner: &str,
        lesson: LessonId,
    ) -> Result<(String, Timestamp), EngineError> {
        if partner.partner.lessons.as_ref().is_some_and(|lessons| !lessons.contains(&lesson)) {
            return Err(EngineError::NotFound);
        }
        self.loaded_lesson(lesson).await?;
        let row = match PersonId::parse(learner) {
            Some(id) => self.store.person(id).await?,
            None => self.store.person_by_username(learner).await?,
        };
        let person = row.map(|row| row.person).filter(is_learner).ok_or(EngineError::NotFound)?;
        Ok(self.sign_ticket(Purpose::Lesson(lesson), person.id, By::Partner(partner.partner.id)))
    }

    /// Uses a ticket up.
    ///
    /// # Errors
    /// [`EngineError::Unauthenticated`] for one that this service did not sign, that has expired or was used, and
    /// where the session, the partner's key or the account has ended since.
    pub async fn redeem_ticket(&self, ticket: &str) -> Result<Pass, EngineError> {
        let ticket = self.tickets.verify(ticket).filter(|ticket| self.now() <= ticket.expires_at);
        let ticket = ticket.ok_or(EngineError::Unauthenticated)?;
        let who = self.bearer(&ticket).await?;
        if !self.store.spend_ticket(ticket.nonce, ticket.expires_at).await? {
            return Err(EngineError::Unauthenticated);
        }
        Ok(Pass { purpose: ticket.purpose, who })
    }

    /// Whether a pass still holds, by what the caches and the store say now.
    ///
    /// # Errors
    /// [`EngineError::Unauthenticated`] when the session has ended, [`EngineError::Forbidden`] when the partner's key or
    /// the learner's account has.
    pub async fn renew_pass(&self, pass: &Pass) -> Result<(), EngineError> {
        match &pass.who {
            Bearer::Session(identity) => self.identify_session(identity.session).await.map(drop),
            Bearer::Partner { partner, person } => {
                self.sent_by(*partner, person.id).await.map(drop).map_err(|error| match error {
                    EngineError::Unauthenticated => EngineError::Forbidden,
                    other => other,
                })
            }
        }
    }

    /// Forgets used tickets that nobody could redeem any more.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn purge_tickets(&self) -> Result<u64, EngineError> {
        // Nodes' clocks differ a little: a ticket must be dead for all of them before it is forgotten.
        Ok(self.store.purge_tickets(self.now().plus_ms(-2 * TICKET_MS)).await?)
    }

    async fn bearer(&self, ticket: &Ticket) -> Result<Bearer, EngineError> {
        match ticket.by {
            By::Session(hash) => {
                let identity = self.identify_session(hash).await?;
                // A session is of one person for ever; anything else is no ticket of ours.
                if identity.id() == ticket.person {
                    Ok(Bearer::Session(identity))
                } else {
                    Err(EngineError::Unauthenticated)
                }
            }
            By::Partner(partner) => self.sent_by(partner, ticket.person).await,
        }
    }

    /// A learner whom a partner may send.
    async fn sent_by(&self, partner: PartnerId, person: PersonId) -> Result<Bearer, EngineError> {
        let row = self.store.partner(partner).await?.filter(|row| row.revoked_at.is_none());
        row.ok_or(EngineError::Unauthenticated)?;
        let row = self.store.person(person).await?;
        let person = row.map(|row| row.person).filter(is_learner).ok_or(EngineError::Unauthenticated)?;
        Ok(Bearer::Partner { partner, person: Arc::new(person) })
    }

    fn sign_ticket(&self, purpose: Purpose, person: PersonId, by: By) -> (String, Timestamp) {
        let expires_at = self.now().plus_ms(TICKET_MS);
        (self.tickets.sign(&Ticket { purpose, person, by, expires_at, nonce: rand::random() }), expires_at)
    }
}

fn is_learner(person: &Person) -> bool {
    !person.disabled && person.roles.has(Role::Learner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_ticket_reads_back_and_none_can_be_forged() {
        let key = TicketKey::derive(&[7; 32]);
        let id = Uuid::from_u128;
        let tickets = [
            (Purpose::Lesson(LessonId(id(1))), By::Partner(PartnerId(id(2)))),
            (Purpose::Attempt(AttemptId(id(3))), By::Session([4; 32])),
            (Purpose::Proctor(ExamId(id(5))), By::Session([6; 32])),
        ];
        for (purpose, by) in tickets {
            let (person, expires_at) = (PersonId(id(7)), Timestamp::from_ms(1_700_000_000_000));
            let ticket = Ticket { purpose, person, by, expires_at, nonce: [8; 16] };
            let text = key.sign(&ticket);
            assert_eq!(key.verify(&text), Some(ticket));
            assert_eq!(TicketKey::derive(&[8; 32]).verify(&text), None);
            for index in 0..text.len() {
                let mut forged = text.clone().into_bytes();
                forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
                assert_eq!(key.verify(std::str::from_utf8(&forged).unwrap()), None, "position {index}");
            }
        }
    }
}
