//! A quick first look whether an item is to be avoided.

use super::Avoid;
use crate::ItemIndex;

/// Bits, by the lower bits of the item's position.
const BITS: usize = 8192;
/// Longer lists would set most bits and cost more than they save.
const ITEMS_MAX: usize = BITS / 2;

/// A bit for every item in either list, some shared by several items.
pub(super) struct Near {
    bits: [u64; BITS / 64],
    /// Too many items: the bits tell nothing.
    crowded: bool,
}

impl Near {
    pub(super) fn new(avoid: &Avoid<'_>) -> Self {
        let mut near = Self { bits: [0; BITS / 64], crowded: avoid.earlier.len() + avoid.capped.len() > ITEMS_MAX };
        if !near.crowded {
            for item in avoid.earlier.iter().chain(avoid.capped) {
                let (word, bit) = place(*item);
                near.bits[word] |= 1 << bit;
            }
        }
        near
    }

    /// False only if the item is in neither list.
    #[inline]
    pub(super) const fn may_hold(&self, item: ItemIndex) -> bool {
        let (word, bit) = place(item);
        self.crowded || self.bits[word] >> bit & 1 == 1
    }
}

#[inline]
const fn place(item: ItemIndex) -> (usize, usize) {
    let bit = item.get() % BITS;
    (bit / 64, bit % 64)
}
