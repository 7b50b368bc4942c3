//! The resident identity number, GB 11643-1999.

/// Weights of the first seventeen digits.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters by remainder.
const CHECKS: [u8; 11] = *b"10X98765432";

/// A checked identity number. Its `Debug` and its masked form never show the whole of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdNumber(String);

/// Not an identity number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "身份证号有误（18 位、日期有效、校验码符合 GB 11643-1999） / not a valid identity number (18 characters, valid date, check character by GB 11643-1999)"
)]
pub struct IdNumberError;

impl IdNumber {
    /// Checks length, digits, date and check character; a lower-case `x` is accepted.
    ///
    /// # Errors
    /// Any of them is wrong.
    pub fn parse(text: &str) -> Result<Self, IdNumberError> {
        let text = text.trim().to_ascii_uppercase();
        let bytes = text.as_bytes();
        let (Some(digits), Some(check)) = (bytes.get(..17), bytes.get(17)) else { return Err(IdNumberError) };
        if bytes.len() != 18 || !digits.iter().all(u8::is_ascii_digit) {
            return Err(IdNumberError);
        }
        let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        if CHECKS[(sum % 11) as usize] != *check || !date_is_valid(&text[6..14]) {
            return Err(IdNumberError);
        }
        Ok(Self(text))
    }

    /// The whole number, for storage only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as people may see it: `110105********002X`.
    #[must_use]
    pub fn masked(&self) -> String {
        mask(&self.0)
    }
}

impl std::fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Masks a stored number: the first six and the last four characters stay.
#[must_use]
pub fn mask(number: &str) -> String {
    let characters: Vec<char> = number.chars().collect();
    let hidden = |index: usize| index >= 6 && index + 4 < characters.len();
    characters.iter().enumerate().map(|(index, c)| if hidden(index) { '*' } else { *c }).collect()
}

fn date_is_valid(text: &str) -> bool {
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<i16>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0..4), part(4..6), part(6..8)) else { return false };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return false };
    year >= 1800 && jiff::civil::Date::new(year, month, day).is_ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_standards_own_vectors_pass_and_changed_ones_do_not() {
        for good in ["11010519491231002X", "11010519491231002x", "440524188001010014"] {
            assert!(IdNumber::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "110105194912310021", "11010519491331002X", "1101051949123100", "１１010519491231002X"] {
            assert!(IdNumber::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(IdNumber::parse("11010519491231002x").unwrap().masked(), "110105********002X");
    }
}
