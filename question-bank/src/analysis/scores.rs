//! The scores of all papers, counted by score: there are few different ones, however many papers.

use crate::Points;
use crate::limits::ANALYSIS_GROUP_SHARE;
use std::collections::BTreeMap;

/// How many papers have which score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    counts: BTreeMap<Points, u32>,
}

/// The upper and the lower group by score. Papers that tie with the last of a group are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    lower: Points,
    upper: Points,
}

/// Where a paper stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Lower,
    Middle,
    Upper,
}

impl Groups {
    pub(super) fn of(&self, score: Points) -> Group {
        // Where all tie there are no groups.
        if self.lower >= self.upper {
            Group::Middle
        } else if score <= self.lower {
            Group::Lower
        } else if score >= self.upper {
            Group::Upper
        } else {
            Group::Middle
        }
    }
}

impl Scores {
    /// Counts a paper.
    pub fn add(&mut self, score: Points) {
        *self.counts.entry(score).or_default() += 1;
    }

    /// How many papers.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.counts.values().sum()
    }

    /// Each score there is, with its papers, from the lowest.
    pub fn counts(&self) -> impl Iterator<Item = (Points, u32)> {
        self.counts.iter().map(|(score, count)| (*score, *count))
    }

    /// The mean, in points.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        let sum: f64 = self.counts().map(|(score, papers)| points(score) * f64::from(papers)).sum();
        (count > 0).then(|| sum / f64::from(count))
    }

    /// The variance of the sample (n − 1), in points squared.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 =
            self.counts().map(|(score, papers)| (points(score) - mean).powi(2) * f64::from(papers)).sum();
        let count = self.count();
        (count > 1).then(|| squares / f64::from(count - 1))
    }

    /// The lowest, the middle and the highest score.
    #[must_use]
    pub fn spread(&self) -> Option<(Points, Points, Points)> {
        let middle = self.at_rank(self.count().div_ceil(2))?;
        Some((*self.counts.first_key_value()?.0, middle, *self.counts.last_key_value()?.0))
    }

    /// The groups of [`ANALYSIS_GROUP_SHARE`] at either end (Kelley 1939).
    #[must_use]
    pub fn groups(&self) -> Groups {
        self.groups_of(ANALYSIS_GROUP_SHARE)
    }

    pub(super) fn groups_of(&self, share: f64) -> Groups {
        let count = self.count();
        let size = (f64::from(count) * share).ceil() as u32;
        let lower = self.at_rank(size).unwrap_or_default();
        let upper = self.at_rank((count + 1).saturating_sub(size)).unwrap_or_default();
        Groups { lower, upper }
    }

    /// The score of a rank, counted from one from the lowest.
    fn at_rank(&self, rank: u32) -> Option<Points> {
        let mut passed = 0;
        self.counts().find_map(|(score, papers)| {
            passed += papers;
            (passed >= rank && rank > 0).then_some(score)
        })
    }
}

pub(super) fn points(points: Points) -> f64 {
    points.hundredths() as f64 / 100.0
}
