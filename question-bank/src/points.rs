//! Points and hours: integers of hundredths inside, decimal numbers outside.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A fixed-point amount in hundredths (of a point, of an hour). `Points(250)` is 2.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points(i64);

impl Points {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount accepted from outside, in hundredths.
    pub const MAX_HUNDREDTHS: i64 = 100_000_000;

    /// From whole points.
    #[must_use]
    pub const fn whole(points: i64) -> Self {
        Self(points * 100)
    }

    /// From hundredths.
    #[must_use]
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// In hundredths.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// This amount times `count`.
    #[must_use]
    pub const fn times(self, count: u32) -> Self {
        Self(self.0 * count as i64)
    }

    /// This amount times `numerator / denominator`, rounded half up to a hundredth.
    ///
    /// A non-positive denominator gives zero.
    #[must_use]
    pub const fn share(self, numerator: i64, denominator: i64) -> Self {
        if denominator <= 0 {
            return Self::ZERO;
        }
        let product = self.0 as i128 * numerator as i128;
        let twice = product * 2 + denominator as i128;
        Self(twice.div_euclid(2 * denominator as i128) as i64)
    }

    /// Parses `"2.5"`, `"10"`, `"0.25"`; at most two decimals.
    ///
    /// # Errors
    /// The text is no decimal number of at most two decimals within the accepted range.
    pub fn parse(text: &str) -> Result<Self, PointsError> {
        let text = text.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let ascii = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let significant = decimals.trim_end_matches('0');
        if whole.is_empty() || whole.len() > 10 || significant.len() > 2 || !ascii(whole) || !ascii(decimals) {
            return Err(PointsError);
        }
        let hundredths: i64 = format!("{whole}{significant:0<2}").parse().map_err(|_| PointsError)?;
        if hundredths > Self::MAX_HUNDREDTHS {
            return Err(PointsError);
        }
        Ok(Self(if negative { -hundredths } else { hundredths }))
    }
}

/// The text or number is not an amount with at most two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number with at most two decimals, no larger than 1000000")]
pub struct PointsError;

impl Add for Points {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Points {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Points {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100);
        match rest {
            0 => write!(f, "{sign}{whole}"),
            rest if rest % 10 == 0 => write!(f, "{sign}{whole}.{}", rest / 10),
            rest => write!(f, "{sign}{whole}.{rest:02}"),
        }
    }
}

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 100 == 0 {
            serializer.serialize_i64(self.0 / 100)
        } else {
            // Exact: the shortest decimal that reads back as this double has at most two decimals.
            serializer.serialize_f64(self.0 as f64 / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let hundredths = (number * 100.0).round();
        if !number.is_finite()
            || (number * 100.0 - hundredths).abs() > 1e-6
            || hundredths.abs() > Self::MAX_HUNDREDTHS as f64
        {
            return Err(de::Error::custom(PointsError));
        }
        Ok(Self(hundredths as i64))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn shares_round_half_up_to_the_hundredth() {
        assert_eq!(Points::whole(10).share(1, 3), Points::from_hundredths(333));
        assert_eq!(Points::whole(10).share(2, 3), Points::from_hundredths(667));
        assert_eq!(Points::from_hundredths(1).share(1, 2), Points::from_hundredths(1));
        assert_eq!(Points::from_hundredths(-1).share(1, 2), Points::ZERO);
        assert_eq!(Points::whole(10).share(1, 0), Points::ZERO);
    }

    #[test]
    fn amounts_read_and_write_as_decimals() {
        for (text, hundredths, json) in [
            ("2.5", 250, "2.5"),
            ("10", 1000, "10"),
            ("0.25", 25, "0.25"),
            ("2.50", 250, "2.5"),
            ("-1.05", -105, "-1.05"),
        ] {
            let points = Points::parse(text).unwrap();
            assert_eq!(points.hundredths(), hundredths);
            assert_eq!(serde_json::to_string(&points).unwrap(), json);
            assert_eq!(points.to_string(), json);
            assert_eq!(serde_json::from_str::<Points>(json).unwrap(), points);
        }
        for wrong in ["", "1.234", "a", "1e3", ".5", "99999999999"] {
            assert!(Points::parse(wrong).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Points>("1.234").is_err());
    }
}
