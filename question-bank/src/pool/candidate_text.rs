//! What learners may see of every item, serialized once: papers are spliced from these fragments.
//! Made from prompts alone, so nothing of a key can get in.

use crate::{Interaction, Item, ItemIndex, ItemKind, Prompt, RichText};

/// JSON fragments of all items, one block per item in one arena: a table of where each fragment ends
/// (little-endian `u32`, counted from the table's end), then the fragments. One place in memory per
/// item, because a paper's items lie far apart.
#[derive(Debug)]
pub(crate) struct CandidateText {
    arena: Vec<u8>,
    blocks: Vec<Block>,
}

/// The fragments of one item, in the author's order: `"kind":"…","stem":"…"`, followed by
/// `,"options":[` where there are any; then one entry per option (ordering entry, left entry), then
/// one per right entry, each `{"id":"o1","text":"…"},` with the digit to be replaced.
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
        let blocks = items.iter().map(|item| push_block(&mut arena, &mut text, item.kind(), &item.prompt)).collect();
        arena.shrink_to_fit();
        Self { arena, blocks }
    }

    /// Bytes of all fragments of an item together, and a few more; none of an item that is not there.
    #[inline]
    pub(crate) fn bytes_of(&self, index: ItemIndex) -> usize {
        self.blocks.get(index.get()).map_or(0, |block| block.bytes as usize)
    }

    /// Reads a byte of every cache line of these items, so that copying finds them at hand.
    #[inline]
    pub(crate) fn fetch(&self, items: impl Iterator<Item = ItemIndex>) {
        let lines = items.filter_map(|item| self.of(item)).flat_map(|fragments| fragments.text.iter().step_by(64));
        // Otherwise it would be left out, as nobody needs what was read.
        std::hint::black_box(lines.fold(0, |read, byte| read ^ byte));
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
    /// The `number`-th fragment: 0 is kind and stem.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&'a [u8]> {
        let end = |number: usize| self.ends.get(number).map(|&end| u32::from_le_bytes(end) as usize);
        let start = if number == 0 { 0 } else { end(number - 1)? };
        self.text.get(start..end(number)?)
    }
}

/// Where the digit of an entry stands.
pub(crate) const ENTRY_DIGIT: usize = 8;

/// Appends the block of one item; `text` is room to work in.
fn push_block(arena: &mut Vec<u8>, text: &mut Vec<u8>, kind: ItemKind, prompt: &Prompt) -> Block {
    let start = arena.len();
    text.clear();
    let mut ends = Vec::with_capacity(8);
    let (options, targets) = entries(&prompt.interaction);
    text.extend_from_slice(b"\"kind\":\"");
    text.extend_from_slice(kind.name().as_bytes());
    text.extend_from_slice(b"\",\"stem\":");
    push_json(text, prompt.stem.as_html());
    if !options.is_empty() {
        text.extend_from_slice(b",\"options\":[");
    }
    ends.push(text.len());
    for (entries, opening) in [(options, b"{\"id\":\"o1\",\"text\":"), (targets, b"{\"id\":\"t1\",\"text\":")] {
        for html in entries {
            text.extend_from_slice(opening);
            push_json(text, html);
            text.extend_from_slice(b"},");
            ends.push(text.len());
        }
    }
    // At most 53 texts of at most 400 000 characters, each at most 6 bytes in JSON.
    ends.iter().for_each(|&end| arena.extend_from_slice(&(end as u32).to_le_bytes()));
    arena.extend_from_slice(text);
    Block { start, bytes: (arena.len() - start) as u32, fragments: ends.len() as u32 }
}

fn push_json(text: &mut Vec<u8>, html: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(text, html);
}

/// The options (ordering entries, left side), and the right side.
fn entries(interaction: &Interaction) -> (Vec<&str>, Vec<&str>) {
    match interaction {
        Interaction::Choice { options: texts, .. } | Interaction::Ordering { entries: texts } => {
            (html(texts), Vec::new())
        }
        Interaction::TrueFalse => (vec!["正确", "错误"], Vec::new()),
        Interaction::Matching { left, right } => (html(left), html(right)),
        Interaction::Numeric | Interaction::ShortText => (Vec::new(), Vec::new()),
    }
}

fn html(texts: &[RichText]) -> Vec<&str> {
    texts.iter().map(RichText::as_html).collect()
}
