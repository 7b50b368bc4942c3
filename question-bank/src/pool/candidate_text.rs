//! What learners may see of every item, serialized once: papers are spliced from these fragments.
//! Made from prompts alone, so nothing of a key can get in.

use crate::{Interaction, Item, ItemIndex, Prompt, RichText};

/// JSON fragments of all items, one block per item in one arena: a table of where each fragment ends
/// (little-endian `u32`, counted from the table's end), then the fragments. One place in memory per
/// item, because a paper's items lie far apart.
#[derive(Debug)]
pub(crate) struct CandidateText {
    arena: Vec<u8>,
    blocks: Vec<Block>,
}

/// The fragments of one item: the stem as a JSON string, then the texts of the options (ordering
/// entries, left side), then of the right side, in the author's order.
#[derive(Clone, Copy)]
pub(crate) struct Fragments<'a> {
    ends: &'a [[u8; END_BYTES]],
    text: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: usize,
    bytes: u32,
    fragments: u32,
}

const END_BYTES: usize = size_of::<u32>();

impl CandidateText {
    pub(super) fn new(items: &[Item]) -> Self {
        let mut arena = Vec::new();
        let mut text = Vec::new();
        let blocks = items.iter().map(|item| push_block(&mut arena, &mut text, &item.prompt)).collect();
        arena.shrink_to_fit();
        Self { arena, blocks }
    }

    #[inline]
    pub(crate) fn of(&self, index: ItemIndex) -> Option<Fragments<'_>> {
        let block = self.blocks.get(index.get())?;
        let bytes = self.arena.get(block.start..)?.get(..block.bytes as usize)?;
        let (ends, text) = bytes.split_at_checked(block.fragments as usize * END_BYTES)?;
        Some(Fragments { ends: ends.as_chunks().0, text })
    }
}

impl<'a> Fragments<'a> {
    /// The `number`-th fragment: 0 is the stem.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&'a [u8]> {
        let end = |number: usize| self.ends.get(number).map(|&end| u32::from_le_bytes(end) as usize);
        let start = if number == 0 { 0 } else { end(number - 1)? };
        self.text.get(start..end(number)?)
    }

    /// Bytes of all fragments together.
    #[inline]
    pub(crate) const fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// Appends the block of one item; `text` is room to work in.
fn push_block(arena: &mut Vec<u8>, text: &mut Vec<u8>, prompt: &Prompt) -> Block {
    let start = arena.len();
    text.clear();
    let mut fragments = 0;
    for_each_text(prompt, |html| {
        // Writing a string into memory cannot fail.
        let _ = serde_json::to_writer(&mut *text, html);
        // At most 53 texts of at most 400 000 characters, each at most 6 bytes in JSON.
        arena.extend_from_slice(&(text.len() as u32).to_le_bytes());
        fragments += 1;
    });
    arena.extend_from_slice(text);
    Block { start, bytes: (arena.len() - start) as u32, fragments }
}

fn for_each_text(prompt: &Prompt, mut visit: impl FnMut(&str)) {
    visit(prompt.stem.as_html());
    let mut visit_all = |texts: &[RichText]| texts.iter().for_each(|text| visit(text.as_html()));
    match &prompt.interaction {
        Interaction::Choice { options: texts, .. } | Interaction::Ordering { entries: texts } => visit_all(texts),
        Interaction::TrueFalse => ["正确", "错误"].into_iter().for_each(visit),
        Interaction::Matching { left, right } => {
            visit_all(left);
            visit_all(right);
        }
        Interaction::Numeric | Interaction::ShortText => {}
    }
}
