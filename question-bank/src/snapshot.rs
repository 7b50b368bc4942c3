//! Snapshots: the items of a bank at one moment, pinned by a hash. Papers refer to items by their
//! position in the snapshot, which is stable because the hash is.

use crate::{Fraction, Interaction, Item, Key, limits};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// Position of an item in its snapshot, counted from zero in order of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemIndex(pub u32);

impl ItemIndex {
    /// As an index into [`Snapshot::items`].
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// `sha256:` and 64 hex digits: the hash of a snapshot (see [`Snapshot::new`]). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BankVersion(Arc<str>);

impl BankVersion {
    /// A version as it was stored; whether it names a snapshot is for the store to say.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BankVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The items of a bank at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    items: Vec<Item>,
    version: BankVersion,
}

impl Snapshot {
    /// Sorts the items by code (bytewise) and hashes them: the version is `sha256:` + hex of the
    /// SHA-256 over the [`item_hash`]es one after the other, 32 bytes each.
    ///
    /// # Errors
    /// Two items share a code, there are more than `u32` can count, or an item's key does not fit
    /// its interaction (an index out of range, a limit exceeded): everything downstream relies on it.
    pub fn new(mut items: Vec<Item>) -> Result<Self, SnapshotError> {
        if items.len() > limits::BANK_ITEMS_MAX {
            return Err(SnapshotError::TooMany);
        }
        items.sort_by(|a, b| a.code.cmp(&b.code));
        if let Some([first, _]) = items.windows(2).find_map(|pair| match pair {
            [a, b] if a.code == b.code => Some([a, b]),
            _ => None,
        }) {
            return Err(SnapshotError::DuplicateCode { code: first.code.clone() });
        }
        let mut version = Sha256::new();
        for item in &items {
            check_item(item).map_err(|what| SnapshotError::Broken { code: item.code.clone(), what })?;
            version.update(item_hash(item));
        }
        let version = BankVersion(format!("sha256:{}", hex::encode(version.finalize())).into());
        Ok(Self { items, version })
    }

    /// All items, sorted by code.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item at a position.
    #[must_use]
    pub fn item(&self, index: ItemIndex) -> Option<&Item> {
        self.items.get(index.get())
    }

    /// The position of the item with this code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<ItemIndex> {
        let position = self.items.binary_search_by(|item| item.code.as_str().cmp(code)).ok()?;
        u32::try_from(position).ok().map(ItemIndex)
    }

    /// The hash that papers name.
    #[must_use]
    pub const fn version(&self) -> &BankVersion {
        &self.version
    }
}

/// Why items make no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// More items than positions.
    #[error("more items than a snapshot can hold")]
    TooMany,
    /// Codes name items and must be unique.
    #[error("two items have the code {code:?}")]
    DuplicateCode {
        /// The code.
        code: String,
    },
    /// The key does not fit the interaction, or a limit is exceeded.
    #[error("the item {code:?} is broken: {what}")]
    Broken {
        /// The code.
        code: String,
        /// What does not fit.
        what: &'static str,
    },
}

/// SHA-256 of the canonical JSON of an item: `serde_json` of [`Item`], fields in declared order, no
/// blanks.
#[must_use]
pub fn item_hash(item: &Item) -> [u8; 32] {
    struct Feed(Sha256);
    impl std::io::Write for Feed {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut feed = Feed(Sha256::new());
    // Items hold strings, integers and finite floats only and the writer never fails, so this
    // cannot fail; were it to, the hash of the bytes so far would still be deterministic.
    let _ = serde_json::to_writer(std::io::BufWriter::with_capacity(4096, &mut feed), item);
    feed.0.finalize().into()
}

/// Whether the key fits the interaction, as everything downstream relies on.
fn check_item(item: &Item) -> Result<(), &'static str> {
    if item.enemies.len() > limits::TAGS_MAX {
        return Err("it is in too many enemy groups");
    }
    let within = |count: usize, least: usize| (least..=limits::OPTIONS_MAX).contains(&count);
    match (&item.prompt.interaction, &item.solution.key) {
        (Interaction::Choice { multiple, options, .. }, Key::Choice { correct, weights }) => {
            check_choice(*multiple, options.len(), correct, weights.as_deref())
        }
        (Interaction::TrueFalse, Key::TrueFalse { .. }) => Ok(()),
        (Interaction::Numeric, Key::Numeric { accepted }) => {
            let sound = |answer: &crate::NumericAnswer| {
                answer.value.is_finite() && answer.tolerance.is_finite() && answer.tolerance >= 0.0
            };
            if accepted.is_empty() || accepted.len() > limits::ACCEPTED_MAX {
                return Err("a numeric item needs accepted numbers");
            }
            if accepted.iter().all(sound) { Ok(()) } else { Err("an accepted number is not finite") }
        }
        (Interaction::ShortText, Key::ShortText { accepted, .. }) => {
            if accepted.is_empty() || accepted.len() > limits::ACCEPTED_MAX {
                return Err("a short-text item needs accepted texts");
            }
            Ok(())
        }
        (Interaction::Ordering { entries }, Key::Ordering { order }) => {
            if within(entries.len(), 2) && is_permutation(order, entries.len()) {
                Ok(())
            } else {
                Err("the order is no permutation of the entries")
            }
        }
        (Interaction::Matching { left, right }, Key::Matching { targets }) => {
            let fits = within(left.len(), 1)
                && within(right.len(), 2)
                && targets.len() == left.len()
                && targets.iter().all(|&target| usize::from(target) < right.len());
            if fits { Ok(()) } else { Err("the targets do not fit the two sides") }
        }
        _ => Err("the key is of another kind than the interaction"),
    }
}

fn check_choice(
    multiple: bool,
    options: usize,
    correct: &[u8],
    weights: Option<&[Fraction]>,
) -> Result<(), &'static str> {
    if !(2..=limits::OPTIONS_MAX).contains(&options) {
        return Err("a choice needs 2 to 26 options");
    }
    if correct.is_empty() || (!multiple && correct.len() != 1) {
        return Err("the number of right options does not fit the kind");
    }
    if correct.iter().any(|&index| usize::from(index) >= options) || !correct.is_sorted_by(|a, b| a < b) {
        return Err("a right option is out of range or named twice");
    }
    if weights.is_some_and(|weights| weights.len() != options) {
        return Err("there is not one weight per option");
    }
    Ok(())
}

fn is_permutation(order: &[u8], count: usize) -> bool {
    let mut seen = 0_u32;
    for &index in order {
        if usize::from(index) >= count {
            return false;
        }
        seen |= 1 << index;
    }
    order.len() == count && seen.count_ones() as usize == count
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::pool::samples::single;

    #[test]
    fn items_are_sorted_and_the_version_follows_their_content() {
        let there = Snapshot::new(vec![single("b", "t", 3), single("a", "t", 3)]).unwrap();
        let back = Snapshot::new(vec![single("a", "t", 3), single("b", "t", 3)]).unwrap();
        assert_eq!(there, back);
        assert_eq!(there.find("b"), Some(ItemIndex(1)));
        assert_eq!(there.find("c"), None);
        assert_eq!(there.version().as_str().len(), "sha256:".len() + 64);
        let other = Snapshot::new(vec![single("a", "t", 3), single("b", "t", 4)]).unwrap();
        assert_ne!(there.version(), other.version());
    }

    #[test]
    fn the_version_is_the_hash_of_the_item_hashes() {
        let snapshot = Snapshot::new(vec![single("a", "t", 3), single("b", "t", 3)]).unwrap();
        let mut hash = Sha256::new();
        for item in snapshot.items() {
            let json = serde_json::to_vec(item).unwrap();
            hash.update(Sha256::digest(&json));
        }
        assert_eq!(snapshot.version().as_str(), format!("sha256:{}", hex::encode(hash.finalize())));
    }

    #[test]
    fn broken_items_make_no_snapshot() {
        let twice = Snapshot::new(vec![single("a", "t", 3), single("a", "u", 3)]);
        assert_eq!(twice, Err(SnapshotError::DuplicateCode { code: "a".into() }));
        let keys = [
            Key::Choice { correct: vec![], weights: None },
            Key::Choice { correct: vec![9], weights: None },
            Key::Choice { correct: vec![0, 1], weights: None },
            Key::Choice { correct: vec![0], weights: Some(vec![Fraction::FULL]) },
            Key::TrueFalse { correct: true },
        ];
        for key in keys {
            let mut item = single("a", "t", 3);
            item.solution.key = key;
            assert!(matches!(Snapshot::new(vec![item]), Err(SnapshotError::Broken { .. })));
        }
    }
}
