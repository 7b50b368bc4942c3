//! Instants and local dates.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// The zone of every window and every credit year.
pub const ZONE: &str = "Asia/Shanghai";

/// An instant in milliseconds since 1970-01-01T00:00:00Z; RFC 3339 with milliseconds in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// This instant and `ms` more.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative when it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Some(Self(parsed.as_millisecond()))
    }

    /// The calendar year of this instant in Asia/Shanghai.
    #[must_use]
    pub fn year_in_shanghai(self) -> i16 {
        // China has kept UTC+8 without summer time since 1991; credit years begin in 2017.
        jiff::Timestamp::from_millisecond(self.0).map_or(0, |instant| jiff::tz::offset(8).to_datetime(instant).year())
    }

    /// As tables for people have it: day and time to the second in Asia/Shanghai, `2023-12-31 23:59:59`.
    #[must_use]
    pub fn words_in_shanghai(self) -> String {
        let local = |instant| jiff::tz::offset(8).to_datetime(instant).strftime("%Y-%m-%d %H:%M:%S").to_string();
        jiff::Timestamp::from_millisecond(self.0).map_or_else(|_| self.to_string(), local)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("expected a time such as 2023-12-31T15:59:59.000Z"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn instants_are_written_with_milliseconds() {
        let instant = Timestamp::parse("2023-12-31T23:59:59.999+08:00").unwrap();
        assert_eq!(instant.to_string(), "2023-12-31T15:59:59.999Z");
        assert_eq!(Timestamp::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_year_turns_at_midnight_in_shanghai() {
        let last = Timestamp::parse("2023-12-31T15:59:59.999Z").unwrap();
        assert_eq!(last.year_in_shanghai(), 2023);
        assert_eq!(last.plus_ms(1).year_in_shanghai(), 2024);
        assert_eq!(last.words_in_shanghai(), "2023-12-31 23:59:59");
    }
}
