//! Receipts: the service's word that an answer is kept, checkable later.
//!
//! `base64url(version ‖ attempt ‖ slot ‖ seq ‖ saved_at ‖ digest ‖ mac)`, where the MAC is keyed BLAKE3
//! over what stands before it. The key is the service's own; anybody can hand a receipt back to be checked.

use crate::attempt::Answered;
use crate::{AttemptId, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: u8 = 1;
const BODY: usize = 1 + 16 + 4 + 4 + 8 + 16;
const MAC: usize = 16;

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The attempt.
    pub attempt: AttemptId,
    /// The slot.
    pub slot: u32,
    /// The step that holds the answer.
    pub seq: u32,
    /// When it was kept.
    pub saved_at: Timestamp,
    /// Of slot and response, see [`crate::attempt::decide::answer_digest`].
    pub digest: [u8; 16],
}

/// The service's signing key.
#[derive(Clone)]
pub struct ReceiptKey([u8; 32]);

impl ReceiptKey {
    /// From the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("keju 2026 answer receipt v1", secret))
    }

    /// Signs.
    #[must_use]
    pub fn sign(&self, attempt: AttemptId, answered: &Answered) -> String {
        let mut bytes = [0; BODY + MAC];
        bytes[0] = VERSION;
        bytes[1..17].copy_from_slice(&attempt.bytes());
        bytes[17..21].copy_from_slice(&answered.slot.to_be_bytes());
        bytes[21..25].copy_from_slice(&answered.seq.to_be_bytes());
        bytes[25..33].copy_from_slice(&answered.at.ms().to_be_bytes());
        bytes[33..BODY].copy_from_slice(&answered.digest);
        let mac = self.mac(&bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a receipt and checks its signature; `None` for anything this key did not sign.
    #[must_use]
    pub fn verify(&self, receipt: &str) -> Option<Receipt> {
        let bytes: [u8; BODY + MAC] = URL_SAFE_NO_PAD.decode(receipt).ok()?.try_into().ok()?;
        // Compared as blake3 hashes, whose equality takes constant time.
        let given = blake3::hash(&bytes[BODY..]);
        if bytes[0] != VERSION || blake3::hash(&self.mac(&bytes[..BODY])) != given {
            return None;
        }
        Some(Receipt {
            attempt: AttemptId::from_bytes(field(&bytes, 1)),
            slot: u32::from_be_bytes(field(&bytes, 17)),
            seq: u32::from_be_bytes(field(&bytes, 21)),
            saved_at: Timestamp::from_ms(i64::from_be_bytes(field(&bytes, 25))),
            digest: field(&bytes, 33),
        })
    }

    fn mac(&self, body: &[u8]) -> [u8; MAC] {
        let mut mac = [0; MAC];
        mac.copy_from_slice(&blake3::keyed_hash(&self.0, body).as_bytes()[..MAC]);
        mac
    }
}

fn field<const N: usize>(bytes: &[u8; BODY + MAC], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_receipt_reads_back_and_none_can_be_forged() {
        let key = ReceiptKey::derive(&[7; 32]);
        let attempt = AttemptId(uuid::Uuid::from_u128(5));
        let answered = Answered { slot: 3, seq: 9, digest: [1; 16], at: Timestamp::from_ms(1_234), replayed: false };
        let text = key.sign(attempt, &answered);
        let read = key.verify(&text).unwrap();
        assert_eq!((read.attempt, read.slot, read.seq, read.saved_at), (attempt, 3, 9, answered.at));
        assert!(ReceiptKey::derive(&[8; 32]).verify(&text).is_none());
        for index in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(key.verify(&forged).is_none_or(|other| other == read), "position {index}");
        }
    }
}
