//! Steps are what is kept: they fold into the state, they read for ever, they are told again.

use super::player::{LEARNER, LESSON, Player, pool};
use crate::lesson::{Command, Coverage, Exhausted, Lesson, LessonPolicy, LessonStepBody, LessonStepRow, Phase, Told};
use crate::log::{Actor, NewStep, StepRow};
use crate::{AttemptId, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

const MINUTE: i64 = 60_000;

/// Written by version 1; read by every later one, for ever. New shapes get a new file beside it.
const SAMPLES: &str = include_str!("../../../samples/lesson-steps-v1.jsonl");

/// The state without what is soft.
fn hard(lesson: &Lesson) -> Lesson {
    let mut lesson = lesson.clone();
    lesson.covered = Coverage::new();
    if let Some(study) = &mut lesson.study {
        study.last_beat = None;
    }
    lesson
}

/// A way through a lesson by dice: good and bad answers, lapses, takeovers, waits.
fn wander(player: &mut Player, dice: &[u8]) {
    for die in dice {
        match (&player.lesson.phase, die % 8) {
            (_, 0) => {
                player.open();
                player.n = 0;
                player.position_ms = player.lesson.covered.furthest();
                player.beat(true);
            }
            (Phase::Asked(_), 1..=3) if player.lesson.open_challenge(player.now).is_some() => player.pass(),
            (Phase::Asked(_), 4..=5) => {
                player.answer(false).unwrap();
                player.go_back();
            }
            (Phase::Asked(asked), 6) => player.now = asked.answer_until.plus_ms(1),
            (Phase::Cooling { until } | Phase::Locked { until }, _) => {
                player.now = *until;
                player.send(&Command::Wake).unwrap();
            }
            _ => {
                player.beat(true);
                player.play(i64::from(*die) * 1_000);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn folding_the_steps_gives_the_state(dice in prop::collection::vec(any::<u8>(), 0..60), lock in any::<bool>(), min in 0_u32..4) {
        let exhausted = if lock { Exhausted::Lock } else { Exhausted::Repeat };
        let policy = LessonPolicy { exhausted, challenges_min: min, gap_min_ms: 20_000, gap_max_ms: 90_000, ..LessonPolicy::default() };
        let mut player = Player::new(10 * MINUTE, policy);
        player.pool = pool(4);
        player.open();
        wander(&mut player, &dice);
        let mut folded = Lesson::fold(LEARNER, LESSON, &player.steps).unwrap();
        prop_assert_eq!(hard(&folded), hard(&player.lesson));
        prop_assert!(folded.covered.total() <= player.lesson.covered.total(), "only soft credit is missing");
        // The checkpoint that belongs to this state brings the rest back; an older one brings nothing.
        let epoch = player.lesson.study.as_ref().unwrap().epoch;
        let before = folded.clone();
        prop_assert!(!folded.restore(player.lesson.seq - 1, epoch, &player.lesson.covered));
        prop_assert!(!folded.restore(player.lesson.seq, epoch + 1, &player.lesson.covered));
        prop_assert_eq!(&folded, &before);
        prop_assert!(folded.restore(player.lesson.seq, epoch, &player.lesson.covered));
        prop_assert_eq!(&folded.covered, &player.lesson.covered);
        // Messages are numbered without gaps, as many as there are steps that tell something.
        let told = player.count(|body| !matches!(body, LessonStepBody::Opened(_) | LessonStepBody::Lapsed { .. } | LessonStepBody::HoursGranted { .. }));
        prop_assert_eq!(player.lesson.told as usize, told);
        let first = player.lesson.told.saturating_sub(5);
        let tail: Vec<Told> = player.lesson.told_after(first).unwrap();
        prop_assert!(tail.iter().map(|told| told.seq).eq(first + 1..=player.lesson.told));
    }
}

#[test]
fn what_was_never_told_or_is_long_ago_is_not_told_again() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy { rewind_ms: 0, ..LessonPolicy::default() });
    player.play_to_challenge();
    for _ in 0..40 {
        player.fail();
    }
    assert_eq!(player.lesson.told, 81);
    assert_eq!(player.lesson.told_after(81), Some(Vec::new()));
    assert_eq!(player.lesson.told_after(80).unwrap().len(), 1);
    assert_eq!(player.lesson.told_after(82), None, "the client knows more than there is");
    assert_eq!(player.lesson.told_after(0), None, "that is too long ago");
}

#[test]
fn steps_of_every_version_read_and_write_the_same() {
    for line in SAMPLES.lines() {
        let body: LessonStepBody = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(serde_json::to_string(&body).unwrap(), line);
    }
    assert_eq!(SAMPLES.lines().count(), 12);
}

#[test]
fn a_log_with_a_gap_or_without_its_beginning_does_not_fold() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    player.play_to_challenge();
    player.pass();
    assert!(Lesson::fold(LEARNER, LESSON, &player.steps[1..]).is_err());
    player.steps.remove(1);
    assert!(Lesson::fold(LEARNER, LESSON, &player.steps).is_err());
}

#[test]
fn a_lessons_row_is_sealed_like_an_attempts_and_is_none() {
    let body = LessonStepBody::Locked { until: Timestamp::from_ms(9), covered: Coverage::new() };
    let new = NewStep { command: Some((Uuid::from_u128(3), [4; 16])), body: body.clone() };
    let row: LessonStepRow =
        StepRow::seal(LEARNER, LESSON, 6, &[7; 32], Timestamp::from_ms(5), Actor::System, 8, &new).unwrap();
    assert_eq!(row.link(&[7; 32]), row.hash);
    assert_eq!(row.read().unwrap().body, body);
    let other = StepRow::<AttemptId> {
        learner: row.learner,
        log: AttemptId(Uuid::from_u128(77)),
        seq: row.seq,
        at: row.at,
        actor: row.actor,
        node: row.node,
        command: row.command,
        body: row.body.clone(),
        hash: row.hash,
    };
    assert_ne!(other.link(&[7; 32]), row.hash);
    assert!(other.read().is_err(), "an attempt has no such step");
}
