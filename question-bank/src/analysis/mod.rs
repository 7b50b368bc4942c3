//! Item analysis: what classical test theory says of items, options and papers, added up one graded paper
//! at a time in memory that grows with the items shown and not with the papers.
//!
//! Formulas, their sources and what cannot be computed of random papers: `docs/item-analysis.md`.

mod flags;
mod item;
mod moments;
mod reliability;
mod scores;

pub use flags::ItemFlag;
pub use item::{ItemReport, OptionReport};
pub use reliability::{NoAlpha, Reliability};
pub use scores::{Groups, Scores};

use crate::{ItemIndex, Points, Pool, Said};
use item::ItemSums;
use reliability::ReliabilitySums;
use std::collections::BTreeMap;

/// One slot of a graded paper.
#[derive(Clone, Copy, Debug)]
pub struct MarkedItem<'a> {
    /// The item it showed.
    pub item: ItemIndex,
    /// Which section it stood in.
    pub section: u32,
    /// What the response earned.
    pub points: Points,
    /// What it could have earned.
    pub max: Points,
    /// The response; `None` where there was none.
    pub said: Option<&'a Said>,
    /// How long the first response took, where that is known.
    pub taken_ms: Option<i64>,
}

/// Adds up papers.
#[derive(Clone, Debug)]
pub struct Analysis {
    groups: Groups,
    scores: Scores,
    items: BTreeMap<ItemIndex, ItemSums>,
    reliability: ReliabilitySums,
}

/// What all papers come to.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisReport {
    /// The papers' scores.
    pub scores: Scores,
    /// Of the scores.
    pub reliability: Reliability,
    /// Every item that was shown, by its place in the bank.
    pub items: Vec<ItemReport>,
}

impl Analysis {
    /// Nothing added yet; `groups` are the scores that the upper and the lower group begin at.
    #[must_use]
    pub fn new(groups: Groups) -> Self {
        Self { groups, scores: Scores::default(), items: BTreeMap::new(), reliability: ReliabilitySums::default() }
    }

    /// Adds one graded paper, its slots in their order.
    pub fn add(&mut self, paper: &[MarkedItem<'_>]) {
        let score: Points = paper.iter().map(|slot| slot.points).sum();
        let max: Points = paper.iter().map(|slot| slot.max).sum();
        self.scores.add(score);
        self.reliability.add(paper);
        let group = self.groups.of(score);
        for slot in paper {
            let rest = share(score - slot.points, max - slot.max);
            self.items.entry(slot.item).or_default().add(slot, rest, group);
        }
    }

    /// The figures; `pool` knows the keys.
    #[must_use]
    pub fn report(self, pool: &Pool) -> AnalysisReport {
        let reliability = self.reliability.report(&self.scores, &self.items);
        let items = self.items.iter().map(|(index, sums)| sums.report(*index, pool.key(*index))).collect();
        AnalysisReport { scores: self.scores, reliability, items }
    }
}

/// A part of a whole; `None` of nothing.
fn share(part: Points, whole: Points) -> Option<f64> {
    (whole > Points::ZERO).then(|| part.hundredths() as f64 / whole.hundredths() as f64)
}

#[cfg(test)]
mod tests;
