//! Asking, answering, lapsing, cooling down, running out of items.

use super::player::{LEARNER, LESSON, Player, option, pool};
use crate::Refusal;
use crate::lesson::{Beat, Command, Exhausted, Lesson, LessonPolicy, LessonStepBody, Phase, ToldWhat};
use question_bank::Response;

const MINUTE: i64 = 60_000;

#[test]
fn a_right_answer_lets_the_lesson_go_on() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    let asked = player.play_to_challenge();
    assert_eq!(asked.number, 1);
    let covered = player.lesson.covered.clone();
    let decided = player.answer(true).unwrap();
    assert_eq!(decided.steps.len(), 1);
    let told = player.last_told().unwrap();
    assert!(matches!(told.what, ToldWhat::Verdict { correct: true, continues: true, rewind_to_ms: None, .. }));
    assert_eq!(player.lesson.covered, covered);
    player.beat(true);
    assert_eq!(player.play(MINUTE), MINUTE);
}

#[test]
fn a_wrong_answer_costs_coverage_and_time_and_brings_another_item() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    let asked = player.play_to_challenge();
    let before = player.lesson.covered.total();
    player.answer(false).unwrap();
    assert_eq!(player.lesson.covered.total(), before - MINUTE, "a minute is taken back");
    let Phase::Cooling { until } = player.lesson.phase else { panic!("{:?}", player.lesson.phase) };
    assert_eq!(until.since(player.now), 10_000);
    assert_eq!(player.lesson.wake_at(), Some(until));
    player.wait(9_999);
    player.position_ms = before - MINUTE;
    assert_eq!(player.beat(true), 0);
    assert!(player.send(&Command::Wake).unwrap().steps.is_empty(), "not yet");
    player.wait(1);
    player.send(&Command::Wake).unwrap();
    let again = player.asked();
    assert_ne!(again.question.item, asked.question.item);
    assert_eq!(again.number, 2);
    player.pass();
    assert_eq!(player.play(MINUTE), MINUTE, "what was taken back is played again");
}

#[test]
fn cool_downs_grow_up_to_their_bound_and_a_right_answer_ends_them() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy { rewind_ms: 0, ..LessonPolicy::default() });
    player.play_to_challenge();
    for expected in [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000] {
        player.answer(false).unwrap();
        let until = player.lesson.wake_at().unwrap();
        assert_eq!(until.since(player.now), expected);
        player.now = until;
        player.beat(false);
    }
    player.pass();
    player.play_to_challenge();
    player.answer(false).unwrap();
    assert_eq!(player.lesson.wake_at().unwrap().since(player.now), 10_000);
}

#[test]
fn a_lapsed_challenge_is_followed_by_another_when_the_learner_is_back_and_not_before() {
    for back in ["plays", "answers", "opens", "resumes"] {
        let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
        let asked = player.play_to_challenge();
        player.now = asked.answer_until.plus_ms(1);
        for _ in 0..50 {
            player.wait(10_000);
            player.beat(false);
        }
        assert_eq!(player.lesson.asked, 1, "waiting empties no pool");
        match back {
            "plays" => drop(player.beat(true)),
            "answers" => {
                let decided = player.answer(true).unwrap();
                assert_eq!(decided.refused, Some(Refusal::ChallengeLapsed));
            }
            "opens" => drop(player.open()),
            _ => drop(player.send(&Command::Wake).unwrap()),
        }
        let fresh = player.asked();
        assert_ne!(fresh.challenge, asked.challenge, "{back}");
        assert_ne!(fresh.question.item, asked.question.item, "{back}");
        assert_eq!(
            player.count(|body| matches!(body, LessonStepBody::Lapsed { challenge } if *challenge == asked.challenge)),
            1
        );
        assert_eq!(player.lesson.passed, 0);
    }
}

#[test]
fn an_answer_counts_up_to_its_last_instant() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    player.now = player.play_to_challenge().answer_until;
    assert_eq!(player.answer(true).unwrap().refused, None);
    assert_eq!(player.lesson.passed, 1);
}

#[test]
fn an_answer_that_does_not_fit_leaves_the_challenge_open() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    let asked = player.play_to_challenge();
    for response in [option(7), Response::Number { number: 1.0 }, Response::Choices { choices: Vec::new() }] {
        let refused = player.answer_with(&asked, response);
        assert!(matches!(refused, Err(Refusal::InvalidResponse { .. })), "{refused:?}");
    }
    assert_eq!(player.asked(), asked);
}

#[test]
fn every_item_is_asked_before_one_comes_again() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    player.pool = pool(5);
    player.play_to_challenge();
    let mut items = vec![player.asked().question.item];
    for _ in 0..9 {
        player.fail();
        items.push(player.asked().question.item);
    }
    let mut first = items[..5].to_vec();
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), 5, "{items:?}");
    assert!(items.windows(2).all(|pair| pair[0] != pair[1]), "{items:?}");
}

#[test]
fn a_pool_of_one_item_asks_it_again() {
    for exhausted in [Exhausted::Repeat, Exhausted::Lock] {
        let mut player = Player::playing(60 * MINUTE, LessonPolicy { exhausted, ..LessonPolicy::default() });
        player.pool = pool(1);
        player.play_to_challenge();
        player.fail();
        if exhausted == Exhausted::Lock {
            let Phase::Locked { until } = player.lesson.phase else { panic!("{:?}", player.lesson.phase) };
            player.now = until;
            player.send(&Command::Wake).unwrap();
        }
        player.pass();
    }
}

#[test]
fn an_exhausted_pool_locks_where_the_policy_says_so() {
    let policy = LessonPolicy { exhausted: Exhausted::Lock, ..LessonPolicy::default() };
    let mut player = Player::playing(60 * MINUTE, policy);
    player.pool = pool(3);
    player.play_to_challenge();
    for _ in 0..3 {
        player.fail();
    }
    let Phase::Locked { until } = player.lesson.phase else { panic!("{:?}", player.lesson.phase) };
    assert_eq!(until.since(player.now), 86_400_000);
    assert!(matches!(player.last_told().unwrap().what, ToldWhat::Locked { .. }));
    player.wait(MINUTE);
    player.open();
    player.beat(true);
    assert_eq!(player.play(MINUTE), 0, "opening anew unlocks nothing");
    let last = player.lesson.last_item;
    player.now = until;
    player.beat(true);
    assert_ne!(Some(player.asked().question.item), last);
}

#[test]
fn a_lock_keeps_what_was_covered_when_it_came() {
    let policy = LessonPolicy { exhausted: Exhausted::Lock, ..LessonPolicy::default() };
    let mut player = Player::playing(60 * MINUTE, policy);
    player.pool = pool(1);
    player.play_to_challenge();
    let at_the_verdict = player.lesson.covered.total();
    player.pass();
    // The second question is due, and there is none: what was earned since the verdict stands in the step.
    while !matches!(player.lesson.phase, Phase::Locked { .. }) {
        assert!(player.lesson.covered.total() < 59 * MINUTE, "nothing locks");
        player.play(10_000);
    }
    assert!(player.lesson.covered.total() > at_the_verdict);
    let folded = Lesson::fold(LEARNER, LESSON, &player.steps).unwrap();
    assert_eq!(folded.covered, player.lesson.covered);
}

#[test]
fn a_pool_without_items_asks_nothing_and_completes_nothing() {
    let mut player = Player::playing(MINUTE, LessonPolicy::default());
    player.pool = pool(0);
    let mut refused = 0;
    for _ in 0..10 {
        player.wait(10_000);
        player.position_ms = (player.position_ms + 10_000).min(MINUTE);
        player.n += 1;
        let beat = Beat { n: player.n, position_ms: player.position_ms, playing: true, rate: 1.0 };
        refused += usize::from(matches!(player.send(&Command::Beat(beat)), Err(Refusal::WrongState(_))));
    }
    assert!(refused > 0 && !player.lesson.is_completed());
    assert_eq!(player.steps.len(), 1);
}

#[test]
fn opening_anew_keeps_an_open_challenge_and_a_drawn_moment() {
    let mut player = Player::playing(60 * MINUTE, LessonPolicy::default());
    let Phase::Playing { next_at_ms } = player.lesson.phase else { panic!() };
    player.play(MINUTE);
    player.open();
    assert_eq!(player.lesson.phase, Phase::Playing { next_at_ms });
    player.n = 0;
    player.beat(true);
    let asked = player.play_to_challenge();
    player.open();
    assert_eq!(player.asked(), asked, "no way around it");
    player.answer(false).unwrap();
    player.open();
    assert!(matches!(player.lesson.phase, Phase::Cooling { .. }), "nor around what it cost");
    let older = Command::Open {
        study: crate::StudyId(uuid::Uuid::from_u128(9)),
        epoch: 1,
        seed: question_bank::Seed::from_bytes([9; 32]),
        partner: None,
    };
    assert_eq!(player.send(&older), Err(Refusal::StudyTaken));
    assert_eq!(player.lesson.learner, LEARNER);
}
