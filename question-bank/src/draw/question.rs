//! A question by itself, as lessons ask it: an item that was not asked yet, in an order of its own.

use super::Seed;
use super::layout::lay_out_slot;
use super::rng::Stream;
use crate::paper::{ReadSlot, SlotList, WrittenSlot};
use crate::{ItemIndex, Pool, Slot};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Random tries before the items that are left are counted off.
const TRIES: u32 = 16;

/// One question as it is shown. JSON as a paper's slot: `[17,"cab"]`, `[9,"ab","bca"]`, `[4]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnQuestion {
    /// The item.
    pub item: ItemIndex,
    /// Author's index by shown position, see [`Slot::order`].
    pub order: Box<[u8]>,
    /// See [`Slot::targets`].
    pub targets: Box<[u8]>,
}

impl DrawnQuestion {
    /// As a slot, to be shown and marked.
    #[must_use]
    pub const fn slot(&self) -> Slot<'_> {
        Slot { item: self.item, order: &self.order, targets: &self.targets }
    }
}

impl Serialize for DrawnQuestion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenSlot(self.slot()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DrawnQuestion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ReadSlot { item, order, targets } = ReadSlot::deserialize(deserializer)?;
        Ok(Self { item, order: order.into(), targets: targets.into() })
    }
}

/// Puts an item's options into the order that the seed gives; `None` if the pool has no such item.
#[must_use]
pub fn question(pool: &Pool, item: ItemIndex, seed: &Seed) -> Option<DrawnQuestion> {
    let mut slots = SlotList::with_capacity(1);
    lay_out_slot(&mut slots, item, pool, true, &mut Stream::new(seed));
    let slot = slots.only()?;
    Some(DrawnQuestion { item, order: slot.order.into(), targets: slot.targets.into() })
}

/// One of the pool's items that are not among `used` (ascending, unique), each with the same chance;
/// `None` when there is none.
#[must_use]
pub fn fresh_item(pool: &Pool, used: &[ItemIndex], seed: &Seed) -> Option<ItemIndex> {
    let count = u32::try_from(pool.len()).ok()?;
    let mut stream = Stream::new(seed);
    let is_used = |item: &ItemIndex| used.binary_search(item).is_ok();
    for _ in 0..TRIES {
        let item = ItemIndex(stream.below(count));
        if item.get() < pool.len() && !is_used(&item) {
            return Some(item);
        }
    }
    let left = || (0..count).map(ItemIndex).filter(|item| !is_used(item));
    let bound = u32::try_from(left().count()).ok()?;
    left().nth(stream.below(bound) as usize)
}

/// A uniform number below `bound`, the first that the seed gives; zero for a bound of zero.
#[must_use]
pub fn number_below(seed: &Seed, bound: u32) -> u32 {
    Stream::new(seed).below(bound)
}
