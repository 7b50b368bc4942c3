//! The stratum index: items by topic × difficulty × kind.

use crate::{Difficulty, Item, ItemIndex, ItemKind, Quota, TopicPath};
use std::collections::BTreeMap;

/// All cells of a pool, in canonical order.
#[derive(Debug, Default)]
pub(crate) struct Strata {
    cells: Vec<Cell>,
}

/// A finest stratum: the items of exactly one topic, difficulty and kind.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) topic: TopicPath,
    pub(crate) difficulty: Difficulty,
    pub(crate) kind: ItemKind,
    /// Ascending.
    pub(crate) items: Vec<ItemIndex>,
}

/// What a quota or a section asks of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Filter {
    pub(crate) topic: TopicPath,
    pub(crate) difficulty: Option<Difficulty>,
    pub(crate) kind: Option<ItemKind>,
}

impl Strata {
    pub(super) fn new(items: &[Item]) -> Self {
        let mut cells: BTreeMap<(&TopicPath, Difficulty, ItemKind), Vec<ItemIndex>> = BTreeMap::new();
        for (index, item) in (0_u32..).zip(items) {
            cells.entry((&item.topic, item.difficulty, item.kind())).or_default().push(ItemIndex(index));
        }
        let cells = cells
            .into_iter()
            .map(|((topic, difficulty, kind), items)| Cell { topic: topic.clone(), difficulty, kind, items })
            .collect();
        Self { cells }
    }

    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }
}

impl Filter {
    /// What a quota asks for, in a section of `kind`.
    pub(crate) fn new(quota: Option<&Quota>, kind: Option<ItemKind>) -> Self {
        let Some(quota) = quota else { return Self { kind, ..Self::default() } };
        Self { topic: quota.topic.clone().unwrap_or_default(), difficulty: quota.difficulty, kind: quota.kind.or(kind) }
    }

    pub(crate) fn holds(&self, cell: &Cell) -> bool {
        self.difficulty.is_none_or(|difficulty| difficulty == cell.difficulty)
            && self.kind.is_none_or(|kind| kind == cell.kind)
            && cell.topic.is_within(&self.topic)
    }

    /// In words: `公需/法律 · 难 · 单选题`.
    pub(crate) fn words(&self) -> String {
        let topic = if self.topic.as_str().is_empty() { "全部知识点" } else { self.topic.as_str() };
        let mut words = topic.to_owned();
        for word in [self.difficulty.map(Difficulty::name_zh), self.kind.map(ItemKind::name_zh)].into_iter().flatten() {
            words.push_str(" · ");
            words.push_str(word);
        }
        words
    }
}
