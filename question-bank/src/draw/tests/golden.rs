//! Golden vectors of `docs/draw.md`; a second implementation in another language gave the same.

use super::super::rng::Stream;
use super::super::{Avoid, DrawPlan};
use super::{bank, blueprint, seed, sorted};
use crate::pool::samples::{choice, matching, multiple, numeric, ordering, pool, single, true_false};
use crate::{ItemIndex, Paper, Pool};
use serde_json::{Value, json};

#[test]
fn bounded_numbers() {
    let mut stream = Stream::new(&seed(1));
    let numbers: Vec<u32> = [2, 3, 10, 100, 1000, 1_000_000, 3_000_000_000, 3_000_000_000, 3_000_000_000, 7]
        .map(|bound| stream.below(bound))
        .to_vec();
    assert_eq!(format!("{numbers:?}"), BOUNDED);
}

#[test]
fn permutations() {
    let mut stream = Stream::new(&seed(2));
    let lists: Vec<Vec<u8>> = [1, 2, 4, 10]
        .map(|count| {
            let mut list: Vec<u8> = (0..count).collect();
            stream.shuffle(&mut list);
            list
        })
        .to_vec();
    assert_eq!(format!("{lists:?}"), PERMUTATIONS);
}

/// Quotas that nest and overlap, enemies, every way of ordering options.
fn small() -> (Pool, DrawPlan) {
    let mut items = bank(2, 12);
    items.extend([multiple("x1", "u", 3), true_false("x2", "u", 3), numeric("x3", "u", 3)]);
    items.extend([ordering("x4", "u", 3), matching("x5", "u", 3)]);
    items.push(choice("x6", "u", 3, false, &["甲", "以上都对", "乙", "丙"], &[1]));
    for item in items.iter_mut().step_by(3) {
        item.enemies = vec!["g".into()];
    }
    let pool = pool(items);
    let plan = DrawPlan::compile(
        &pool,
        &blueprint(json!({"sections": [
            {"title": "一", "count": 5, "points": 2, "quotas": [
                {"topic": "t", "count": 2}, {"topic": "t/1", "difficulty": 2, "count": 1}]},
            {"title": "二", "count": 4, "points": 2, "quotas": [{"topic": "u", "count": 4}]},
        ], "overlap_max": 2})),
    )
    .unwrap();
    (pool, plan)
}

#[test]
fn a_whole_draw() {
    let (pool, plan) = small();
    let first = plan.draw(&pool, &seed(3), &Avoid::default()).unwrap().paper;
    assert_eq!(slots(&first), FIRST);
    let earlier = sorted(&first);
    let capped = [ItemIndex(1), ItemIndex(13)];
    let second = plan.draw(&pool, &seed(4), &Avoid { earlier: &earlier, capped: &capped }).unwrap();
    assert_eq!(slots(&second.paper), SECOND);
}

/// Quotas of one topic are filled first, then meet enemies that have to give way.
#[test]
fn a_draw_with_repairs() {
    let mut items = Vec::new();
    for number in 0..4 {
        items.push(single(&format!("s{number}"), &format!("a/{number}"), 1));
        for (letter, topic) in [("l", "a"), ("r", "b"), ("t", "b"), ("u", "b")] {
            let mut item = single(&format!("{letter}{number}"), &format!("{topic}/{number}"), 1);
            item.enemies = vec![format!("g{number}")];
            items.push(item);
        }
    }
    let pool = pool(items);
    let quota = |topic: &str, number: u32| json!({"topic": format!("{topic}/{number}"), "count": 1});
    let quotas: Vec<Value> = (0..4).flat_map(|number| [quota("a", number), quota("b", number)]).collect();
    let value = json!({"sections": [{"title": "", "count": 8, "points": 1, "quotas": quotas}]});
    let plan = DrawPlan::compile(&pool, &blueprint(value)).unwrap();
    let paper = plan.draw(&pool, &seed(6), &Avoid::default()).unwrap().paper;
    let items: Vec<u32> = paper.items().map(|item| item.0).collect();
    assert_eq!(items, REPAIRED);
}

fn slots(paper: &Paper) -> String {
    serde_json::to_value(paper).unwrap()["slots"].to_string()
}

const REPAIRED: [u32; 8] = [10, 16, 15, 8, 5, 18, 11, 9];
const BOUNDED: &str = "[0, 1, 2, 52, 805, 334297, 1600988907, 2219050982, 2755519999, 2]";
const PERMUTATIONS: &str = "[[0], [1, 0], [3, 1, 2, 0], [3, 4, 7, 8, 1, 0, 9, 6, 5, 2]]";
const FIRST: &str =
    r#"[[2,"cbad"],[22,"cbda"],[14,"cabd"],[4,"cdba"],[13,"cdab"],[24,"abcd"],[25,"ab"],[26],[29,"cadb"]]"#;
const SECOND: &str =
    r#"[[11,"cbad"],[10,"bcda"],[17,"cadb"],[23,"bdac"],[8,"acdb"],[28,"ab","cab"],[27,"cba"],[25,"ab"],[29,"acdb"]]"#;
