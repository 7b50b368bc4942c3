//! When challenges come.

use super::player::{Player, rules};
use crate::lesson::moment::gaps;
use crate::lesson::{LessonPolicy, LessonStepBody, next_moment};
use proptest::prelude::*;
use question_bank::Seed;
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;

proptest! {
    #[test]
    fn a_moment_lies_within_its_gaps(seed in any::<[u8; 32]>(), number in 1_u32..50, covered in 0_i64..3_600_000, passed in 0_u32..5, least in 1_000_i64..300_000, more in 0_i64..300_000, min in 0_u32..9) {
        let policy = LessonPolicy { gap_min_ms: least, gap_max_ms: least + more, challenges_min: min, ..LessonPolicy::default() };
        let rules = rules(60 * MINUTE, policy);
        let (lower, upper) = gaps(covered, passed, &rules);
        let gap = next_moment(&Seed::from_bytes(seed), number, covered, passed, &rules) - covered;
        prop_assert!((lower..=upper).contains(&gap));
        prop_assert!(upper <= least + more && lower <= least);
        let needed = i64::from(min.saturating_sub(passed));
        prop_assert!(upper * needed <= (rules.threshold_ms() - covered).max(0));
        prop_assert!(lower == least || lower == upper / 2);
    }

    #[test]
    fn every_lesson_asks_as_often_as_it_has_to_and_within_the_gaps(minutes in 1_i64..40, min in 0_u32..6, least in 10_i64..120, more in 0_i64..200) {
        let policy = LessonPolicy {
            challenges_min: min,
            gap_min_ms: least * 1_000,
            gap_max_ms: (least + more) * 1_000,
            ..LessonPolicy::default()
        };
        let (least, most, beat) = (policy.gap_min_ms, policy.gap_max_ms, policy.heartbeat_ms);
        let mut player = Player::playing(minutes * MINUTE, policy);
        player.finish();
        prop_assert!(player.lesson.is_completed());
        prop_assert!(player.lesson.passed >= min);
        let mut last = 0;
        for step in &player.steps {
            if let LessonStepBody::Challenged { covered, .. } = &step.body {
                let gap = covered.total() - last;
                let forced = min > 0;
                prop_assert!(gap < most + beat, "{} after {}", gap, last);
                prop_assert!(gap >= least || forced, "{} after {}", gap, last);
                last = covered.total();
            }
        }
        let rest = player.lesson.covered.total() - last;
        prop_assert!(rest < most + beat, "nothing was asked over the last {rest} ms");
    }
}

#[test]
fn moments_differ_from_study_to_study_and_spread_over_all_of_the_gap() {
    let rules = rules(60 * MINUTE, LessonPolicy::default());
    let moments: BTreeSet<i64> =
        (0..100).map(|study| next_moment(&Seed::from_bytes([study; 32]), 1, 0, 0, &rules)).collect();
    assert!(moments.len() > 95);
    assert!(moments.first().unwrap() < &210_000 && moments.last().unwrap() > &450_000, "{moments:?}");
}
