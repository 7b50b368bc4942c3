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

pub(crate) use candidate_text::{CandidateText, ENTRY_DIGIT};
use keep_last::Dependence;
pub(crate) use strata::{Cell, Filter, Strata};

/// A snapshot with what every start, page and mark needs of it worked out once.
#[derive(Debug)]
pub struct Pool {
    snapshot: Arc<Snapshot>,
    shapes: Vec<Shape>,
    /// Options that stay behind the others, as a set of author's indexes; ascending by item.
    keep_last: Vec<(ItemIndex, u32)>,
    enemies: Enemies,
    keys: Vec<GradingKey>,
    text: CandidateText,
    strata: Strata,
}

/// What a draw needs to know of a drawn item: small, because items lie far apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
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
    /// The same, with some options kept behind the others.
    FreeButLast,
    /// Shuffled always: the order is what is asked for.
    Asked,
}

/// Enemy groups, numbered in order of appearance.
#[derive(Debug)]
struct Enemies {
    /// Where the groups of each item begin, and where the last one's end.
    first: Vec<u32>,
    groups: Vec<u32>,
}

impl Pool {
    /// Works out strata, enemy groups, grading keys and the candidate's view of every item.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        let items = snapshot.items();
        let mut keep_last = Vec::new();
        let shape = |(index, item)| {
            let (shape, last) = Shape::new(item);
            keep_last.extend(last.map(|set| (ItemIndex(index), set)));
            shape
        };
        Self {
            shapes: (0..).zip(items).map(shape).collect(),
            keep_last,
            enemies: Enemies::new(items),
            keys: items.iter().map(GradingKey::new).collect(),
            text: CandidateText::new(items),
            strata: Strata::new(items),
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
        self.shapes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// The item at a position.
    #[must_use]
    pub fn item(&self, index: ItemIndex) -> Option<&Item> {
        self.snapshot.item(index)
    }

    /// The kind of the item at a position.
    #[must_use]
    pub fn kind(&self, index: ItemIndex) -> Option<ItemKind> {
        self.shapes.get(index.get()).map(|shape| shape.kind)
    }

    /// The compact key of the item at a position.
    #[must_use]
    pub fn key(&self, index: ItemIndex) -> Option<&GradingKey> {
        self.keys.get(index.get())
    }

    #[inline]
    pub(crate) fn shape(&self, index: ItemIndex) -> Option<&Shape> {
        self.shapes.get(index.get())
    }

    /// The options of an item that stay behind the others, as a set of author's indexes.
    pub(crate) fn keep_last(&self, index: ItemIndex) -> u32 {
        let at = self.keep_last.binary_search_by_key(&index, |&(item, _)| item);
        at.ok().and_then(|at| self.keep_last.get(at)).map_or(0, |&(_, set)| set)
    }

    /// The enemy groups of an item.
    #[inline]
    pub(crate) fn enemies(&self, index: ItemIndex) -> &[u32] {
        self.enemies.of(index)
    }

    pub(crate) const fn text(&self) -> &CandidateText {
        &self.text
    }

    pub(crate) const fn strata(&self) -> &Strata {
        &self.strata
    }
}

impl Shape {
    /// The shape, and the options that stay last if there are any.
    fn new(item: &Item) -> (Self, Option<u32>) {
        let mut keep_last = None;
        let (options, targets, order) = match &item.prompt.interaction {
            Interaction::Choice { fixed_order: true, options, .. } => (options.len(), 0, OptionOrder::Fixed),
            Interaction::Choice { options, .. } => {
                let order = match Dependence::of(options) {
                    Dependence::None => OptionOrder::Free,
                    Dependence::NameEachOther => OptionOrder::Fixed,
                    Dependence::KeepLast(set) => {
                        keep_last = Some(set);
                        OptionOrder::FreeButLast
                    }
                };
                (options.len(), 0, order)
            }
            Interaction::TrueFalse => (2, 0, OptionOrder::Fixed),
            Interaction::Numeric | Interaction::ShortText => (0, 0, OptionOrder::Fixed),
            Interaction::Ordering { entries } => (entries.len(), 0, OptionOrder::Asked),
            Interaction::Matching { left, right } => (left.len(), right.len(), OptionOrder::Asked),
        };
        // Snapshots hold at most 26 options.
        (Self { kind: item.kind(), options: options as u8, targets: targets as u8, order }, keep_last)
    }
}

impl Enemies {
    fn new(items: &[Item]) -> Self {
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        let mut enemies = Self { first: vec![0], groups: Vec::new() };
        for item in items {
            for name in &item.enemies {
                let next = numbers.len() as u32;
                enemies.groups.push(*numbers.entry(name).or_insert(next));
            }
            // At most 32 groups for each of at most 2²⁶ items with groups.
            enemies.first.push(enemies.groups.len() as u32);
        }
        enemies
    }

    #[inline]
    fn of(&self, index: ItemIndex) -> &[u32] {
        match self.first.get(index.get()..) {
            Some(&[first, past, ..]) => self.groups.get(first as usize..past as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}
