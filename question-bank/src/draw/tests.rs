//! Stories of drawing.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::Seed;
use crate::pool::samples::single;
use crate::{Blueprint, Item, ItemIndex, Paper};
use serde_json::Value;

mod faults;
mod golden;
mod options;
mod papers;
mod questions;
mod uniform;

fn seed(number: u64) -> Seed {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Seed::from_bytes(bytes)
}

fn blueprint(value: Value) -> Blueprint {
    serde_json::from_value(value).unwrap()
}

/// `items` single choices each in `topics` topics `t/0`, `t/1`, …, difficulties in turn.
fn bank(topics: usize, items: usize) -> Vec<Item> {
    let item = |number: usize| {
        single(&format!("q{number:04}"), &format!("t/{}", number % topics), (number / topics % 5) as u8 + 1)
    };
    (0..topics * items).map(item).collect()
}

fn sorted(paper: &Paper) -> Vec<ItemIndex> {
    let mut items: Vec<ItemIndex> = paper.items().collect();
    items.sort_unstable();
    items
}
