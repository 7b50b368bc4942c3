//! When greedy picking leaves slots empty: shift items between demands, let an enemy give way, and
//! relax the bounds one level at a time. Rare, and never needed where quotas are nested.

use super::pick::{Draft, EMPTY, Level};
use super::plan::{Demand, Eligible};
use super::{Bound, Relaxed};
use crate::ItemIndex;
use std::collections::{BTreeMap, VecDeque};

/// Items whose enemies are asked to give way, for one slot.
const EVICTIONS_MAX: usize = 64;

impl Draft<'_> {
    /// Fills what [`Draft::fill`] left empty; the position of a demand that is still short if it
    /// cannot.
    #[cold]
    pub(super) fn repair(&mut self) -> Result<Vec<Relaxed>, usize> {
        // Repeats within the bound are no harm, so they come before an enemy has to give way.
        self.repair_at(Level::Fresh, false);
        for level in [Level::WithinOverlap, Level::OverCap, Level::BeyondOverlap] {
            self.repair_at(level, false);
            self.repair_at(level, true);
        }
        let short = self.plan.demands.iter().position(|demand| self.empty_slot(demand).is_some());
        short.map_or_else(|| Ok(self.relaxed()), Err)
    }

    fn repair_at(&mut self, level: Level, evict: bool) {
        let plan = self.plan;
        for &number in &plan.fill_order {
            let Some(demand) = plan.demands.get(number as usize) else { continue };
            while let Some(slot) = self.empty_slot(demand) {
                let seated =
                    if evict { self.seat_by_evicting(demand, slot, level) } else { self.seat(number, slot, level) };
                if !seated {
                    break;
                }
            }
        }
    }

    /// The bounds that the paper breaks, by demand.
    fn relaxed(&self) -> Vec<Relaxed> {
        let beyond = self.repeats > self.plan.repeats_max;
        let mut relaxed = Vec::new();
        for demand in &self.plan.demands {
            let placed = self.placed.get(Self::slots(demand)).unwrap_or_default();
            let capped = placed.iter().filter(|&&item| self.is_capped(item)).count() as u32;
            let repeats = placed.iter().filter(|&&item| beyond && self.is_repeat(item)).count() as u32;
            for (bound, items) in [(Bound::Exposure, capped), (Bound::Overlap, repeats)] {
                if items > 0 {
                    relaxed.push(Relaxed { bound, section: demand.section, quota: demand.quota, items });
                }
            }
        }
        relaxed
    }

    /// Fills an empty slot, shifting items between demands if need be.
    fn seat(&mut self, demand: u32, slot: usize, level: Level) -> bool {
        let plan = self.plan;
        // By demand: the slot it would give up and the demand before it in the chain.
        let mut gives_up: BTreeMap<u32, (usize, u32)> = BTreeMap::new();
        let mut queue = VecDeque::from([demand]);
        while let Some(at) = queue.pop_front() {
            let list = plan.demands.get(at as usize).map_or(&[][..], |demand| plan.list(demand));
            if let Some(item) = self.pick_one_by_one(list, level).map(Eligible::item) {
                self.shift(demand, slot, at, item, &gives_up);
                return true;
            }
            for (number, other) in (0_u32..).zip(&plan.demands) {
                if number == demand || gives_up.contains_key(&number) {
                    continue;
                }
                let mut slots = Self::slots(other);
                let fitting =
                    |&slot: &usize| self.placed.get(slot).is_some_and(|item| *item != EMPTY && holds(list, *item));
                if let Some(slot) = slots.find(fitting) {
                    gives_up.insert(number, (slot, at));
                    queue.push_back(number);
                }
            }
        }
        false
    }

    /// Moves items along the chain from `at` back to `demand`, and puts `item` where `at` gave one up.
    fn shift(&mut self, demand: u32, slot: usize, at: u32, item: ItemIndex, gives_up: &BTreeMap<u32, (usize, u32)>) {
        let (mut at, mut incoming) = (at, item);
        while at != demand {
            let Some(&(given_up, before)) = gives_up.get(&at) else { return };
            if let Some(place) = self.placed.get_mut(given_up) {
                std::mem::swap(place, &mut incoming);
            }
            at = before;
        }
        if let Some(place) = self.placed.get_mut(slot) {
            *place = incoming;
        }
        // Only `item` is new to the paper; this enters it with its enemies.
        self.count_in(item);
    }

    /// Fills an empty slot with an item that has exactly one enemy in the paper, which gives way to
    /// another item of its own demand.
    fn seat_by_evicting(&mut self, demand: &Demand, slot: usize, level: Level) -> bool {
        let plan = self.plan;
        let list = plan.list(demand);
        let first = self.stream.below(list.len() as u32) as usize;
        let mut tries = 0;
        for entry in list.iter().cycle().skip(first).take(list.len()) {
            let item = entry.item();
            if self.is_used(item) || !self.within(item, level) {
                continue;
            }
            let Some(enemy_slot) = self.only_enemy(item) else { continue };
            tries += 1;
            if tries > EVICTIONS_MAX {
                break;
            }
            let before = self.placed.clone();
            let Some(owner) =
                (0_u32..).zip(&plan.demands).find(|(_, demand)| Self::slots(demand).contains(&enemy_slot))
            else {
                continue;
            };
            let mut swapped = before.clone();
            swapped[enemy_slot] = EMPTY;
            swapped[slot] = item;
            self.restore(swapped);
            if self.seat(owner.0, enemy_slot, level) {
                return true;
            }
            self.restore(before);
        }
        false
    }

    /// The slot of the one placed item that shares a group with `item`; `None` if there are more.
    fn only_enemy(&self, item: ItemIndex) -> Option<usize> {
        let groups = self.groups(item);
        let shares = |placed: ItemIndex| self.groups(placed).iter().any(|group| groups.contains(group));
        let mut enemies =
            (0..).zip(&self.placed).filter(|&(_, &placed)| placed != EMPTY && shares(placed)).map(|(slot, _)| slot);
        match (enemies.next(), enemies.next()) {
            (Some(slot), None) => Some(slot),
            _ => None,
        }
    }
}

fn holds(list: &[Eligible], item: ItemIndex) -> bool {
    list.binary_search_by_key(&item, |entry| entry.item()).is_ok()
}
