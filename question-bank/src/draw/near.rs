//! A quick first look whether an item is to be avoided.

use super::Avoid;
use crate::ItemIndex;

/// Marks, by the lower bits of the item's position. Bytes, because setting one is a mere store.
const MARKS: usize = 8192;
/// Longer lists would set most marks and cost more than they save.
const ITEMS_MAX: usize = MARKS / 2;

/// A mark for every item in either list, some shared by several items.
pub(super) struct Near {
    marks: [bool; MARKS],
    /// Too many items: the marks tell nothing.
    crowded: bool,
}

impl Near {
    pub(super) fn new(avoid: &Avoid<'_>) -> Self {
        let mut near = Self { marks: [false; MARKS], crowded: avoid.earlier.len() + avoid.capped.len() > ITEMS_MAX };
        if !near.crowded {
            for list in [avoid.earlier, avoid.capped] {
                list.iter().for_each(|item| near.marks[item.get() % MARKS] = true);
            }
        }
        near
    }

    /// False only if the item is in neither list.
    #[inline]
    pub(super) const fn may_hold(&self, item: ItemIndex) -> bool {
        self.crowded || self.marks[item.get() % MARKS]
    }
}
