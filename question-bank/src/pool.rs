//! Pools: a snapshot made ready for drawing, showing and marking, held in memory once for all
//! exams that pin it.

use crate::marking::GradingKey;
use crate::{BankVersion, Interaction, Item, ItemIndex, ItemKind, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

mod candidate_text;
mod keep_last;
#[cfg(test)]
pub(crate) mod samples;
mod strata;

pub(crate) use candidate_text::CandidateText;
pub(crate) use strata::{Cell, Filter, Strata};

/// A snapshot with what every start, page and mark needs of it worked out once.
#[derive(Debug)]
pub struct Pool {
    snapshot: Arc<Snapshot>,
    facts: Vec<Facts>,
    /// Enemy groups of all items one after the other, by [`Facts::enemies`].
    enemies: Vec<u32>,
    keys: Vec<GradingKey>,
    text: CandidateText,
    strata: Strata,
}

/// What a draw needs to know of an item, in 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    enemies_start: u32,
    /// Options that stay behind the others, as a set of author's indexes.
    pub(crate) keep_last: u32,
    enemies_count: u8,
    pub(crate) kind: ItemKind,
    /// Options, ordering entries or left entries.
    pub(crate) options: u8,
    /// Right entries.
    pub(crate) targets: u8,
    pub(crate) order: OptionOrder,
}

/// How the options of an item may be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionOrder {
    /// As the author has it, always.
    Fixed,
    /// Shuffled where the blueprint says so.
    Free,
    /// Shuffled always: the order is what is asked for.
    Asked,
}

impl Pool {
    /// Works out strata, enemy groups, grading keys and the candidate's view of every item.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let items = snapshot.items();
        let mut groups = EnemyGroups::default();
        let mut enemies = Vec::new();
        let facts = items
            .iter()
            .map(|item| {
                let start = enemies.len();
                enemies.extend(item.enemies.iter().map(|name| groups.id(name)));
                Facts::new(item, start, enemies.len() - start)
            })
            .collect();
        Self {
            facts,
            keys: items.iter().map(|item| GradingKey::new(item)).collect(),
            text: CandidateText::new(items),
            strata: Strata::new(items),
            enemies,
            snapshot,
        }
    }

    /// The items this pool is made of.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The hash that papers name.
    #[must_use]
    pub fn version(&self) -> &BankVersion {
        self.snapshot.version()
    }

    /// How many items.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// The item at a position.
    #[must_use]
    pub fn item(&self, index: ItemIndex) -> Option<&Item> {
        self.snapshot.item(index)
    }

    /// The kind of the item at a position.
    #[must_use]
    pub fn kind(&self, index: ItemIndex) -> Option<ItemKind> {
        self.facts.get(index.get()).map(|facts| facts.kind)
    }

    /// The compact key of the item at a position.
    #[must_use]
    pub fn key(&self, index: ItemIndex) -> Option<&GradingKey> {
        self.keys.get(index.get())
    }

    #[inline]
    pub(crate) fn facts(&self, index: ItemIndex) -> Option<&Facts> {
        self.facts.get(index.get())
    }

    /// The enemy groups of an item.
    #[inline]
    pub(crate) fn enemies(&self, facts: &Facts) -> &[u32] {
        let start = facts.enemies_start as usize;
        &self.enemies[start..start + usize::from(facts.enemies_count)]
    }

    pub(crate) const fn text(&self) -> &CandidateText {
        &self.text
    }

    pub(crate) const fn strata(&self) -> &Strata {
        &self.strata
    }
}

impl Facts {
    fn new(item: &Item, enemies_start: usize, enemies_count: usize) -> Self {
        let (options, targets, order) = match &item.prompt.interaction {
            Interaction::Choice { fixed_order, options, .. } => {
                let fixed = *fixed_order || keep_last::name_each_other(options);
                (options.len(), 0, if fixed { OptionOrder::Fixed } else { OptionOrder::Free })
            }
            Interaction::TrueFalse => (2, 0, OptionOrder::Fixed),
            Interaction::Numeric | Interaction::ShortText => (0, 0, OptionOrder::Fixed),
            Interaction::Ordering { entries } => (entries.len(), 0, OptionOrder::Asked),
            Interaction::Matching { left, right } => (left.len(), right.len(), OptionOrder::Asked),
        };
        let keep_last = match &item.prompt.interaction {
            Interaction::Choice { options, .. } => keep_last::set(options),
            _ => 0,
        };
        // Snapshots hold at most 26 options, and import at most 32 groups per item.
        Self {
            enemies_start: enemies_start as u32,
            keep_last,
            enemies_count: enemies_count as u8,
            kind: item.kind(),
            options: options as u8,
            targets: targets as u8,
            order,
        }
    }
}

/// Enemy groups by name, numbered in order of appearance.
#[derive(Default)]
struct EnemyGroups<'a>(BTreeMap<&'a str, u32>);

impl<'a> EnemyGroups<'a> {
    fn id(&mut self, name: &'a str) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name).or_insert(next)
    }
}
