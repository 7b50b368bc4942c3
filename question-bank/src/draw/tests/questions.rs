//! Questions by themselves, as lessons ask them.

use super::super::{DrawnQuestion, fresh_item, number_below, question};
use super::{bank, seed};
use crate::pool::samples::{choice, matching, numeric, ordering, pool, single};
use crate::{ItemIndex, Pool};
use std::collections::BTreeMap;

fn all_kinds() -> Pool {
    pool(vec![
        single("a", "t", 1),
        choice("b", "t", 1, false, &["甲", "以上都对", "乙", "丙"], &[1]),
        numeric("c", "t", 1),
        ordering("d", "t", 1),
        matching("e", "t", 1),
    ])
}

/// Golden vectors of `docs/draw.md`.
#[test]
fn items_orders_and_numbers_are_fixed_for_ever() {
    let (kinds, study) = (all_kinds(), seed(7));
    let drawn: Vec<String> = (0..5)
        .map(|item| question(&kinds, ItemIndex(item), &study.named("keju/options/1", 1 + item)).unwrap())
        .map(|drawn| serde_json::to_string(&drawn).unwrap())
        .collect();
    assert_eq!(drawn.join(" "), QUESTIONS);
    let pool = pool(bank(1, 20));
    let mut used = Vec::new();
    for number in 1..=20 {
        let item = fresh_item(&pool, &used, &study.named("keju/item/1", number)).unwrap();
        used.insert(used.binary_search(&item).unwrap_err(), item);
        assert_eq!(item.0, ITEMS[number as usize - 1], "item {number}");
    }
    assert_eq!(fresh_item(&pool, &used, &study), None, "all are used");
    let moments: Vec<u32> = (1..=4).map(|n| number_below(&study.named("keju/moment/1", n), 300_001)).collect();
    assert_eq!(moments, MOMENTS);
    assert_eq!(study.named("keju/item/1", 1).to_hex(), NAMED);
}

#[test]
fn every_item_left_has_the_same_chance() {
    let pool = pool(bank(1, 12));
    // With nine of twelve used, about half of the draws end with counting off.
    for used in [0, 4, 11, 9].map(|count| (0..count).map(ItemIndex).collect::<Vec<_>>()) {
        let left = 12 - used.len() as u32;
        let mut seen: BTreeMap<u32, u32> = BTreeMap::new();
        for number in 0..3_000 {
            *seen.entry(fresh_item(&pool, &used, &seed(number)).unwrap().0).or_default() += 1;
        }
        assert!(seen.keys().all(|&item| item as usize >= used.len()) && seen.len() == left as usize);
        let expected = f64::from(3_000 / left);
        let squares = seen.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum::<f64>();
        // 11 degrees of freedom, p < 0.0001.
        assert!(squares < 37.4, "{seen:?}");
    }
}

#[test]
fn questions_read_back_and_only_permutations_do() {
    let pool = all_kinds();
    for item in 0..5 {
        let drawn = question(&pool, ItemIndex(item), &seed(3)).unwrap();
        let json = serde_json::to_string(&drawn).unwrap();
        assert_eq!(serde_json::from_str::<DrawnQuestion>(&json).unwrap(), drawn, "{json}");
    }
    for broken in ["[]", "[1,\"aa\"]", "[1,\"b\"]", "[1,\"ab\",\"ac\"]", "{}"] {
        assert!(serde_json::from_str::<DrawnQuestion>(broken).is_err(), "{broken}");
    }
    assert_eq!(question(&pool, ItemIndex(5), &seed(3)), None);
}

const QUESTIONS: &str = r#"[0,"acdb"] [1,"dacb"] [2] [3,"acb"] [4,"ab","cab"]"#;
const ITEMS: [u32; 20] = [2, 8, 6, 4, 7, 15, 14, 18, 13, 5, 3, 9, 1, 17, 11, 12, 16, 19, 10, 0];
const MOMENTS: [u32; 4] = [202_351, 105_810, 226_158, 268_510];
const NAMED: &str = "0eb06e1468f2597bd725081ab2e291ec9dd1cf81fb8e873eca0c8238288ed2f0";
