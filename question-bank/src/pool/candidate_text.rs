//! What learners may see of every item, serialized once: papers are spliced from these fragments.
//! Made from prompts alone, so nothing of a key can get in.

use crate::{Interaction, Item, ItemIndex, Prompt, RichText};

/// JSON fragments of all items in one arena.
#[derive(Debug, Default)]
pub(crate) struct CandidateText {
    arena: Vec<u8>,
    /// Where each fragment begins, and where the last one ends.
    bounds: Vec<usize>,
    /// The first fragment of each item, and one past the last item's last.
    first: Vec<u32>,
}

/// The fragments of one item: the stem as a JSON string, then the texts of the options (ordering
/// entries, left side), then of the right side, in the author's order.
#[derive(Clone, Copy)]
pub(crate) struct Fragments<'a> {
    arena: &'a [u8],
    bounds: &'a [usize],
}

impl CandidateText {
    pub(super) fn new(items: &[Item]) -> Self {
        let mut text = Self { first: vec![0], ..Self::default() };
        for item in items {
            text.push_item(&item.prompt);
            // At most 53 fragments per item; more than 80 million items do not fit any memory.
            text.first.push(text.bounds.len() as u32);
        }
        text.bounds.push(text.arena.len());
        text.arena.shrink_to_fit();
        text
    }

    fn push_item(&mut self, prompt: &Prompt) {
        self.push(&prompt.stem);
        match &prompt.interaction {
            Interaction::Choice { options: texts, .. } | Interaction::Ordering { entries: texts } => {
                texts.iter().for_each(|text| self.push(text));
            }
            Interaction::TrueFalse => ["正确", "错误"].iter().for_each(|text| self.push(&RichText::from_plain(text))),
            Interaction::Matching { left, right } => left.iter().chain(right).for_each(|text| self.push(text)),
            Interaction::Numeric | Interaction::ShortText => {}
        }
    }

    fn push(&mut self, text: &RichText) {
        self.bounds.push(self.arena.len());
        // Writing a string into memory cannot fail.
        let _ = serde_json::to_writer(&mut self.arena, text.as_html());
    }

    #[inline]
    pub(crate) fn of(&self, index: ItemIndex) -> Option<Fragments<'_>> {
        let first = *self.first.get(index.get())? as usize;
        let past = *self.first.get(index.get() + 1)? as usize;
        Some(Fragments { arena: &self.arena, bounds: self.bounds.get(first..=past)? })
    }
}

impl<'a> Fragments<'a> {
    /// The `number`-th fragment: 0 is the stem.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&'a [u8]> {
        self.arena.get(*self.bounds.get(number)?..*self.bounds.get(number + 1)?)
    }

    /// Bytes of all fragments together.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        match self.bounds {
            [first, .., last] => last - first,
            _ => 0,
        }
    }
}
