//! How people cheat on lessons elsewhere, one attack each, by name, and what it earns here.

use super::player::{Player, option, pool};
use crate::Refusal;
use crate::lesson::{Beat, Command, LessonPolicy, LessonStepBody, Phase};
use std::collections::BTreeSet;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn lesson() -> Player {
    Player::playing(HOUR, LessonPolicy::default())
}

/// Beats that a script makes up without playing anything, as fast as it can.
#[test]
fn forged_beats() {
    let mut player = lesson();
    for beat in 1..=1_000_i64 {
        player.n += 1;
        player.wait(10);
        player.beat_as(Beat { n: player.n, position_ms: beat * 10_000, playing: true, rate: 1.0 });
    }
    assert!(player.lesson.covered.total() <= 10_000, "ten seconds of real time are worth ten seconds");
}

/// Timers run sixteen times as fast, and the beats say so.
#[test]
fn sixteen_times_the_rate() {
    let mut player = lesson();
    for _ in 0..6 {
        player.wait(10_000);
        player.position_ms += 160_000;
        player.n += 1;
        player.beat_as(Beat { n: player.n, position_ms: player.position_ms, playing: true, rate: 16.0 });
    }
    assert!(player.lesson.covered.total() <= MINUTE);
}

/// The player is sent to the end.
#[test]
fn seek_to_the_end() {
    let mut player = lesson();
    player.play(MINUTE);
    player.position_ms = HOUR - 1_000;
    player.beat(true);
    let covered = player.lesson.covered.total();
    assert!(covered <= MINUTE + 1, "the jump itself is worth the instant it took");
    player.wait(1_000);
    player.position_ms = HOUR;
    player.beat(true);
    assert_eq!(player.lesson.covered.total(), covered);
    assert!(!player.lesson.is_completed());
}

/// Several workers or tabs beat for one lesson: each opens a study, and only the newest has a voice. The
/// fence between studies is the store's; here the older one's beats measure against the same clock.
#[test]
fn parallel_workers() {
    let mut player = lesson();
    for _ in 0..30 {
        player.open();
        player.n = 0;
        player.beat(true);
        for worker in 1..=8 {
            player.wait(250);
            player.n += 1;
            player.position_ms += 2_000;
            player.beat_as(Beat { n: worker, position_ms: player.position_ms, playing: true, rate: 1.0 });
        }
    }
    assert!(player.lesson.covered.total() <= MINUTE, "a minute was played by all of them together");
}

/// The question's dialog is hidden and the player goes on.
#[test]
fn hidden_dialog() {
    let mut player = lesson();
    let asked = player.play_to_challenge();
    let covered = player.lesson.covered.total();
    for _ in 0..100 {
        player.wait(10_000);
        player.position_ms += 10_000;
        player.beat(true);
    }
    assert_eq!(player.lesson.covered.total(), covered, "an open question stops credit, and so does a lapsed one");
    assert_eq!(player.lesson.passed, 0);
    assert!(player.lesson.asked > asked.number, "whoever plays on is asked again");
}

/// A right answer is sent again: for the same challenge, for the next one, under the same command.
#[test]
fn replayed_answer() {
    let mut player = lesson();
    let asked = player.play_to_challenge();
    let response = Player::response(&asked, true);
    let command = player.command();
    let answer = Command::Answer { command, challenge: asked.challenge, response: response.clone() };
    player.send(&answer).unwrap();
    let told = player.last_told();
    let again = player.send(&answer).unwrap();
    assert_eq!((again.replayed, again.steps.len()), (told, 0), "a repeat is told the first result");
    assert_eq!(player.lesson.passed, 1);
    assert_eq!(player.answer_with(&asked, response.clone()), Err(Refusal::ChallengeClosed), "single use");
    player.beat(true);
    let next = player.play_to_challenge();
    assert_eq!(player.answer_with(&asked, response.clone()), Err(Refusal::ChallengeClosed));
    let reused = Command::Answer { command, challenge: next.challenge, response };
    assert_eq!(player.send(&reused), Err(Refusal::CommandReused));
    assert_eq!(player.lesson.passed, 1);
}

/// Option after option is tried.
#[test]
fn enumeration_of_options() {
    let mut player = lesson();
    let asked = player.play_to_challenge();
    let (started, covered) = (player.now, player.lesson.covered.total());
    let wrong = (0..3).find(|shown| option(*shown) != Player::response(&asked, true)).unwrap();
    player.answer_with(&asked, option(wrong)).unwrap();
    for shown in 0..3 {
        assert_eq!(player.answer_with(&asked, option(shown)), Err(Refusal::ChallengeClosed), "one try a question");
    }
    player.go_back();
    player.now = player.lesson.wake_at().unwrap();
    player.send(&Command::Wake).unwrap();
    for _ in 0..3 {
        player.fail();
    }
    assert!(player.now.since(started) >= 10_000 + 20_000 + 40_000 + 80_000);
    assert_eq!(player.lesson.covered.total(), (covered - 4 * MINUTE).max(0), "and each one costs a minute");
    let items: BTreeSet<_> = player
        .steps
        .iter()
        .filter_map(|step| match &step.body {
            LessonStepBody::Challenged { question, .. } => Some(question.item),
            _ => None,
        })
        .collect();
    assert_eq!(items.len(), 5, "of another item each");
}

/// A script remembers by position which option was right.
#[test]
fn remembering_positions_and_texts() {
    let mut orders = BTreeSet::new();
    for study in 0..60 {
        let mut drawn = Player::new(HOUR, LessonPolicy::default());
        drawn.pool = pool(1);
        // Another seed for each study.
        for _ in 0..=study {
            drawn.open();
        }
        drawn.beat(true);
        orders.insert(drawn.play_to_challenge().question.order);
    }
    assert_eq!(orders.len(), 6, "three options come in all six orders: {orders:?}");
    // Texts help once an item was seen; so a wrong answer is followed by an item that was not.
    let mut player = lesson();
    player.play_to_challenge();
    let mut items = BTreeSet::new();
    for _ in 0..20 {
        assert!(items.insert(player.asked().question.item), "an item comes again before all were asked");
        player.fail();
    }
}

/// There is no command that completes: whatever a script sends, completion follows from coverage and
/// passed challenges.
#[test]
fn direct_complete() {
    let mut player = lesson();
    player.n += 1;
    player.wait(10_000);
    player.beat_as(Beat { n: player.n, position_ms: i64::MAX, playing: true, rate: f64::INFINITY });
    player.n = u64::MAX;
    player.beat_as(Beat { n: player.n, position_ms: HOUR, playing: false, rate: f64::NAN });
    player.send(&Command::Wake).unwrap();
    assert!(!player.lesson.is_completed());
    assert_eq!(player.count(|body| matches!(body, LessonStepBody::HoursGranted { .. })), 0);
    // Covered by real time, and every challenge left alone.
    let mut patient = Player::playing(10 * MINUTE, LessonPolicy::default());
    for _ in 0..1_000 {
        patient.wait(10_000);
        patient.position_ms = (patient.position_ms + 10_000).min(10 * MINUTE);
        patient.beat(true);
    }
    assert!(!patient.lesson.is_completed());
}

/// Opening the lesson anew so often that no challenge ever comes due.
#[test]
fn reopening_before_every_challenge() {
    let mut player = lesson();
    for _ in 0..60 {
        player.play(30_000);
        if matches!(player.lesson.phase, Phase::Asked(_)) {
            return;
        }
        player.open();
        player.n = 0;
        player.beat(true);
    }
    panic!("half an hour without a question");
}

/// Letting questions lapse until one comes whose answer is known costs the time of each.
#[test]
fn waiting_for_an_easy_question() {
    let mut player = lesson();
    player.play_to_challenge();
    let (started, covered) = (player.now, player.lesson.covered.total());
    for _ in 0..5 {
        player.now = player.asked().answer_until.plus_ms(1);
        player.beat(true);
    }
    assert!(player.now.since(started) >= 5 * 120_000);
    assert_eq!(player.lesson.covered.total(), covered);
    assert_eq!((player.lesson.asked, player.lesson.passed), (6, 0), "and counts as asked");
}
