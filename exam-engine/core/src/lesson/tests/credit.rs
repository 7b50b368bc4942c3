//! What beats earn.

use super::player::Player;
use crate::lesson::{Beat, Command, LessonPolicy, Phase, Rate};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

fn quiet() -> LessonPolicy {
    LessonPolicy { gap_min_ms: 600 * MINUTE, gap_max_ms: 600 * MINUTE, challenges_min: 0, ..LessonPolicy::default() }
}

#[test]
fn a_lesson_played_through_is_covered_to_the_millisecond() {
    let mut player = Player::playing(10 * MINUTE, quiet());
    assert_eq!(player.play(9 * MINUTE), 9 * MINUTE);
    assert_eq!(player.lesson.covered.stretches().collect::<Vec<_>>(), [(0, 9 * MINUTE)]);
}

#[test]
fn the_first_beat_earns_nothing() {
    let mut player = Player::new(10 * MINUTE, quiet());
    player.open();
    player.wait(10_000);
    player.position_ms = 10_000;
    assert_eq!(player.beat(true), 0, "nobody knows since when it plays");
}

#[test]
fn a_pause_and_a_silence_earn_nothing() {
    let mut player = Player::playing(10 * MINUTE, quiet());
    player.play(MINUTE);
    player.beat(false);
    player.wait(10_000);
    player.position_ms += 10_000;
    assert_eq!(player.beat(true), 0, "it was paused");
    player.position_ms = MINUTE;
    player.beat(true);
    player.wait(30_001);
    player.position_ms += 30_001;
    assert_eq!(player.beat(true), 0, "it was silent for too long");
    player.position_ms = MINUTE;
    player.beat(true);
    player.wait(30_000);
    player.position_ms += 30_000;
    assert_eq!(player.beat(true), 30_000, "a lost beat or two cost nothing");
}

#[test]
fn jitter_costs_an_honest_player_nothing() {
    let mut player = Player::playing(60 * MINUTE, quiet());
    for round in 0..200_i64 {
        // Each beat is on its way for another time, up to 900 ms.
        player.wait(10_000 + (round * 7_919 % 900) - ((round + 199) % 200 * 7_919 % 900));
        player.position_ms += 10_000;
        player.beat(true);
    }
    let missing = player.position_ms - player.lesson.covered.total();
    assert!((0..=900).contains(&missing), "{missing} ms are missing");
}

#[test]
fn a_slow_player_is_covered_as_far_as_it_played() {
    let mut player = Player::playing(10 * MINUTE, quiet());
    for _ in 0..10 {
        player.wait(10_000);
        player.position_ms += 5_000;
        assert_eq!(player.beat(true), 5_000);
    }
}

#[test]
fn a_player_may_go_back_and_forth_within_what_is_covered() {
    let mut player = Player::playing(10 * MINUTE, quiet());
    player.play(3 * MINUTE);
    player.position_ms = MINUTE;
    player.beat(true);
    assert_eq!(player.play(MINUTE), 0, "watched again");
    player.position_ms = 3 * MINUTE;
    player.beat(true);
    assert_eq!(player.play(MINUTE), MINUTE, "and on from where it ended");
}

#[test]
fn a_faster_player_earns_what_the_policy_allows() {
    let policy = LessonPolicy { max_rate: Rate::from_hundredths(150), ..quiet() };
    let mut player = Player::playing(10 * MINUTE, policy);
    for _ in 0..6 {
        player.wait(10_000);
        player.position_ms += 15_000;
        assert_eq!(player.beat(true), 15_000);
    }
}

#[test]
fn a_repeated_or_older_beat_changes_nothing() {
    let mut player = Player::playing(10 * MINUTE, quiet());
    player.play(MINUTE);
    let before = player.lesson.clone();
    player.wait(10_000);
    for n in [player.n, player.n - 1, 0] {
        let beat = Beat { n, position_ms: 2 * MINUTE, playing: true, rate: 1.0 };
        assert_eq!(player.beat_as(beat), 0);
        assert_eq!(player.lesson, before);
    }
}

#[test]
fn a_new_study_starts_with_nothing_in_hand() {
    let mut player = Player::playing(10 * MINUTE, quiet());
    player.play(MINUTE);
    player.open();
    player.n = 0;
    player.wait(10_000);
    player.position_ms += 10_000;
    assert_eq!(player.beat(true), 0);
    player.position_ms = MINUTE;
    player.beat(true);
    assert_eq!(player.play(MINUTE), MINUTE);
}

/// What a client may come up with: (wait, move, playing, repeat the number).
fn claims() -> impl Strategy<Value = Vec<(i64, i64, bool, bool, f64)>> {
    let wait = prop_oneof![5 => 0_i64..12_000, 1 => 0_i64..60_000];
    let to = prop_oneof![5 => 0_i64..15_000, 2 => -60_000_i64..200_000, 1 => any::<i32>().prop_map(i64::from)];
    prop::collection::vec((wait, to, prop::bool::weighted(0.8), prop::bool::weighted(0.1), 0.0..1e9), 1..80)
}

proptest! {
    #[test]
    fn nothing_is_earned_that_time_did_not_allow(claims in claims(), hundredths in 50_i64..=400, challenges in any::<bool>()) {
        let rate = Rate::from_hundredths(hundredths);
        let base = if challenges { LessonPolicy { gap_min_ms: 5_000, gap_max_ms: 20_000, ..LessonPolicy::default() } } else { quiet() };
        let mut player = Player::playing(10 * MINUTE, LessonPolicy { max_rate: rate, ..base });
        let (mut playing, mut real, mut earned, mut since) = (true, 0, 0, 0);
        for (wait, by, plays, repeats, claimed_rate) in claims {
            let open = matches!(player.lesson.phase, Phase::Playing { .. });
            if !open && player.lesson.open_challenge(player.now).is_some() && wait % 2 == 0 {
                player.answer(wait % 3 > 0).unwrap();
                playing = false;
            }
            let open = matches!(player.lesson.phase, Phase::Playing { .. });
            player.wait(wait);
            since += wait;
            player.position_ms = player.position_ms.saturating_add(by);
            if !repeats {
                player.n += 1;
            }
            let before = player.lesson.covered.furthest();
            let beat = Beat { n: player.n, position_ms: player.position_ms, playing: plays, rate: claimed_rate };
            let got = player.beat_as(beat);
            if playing && !repeats {
                real += since;
            }
            earned += got;
            prop_assert!(got == 0 || (playing && open && !repeats && since <= player.rules.policy.silence_ms), "{got}");
            prop_assert!(earned <= rate.of(real), "{earned} in {real}");
            prop_assert!(got <= rate.of(player.rules.policy.silence_ms));
            // One stretch from the start: nothing is covered that was jumped over.
            prop_assert_eq!(player.lesson.covered.total(), player.lesson.covered.furthest());
            prop_assert!(player.lesson.covered.furthest() >= before);
            prop_assert!(player.lesson.covered.total() <= player.rules.duration_ms);
            if !repeats {
                since = 0;
                playing = plays && matches!(player.lesson.phase, Phase::Playing { .. }) && open;
            }
        }
    }
}

#[test]
fn a_beat_without_a_study_is_refused() {
    let mut player = Player::new(10 * MINUTE, quiet());
    let beat = Beat { n: 1, position_ms: 0, playing: true, rate: 1.0 };
    assert!(player.send(&Command::Beat(beat)).is_err());
}
