//! Papers: which items a learner gets, in which order, with which order of options. Stored once per
//! attempt, so both the JSON and the memory are compact.

use crate::{BankVersion, ItemIndex, OptionId, Points, ScoringRule, TargetId, limits};
use serde::ser::{SerializeSeq as _, SerializeTuple as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::sync::Arc;

/// A drawn paper. Slots are positions counted from zero here and from one in the protocol.
///
/// JSON: `{"algorithm", "bank_version", "sections": […], "slots": [[item, order?, targets?], …]}`,
/// where an order is a string with one letter per shown position, `a` for the author's first entry:
/// `[17,"cab"]` shows the author's third, first and second option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// The name of the draw algorithm, [`crate::draw::ALGORITHM`] when it was drawn by this version.
    pub algorithm: Cow<'static, str>,
    /// The snapshot that item positions refer to.
    pub bank_version: BankVersion,
    /// In order, covering all slots.
    pub sections: Arc<[PaperSection]>,
    slots: SlotList,
}

/// A run of slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperSection {
    /// Shown above the section.
    pub title: String,
    /// Points of each slot.
    pub points: Points,
    /// How its answers are marked.
    pub scoring: ScoringRule,
    /// Position of its first slot, counted from zero.
    pub first_slot: u32,
    /// How many slots.
    pub count: u32,
}

/// One slot, borrowed from its paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot<'a> {
    /// The item.
    pub item: ItemIndex,
    /// Author's index by shown position: of the options (choice, true/false), the entries (ordering)
    /// or the left side (matching); empty where there is nothing to choose.
    pub order: &'a [u8],
    /// Author's index of the right side by shown position (matching only).
    pub targets: &'a [u8],
}

impl Slot<'_> {
    /// The author's index of a shown option, ordering entry or left entry.
    #[must_use]
    pub fn option(&self, shown: OptionId) -> Option<u8> {
        self.order.get(usize::from(shown.0)).copied()
    }

    /// The author's index of a shown right entry.
    #[must_use]
    pub fn target(&self, shown: TargetId) -> Option<u8> {
        self.targets.get(usize::from(shown.0)).copied()
    }

    /// Where the author's option, ordering entry or left entry is shown.
    #[must_use]
    pub fn shown_option(&self, author: u8) -> Option<OptionId> {
        shown(self.order, author).map(OptionId)
    }

    /// Where the author's right entry is shown.
    #[must_use]
    pub fn shown_target(&self, author: u8) -> Option<TargetId> {
        shown(self.targets, author).map(TargetId)
    }
}

fn shown(order: &[u8], author: u8) -> Option<u8> {
    u8::try_from(order.iter().position(|&index| index == author)?).ok()
}

impl Paper {
    pub(crate) fn new(
        algorithm: &'static str,
        bank_version: BankVersion,
        sections: Arc<[PaperSection]>,
        slots: SlotList,
    ) -> Self {
        Self { algorithm: Cow::Borrowed(algorithm), bank_version, sections, slots }
    }

    /// How many slots.
    #[must_use]
    pub fn slot_count(&self) -> usize {
        self.slots.heads.len()
    }

    /// How many options and targets all slots show together.
    pub(crate) fn entry_count(&self) -> usize {
        self.slots.orders.len()
    }

    /// The slot at a position counted from zero.
    #[must_use]
    pub fn slot(&self, position: usize) -> Option<Slot<'_>> {
        self.slots.heads.get(position).map(|head| self.slots.view(head))
    }

    /// The slot by its number in the protocol, counted from one.
    #[must_use]
    pub fn slot_numbered(&self, number: u32) -> Option<Slot<'_>> {
        self.slot(number.checked_sub(1)? as usize)
    }

    /// All slots, in order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Slot<'_>> {
        self.slots.heads.iter().map(|head| self.slots.view(head))
    }

    /// The items, in order of their slots.
    pub fn items(&self) -> impl ExactSizeIterator<Item = ItemIndex> {
        self.slots.heads.iter().map(|head| head.item)
    }

    /// The section of a slot by its position counted from zero.
    #[must_use]
    pub fn section_of(&self, position: usize) -> Option<&PaperSection> {
        let position = u32::try_from(position).ok()?;
        self.sections.iter().find(|section| position.wrapping_sub(section.first_slot) < section.count)
    }

    /// Points of all slots.
    #[must_use]
    pub fn points_total(&self) -> Points {
        self.sections.iter().map(|section| section.points.times(section.count)).sum()
    }
}

/// All slots with all their orders in one allocation each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotList {
    heads: Vec<Head>,
    /// The orders of all slots one after the other.
    orders: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    item: ItemIndex,
    /// Where its orders begin: at most 500 slots of at most 52 letters.
    start: u16,
    options: u8,
    targets: u8,
}

impl SlotList {
    pub(crate) fn with_capacity(slots: usize) -> Self {
        Self { heads: Vec::with_capacity(slots), orders: Vec::with_capacity(slots * 5) }
    }

    /// Appends a slot in the author's order and lends both orders to be shuffled. The caller keeps
    /// to [`limits::PAPER_SLOTS_MAX`] and [`limits::OPTIONS_MAX`].
    #[inline]
    pub(crate) fn push(&mut self, item: ItemIndex, options: u8, targets: u8) -> (&mut [u8], &mut [u8]) {
        let start = self.orders.len();
        self.orders.extend(0..options);
        self.orders.extend(0..targets);
        self.heads.push(Head { item, start: start as u16, options, targets });
        self.orders[start..].split_at_mut(usize::from(options))
    }

    /// The slot of a list that has one.
    pub(crate) fn only(&self) -> Option<Slot<'_>> {
        self.heads.first().map(|head| self.view(head))
    }

    #[inline]
    fn view(&self, head: &Head) -> Slot<'_> {
        let start = usize::from(head.start);
        let middle = start + usize::from(head.options);
        let end = middle + usize::from(head.targets);
        Slot { item: head.item, order: &self.orders[start..middle], targets: &self.orders[middle..end] }
    }
}

impl Serialize for SlotList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.heads.len()))?;
        for head in &self.heads {
            list.serialize_element(&WrittenSlot(self.view(head)))?;
        }
        list.end()
    }
}

/// Writes one slot.
pub(crate) struct WrittenSlot<'a>(pub(crate) Slot<'a>);

impl Serialize for WrittenSlot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Slot { item, order, targets } = self.0;
        let parts = if !targets.is_empty() { 3 } else { 1 + usize::from(!order.is_empty()) };
        let mut tuple = serializer.serialize_tuple(parts)?;
        tuple.serialize_element(&item)?;
        for order in [order, targets].iter().take(parts - 1) {
            let letters: String = order.iter().map(|&index| char::from(b'a' + index)).collect();
            tuple.serialize_element(&letters)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for SlotList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> de::Visitor<'de> for List {
            type Value = SlotList;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of slots")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<SlotList, A::Error> {
                let mut list = SlotList::default();
                while let Some(ReadSlot { item, order, targets }) = seq.next_element()? {
                    if list.heads.len() == limits::PAPER_SLOTS_MAX {
                        return Err(de::Error::custom("too many slots"));
                    }
                    // At most 26 letters each, by `letters`.
                    let (to_order, to_targets) = list.push(item, order.len() as u8, targets.len() as u8);
                    to_order.copy_from_slice(&order);
                    to_targets.copy_from_slice(&targets);
                }
                Ok(list)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// A slot as it is read, its orders checked to be permutations.
pub(crate) struct ReadSlot {
    pub(crate) item: ItemIndex,
    pub(crate) order: Vec<u8>,
    pub(crate) targets: Vec<u8>,
}

impl<'de> Deserialize<'de> for ReadSlot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> de::Visitor<'de> for Parts {
            type Value = ReadSlot;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("[item, order?, targets?]")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<ReadSlot, A::Error> {
                let item = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let mut order = || -> Result<Vec<u8>, A::Error> {
                    let letters = seq.next_element::<Cow<'de, str>>()?.unwrap_or_default();
                    self::letters(&letters).ok_or_else(|| de::Error::custom("expected an order such as \"cab\""))
                };
                Ok(ReadSlot { item, order: order()?, targets: order()? })
            }
        }
        deserializer.deserialize_seq(Parts)
    }
}

/// Indexes from letters; `None` unless they are a permutation of the first letters.
fn letters(text: &str) -> Option<Vec<u8>> {
    if text.len() > limits::OPTIONS_MAX {
        return None;
    }
    let mut seen = 0_u32;
    let order = text.bytes().map(|letter| {
        let index = letter.checked_sub(b'a').filter(|&index| usize::from(index) < text.len())?;
        seen |= 1 << index;
        Some(index)
    });
    let order: Vec<u8> = order.collect::<Option<_>>()?;
    (seen.count_ones() as usize == order.len()).then_some(order)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn sample() -> Paper {
        let mut slots = SlotList::with_capacity(3);
        slots.push(ItemIndex(17), 3, 0).0.copy_from_slice(&[2, 0, 1]);
        slots.push(ItemIndex(4), 0, 0);
        slots.push(ItemIndex(9), 2, 3).1.copy_from_slice(&[1, 2, 0]);
        let section = PaperSection {
            title: "一".into(),
            points: Points::from_hundredths(250),
            scoring: ScoringRule::NetCorrect,
            first_slot: 0,
            count: 3,
        };
        Paper::new("draw/1", BankVersion::from_stored("sha256:00"), [section].into(), slots)
    }

    #[test]
    fn papers_are_stored_compactly_and_read_back() {
        let paper = sample();
        let json = serde_json::to_string(&paper).unwrap();
        assert_eq!(
            json,
            r#"{"algorithm":"draw/1","bank_version":"sha256:00","sections":[{"title":"一","points":2.5,"scoring":"net_correct","first_slot":0,"count":3}],"slots":[[17,"cab"],[4],[9,"ab","bca"]]}"#
        );
        assert_eq!(serde_json::from_str::<Paper>(&json).unwrap(), paper);
        for broken in ["\"ca\"", "\"aab\"", "\"CAB\"", "\"abcdefghijklmnopqrstuvwxyz{\""] {
            assert!(serde_json::from_str::<Paper>(&json.replace("\"cab\"", broken)).is_err(), "{broken}");
        }
    }

    #[test]
    fn slots_translate_between_shown_and_author_order() {
        let paper = sample();
        let first = paper.slot_numbered(1).unwrap();
        assert_eq!(first.option(OptionId(0)), Some(2));
        assert_eq!(first.shown_option(2), Some(OptionId(0)));
        assert_eq!(first.option(OptionId(3)), None);
        assert_eq!(paper.slot(2).unwrap().shown_target(0), Some(TargetId(2)));
        assert!(paper.slot_numbered(0).is_none());
        assert!(paper.slot_numbered(4).is_none());
        assert_eq!(paper.section_of(2).unwrap().title, "一");
        assert!(paper.section_of(3).is_none());
    }
}
