//! Certificates (证书) of a fulfilled credit year: what stands on one, who may have another, and whether one
//! still holds. A certificate is never changed; what happens to it is said beside it.

use crate::hours::{Bucket, YearSummary};
use crate::{PersonId, Refusal, Timestamp};
use question_bank::Points;
use std::fmt;

/// Characters of a number: digits and capitals without I, L, O and U, which are misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a number, five bits each: a hundred bits, which nobody guesses.
const NUMBER_CHARS: usize = 20;
const GROUP_CHARS: usize = 5;

/// The number of a certificate: random, so that it tells nothing of its holder. `7K3QX-0M2ZT-9AB4C-D5EF6`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateNumber(String);

impl CertificateNumber {
    /// From random bytes, of which five bits each count.
    #[must_use]
    pub fn from_random(bytes: [u8; NUMBER_CHARS]) -> Self {
        let characters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        let groups: Vec<String> = characters.chunks(GROUP_CHARS).map(|group| group.iter().collect()).collect();
        Self(groups.join("-"))
    }

    /// Reads what people type from paper: any case, hyphens and blanks or none, O for 0, I and L for 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; NUMBER_CHARS];
        let mut count = 0;
        for character in text.chars().filter(|character| !matches!(character, '-' | ' ')) {
            let character = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let place = ALPHABET.iter().position(|known| char::from(*known) == character)?;
            *bytes.get_mut(count)? = u8::try_from(place).ok()?;
            count += 1;
        }
        (count == NUMBER_CHARS).then(|| Self::from_random(bytes))
    }

    /// As it is kept and printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands on a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its number.
    pub number: CertificateNumber,
    /// Whose.
    pub learner: PersonId,
    /// The fulfilled year.
    pub credit_year: i16,
    /// The how manieth of the learner's for that year, from one.
    pub issue: u32,
    /// The holder's name when it was issued.
    pub holder: String,
    /// The holder's identity number when it was issued, masked: the whole of it is on no certificate.
    pub id_number: Option<String>,
    /// Hours in each of [`Bucket::ALL`].
    pub hours: [Points; Bucket::ALL.len()],
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// A person's word that a certificate holds no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: PersonId,
    /// Why, in words.
    pub reason: String,
    /// Whether the learner may take out another one, say because the name was misspelt.
    pub reissue: bool,
}

/// How a certificate stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Valid,
    /// Somebody has revoked it.
    Revoked,
    /// A later one of the same year stands in its place.
    Superseded,
    /// The ledger no longer shows the hours on it.
    HoursShort,
    /// What is kept is not what was issued.
    Altered,
}

/// What becomes of a wish for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The learner's last one holds.
    Stands,
    /// A new one, with this issue.
    New(u32),
}

impl Certificate {
    /// Whether the ledger still shows every hour on it.
    #[must_use]
    pub fn is_covered(&self, year: &YearSummary) -> bool {
        year.qualified && self.hours.iter().zip(&year.earned).all(|(shown, earned)| earned >= shown)
    }

    /// How it stands, given whether its seal holds, the last issue for the year, and the year as it is now.
    #[must_use]
    pub fn standing(
        &self,
        sealed: bool,
        revocation: Option<&Revocation>,
        last_issue: u32,
        year: &YearSummary,
    ) -> Standing {
        if !sealed {
            Standing::Altered
        } else if revocation.is_some() {
            Standing::Revoked
        } else if self.issue < last_issue {
            Standing::Superseded
        } else if !self.is_covered(year) {
            Standing::HoursShort
        } else {
            Standing::Valid
        }
    }
}

/// Decides a wish for a certificate, given the learner's last one for the year.
///
/// # Errors
/// The year is not fulfilled, or the last one was revoked for good.
pub fn wish(last: Option<(&Certificate, Option<&Revocation>)>, year: &YearSummary) -> Result<Wish, Refusal> {
    let issue = match last {
        None => 1,
        Some((_, Some(revocation))) if !revocation.reissue => return Err(Refusal::CertificateRevoked),
        Some((certificate, None)) if certificate.is_covered(year) => return Ok(Wish::Stands),
        Some((certificate, _)) => certificate.issue + 1,
    };
    if year.qualified { Ok(Wish::New(issue)) } else { Err(Refusal::NotQualified) }
}

/// The name as a public page may show it: `张*三`, `张*`.
#[must_use]
pub fn masked_name(name: &str) -> String {
    let last = name.chars().count().saturating_sub(1);
    let shown = |index: usize| index == 0 || (index == last && last > 1);
    name.chars().enumerate().map(|(index, character)| if shown(index) { character } else { '*' }).collect()
}

/// The service's key for seals: what is kept of a certificate can be told from what somebody made of it.
#[derive(Clone)]
pub struct CertificateKey([u8; 32]);

impl CertificateKey {
    /// From the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("keju 2026 certificate seal v1", secret))
    }

    /// The seal of a certificate.
    #[must_use]
    pub fn seal(&self, certificate: &Certificate) -> [u8; 32] {
        *self.hash(certificate).as_bytes()
    }

    /// Whether this is the seal of this certificate.
    #[must_use]
    pub fn holds(&self, certificate: &Certificate, seal: &[u8; 32]) -> bool {
        // Equality of these takes constant time.
        self.hash(certificate) == blake3::Hash::from_bytes(*seal)
    }

    fn hash(&self, certificate: &Certificate) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        part(certificate.number.as_str().as_bytes());
        part(&certificate.learner.bytes());
        part(&certificate.credit_year.to_be_bytes());
        part(&certificate.issue.to_be_bytes());
        part(certificate.holder.as_bytes());
        part(if certificate.id_number.is_some() { &[1] } else { &[0] });
        part(certificate.id_number.as_deref().unwrap_or_default().as_bytes());
        for hours in certificate.hours {
            part(&hours.hundredths().to_be_bytes());
        }
        part(&certificate.issued_at.ms().to_be_bytes());
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hours::{YearQuota, summarize};
    use uuid::Uuid;

    fn certificate(issue: u32) -> Certificate {
        Certificate {
            number: CertificateNumber::from_random([9; NUMBER_CHARS]),
            learner: PersonId(Uuid::from_u128(1)),
            credit_year: 2023,
            issue,
            holder: "张小三".to_owned(),
            id_number: Some("110105********002X".to_owned()),
            hours: [20, 10, 20, 40].map(Points::whole),
            issued_at: Timestamp::from_ms(5),
        }
    }

    fn year(earned: [i64; 4]) -> YearSummary {
        let mut year = summarize(&YearQuota::default(), []);
        year.earned = earned.map(Points::whole);
        year.qualified = earned.iter().zip([20, 10, 20, 40]).all(|(have, need)| *have >= need);
        year
    }

    fn revoked(reissue: bool) -> Revocation {
        Revocation { at: Timestamp::from_ms(9), by: PersonId(Uuid::from_u128(2)), reason: "误发".to_owned(), reissue }
    }

    #[test]
    fn a_number_reads_back_however_it_is_typed() {
        let number = CertificateNumber::from_random(std::array::from_fn(|index| index as u8 * 13));
        assert_eq!(number.as_str().len(), NUMBER_CHARS + 3);
        let typed = number.as_str().to_ascii_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        for text in [number.as_str().to_owned(), number.as_str().replace('-', ""), typed] {
            assert_eq!(CertificateNumber::parse(&text).as_ref(), Some(&number), "{text}");
        }
        for wrong in ["", "-", "U0000-00000-00000-00000", "00000-00000-00000-0000", "00000-00000-00000-000000", "证书"]
        {
            assert_eq!(CertificateNumber::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_certificate_stands_as_long_as_its_hours_do_and_nobody_says_otherwise() {
        let (first, enough) = (certificate(1), year([20, 10, 20, 45]));
        assert_eq!(first.standing(true, None, 1, &enough), Standing::Valid);
        assert_eq!(first.standing(true, Some(&revoked(true)), 2, &enough), Standing::Revoked);
        assert_eq!(first.standing(true, None, 2, &enough), Standing::Superseded);
        assert_eq!(first.standing(false, None, 1, &enough), Standing::Altered);
        assert_eq!(first.standing(true, None, 1, &year([20, 10, 20, 39])), Standing::HoursShort);
        let more = Certificate { hours: [25, 10, 20, 40].map(Points::whole), ..first };
        assert_eq!(
            more.standing(true, None, 1, &year([24, 10, 20, 40])),
            Standing::HoursShort,
            "what it shows is gone"
        );
    }

    #[test]
    fn one_certificate_a_year_unless_the_last_one_fell() {
        let (first, enough, short) = (certificate(1), year([20, 10, 20, 40]), year([20, 10, 20, 39]));
        assert_eq!(wish(None, &short), Err(Refusal::NotQualified));
        assert_eq!(wish(None, &enough), Ok(Wish::New(1)));
        assert_eq!(wish(Some((&first, None)), &enough), Ok(Wish::Stands));
        assert_eq!(wish(Some((&first, None)), &short), Err(Refusal::NotQualified));
        let more = Certificate { hours: [25, 10, 20, 40].map(Points::whole), ..first.clone() };
        assert_eq!(wish(Some((&more, None)), &enough), Ok(Wish::New(2)), "hours were corrected, and still suffice");
        assert_eq!(wish(Some((&first, Some(&revoked(false)))), &enough), Err(Refusal::CertificateRevoked));
        assert_eq!(wish(Some((&first, Some(&revoked(true)))), &enough), Ok(Wish::New(2)));
    }

    #[test]
    fn a_seal_holds_for_what_was_sealed_alone() {
        let key = CertificateKey::derive(&[7; 32]);
        let first = certificate(1);
        let seal = key.seal(&first);
        assert!(key.holds(&first, &seal));
        assert!(!CertificateKey::derive(&[8; 32]).holds(&first, &seal));
        let others = [
            Certificate { number: CertificateNumber::from_random([8; NUMBER_CHARS]), ..first.clone() },
            Certificate { learner: PersonId(Uuid::from_u128(3)), ..first.clone() },
            Certificate { credit_year: 2024, ..first.clone() },
            Certificate { issue: 2, ..first.clone() },
            Certificate { holder: "张小四".to_owned(), ..first.clone() },
            Certificate { id_number: None, ..first.clone() },
            Certificate { id_number: Some(String::new()), ..first.clone() },
            Certificate { hours: [20, 10, 20, 41].map(Points::whole), ..first.clone() },
            Certificate { issued_at: Timestamp::from_ms(6), ..first },
        ];
        for other in others {
            assert!(!key.holds(&other, &seal), "{other:?}");
        }
    }

    #[test]
    fn names_are_masked() {
        for (name, masked) in [("张三", "张*"), ("张小三", "张*三"), ("欧阳小三", "欧**三"), ("张", "张"), ("", "")]
        {
            assert_eq!(masked_name(name), masked);
        }
    }
}
