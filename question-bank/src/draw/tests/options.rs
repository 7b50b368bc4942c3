//! The order of options.

use super::super::{Avoid, DrawPlan};
use super::{blueprint, seed};
use crate::Item;
use crate::pool::samples::{choice, matching, ordering, pool, single, true_false};
use serde_json::json;
use std::collections::BTreeSet;

fn orders(item: Item, shuffle: bool) -> BTreeSet<String> {
    let pool = pool(vec![item]);
    let value = json!({"sections": [{"title": "", "count": 1, "points": 1, "quotas": []}], "shuffle_options": shuffle});
    let plan = DrawPlan::compile(&pool, &blueprint(value)).unwrap();
    let order = |number| {
        let paper = plan.draw(&pool, &seed(number), &Avoid::default()).unwrap().paper;
        serde_json::to_value(&paper).unwrap()["slots"][0].as_array().unwrap()[1..]
            .iter()
            .map(|order| order.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("/")
    };
    (0..200).map(order).collect()
}

#[test]
fn are_shuffled_where_author_and_blueprint_allow() {
    assert_eq!(orders(single("a", "t", 1), true).len(), 24);
    assert_eq!(orders(single("a", "t", 1), false).len(), 1);
    assert_eq!(orders(true_false("a", "t", 1), true), BTreeSet::from(["ab".into()]));
    let mut fixed = single("a", "t", 1);
    if let crate::Interaction::Choice { fixed_order, .. } = &mut fixed.prompt.interaction {
        *fixed_order = true;
    }
    assert_eq!(orders(fixed, true).len(), 1);
}

#[test]
fn of_orderings_and_targets_are_always_shuffled() {
    assert_eq!(orders(ordering("a", "t", 1), false).len(), 6);
    let targets = orders(matching("a", "t", 1), false);
    assert_eq!(targets.len(), 6);
    assert!(targets.iter().all(|order| order.starts_with("ab/")));
}

#[test]
fn about_all_others_stay_last() {
    let options = ["甲", "以上都对", "乙", "丙", "以上都不对"];
    let found = orders(choice("a", "t", 1, false, &options, &[1]), true);
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|order| order.ends_with("be")));
    let letters = choice("a", "t", 1, false, &["甲", "乙", "A和B"], &[1]);
    assert_eq!(orders(letters, true).len(), 1);
}
