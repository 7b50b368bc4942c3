//! Coverage against a bitmap.

use crate::lesson::Coverage;
use crate::limits::COVERAGE_STRETCHES_MAX;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Add(i64, i64),
    Truncate(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (-5_i64..200, -5_i64..60).prop_map(|(from, length)| Act::Add(from, from + length)),
        1 => (-5_i64..250).prop_map(Act::Truncate),
    ];
    prop::collection::vec(act, 0..60)
}

proptest! {
    #[test]
    fn the_union_is_exact(acts in acts()) {
        let (mut coverage, mut model) = (Coverage::new(), [false; 300]);
        for act in acts {
            let count = |model: &[bool; 300]| model.iter().filter(|&&covered| covered).count() as i64;
            let before = count(&model);
            match act {
                Act::Add(from, to) => {
                    for place in from.max(0)..to.max(0) {
                        model[place as usize] = true;
                    }
                    prop_assert_eq!(coverage.add(from, to), count(&model) - before);
                }
                Act::Truncate(from) => {
                    for place in model.iter_mut().skip(from.max(0) as usize) {
                        *place = false;
                    }
                    prop_assert_eq!(coverage.truncate(from), before - count(&model));
                }
            }
            prop_assert_eq!(coverage.total(), count(&model));
            prop_assert_eq!(coverage.furthest(), model.iter().rposition(|&covered| covered).map_or(0, |at| at as i64 + 1));
            let stretches: Vec<(i64, i64)> = coverage.stretches().collect();
            prop_assert!(stretches.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", stretches);
            for (from, to) in [(0, 300), (10, 20), (50, 51), (7, 7)] {
                prop_assert_eq!(coverage.contains(from, to), model[from as usize..to as usize].iter().all(|&covered| covered));
            }
        }
        let json = serde_json::to_string(&coverage).unwrap();
        prop_assert_eq!(serde_json::from_str::<Coverage>(&json).unwrap(), coverage);
    }
}

#[test]
fn a_coverage_stays_small_and_never_says_too_much() {
    let mut coverage = Coverage::new();
    for number in 0..1_000 {
        coverage.add(number * 10, number * 10 + 5);
    }
    assert_eq!(coverage.stretches().len(), COVERAGE_STRETCHES_MAX);
    assert_eq!(coverage.total(), COVERAGE_STRETCHES_MAX as i64 * 5);
    assert_eq!(coverage.add(5, 10), 5, "what closes a gap has room");
    assert_eq!(coverage.add(5_000, 5_005), 5, "and so has one more then");
}

#[test]
fn only_ordered_stretches_are_read() {
    for broken in ["[[5,5]]", "[[6,5]]", "[[0,5],[5,9]]", "[[8,9],[0,5]]", "[[-1,5]]", "[[0,4294967296]]", "{}"] {
        assert!(serde_json::from_str::<Coverage>(broken).is_err(), "{broken}");
    }
    let read: Coverage = serde_json::from_str("[[0,5],[6,9]]").unwrap();
    assert_eq!(read.stretches().collect::<Vec<_>>(), [(0, 5), (6, 9)]);
}
