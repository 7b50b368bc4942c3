//! What of a lesson was covered: an exact union of milliseconds.

use crate::limits::COVERAGE_STRETCHES_MAX;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Sorted, disjoint, not touching, half-open stretches of a lesson. JSON: `[[from,to],…]`.
///
/// At most [`COVERAGE_STRETCHES_MAX`] of them: what would be one more is not added, so nothing is ever
/// covered that was not played; it can be added once a gap has closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    stretches: Vec<Stretch>,
}

/// From the first millisecond to the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: u32,
    to: u32,
}

impl Coverage {
    /// Nothing covered.
    #[must_use]
    pub const fn new() -> Self {
        Self { stretches: Vec::new() }
    }

    /// Adds `from..to`; how many milliseconds of it are new.
    pub fn add(&mut self, from: i64, to: i64) -> i64 {
        let (from, to) = (ms(from), ms(to));
        if from >= to {
            return 0;
        }
        let before = self.total();
        // Everything that overlaps or touches becomes one stretch.
        let first = self.stretches.partition_point(|stretch| stretch.to < from);
        let past = self.stretches.partition_point(|stretch| stretch.from <= to);
        let merged = match self.stretches.get(first..past) {
            Some([one, .., last]) => Stretch { from: from.min(one.from), to: to.max(last.to) },
            Some([one]) => Stretch { from: from.min(one.from), to: to.max(one.to) },
            _ if self.stretches.len() >= COVERAGE_STRETCHES_MAX => return 0,
            _ => Stretch { from, to },
        };
        self.stretches.splice(first..past, [merged]);
        self.total() - before
    }

    /// Takes everything from `from` on away; how many milliseconds that were.
    pub fn truncate(&mut self, from: i64) -> i64 {
        let (before, from) = (self.total(), ms(from));
        self.stretches.retain(|stretch| stretch.from < from);
        if let Some(last) = self.stretches.last_mut() {
            last.to = last.to.min(from);
        }
        before - self.total()
    }

    /// How many milliseconds are covered.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.stretches.iter().map(|stretch| i64::from(stretch.to - stretch.from)).sum()
    }

    /// The end of the last stretch; zero when nothing is covered.
    #[must_use]
    pub fn furthest(&self) -> i64 {
        self.stretches.last().map_or(0, |last| i64::from(last.to))
    }

    /// Whether all of `from..to` is covered.
    #[must_use]
    pub fn contains(&self, from: i64, to: i64) -> bool {
        from >= to || self.stretches().any(|(start, end)| start <= from && to <= end)
    }

    /// The stretches, in order.
    pub fn stretches(&self) -> impl ExactSizeIterator<Item = (i64, i64)> {
        self.stretches.iter().map(|stretch| (i64::from(stretch.from), i64::from(stretch.to)))
    }
}

/// Lessons are far shorter than the 49 days that 32 bits hold.
fn ms(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

impl Serialize for Coverage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.stretches.iter().map(|stretch| (stretch.from, stretch.to)))
    }
}

impl<'de> Deserialize<'de> for Coverage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(u32, u32)>::deserialize(deserializer)?;
        let apart = pairs.iter().zip(pairs.iter().skip(1)).all(|(one, next)| one.1 < next.0);
        if !apart || pairs.iter().any(|(from, to)| from >= to) || pairs.len() > COVERAGE_STRETCHES_MAX {
            return Err(de::Error::custom("expected ascending stretches apart from each other, such as [[0,5000]]"));
        }
        Ok(Self { stretches: pairs.into_iter().map(|(from, to)| Stretch { from, to }).collect() })
    }
}
