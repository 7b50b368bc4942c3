//! Completion and hours.

use super::player::{LESSON, Player};
use crate::hours::GrantSource;
use crate::lesson::{LessonGrant, LessonPolicy, LessonRules, LessonStepBody, Phase, ToldWhat};
use crate::limits::CORRECT_SHARE_MAX;
use question_bank::Points;

const MINUTE: i64 = 60_000;

fn completed(player: &Player) -> usize {
    player.count(|body| matches!(body, LessonStepBody::Completed { .. }))
}

fn granted(player: &Player) -> usize {
    player.count(|body| matches!(body, LessonStepBody::HoursGranted { .. }))
}

#[test]
fn a_covered_and_passed_lesson_grants_its_hours_once() {
    let mut player = Player::playing(20 * MINUTE, LessonPolicy::default());
    player.finish();
    assert!(player.lesson.is_completed());
    assert_eq!((completed(&player), granted(&player)), (1, 1));
    let told = player.last_told().unwrap();
    assert_eq!(told.what, ToldWhat::Completed { hours: Points::whole(2) });
    player.position_ms = 0;
    player.play(MINUTE);
    player.open();
    player.beat(true);
    player.play(MINUTE);
    assert_eq!((completed(&player), granted(&player)), (1, 1));
    assert_eq!(player.lesson.wake_at(), None);
    let entry = player.hours.ledger_entry(player.lesson.learner, LESSON, player.now).unwrap();
    assert_eq!(entry.lesson(), Some(LESSON));
}

#[test]
fn hours_of_a_course_or_granted_before_or_none() {
    for (grants, already_granted, expected) in [
        (LessonGrant::None, false, 0),
        (LessonGrant::Lesson { hours: Points::whole(1) }, true, 0),
        (LessonGrant::Course { hours: Points::whole(10) }, false, 1),
        (LessonGrant::Course { hours: Points::whole(10) }, true, 0),
    ] {
        let mut player = Player::playing(5 * MINUTE, LessonPolicy::default());
        player.hours.grants = grants;
        player.hours.already_granted = already_granted;
        player.finish();
        assert_eq!((completed(&player), granted(&player)), (1, expected), "{grants:?}");
        if let LessonGrant::Course { .. } = grants {
            let entry = player.hours.ledger_entry(player.lesson.learner, LESSON, player.now).unwrap();
            assert_eq!((entry.lesson(), entry.source), (None, GrantSource::Lessons { lesson: LESSON }));
        }
    }
}

#[test]
fn the_end_may_be_missed_by_its_slack_and_no_more() {
    let policy = LessonPolicy { challenges_min: 0, ..LessonPolicy::default() };
    let mut player = Player::playing(2 * MINUTE, policy);
    player.play(2 * MINUTE - 2_001);
    assert!(!player.lesson.is_completed());
    player.play(1);
    assert!(player.lesson.is_completed());
}

#[test]
fn part_of_a_lesson_is_enough_where_the_policy_says_so() {
    let policy =
        LessonPolicy { challenges_min: 0, coverage_min_percent: 80, end_slack_ms: 0, ..LessonPolicy::default() };
    let mut player = Player::playing(2 * MINUTE, policy);
    player.play(96_000 - 1);
    assert!(!player.lesson.is_completed());
    player.play(1);
    assert!(player.lesson.is_completed());
}

#[test]
fn a_covered_lesson_asks_until_enough_is_passed() {
    let policy = LessonPolicy { challenges_min: 5, gap_min_ms: MINUTE, gap_max_ms: MINUTE, ..LessonPolicy::default() };
    let mut player = Player::playing(MINUTE, policy);
    player.play(MINUTE);
    while player.lesson.passed < 5 {
        assert!(!player.lesson.is_completed());
        match player.lesson.phase {
            Phase::Asked(_) => player.pass(),
            _ => assert!(player.play(10_000) >= 0),
        }
    }
    assert!(player.lesson.is_completed());
    assert!(player.lesson.asked >= 5);
}

#[test]
fn a_share_of_right_answers_can_be_asked_for() {
    let policy = LessonPolicy { correct_share_min_percent: 60, ..LessonPolicy::default() };
    let mut player = Player::playing(10 * MINUTE, policy);
    player.play_to_challenge();
    player.fail();
    player.fail();
    player.finish();
    assert!(player.lesson.is_completed());
    assert!(
        player.lesson.passed * 100 >= player.lesson.asked * 60,
        "{} of {}",
        player.lesson.passed,
        player.lesson.asked
    );
}

#[test]
fn a_mistake_can_be_made_good_at_the_largest_share() {
    let policy = LessonPolicy { correct_share_min_percent: CORRECT_SHARE_MAX, ..LessonPolicy::default() };
    assert_eq!(LessonRules { duration_ms: 10 * MINUTE, policy: policy.clone() }.faults(), Vec::new());
    let mut player = Player::playing(10 * MINUTE, policy);
    player.play_to_challenge();
    player.fail();
    player.finish();
    assert!(player.lesson.is_completed());
    assert_eq!((player.lesson.asked, player.lesson.passed), (10, 9));
}

#[test]
fn a_wrong_answer_at_the_end_takes_the_end_back() {
    let policy = LessonPolicy { gap_min_ms: 10 * MINUTE, gap_max_ms: 10 * MINUTE, ..LessonPolicy::default() };
    let mut player = Player::playing(2 * MINUTE, policy);
    player.play_to_challenge();
    player.fail();
    assert!(player.lesson.covered.total() <= MINUTE);
    player.pass();
    assert!(!player.lesson.is_completed(), "passed, and not covered any more");
    player.finish();
    assert!(player.lesson.is_completed());
}
