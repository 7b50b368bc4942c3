//! Picking items: every demand in turn, fewest eligible first, by rejection.

use super::near::Near;
use super::plan::{Demand, DrawPlan, Eligible};
use super::rng::Stream;
use super::table::Table;
use super::{Avoid, Seed};
use crate::{ItemIndex, Pool};

/// Random tries for a slot before its eligible items are gone through one by one.
const TRIES: u32 = 16;

/// Tells an enemy group from an item among the used ones: snapshots hold fewer items.
const GROUP: u32 = 1 << 31;

/// No item yet.
pub(super) const EMPTY: ItemIndex = ItemIndex(u32::MAX);

/// What an item may be, from strict to lax: each level allows all that the one before does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Not in an earlier paper, not over the cap.
    Fresh,
    /// Also in earlier papers, as far as the overlap bound goes.
    WithinOverlap,
    /// Also over the cap.
    OverCap,
    /// Also beyond the overlap bound.
    BeyondOverlap,
}

/// A paper in the making.
pub(super) struct Draft<'a> {
    pub(super) plan: &'a DrawPlan,
    pub(super) pool: &'a Pool,
    pub(super) avoid: &'a Avoid<'a>,
    pub(super) stream: Stream,
    /// By slot, in order of demands.
    pub(super) placed: Vec<ItemIndex>,
    near: Near,
    /// Items, and groups with [`GROUP`] set.
    used: Table,
    /// Items of earlier papers among the placed ones. Fresh picks leave it at zero.
    pub(super) repeats: u32,
}

impl<'a> Draft<'a> {
    pub(super) fn new(plan: &'a DrawPlan, pool: &'a Pool, avoid: &'a Avoid<'a>, seed: &Seed) -> Self {
        let slots = plan.slots as usize;
        Self {
            plan,
            pool,
            avoid,
            stream: Stream::new(seed),
            placed: vec![EMPTY; slots],
            near: Near::new(avoid),
            used: Table::new(slots),
            repeats: 0,
        }
    }

    /// Fills every demand with fresh items, as far as they go; whether that was all the way.
    pub(super) fn fill(&mut self) -> bool {
        let plan = self.plan;
        let mut complete = true;
        for demand in plan.fill_order.iter().filter_map(|&demand| plan.demands.get(demand as usize)) {
            let list = plan.list(demand);
            for slot in demand.start..demand.start + demand.count {
                let Some(entry) = self.pick(list) else {
                    complete = false;
                    break;
                };
                self.place(slot as usize, entry);
            }
        }
        complete
    }

    /// A fresh item of the list, each with the same chance.
    #[inline]
    fn pick(&mut self, list: &[Eligible]) -> Option<Eligible> {
        let bound = list.len() as u32;
        for _ in 0..TRIES {
            let entry = *list.get(self.stream.below(bound) as usize)?;
            if self.accepts(entry, Level::Fresh) {
                return Some(entry);
            }
        }
        self.pick_one_by_one(list, Level::Fresh)
    }

    /// The same by going through the whole list.
    #[cold]
    pub(super) fn pick_one_by_one(&mut self, list: &[Eligible], level: Level) -> Option<Eligible> {
        let count = list.iter().filter(|&&entry| self.accepts(entry, level)).count();
        if count == 0 {
            return None;
        }
        let chosen = self.stream.below(count as u32) as usize;
        list.iter().copied().filter(|&entry| self.accepts(entry, level)).nth(chosen)
    }

    /// Whether an item may be placed: unused, no enemy of a placed one, and within the level.
    #[inline]
    fn accepts(&self, entry: Eligible, level: Level) -> bool {
        let item = entry.item();
        !self.is_used(item) && self.within(item, level) && !(entry.has_enemies() && self.meets_enemies(item))
    }

    #[inline]
    pub(super) fn within(&self, item: ItemIndex, level: Level) -> bool {
        if !self.near.may_hold(item) {
            return true;
        }
        match level {
            Level::Fresh => !self.is_repeat(item) && !self.is_capped(item),
            Level::WithinOverlap => self.overlap_allows(item) && !self.is_capped(item),
            Level::OverCap => self.overlap_allows(item),
            Level::BeyondOverlap => true,
        }
    }

    fn overlap_allows(&self, item: ItemIndex) -> bool {
        self.repeats < self.plan.repeats_max || !self.is_repeat(item)
    }

    #[inline]
    pub(super) fn is_repeat(&self, item: ItemIndex) -> bool {
        self.avoid.earlier.binary_search(&item).is_ok()
    }

    #[inline]
    pub(super) fn is_capped(&self, item: ItemIndex) -> bool {
        self.avoid.capped.binary_search(&item).is_ok()
    }

    #[inline]
    pub(super) fn is_used(&self, item: ItemIndex) -> bool {
        self.used.contains(item.0)
    }

    #[cold]
    fn meets_enemies(&self, item: ItemIndex) -> bool {
        self.groups(item).iter().any(|&group| self.used.contains(group | GROUP))
    }

    pub(super) fn groups(&self, item: ItemIndex) -> &'a [u32] {
        self.pool.enemies(item)
    }

    /// Puts a fresh item into an empty slot.
    #[inline]
    fn place(&mut self, slot: usize, entry: Eligible) {
        let item = entry.item();
        if let Some(place) = self.placed.get_mut(slot) {
            *place = item;
        }
        self.used.insert(item.0);
        if entry.has_enemies() {
            self.enter_groups(item);
        }
    }

    #[cold]
    fn enter_groups(&mut self, item: ItemIndex) {
        for &group in self.groups(item) {
            self.used.insert(group | GROUP);
        }
    }

    /// Enters an item that was placed, fresh or not.
    pub(super) fn count_in(&mut self, item: ItemIndex) {
        self.repeats += u32::from(self.is_repeat(item));
        self.used.insert(item.0);
        self.enter_groups(item);
    }

    /// Replaces all placed items.
    pub(super) fn restore(&mut self, placed: Vec<ItemIndex>) {
        self.used.clear();
        self.repeats = 0;
        placed.iter().filter(|&&item| item != EMPTY).for_each(|&item| self.count_in(item));
        self.placed = placed;
    }

    pub(super) fn slots(demand: &Demand) -> std::ops::Range<usize> {
        demand.start as usize..(demand.start + demand.count) as usize
    }

    pub(super) fn empty_slot(&self, demand: &Demand) -> Option<usize> {
        Self::slots(demand).find(|&slot| self.placed.get(slot) == Some(&EMPTY))
    }
}
