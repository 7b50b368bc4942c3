//! Every fault of a blueprint is named, all at once.

use super::super::{Avoid, BlueprintFault, Cause, DrawPlan};
use super::{bank, blueprint, seed, sorted};
use crate::pool::samples::{pool, single};
use crate::{Item, Pool};
use serde_json::{Value, json};

fn faults(pool: &Pool, value: Value) -> Vec<BlueprintFault> {
    DrawPlan::compile(pool, &blueprint(value)).err().unwrap_or_default()
}

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
