//! Policies as data.

use crate::lesson::{LessonPolicy, LessonRules, Rate};
use serde_json::json;

#[test]
fn a_policy_names_only_what_differs_from_the_defaults() {
    let policy: LessonPolicy = serde_json::from_value(json!({"max_rate": 1.5, "exhausted": "lock"})).unwrap();
    assert_eq!(policy.max_rate, Rate::from_hundredths(150));
    assert_eq!(policy.heartbeat_ms, 10_000);
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<LessonPolicy>(&json).unwrap(), policy);
    assert!(serde_json::from_value::<LessonPolicy>(json!({"gap_mim_ms": 5})).is_err(), "a slip is not ignored");
    assert!(serde_json::from_value::<LessonPolicy>(json!({"max_rate": 1.005})).is_err());
}

#[test]
fn all_faults_are_named_at_once() {
    assert_eq!(LessonRules { duration_ms: 60_000, policy: LessonPolicy::default() }.faults(), Vec::new());
    let policy = LessonPolicy {
        heartbeat_ms: 100,
        max_rate: Rate::from_hundredths(800),
        silence_ms: 1_000,
        gap_min_ms: 5_000,
        gap_max_ms: 4_000,
        cooldown_ms: 0,
        challenges_min: 60,
        correct_share_min_percent: 91,
        ..LessonPolicy::default()
    };
    let faults = LessonRules { duration_ms: 5_000, policy }.faults();
    let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| *pointer).collect();
    for pointer in [
        "/duration_ms",
        "/policy/heartbeat_ms",
        "/policy/max_rate",
        "/policy/silence_ms",
        "/policy/gap_min_ms",
        "/policy/cooldown_ms",
        "/policy/challenges_min",
        "/policy/correct_share_min_percent",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is missing in {pointers:?}");
    }
    assert!(faults.iter().all(|(_, remedy)| remedy.contains(" / ")));
}

#[test]
fn a_short_lesson_still_has_to_be_covered() {
    let rules =
        LessonRules { duration_ms: 10_000, policy: LessonPolicy { end_slack_ms: 10_000, ..LessonPolicy::default() } };
    assert_eq!(rules.threshold_ms(), 9_500);
}
