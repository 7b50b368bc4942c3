//! Permutations, items and slots are equally likely (χ²; the seeds are fixed).

use super::super::rng::Stream;
use super::super::{Avoid, DrawPlan};
use super::{bank, blueprint, seed};
use crate::pool::samples::pool;
use serde_json::json;

/// Upper 0.1 % points of χ² for the degrees of freedom used here.
fn check(counts: &[u32], critical: f64) {
    let all: u32 = counts.iter().sum();
    let expected = f64::from(all) / counts.len() as f64;
    let chi_squared: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
    assert!(chi_squared < critical, "χ² = {chi_squared} of {counts:?}");
}

#[test]
fn permutations_are_equally_likely() {
    let mut stream = Stream::new(&seed(11));
    let mut counts = [0; 24];
    for _ in 0..24_000 {
        let mut list = [0, 1, 2, 3];
        stream.shuffle(&mut list);
        let rank = |at: usize| list[at + 1..].iter().filter(|&&later| later < list[at]).count();
        counts[rank(0) * 6 + rank(1) * 2 + rank(2)] += 1;
    }
    check(&counts, 49.73);
}

#[test]
fn items_and_slots_are_equally_likely() {
    let pool = pool(bank(1, 20));
    let value = json!({"sections": [{"title": "", "count": 5, "points": 1, "quotas": []}]});
    let plan = DrawPlan::compile(&pool, &blueprint(value)).unwrap();
    let (mut by_item, mut by_slot) = ([0; 20], [0; 5]);
    for number in 0..8_000 {
        let paper = plan.draw(&pool, &seed(number), &Avoid::default()).unwrap().paper;
        paper.items().for_each(|item| by_item[item.get()] += 1);
        by_slot[paper.items().position(|item| item == paper.items().min().unwrap()).unwrap()] += 1;
    }
    check(&by_item, 43.82);
    check(&by_slot, 18.47);
}
