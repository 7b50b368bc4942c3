//! Seeds: derived per attempt, committed to at the start, revealed at release.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What a paper is drawn from: 32 bytes, 64 lower-case hex digits in JSON. Secret until release.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed as it was revealed or stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA256 of `"keju/seed/1"` + the attempt's 16 bytes, keyed by the exam's secret.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn derive(exam_secret: &[u8; 32], attempt: &[u8; 16]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(exam_secret).expect("any key length");
        mac.update(b"keju/seed/1");
        mac.update(attempt);
        Self(mac.finalize().into_bytes().into())
    }

    /// A seed of one thing among many that this one decides: HMAC-SHA256 of the name and the number
    /// (4 bytes, most significant first), keyed by this seed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn named(&self, name: &str, number: u32) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any key length");
        mac.update(name.as_bytes());
        mac.update(&number.to_be_bytes());
        Self(mac.finalize().into_bytes().into())
    }

    /// From 64 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// 64 hex digits. Only for release and for the store.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// What is published at the start: `sha256:` + hex of the SHA-256 of the 32 raw bytes.
    #[must_use]
    pub fn commitment(&self) -> String {
        format!("sha256:{}", hex::encode(Sha256::digest(self.0)))
    }

    /// The raw bytes: the key of the ChaCha20 stream.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The seed of the `round`-th new try, should a draw come to a dead end (round 0 is the seed
    /// itself): SHA-256 of `"keju/retry/1"`, the seed, and the round as one byte.
    pub(crate) fn retry(&self, round: u8) -> Self {
        if round == 0 {
            return *self;
        }
        let hash = Sha256::new().chain_update(b"keju/retry/1").chain_update(self.0).chain_update([round]);
        Self(hash.finalize().into())
    }
}

// Seeds are secret until release: no digits in logs.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected a seed of 64 hex digits"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_hmac_sha256_over_the_attempt() {
        let seed = Seed::derive(&[7; 32], &[9; 16]);
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(b"keju/seed/1");
        mac.update(&[9; 16]);
        assert_eq!(seed.as_bytes()[..], mac.finalize().into_bytes()[..]);
        assert_ne!(seed, Seed::derive(&[7; 32], &[8; 16]));
        assert_ne!(seed, Seed::derive(&[6; 32], &[9; 16]));
    }

    #[test]
    fn seeds_travel_as_hex_and_do_not_show_in_logs() {
        let seed = Seed::derive(&[1; 32], &[2; 16]);
        let json = serde_json::to_string(&seed).unwrap();
        assert_eq!(json.len(), 66);
        assert_eq!(serde_json::from_str::<Seed>(&json).unwrap(), seed);
        assert!(serde_json::from_str::<Seed>("\"00\"").is_err());
        assert_eq!(format!("{seed:?}"), "Seed(…)");
    }

    #[test]
    fn the_commitment_is_the_hash_of_the_raw_bytes() {
        let zero = Seed::from_bytes([0; 32]);
        assert_eq!(zero.commitment(), "sha256:66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
    }
}
