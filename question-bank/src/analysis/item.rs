//! One item: how hard it is, how well it tells people apart, what was chosen.

use super::flags::{ItemFlag, flags};
use super::moments::{Moments, Pairs};
use super::scores::Group;
use super::{MarkedItem, share};
use crate::limits::{ANALYSIS_PAPERS_MIN, OPTIONS_MAX};
use crate::marking::GradingKey;
use crate::{ItemIndex, Points, Said};

/// What is added up of an item.
#[derive(Clone, Debug, Default)]
pub(super) struct ItemSums {
    /// Share of the item's points, with the share of the rest of the paper's.
    pairs: Pairs,
    /// Share of the item's points, of every paper.
    earned: Moments,
    max: Points,
    omitted: u32,
    lower: Moments,
    upper: Moments,
    /// ln of seconds.
    taken: Moments,
    options: Vec<OptionSums>,
}

#[derive(Clone, Copy, Debug, Default)]
struct OptionSums {
    chosen: u32,
    lower: u32,
    upper: u32,
    /// Of those who chose it: the sum of the shares of the rest.
    rest: f64,
}

/// The figures of an item. They are there from [`ANALYSIS_PAPERS_MIN`] papers on, and each where it can be computed.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemReport {
    /// Which.
    pub item: ItemIndex,
    /// Papers that showed it.
    pub shown: u32,
    /// Papers that left it without a response.
    pub omitted: u32,
    /// Facility index: the mean share of the item's points, 0 to 1.
    pub facility: Option<f64>,
    /// Standard deviation of that share (n − 1).
    pub sd: Option<f64>,
    /// Corrected point-biserial: the correlation with the rest of the paper.
    pub discrimination: Option<f64>,
    /// Facility of the upper group less that of the lower one.
    pub upper_lower: Option<f64>,
    /// Geometric mean of the seconds to the first response.
    pub seconds: Option<f64>,
    /// Papers whose time is known.
    pub timed: u32,
    /// Of a choice or true/false item, in the author's order.
    pub options: Vec<OptionReport>,
    /// What is worth a look.
    pub flags: Vec<ItemFlag>,
}

/// The figures of an option.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionReport {
    /// Whether the key has it.
    pub is_key: bool,
    /// Papers that chose it.
    pub chosen: u32,
    /// As a share of the papers that showed it.
    pub share: f64,
    /// Of the upper group.
    pub upper: Option<f64>,
    /// Of the lower group.
    pub lower: Option<f64>,
    /// The correlation of choosing it with the rest of the paper.
    pub discrimination: Option<f64>,
}

impl ItemSums {
    pub(super) fn add(&mut self, slot: &MarkedItem<'_>, rest: Option<f64>, group: Group) {
        let earned = share(slot.points, slot.max).unwrap_or_default();
        self.max = slot.max;
        self.earned.add(earned);
        if let Some(rest) = rest {
            self.pairs.add(earned, rest);
        }
        match group {
            Group::Lower => self.lower.add(earned),
            Group::Upper => self.upper.add(earned),
            Group::Middle => {}
        }
        if let Some(ms) = slot.taken_ms {
            self.taken.add((ms.max(1) as f64 / 1_000.0).ln());
        }
        match slot.said {
            None => self.omitted += 1,
            Some(Said::Choices(chosen)) => self.choose(*chosen, rest.unwrap_or_default(), group),
            Some(_) => {}
        }
    }

    fn choose(&mut self, chosen: u32, rest: f64, group: Group) {
        for option in (0..OPTIONS_MAX).filter(|option| chosen >> option & 1 == 1) {
            if self.options.len() <= option {
                self.options.resize(option + 1, OptionSums::default());
            }
            let sums = &mut self.options[option];
            sums.chosen += 1;
            sums.rest += rest;
            match group {
                Group::Lower => sums.lower += 1,
                Group::Upper => sums.upper += 1,
                Group::Middle => {}
            }
        }
    }

    pub(super) fn shown(&self) -> u32 {
        self.earned.count
    }

    /// The variance of the points earned (n − 1).
    pub(super) fn variance_of_points(&self) -> Option<f64> {
        Some(self.earned.variance()? * super::scores::points(self.max).powi(2))
    }

    pub(super) fn report(&self, item: ItemIndex, key: Option<&GradingKey>) -> ItemReport {
        let shown = self.shown();
        let enough = shown >= ANALYSIS_PAPERS_MIN;
        let groups = self.lower.count > 0 && self.upper.count > 0;
        let mut report = ItemReport {
            item,
            shown,
            omitted: self.omitted,
            facility: enough.then_some(self.earned.mean),
            sd: self.earned.variance().filter(|_| enough).map(f64::sqrt),
            discrimination: self.pairs.correlation().filter(|_| enough),
            upper_lower: (enough && groups).then_some(self.upper.mean - self.lower.mean),
            seconds: (enough && self.taken.count > 0).then(|| self.taken.mean.exp()),
            timed: self.taken.count,
            options: key.and_then(GradingKey::choices).map_or_else(Vec::new, |key| self.options(key)),
            flags: Vec::new(),
        };
        report.flags = flags(&report, key.is_some_and(GradingKey::takes_one));
        report
    }

    fn options(&self, (correct, count): (u32, u8)) -> Vec<OptionReport> {
        (0..usize::from(count))
            .map(|option| {
                self.option(self.options.get(option).copied().unwrap_or_default(), correct >> option & 1 == 1)
            })
            .collect()
    }

    fn option(&self, sums: OptionSums, is_key: bool) -> OptionReport {
        let of = |part: u32, whole: u32| (whole > 0).then(|| f64::from(part) / f64::from(whole));
        let enough = self.shown() >= ANALYSIS_PAPERS_MIN;
        OptionReport {
            is_key,
            chosen: sums.chosen,
            share: of(sums.chosen, self.shown()).unwrap_or_default(),
            upper: of(sums.upper, self.upper.count).filter(|_| enough),
            lower: of(sums.lower, self.lower.count).filter(|_| enough),
            discrimination: self.point_biserial(sums).filter(|_| enough),
        }
    }

    /// (M₁ − M) / s · √(p / q): M₁ the mean of the rest among those who chose it, M and s of all.
    fn point_biserial(&self, sums: OptionSums) -> Option<f64> {
        let (all, rest) = (self.pairs.other.count, self.pairs.other);
        if sums.chosen == 0 || sums.chosen >= all || rest.spread() <= 1e-9 {
            return None;
        }
        let p = f64::from(sums.chosen) / f64::from(all);
        Some((sums.rest / f64::from(sums.chosen) - rest.mean) / rest.spread() * (p / (1.0 - p)).sqrt())
    }
}
