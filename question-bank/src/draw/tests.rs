//! Stories of drawing: what every paper keeps, what is refused and how it is named, golden vectors.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::rng::Stream;
use super::{Avoid, Bound, Cause, DrawPlan, Seed};
use crate::pool::samples::{choice, matching, multiple, numeric, ordering, pool, single, true_false};
use crate::{Blueprint, BlueprintFault, Item, ItemIndex, Paper, Pool};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

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

fn faults(pool: &Pool, value: Value) -> Vec<BlueprintFault> {
    DrawPlan::compile(pool, &blueprint(value)).err().unwrap_or_default()
}

fn sorted(paper: &Paper) -> Vec<ItemIndex> {
    let mut items: Vec<ItemIndex> = paper.items().collect();
    items.sort_unstable();
    items
}

mod golden {
    use super::*;

    /// From an independent implementation of `docs/draw.md`.
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
    const SECOND: &str = r#"[[11,"cbad"],[10,"bcda"],[17,"cadb"],[23,"bdac"],[8,"acdb"],[28,"ab","cab"],[27,"cba"],[25,"ab"],[29,"acdb"]]"#;
}

mod faults_are_named {
    use super::*;

    #[test]
    fn all_structural_ones_at_once() {
        let pool = pool(bank(2, 5));
        let found = faults(
            &pool,
            json!({"sections": [
                {"title": "", "count": 0, "points": 0, "quotas": []},
                {"title": "", "count": 1, "points": 1, "kind": "true_false", "scoring": "each_option", "quotas": [
                    {"count": 0}, {"topic": "nowhere", "count": 1}, {"kind": "numeric", "count": 1}]},
            ], "overlap_max": 1.5, "exposure_max": 0}),
        );
        let named: Vec<(&str, &str)> = found.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        for expected in [
            ("/overlap_max", "overlap_out_of_range"),
            ("/exposure_max", "exposure_out_of_range"),
            ("/sections/0/count", "count_zero"),
            ("/sections/0/points", "points_out_of_range"),
            ("/sections/1/scoring", "scoring_unfit"),
            ("/sections/1/quotas", "quotas_exceed_count"),
            ("/sections/1/quotas/0/count", "count_zero"),
            ("/sections/1/quotas/1/topic", "unknown_topic"),
            ("/sections/1/quotas/2/kind", "kind_conflict"),
        ] {
            assert!(named.contains(&expected), "{expected:?} in {named:?}");
        }
        assert!(found.iter().all(|fault| !fault.detail().is_empty()));
    }

    #[test]
    fn sizes_beyond_the_limits() {
        let pool = pool(bank(1, 5));
        let section = |count: u32| json!({"title": "", "count": count, "points": 1, "quotas": []});
        let many = faults(&pool, json!({"sections": vec![section(1); 51]}));
        assert_eq!(many.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["too_many_sections"]);
        let huge = faults(&pool, json!({"sections": [section(u32::MAX), section(u32::MAX)]}));
        assert_eq!(huge.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["too_many_slots"]);
        assert_eq!(faults(&pool, json!({"sections": []})).first().unwrap().code, "no_sections");
        let quotas = json!([{"count": u32::MAX}, {"count": u32::MAX}]);
        let sum = json!({"sections": [{"title": "", "count": 5, "points": 1, "quotas": quotas}]});
        assert!(faults(&pool, sum).iter().any(|fault| fault.code == "quotas_exceed_count"));
    }

    #[test]
    fn a_short_stratum_with_numbers_and_words() {
        let pool = pool(bank(2, 10));
        let found = faults(
            &pool,
            json!({"sections": [{"title": "", "count": 9, "points": 1, "kind": "single_choice", "quotas": [
                {"topic": "t/0", "count": 4}, {"topic": "t/1", "difficulty": 5, "count": 3}]}]}),
        );
        assert_eq!(found.len(), 1);
        let fault = &found[0];
        assert_eq!((fault.pointer.as_str(), fault.code), ("/sections/0/quotas/1", "infeasible"));
        assert_eq!((fault.needed, fault.available, fault.cause), (3, 2, Some(Cause::Items)));
        assert_eq!(fault.stratum, "t/1 · 难 · 单选题");
        assert!(fault.detail().contains("需 3 题，只有 2 题"));
    }

    /// Each quota alone could be filled; together they ask for more than there is.
    #[test]
    fn quotas_that_compete_across_sections() {
        let pool = pool(bank(2, 10));
        let found = faults(
            &pool,
            json!({"sections": [
                {"title": "", "count": 6, "points": 1, "quotas": [{"topic": "t/0", "count": 6}]},
                {"title": "", "count": 3, "points": 1, "quotas": [{"topic": "t/1", "count": 3}]},
                {"title": "", "count": 5, "points": 1, "quotas": [{"topic": "t/0", "count": 5}]},
            ]}),
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].needed, found[0].available), (11, 10));
        assert_eq!(found[0].pointer, "/sections/2/quotas/0");
        assert_eq!(found[0].competing, ["/sections/0/quotas/0"]);
    }

    /// Topic × difficulty cross each other: only the flow sees that the rest cannot be had.
    #[test]
    fn quotas_that_cross() {
        let mut items: Vec<Item> = (0..3).map(|n| single(&format!("a{n}"), "x", 1)).collect();
        items.extend((0..2).map(|n| single(&format!("b{n}"), "y", 1)));
        items.push(single("c", "x", 2));
        let pool = pool(items);
        let feasible = json!({"sections": [{"title": "", "count": 6, "points": 1, "quotas": [
            {"topic": "x", "count": 3}, {"difficulty": 1, "count": 3}]}]});
        let plan = DrawPlan::compile(&pool, &blueprint(feasible));
        // The rest is empty: 3 + 3 of six items, x has four, difficulty 1 five.
        let plan = plan.unwrap();
        for number in 0..50 {
            let paper = plan.draw(&pool, &seed(number), &Avoid::default()).unwrap().paper;
            assert_eq!(sorted(&paper).len(), 6);
        }
        let found = faults(
            &pool,
            json!({"sections": [{"title": "", "count": 6, "points": 1, "quotas": [
                {"topic": "x", "count": 2}, {"difficulty": 1, "count": 4}]}]}),
        );
        assert!(found.is_empty(), "{found:?}");
        let found = faults(
            &pool,
            json!({"sections": [{"title": "", "count": 7, "points": 1, "quotas": [
                {"topic": "x", "count": 3}, {"difficulty": 1, "count": 4}]}]}),
        );
        assert_eq!((found.len(), found[0].needed, found[0].available), (1, 7, 6));
    }

    #[test]
    fn enemies_that_leave_too_few() {
        let mut items = bank(1, 6);
        for item in &mut items {
            item.enemies = vec!["g".into()];
        }
        let found =
            faults(&pool(items.clone()), json!({"sections": [{"title": "", "count": 2, "points": 1, "quotas": []}]}));
        assert_eq!((found[0].code, found[0].needed, found[0].available), ("infeasible", 2, 1));
        // A ring of pairs: counts allow four, only three stand together.
        for (number, item) in items.iter_mut().enumerate() {
            item.enemies = vec![format!("g{number}"), format!("g{}", (number + 1) % 6)];
        }
        let ring = pool(items);
        let plan = |count: u32| {
            let value = json!({"sections": [{"title": "", "count": count, "points": 1, "quotas": []}]});
            DrawPlan::compile(&ring, &blueprint(value)).unwrap()
        };
        assert_eq!(plan(3).trial(&ring, 1), Ok(()));
        let short = plan(4).trial(&ring, 1).unwrap_err();
        assert_eq!((short[0].pointer.as_str(), short[0].cause), ("/sections/0", Some(Cause::Enemies)));
    }

    #[test]
    fn an_overlap_bound_that_repeated_attempts_cannot_keep() {
        let pool = pool(bank(2, 10));
        let plan = |overlap: f64| {
            let value = json!({"sections": [{"title": "", "count": 8, "points": 1, "quotas": [
                {"topic": "t/0", "count": 4}, {"topic": "t/1", "count": 4}]}], "overlap_max": overlap});
            DrawPlan::compile(&pool, &blueprint(value)).unwrap()
        };
        assert_eq!(plan(0.0).trial(&pool, 2), Ok(()));
        let short = plan(0.0).trial(&pool, 3).unwrap_err();
        assert!(short.iter().all(|fault| fault.code == "infeasible" && fault.cause == Some(Cause::Overlap)));
        assert!(short.iter().any(|fault| fault.pointer == "/sections/0/quotas/0"));
        assert_eq!(plan(8.0).trial(&pool, 20), Ok(()));
        assert_eq!(plan(0.0).trial(&pool, 0), Ok(()));
    }

    #[test]
    fn an_exposure_cap_that_cannot_hold() {
        let pool = pool(bank(2, 10));
        let value = |share: f64| {
            json!({"sections": [{"title": "", "count": 3, "points": 1, "quotas": [
                {"topic": "t/1", "count": 3}]}], "exposure_max": share})
        };
        assert!(faults(&pool, value(0.3)).is_empty());
        let found = faults(&pool, value(0.29));
        assert_eq!((found[0].code, found[0].cause), ("infeasible", Some(Cause::Exposure)));
    }
}

mod options {
    use super::*;

    fn orders(item: Item, shuffle: bool) -> BTreeSet<String> {
        let pool = pool(vec![item]);
        let value =
            json!({"sections": [{"title": "", "count": 1, "points": 1, "quotas": []}], "shuffle_options": shuffle});
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
}

mod uniform {
    use super::*;

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
}

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
    assert_eq!(plan.draw(&there, &seed(0), &Avoid::default()), Err(super::DrawError::OtherPool));
}
