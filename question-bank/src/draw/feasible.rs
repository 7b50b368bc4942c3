//! Whether there are items enough: an exact check of counts by maximum flow, from demands to the
//! strata they may draw from, naming the short stratum by the cut (Hall's condition).

use super::fault::{BlueprintFault, Cause};
use super::plan::Demand;
use crate::Pool;
use crate::pool::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Shares are checked in thousandths of an item.
const SCALE: u64 = 1000;

/// All strata that are short, first in items, and if there are none in exposure.
pub(super) fn check(pool: &Pool, demands: &[Demand], exposure_max: Option<f64>) -> Vec<BlueprintFault> {
    let mut flow = Flow::new(pool, demands);
    let faults = flow.run(1, 1.0, Cause::Items);
    match exposure_max {
        Some(share) if faults.is_empty() && share > 0.0 && share < 1.0 => flow.run(SCALE, share, Cause::Exposure),
        _ => faults,
    }
}

struct Flow<'a> {
    demands: &'a [Demand],
    /// Strata that the same demands may draw from are one group.
    groups: Vec<Group>,
    /// The groups each demand may draw from.
    may: Vec<Vec<u32>>,
    /// Units each demand draws from each group, beside `may`.
    drawn: Vec<Vec<u64>>,
}

struct Group {
    demands: Vec<u32>,
    /// Items that can stand in one paper together, at most.
    items: u64,
    free: u64,
}

/// What the cut of a short demand holds.
struct Cut {
    demands: BTreeSet<u32>,
    groups: BTreeSet<u32>,
}

impl<'a> Flow<'a> {
    fn new(pool: &Pool, demands: &'a [Demand]) -> Self {
        let mut by_demands: BTreeMap<Vec<u32>, Together> = BTreeMap::new();
        for cell in pool.strata().cells() {
            let may: Vec<u32> = (0_u32..)
                .zip(demands)
                .filter(|(_, demand)| demand.filter.holds(cell))
                .map(|(number, _)| number)
                .collect();
            if !may.is_empty() {
                by_demands.entry(may).or_default().add(pool, cell);
            }
        }
        let mut may = vec![Vec::new(); demands.len()];
        let mut groups = Vec::with_capacity(by_demands.len());
        for (number, (demands, together)) in (0_u32..).zip(by_demands) {
            let items = together.items();
            demands.iter().for_each(|&demand| may[demand as usize].push(number));
            groups.push(Group { demands, items, free: 0 });
        }
        let drawn = may.iter().map(|may| vec![0; may.len()]).collect();
        Self { demands, groups, may, drawn }
    }

    /// Lets every demand draw `scale` units a slot from groups of `scale × share` units an item.
    fn run(&mut self, scale: u64, share: f64, cause: Cause) -> Vec<BlueprintFault> {
        let units = |items: u64| (items as f64 * scale as f64 * share + 1e-6) as u64;
        self.groups.iter_mut().for_each(|group| group.free = units(group.items));
        self.drawn.iter_mut().for_each(|drawn| drawn.fill(0));
        let mut faults = Vec::new();
        let mut named = BTreeSet::new();
        for &demand in &self.fewest_first() {
            let wanted = u64::from(self.demands[demand as usize].count) * scale;
            let mut short = self.draw_free(demand, wanted);
            while short > 0 {
                match self.draw_by_shifting(demand, short) {
                    Ok(units) => short -= units,
                    Err(cut) => {
                        if named.insert(demand)
                            && cut.demands.iter().all(|other| *other == demand || !named.contains(other))
                        {
                            faults.push(self.fault(demand, &cut, cause));
                        }
                        break;
                    }
                }
            }
        }
        faults.sort_by_key(|&(demand, _)| demand);
        faults.into_iter().map(|(_, fault)| fault).collect()
    }

    fn fewest_first(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.demands.len() as u32).collect();
        let items = |demand: &u32| -> u64 {
            self.may[*demand as usize].iter().map(|&group| self.groups[group as usize].items).sum()
        };
        order.sort_by_key(items);
        order
    }

    /// Draws what is free; how much is still short.
    fn draw_free(&mut self, demand: u32, mut short: u64) -> u64 {
        let may = &self.may[demand as usize];
        for (drawn, &group) in self.drawn[demand as usize].iter_mut().zip(may) {
            let group = &mut self.groups[group as usize];
            let units = group.free.min(short);
            group.free -= units;
            *drawn += units;
            short -= units;
        }
        short
    }

    /// Finds a chain of demands that each give way to the one before, the last of them to a group
    /// with free units; shifts as much as it bears. Without one: everything reachable, which is short.
    fn draw_by_shifting(&mut self, demand: u32, wanted: u64) -> Result<u64, Cut> {
        let mut cut = Cut { demands: BTreeSet::from([demand]), groups: BTreeSet::new() };
        // By group: the demand that may draw from it. By demand: the group it would give way in.
        let mut to_group: BTreeMap<u32, u32> = BTreeMap::new();
        let mut to_demand: BTreeMap<u32, u32> = BTreeMap::new();
        let mut queue = VecDeque::from([demand]);
        while let Some(from) = queue.pop_front() {
            for &group in &self.may[from as usize] {
                if !cut.groups.insert(group) {
                    continue;
                }
                to_group.insert(group, from);
                if self.groups[group as usize].free > 0 {
                    return Ok(self.shift(group, demand, wanted, &to_group, &to_demand));
                }
                for &holder in &self.groups[group as usize].demands {
                    if self.drawn_from(holder, group) > 0 && cut.demands.insert(holder) {
                        to_demand.insert(holder, group);
                        queue.push_back(holder);
                    }
                }
            }
        }
        Err(cut)
    }

    /// Moves units along the chain that ends in `group`.
    fn shift(
        &mut self,
        group: u32,
        demand: u32,
        wanted: u64,
        to_group: &BTreeMap<u32, u32>,
        to_demand: &BTreeMap<u32, u32>,
    ) -> u64 {
        let mut chain = Vec::new();
        let mut units = wanted.min(self.groups[group as usize].free);
        let mut at = group;
        while let Some(&taker) = to_group.get(&at) {
            let gives_up = if taker == demand { None } else { to_demand.get(&taker).copied() };
            chain.push((taker, at, gives_up));
            let Some(given_up) = gives_up else { break };
            units = units.min(self.drawn_from(taker, given_up));
            at = given_up;
        }
        self.groups[group as usize].free -= units;
        for (taker, takes, gives_up) in chain {
            *self.drawn_mut(taker, takes) += units;
            if let Some(given_up) = gives_up {
                *self.drawn_mut(taker, given_up) -= units;
            }
        }
        units
    }

    fn drawn_from(&self, demand: u32, group: u32) -> u64 {
        let at = self.may[demand as usize].binary_search(&group);
        at.map_or(0, |at| self.drawn[demand as usize][at])
    }

    fn drawn_mut(&mut self, demand: u32, group: u32) -> &mut u64 {
        // Chains only name groups that the demand may draw from; groups are in ascending order.
        let at = self.may[demand as usize].partition_point(|&other| other < group);
        &mut self.drawn[demand as usize][at]
    }

    fn fault(&self, demand: u32, cut: &Cut, cause: Cause) -> (u32, BlueprintFault) {
        let needed = cut.demands.iter().map(|&demand| u64::from(self.demands[demand as usize].count)).sum();
        let available = cut.groups.iter().map(|&group| self.groups[group as usize].items).sum();
        let short = &self.demands[demand as usize];
        let others = cut.demands.iter().filter(|&&other| other != demand);
        let competing = others.map(|&other| self.demands[other as usize].pointer()).collect();
        let fault = BlueprintFault::infeasible(short.pointer(), cause, needed, available, short.filter.words());
        (demand, BlueprintFault { competing, ..fault })
    }
}

/// An upper bound of the items that can stand in one paper together: those whose first enemy group is
/// the same count once.
#[derive(Default)]
struct Together {
    without_enemies: u64,
    groups: BTreeSet<u32>,
}

impl Together {
    fn add(&mut self, pool: &Pool, cell: &Cell) {
        for &item in &cell.items {
            match pool.enemies(item).first() {
                Some(&group) => {
                    self.groups.insert(group);
                }
                None => self.without_enemies += 1,
            }
        }
    }

    fn items(&self) -> u64 {
        self.without_enemies + self.groups.len() as u64
    }
}
