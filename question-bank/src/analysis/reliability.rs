//! How much of the scores' spread is the people's: Cronbach's alpha where all papers hold the same items, and
//! the index of dependability, which random papers have too.

use super::MarkedItem;
use super::item::ItemSums;
use super::moments::Moments;
use super::scores::{Scores, points};
use crate::limits::ANALYSIS_PAPERS_MIN;
use crate::{ItemIndex, Points};
use std::collections::BTreeMap;

/// What can be said of the scores' reliability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reliability {
    /// Cronbach's alpha (KR-20 where items are right or wrong), or why there is none.
    pub alpha: Result<f64, NoAlpha>,
    /// Index of dependability Φ: 1 less the share of the spread that comes from which items a paper held.
    /// `None` with too few papers, without spread, or where a section has a single slot.
    pub dependability: Option<f64>,
    /// Standard error of measurement in points, by alpha or else by the index of dependability.
    pub sem: Option<f64>,
}

/// Why there is no alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAlpha {
    /// Fewer than [`ANALYSIS_PAPERS_MIN`] papers.
    FewPapers,
    /// Papers hold different items: no covariance of one item with another is known for all people.
    PapersDiffer,
    /// One item alone, or scores that do not vary.
    NoSpread,
}

impl NoAlpha {
    /// The name in the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FewPapers => "few_papers",
            Self::PapersDiffer => "papers_differ",
            Self::NoSpread => "no_spread",
        }
    }
}

/// What is added up of papers.
#[derive(Clone, Debug, Default)]
pub(super) struct ReliabilitySums {
    /// The items of the first paper with their points, sorted.
    form: Option<Vec<(ItemIndex, Points)>>,
    forms_differ: bool,
    /// By paper: the variance of its score over the papers that might have been drawn instead.
    error: Moments,
    has_lone_slot: bool,
}

impl ReliabilitySums {
    pub(super) fn add(&mut self, paper: &[MarkedItem<'_>]) {
        if !self.forms_differ {
            let mut form: Vec<_> = paper.iter().map(|slot| (slot.item, slot.max)).collect();
            form.sort_unstable();
            match &self.form {
                None => self.form = Some(form),
                Some(first) => self.forms_differ = *first != form,
            }
        }
        let mut error = 0.0;
        for section in paper.chunk_by(|one, other| one.section == other.section) {
            let mut earned = Moments::default();
            section.iter().for_each(|slot| earned.add(points(slot.points)));
            match earned.variance() {
                Some(variance) => error += variance * section.len() as f64,
                None => self.has_lone_slot = true,
            }
        }
        self.error.add(error);
    }

    pub(super) fn report(&self, scores: &Scores, items: &BTreeMap<ItemIndex, ItemSums>) -> Reliability {
        let variance = scores.variance().filter(|variance| *variance > 1e-9);
        let enough = scores.count() >= ANALYSIS_PAPERS_MIN;
        let alpha = match variance {
            _ if !enough => Err(NoAlpha::FewPapers),
            _ if self.forms_differ => Err(NoAlpha::PapersDiffer),
            Some(variance) => alpha(variance, items).ok_or(NoAlpha::NoSpread),
            None => Err(NoAlpha::NoSpread),
        };
        let dependability =
            variance.filter(|_| enough && !self.has_lone_slot).map(|variance| 1.0 - self.error.mean / variance);
        let known = alpha.ok().or(dependability);
        let sem = known.zip(variance).map(|(known, variance)| (variance * (1.0 - known).max(0.0)).sqrt());
        Reliability { alpha, dependability, sem }
    }
}

/// k / (k − 1) · (1 − Σ σᵢ² / σ²).
fn alpha(variance: f64, items: &BTreeMap<ItemIndex, ItemSums>) -> Option<f64> {
    let k = items.len() as f64;
    let parts: Option<f64> = items.values().map(ItemSums::variance_of_points).sum();
    (k > 1.0).then_some(())?;
    Some(k / (k - 1.0) * (1.0 - parts? / variance))
}
