//! Plans: a blueprint compiled against a pool, once, when an exam is published or loaded.

use super::fault::BlueprintFault;
use super::feasible;
use crate::limits::{PAPER_SLOTS_MAX, QUOTAS_MAX, SECTIONS_MAX};
use crate::paper::PaperSection;
use crate::pool::Filter;
use crate::{BankVersion, Blueprint, ItemIndex, ItemKind, Points, Pool, Quota, ScoringRule, Section};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A blueprint with the eligible items of every quota worked out. Belongs to one snapshot.
#[derive(Debug)]
pub struct DrawPlan {
    pub(super) version: BankVersion,
    pub(super) sections: Arc<[PaperSection]>,
    /// In order of the paper: the quotas of the first section, its rest, the quotas of the second, …
    pub(super) demands: Vec<Demand>,
    /// Positions of the demands, fewest eligible items first.
    pub(super) fill_order: Vec<u32>,
    /// Eligible items of each distinct filter, ascending.
    pub(super) lists: Vec<Box<[Eligible]>>,
    pub(super) slots: u32,
    /// How many items may come from earlier papers; `u32::MAX` without a bound.
    pub(super) repeats_max: u32,
    pub(super) shuffle_options: bool,
    pub(super) exposure_max: Option<f64>,
}

/// An eligible item, marked if it is in an enemy group so that most need no second look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eligible(u32);

impl Eligible {
    /// Above every position of an item.
    const HAS_ENEMIES: u32 = 1 << 31;

    fn new(item: ItemIndex, pool: &Pool) -> Self {
        Self(if pool.enemies(item).is_empty() { item.0 } else { item.0 | Self::HAS_ENEMIES })
    }

    /// Without a look at its enemies.
    pub(super) const fn plain(item: ItemIndex) -> Self {
        Self(item.0)
    }

    pub(super) const fn item(self) -> ItemIndex {
        ItemIndex(self.0 & !Self::HAS_ENEMIES)
    }

    pub(super) const fn has_enemies(self) -> bool {
        self.0 & Self::HAS_ENEMIES != 0
    }
}

/// A quota, or the rest of a section.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) section: u32,
    pub(super) quota: Option<u32>,
    pub(super) filter: Filter,
    /// Position of its eligible items in [`DrawPlan::lists`].
    pub(super) list: u32,
    /// Its first slot, before the slots of the section are shuffled.
    pub(super) start: u32,
    pub(super) count: u32,
}

impl Demand {
    /// JSON pointer into the blueprint.
    pub(super) fn pointer(&self) -> String {
        match self.quota {
            Some(quota) => format!("/sections/{}/quotas/{quota}", self.section),
            None => format!("/sections/{}", self.section),
        }
    }
}

impl DrawPlan {
    /// Checks a blueprint against a pool and works out what every draw needs.
    ///
    /// The check of counts is exact: quotas that overlap, within a section and across sections, are
    /// matched to strata by a maximum flow. Enemies, the overlap bound and repeated attempts are for
    /// [`DrawPlan::trial`].
    ///
    /// # Errors
    /// Every fault of the blueprint at once, in order of the blueprint.
    pub fn compile(pool: &Pool, blueprint: &Blueprint) -> Result<Self, Vec<BlueprintFault>> {
        let mut faults = Vec::new();
        check_structure(blueprint, pool, &mut faults);
        if faults.iter().any(|fault| fault.code.starts_with("too_many")) {
            return Err(faults);
        }
        let demands = demands(blueprint);
        faults.extend(feasible::check(pool, &demands, blueprint.exposure_max));
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self::new(pool, blueprint, demands))
    }

    fn new(pool: &Pool, blueprint: &Blueprint, mut demands: Vec<Demand>) -> Self {
        let mut numbers: BTreeMap<Filter, u32> = BTreeMap::new();
        let mut lists = Vec::new();
        for demand in &mut demands {
            demand.list = *numbers.entry(demand.filter.clone()).or_insert_with(|| {
                lists.push(eligible(pool, &demand.filter));
                lists.len() as u32 - 1
            });
        }
        let mut fill_order: Vec<u32> = (0..demands.len() as u32).collect();
        fill_order.sort_by_key(|&demand| lists[demands[demand as usize].list as usize].len());
        let slots = blueprint.slot_count();
        Self {
            version: pool.version().clone(),
            sections: sections(blueprint),
            demands,
            fill_order,
            lists,
            slots,
            repeats_max: repeats_max(blueprint.overlap_max, slots),
            shuffle_options: blueprint.shuffle_options,
            exposure_max: blueprint.exposure_max,
        }
    }

    /// Slots of every paper.
    #[must_use]
    pub const fn slot_count(&self) -> u32 {
        self.slots
    }

    /// How many items of a paper may come from the learner's earlier papers; `None` without a bound.
    #[must_use]
    pub fn repeats_max(&self) -> Option<u32> {
        (self.repeats_max != u32::MAX).then_some(self.repeats_max)
    }

    /// The share of the exam's papers that may hold any one item.
    #[must_use]
    pub const fn exposure_max(&self) -> Option<f64> {
        self.exposure_max
    }

    /// The eligible items of a demand, ascending.
    pub(super) fn list(&self, demand: &Demand) -> &[Eligible] {
        self.lists.get(demand.list as usize).map_or(&[], |list| list)
    }
}

fn eligible(pool: &Pool, filter: &Filter) -> Box<[Eligible]> {
    let cells = pool.strata().cells().iter().filter(|cell| filter.holds(cell));
    let mut items: Vec<ItemIndex> = cells.flat_map(|cell| cell.items.iter().copied()).collect();
    items.sort_unstable();
    items.into_iter().map(|item| Eligible::new(item, pool)).collect()
}

fn demands(blueprint: &Blueprint) -> Vec<Demand> {
    let mut demands = Vec::new();
    let mut start = 0;
    for (number, section) in (0_u32..).zip(&blueprint.sections) {
        let by_quota = section.quotas.iter().fold(0_u32, |sum, quota| sum.saturating_add(quota.count));
        let quotas = (0_u32..).zip(&section.quotas).map(|(number, quota)| (Some(number), Some(quota), quota.count));
        let rest = section.count.saturating_sub(by_quota);
        for (quota_number, quota, count) in quotas.chain([(None, None, rest)]).filter(|&(.., count)| count > 0) {
            let filter = Filter::new(quota, section.kind);
            demands.push(Demand { section: number, quota: quota_number, filter, list: 0, start, count });
            start = start.saturating_add(count);
        }
    }
    demands
}

fn sections(blueprint: &Blueprint) -> Arc<[PaperSection]> {
    let mut first_slot = 0;
    let section = |section: &Section| {
        let written = PaperSection {
            title: section.title.clone(),
            points: section.points,
            scoring: section.scoring.unwrap_or_default(),
            first_slot,
            count: section.count,
        };
        first_slot += section.count;
        written
    };
    blueprint.sections.iter().map(section).collect()
}

/// A whole number is a number of items; a share strictly between 0 and 1 is rounded down.
fn repeats_max(overlap_max: Option<f64>, slots: u32) -> u32 {
    match overlap_max {
        None => u32::MAX,
        Some(share) if share > 0.0 && share < 1.0 => (share * f64::from(slots)) as u32,
        Some(items) => items as u32,
    }
}

fn check_structure(blueprint: &Blueprint, pool: &Pool, faults: &mut Vec<BlueprintFault>) {
    let mut fault = |pointer: &str, code, needed: u64, available: u64| {
        faults.push(BlueprintFault::new(pointer.to_owned(), code, needed, available));
    };
    if let Some(overlap) = blueprint.overlap_max
        && !(overlap >= 0.0 && (overlap < 1.0 || overlap.fract() == 0.0) && overlap.is_finite())
    {
        fault("/overlap_max", "overlap_out_of_range", 0, 0);
    }
    if let Some(exposure) = blueprint.exposure_max
        && !(exposure > 0.0 && exposure <= 1.0)
    {
        fault("/exposure_max", "exposure_out_of_range", 0, 0);
    }
    let sections = blueprint.sections.len();
    if sections == 0 {
        fault("/sections", "no_sections", 0, 0);
    }
    if sections > SECTIONS_MAX {
        fault("/sections", "too_many_sections", sections as u64, SECTIONS_MAX as u64);
    }
    let slots: u64 = blueprint.sections.iter().map(|section| u64::from(section.count)).sum();
    if slots > PAPER_SLOTS_MAX as u64 {
        fault("/sections", "too_many_slots", slots, PAPER_SLOTS_MAX as u64);
    }
    for (number, section) in blueprint.sections.iter().enumerate().take(SECTIONS_MAX) {
        check_section(section, &format!("/sections/{number}"), pool, faults);
    }
}

fn check_section(section: &Section, pointer: &str, pool: &Pool, faults: &mut Vec<BlueprintFault>) {
    let mut fault = |member: &str, code, needed: u64, available: u64| {
        faults.push(BlueprintFault::new(format!("{pointer}{member}"), code, needed, available));
    };
    if section.count == 0 {
        fault("/count", "count_zero", 0, 0);
    }
    if section.points <= Points::ZERO || section.points.hundredths() > Points::MAX_HUNDREDTHS {
        fault("/points", "points_out_of_range", 0, 0);
    }
    if let (Some(rule), Some(kind)) = (section.scoring, section.kind)
        && !fits(rule, kind)
    {
        fault("/scoring", "scoring_unfit", 0, 0);
    }
    if section.quotas.len() > QUOTAS_MAX {
        fault("/quotas", "too_many_quotas", section.quotas.len() as u64, QUOTAS_MAX as u64);
    }
    let by_quota: u64 = section.quotas.iter().map(|quota| u64::from(quota.count)).sum();
    if by_quota > u64::from(section.count) {
        // More slots than a paper has would be drawn: nothing further can be worked out.
        fault("/quotas", "quotas_exceed_count", by_quota, u64::from(section.count));
    }
    for (number, quota) in section.quotas.iter().enumerate().take(QUOTAS_MAX) {
        check_quota(quota, section.kind, &format!("{pointer}/quotas/{number}"), pool, faults);
    }
}

fn check_quota(quota: &Quota, kind: Option<ItemKind>, pointer: &str, pool: &Pool, faults: &mut Vec<BlueprintFault>) {
    let mut fault = |member: &str, code, stratum: String| {
        faults.push(BlueprintFault { stratum, ..BlueprintFault::new(format!("{pointer}{member}"), code, 0, 0) });
    };
    if quota.count == 0 {
        fault("/count", "count_zero", String::new());
    }
    if quota.kind.is_some_and(|quota_kind| kind.is_some_and(|kind| kind != quota_kind)) {
        fault("/kind", "kind_conflict", String::new());
    }
    if let Some(topic) = &quota.topic
        && !pool.strata().cells().iter().any(|cell| cell.topic.is_within(topic))
    {
        fault("/topic", "unknown_topic", topic.as_str().to_owned());
    }
}

/// Marking options one by one has no meaning where there is only one thing to say.
const fn fits(rule: ScoringRule, kind: ItemKind) -> bool {
    !matches!(
        (rule, kind),
        (
            ScoringRule::EachOption,
            ItemKind::SingleChoice | ItemKind::TrueFalse | ItemKind::Numeric | ItemKind::ShortText
        )
    )
}
