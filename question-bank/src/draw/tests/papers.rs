//! What every paper keeps, and what gives way.

use super::super::{Avoid, Bound, DrawError, DrawPlan};
use super::{bank, blueprint, seed, sorted};
use crate::pool::samples::{pool, single};
use crate::{Item, ItemIndex};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

prop_compose! {
    /// A bank with enemies, a feasible blueprint for it, and things to avoid.
    fn cases()(
        topics in 1_usize..5,
        items in 12_usize..30,
        group_every in 2_usize..9,
        first in 0_u32..4,
        second in 0_u32..4,
        rest in 1_u32..4,
        overlap in prop::option::of(0_u32..4),
        avoided in prop::collection::btree_set(0_u32..60, 0..50),
        capped in prop::collection::btree_set(0_u32..60, 0..20),
        number in any::<u64>(),
    ) -> (Vec<Item>, Value, Vec<ItemIndex>, Vec<ItemIndex>, u64) {
        let mut bank = bank(topics, items);
        for (at, item) in bank.iter_mut().enumerate().filter(|(at, _)| at % group_every == 0) {
            item.enemies = vec![format!("g{}", at % 5)];
        }
        let value = json!({"sections": [
            {"title": "", "count": first + second + rest, "points": 1, "quotas": [
                {"topic": "t/0", "count": first.max(1)}, {"difficulty": 2, "count": second}]},
            {"title": "", "count": 2, "points": 1, "quotas": [{"topic": "t", "count": 1}]},
        ], "overlap_max": overlap});
        let mut value = value;
        if second == 0 {
            value["sections"][0]["quotas"].as_array_mut().unwrap().pop();
        }
        value["sections"][0]["count"] = json!(first.max(1) + second + rest);
        let list = |set: BTreeSet<u32>| set.into_iter().map(ItemIndex).collect();
        (bank, value, list(avoided), list(capped), number)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_paper_keeps_what_it_must((items, value, earlier, capped, number) in cases()) {
        let pool = pool(items);
        let blueprint = blueprint(value);
        let plan = DrawPlan::compile(&pool, &blueprint).unwrap();
        let avoid = Avoid { earlier: &earlier, capped: &capped };
        let drawn = plan.draw(&pool, &seed(number), &avoid).unwrap();
        let again = plan.draw(&pool, &seed(number), &avoid).unwrap();
        prop_assert_eq!(&drawn, &again);

        let picked = sorted(&drawn.paper);
        prop_assert_eq!(picked.len(), blueprint.slot_count() as usize);
        prop_assert!(picked.is_sorted_by(|a, b| a < b), "an item twice");
        let groups: Vec<&String> = picked.iter().flat_map(|&item| &pool.item(item).unwrap().enemies).collect();
        prop_assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len(), "enemies");

        for (section, planned) in drawn.paper.sections.iter().zip(&blueprint.sections) {
            let slots = section.first_slot as usize..(section.first_slot + section.count) as usize;
            let items: Vec<&Item> = drawn.paper.items().collect::<Vec<_>>()[slots].iter().map(|&i| pool.item(i).unwrap()).collect();
            for quota in &planned.quotas {
                let fitting = items.iter().filter(|item| {
                    quota.topic.as_ref().is_none_or(|topic| item.topic.is_within(topic))
                        && quota.difficulty.is_none_or(|difficulty| item.difficulty == difficulty)
                });
                prop_assert!(fitting.count() >= quota.count as usize);
            }
        }

        let repeats = picked.iter().filter(|item| earlier.binary_search(item).is_ok()).count();
        let over = picked.iter().filter(|item| capped.binary_search(item).is_ok()).count();
        let broken = |bound| drawn.relaxed.iter().filter(move |relaxed| relaxed.bound == bound).map(|r| r.items as usize).sum::<usize>();
        prop_assert_eq!(broken(Bound::Exposure), over);
        let bound = plan.repeats_max().map_or(usize::MAX, |bound| bound as usize);
        prop_assert_eq!(broken(Bound::Overlap), if repeats > bound { repeats } else { 0 });
    }

    /// Where fresh, uncapped items suffice, nothing else is drawn.
    #[test]
    fn fresh_items_come_first(number in any::<u64>(), earlier in prop::collection::btree_set(0_u32..40, 0..15)) {
        let pool = pool(bank(2, 20));
        let value = json!({"sections": [{"title": "", "count": 10, "points": 1, "quotas": [{"topic": "t/1", "count": 3}]}], "overlap_max": 5});
        let plan = DrawPlan::compile(&pool, &blueprint(value)).unwrap();
        let earlier: Vec<ItemIndex> = earlier.into_iter().map(ItemIndex).collect();
        let drawn = plan.draw(&pool, &seed(number), &Avoid { earlier: &earlier, capped: &[ItemIndex(7)] }).unwrap();
        prop_assert!(drawn.paper.items().all(|item| earlier.binary_search(&item).is_err() && item != ItemIndex(7)));
        prop_assert!(drawn.relaxed.is_empty());
    }
}

#[test]
fn repeats_fill_what_is_short_up_to_the_bound() {
    let pool = pool(bank(1, 10));
    let value = json!({"sections": [{"title": "", "count": 6, "points": 1, "quotas": []}], "overlap_max": 2});
    let plan = DrawPlan::compile(&pool, &blueprint(value)).unwrap();
    let earlier: Vec<ItemIndex> = (0..6).map(ItemIndex).collect();
    let drawn = plan.draw(&pool, &seed(1), &Avoid { earlier: &earlier, capped: &[] }).unwrap();
    assert_eq!(drawn.paper.items().filter(|item| item.0 < 6).count(), 2);
    assert!(drawn.relaxed.is_empty());
    let earlier: Vec<ItemIndex> = (0..7).map(ItemIndex).collect();
    let drawn = plan.draw(&pool, &seed(1), &Avoid { earlier: &earlier, capped: &[] }).unwrap();
    assert_eq!(drawn.paper.items().filter(|item| item.0 < 7).count(), 3);
    assert_eq!(drawn.relaxed.len(), 1);
    assert_eq!((drawn.relaxed[0].bound, drawn.relaxed[0].items), (Bound::Overlap, 3));
    let capped: Vec<ItemIndex> = (0..10).map(ItemIndex).collect();
    let drawn = plan.draw(&pool, &seed(1), &Avoid { earlier: &[], capped: &capped }).unwrap();
    assert_eq!((drawn.relaxed[0].bound, drawn.relaxed[0].items), (Bound::Exposure, 6));
}

/// Ten pairs of enemies across two strata: the second stratum is filled only if the first gives way.
#[test]
fn enemies_give_way_across_quotas() {
    let mut items = Vec::new();
    for number in 0..10 {
        let mut left = single(&format!("l{number}"), &format!("a/{number}"), 1);
        let mut right = single(&format!("r{number}"), &format!("b/{number}"), 1);
        let spare = single(&format!("s{number}"), &format!("a/{number}"), 1);
        left.enemies = vec![format!("g{number}")];
        right.enemies = left.enemies.clone();
        items.extend([left, right, spare, single(&format!("z{number}"), "c", 1)]);
    }
    let pool = pool(items);
    let quotas: Vec<Value> = (0..10)
        .flat_map(|n| [json!({"topic": format!("a/{n}"), "count": 1}), json!({"topic": format!("b/{n}"), "count": 1})])
        .collect();
    let value = json!({"sections": [{"title": "", "count": 20, "points": 1, "quotas": quotas}]});
    let plan = DrawPlan::compile(&pool, &blueprint(value)).unwrap();
    for number in 0..100 {
        assert!(plan.draw(&pool, &seed(number), &Avoid::default()).is_ok());
    }
    assert_eq!(plan.trial(&pool, 1), Ok(()));
}

#[test]
fn a_plan_draws_from_its_own_pool_only() {
    let here = pool(bank(1, 5));
    let there = pool(bank(1, 6));
    let value = json!({"sections": [{"title": "", "count": 2, "points": 1, "quotas": []}]});
    let plan = DrawPlan::compile(&here, &blueprint(value)).unwrap();
    assert_eq!(plan.draw(&there, &seed(0), &Avoid::default()), Err(DrawError::OtherPool));
}
