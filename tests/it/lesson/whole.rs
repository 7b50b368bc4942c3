//! A lesson from its first second to its hours.

use super::Class;
use keju_tests::kit::json::keys;
use keju_tests::kit::player::{Player, Stop};
use keju_tests::kit::site::YEAR;
use serde_json::{Value, json};
use std::time::Instant;

#[tokio::test]
async fn a_whole_lesson_with_its_hours() {
    let class = Class::start(&json!({"hours": 2.5})).await;
    let begun = Instant::now();
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let welcome = player.welcome.clone();
    assert_eq!(
        keys(&welcome),
        ["covered_ms", "duration_ms", "furthest_ms", "heartbeat_ms", "lesson", "max_rate", "seq", "session", "t"]
    );
    assert_eq!(
        json!([welcome["lesson"], welcome["duration_ms"], welcome["covered_ms"], welcome["max_rate"]]),
        json!([class.lesson, 12_000, 0, 1])
    );
    let done = player.finish(&class.site.bank).await;
    assert_eq!(done["hours_granted"], 2.5);
    let challenges = player.told.iter().filter(|told| told["t"] == "challenge").count();
    assert!(challenges >= 2, "{:?}", player.told);
    assert!(begun.elapsed().as_millis() as i64 >= 11_000, "faster than the lesson plays");
    class.no_key_in(&player.stream.received);
    let listed = class.learner.get(&format!("/lessons/{}", class.lesson)).await.ok(200);
    assert_eq!(json!([listed["state"], listed["hours"]]), json!(["completed", 2.5]));
    let hours = class.learner.hours(YEAR).await.ok(200);
    let entries = hours["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{hours}");
    assert_eq!(json!([entries[0]["hours"], entries[0]["source"]["kind"]]), json!([2.5, "lesson"]));
    // Played again, it grants nothing again.
    drop(player);
    let mut again = Player::open(&class.learner, &class.lesson).await;
    assert_eq!(again.welcome["completed"], true);
    again.beats(2, |position, elapsed| (position + elapsed, true, 1.0)).await;
    assert!(again.told.is_empty());
    assert_eq!(class.learner.hours(YEAR).await.ok(200)["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_answers_rewind_cool_down_and_ask_something_else() {
    let class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let Stop::Challenge(first) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    let covered = player.covered_ms;
    player.answer(&first, &class.site.bank.wrong(&first)).await;
    let verdict = player.until("verdict").await;
    assert_eq!(
        json!([verdict["correct"], verdict["continue"], verdict["challenge"]]),
        json!([false, false, first["challenge"]])
    );
    assert!((1..=1_000).contains(&verdict["next_in_ms"].as_i64().unwrap()), "{verdict}");
    assert!(verdict["rewind_to_ms"].as_i64().unwrap() <= (covered - 1_000).max(0), "{verdict} after {covered}");
    // The next question comes by itself, and is another one.
    let second = player.until("challenge").await;
    assert_ne!(json!([second["challenge"], second["stem"]]), json!([first["challenge"], first["stem"]]));
    player.answer(&second, &class.site.bank.wrong(&second)).await;
    let verdict = player.until("verdict").await;
    assert!(verdict["next_in_ms"].as_i64().unwrap() > 1_000, "the wait grows: {verdict}");
    let third = player.until("challenge").await;
    assert!(player.covered_ms < covered, "what was covered is taken back: {} of {covered}", player.covered_ms);
    player.answer(&third, &class.site.bank.right(&third)).await;
    assert_eq!(player.until("verdict").await["continue"], true);
    player.finish(&class.site.bank).await;
}

#[tokio::test]
async fn a_challenge_that_nobody_answers_lapses_and_a_fresh_one_follows() {
    let class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let Stop::Challenge(first) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    let covered = player.covered_ms;
    // Six seconds without an answer, the player standing still: nothing more is asked of nobody.
    player.beats(6, |position, _| (position, false, 1.0)).await;
    assert_eq!(player.asked.len(), 1);
    let late: Value = class.site.bank.right(&first);
    player.answer(&first, &late).await;
    assert_eq!(player.until("error").await["code"], "challenge_lapsed");
    let fresh = player.until("challenge").await;
    assert_ne!(fresh["challenge"], first["challenge"]);
    assert_eq!(player.covered_ms, covered);
    player.answer(&fresh, &class.site.bank.right(&fresh)).await;
    assert_eq!(player.until("verdict").await["continue"], true);
}

#[tokio::test]
async fn answers_that_do_not_fit_leave_the_challenge_open() {
    let class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let Stop::Challenge(challenge) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    player.answer(&challenge, &json!({"choices": ["o77"]})).await;
    assert_eq!(player.until("error").await["code"], "invalid");
    player.answer(&json!({"challenge": "nothing of ours"}), &json!({"text": "x"})).await;
    assert_eq!(player.until("error").await["code"], "challenge_closed");
    player.answer(&challenge, &class.site.bank.right(&challenge)).await;
    assert_eq!(player.until("verdict").await["correct"], true);
}
