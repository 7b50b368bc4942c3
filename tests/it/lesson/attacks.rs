//! What public scripts do to course players, one by one. The server's clock and log decide; the client's do not.

use super::Class;
use keju_tests::kit::player::{Player, Stop};
use keju_tests::kit::{Said, Stream, command_id};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Instant;

/// Without a challenge in the way for the first eight seconds.
fn quiet() -> Value {
    json!({"duration_ms": 60_000, "policy": {"gap_min_ms": 8_000, "gap_max_ms": 8_000}})
}

#[tokio::test]
async fn forged_beats() {
    let class = Class::start(&quiet()).await;
    let begun = Instant::now();
    let mut player = Player::open(&class.learner, &class.lesson).await;
    // A hundred within the allowance of messages, each claiming ten seconds more.
    for number in 0..90 {
        player.beat(number * 10_000, true, 1.0).await;
    }
    player.beats(2, |_, _| (60_000, true, 1.0)).await;
    assert!(player.covered_ms <= begun.elapsed().as_millis() as i64, "{}", player.covered_ms);
    assert!(player.covered_ms < 5_000 && player.told.is_empty(), "{:?}", player.told);
    // Old numbers, and one that comes twice, earn nothing.
    let covered = player.covered_ms;
    for n in [1, 1, 2] {
        player.stream.say(&json!({"t": "beat", "n": n, "position_ms": 30_000, "playing": true, "rate": 1.0})).await;
        assert_eq!(player.stream.until("credit").await["covered_ms"], covered);
    }
}

#[tokio::test]
async fn sixteen_fold_rate() {
    let class = Class::start(&quiet()).await;
    let begun = Instant::now();
    let mut player = Player::open(&class.learner, &class.lesson).await;
    player.beats(5, |position, elapsed| (position + 16 * elapsed, true, 16.0)).await;
    assert!(player.covered_ms <= begun.elapsed().as_millis() as i64, "{}", player.covered_ms);
}

#[tokio::test]
async fn seek_to_the_end() {
    let class = Class::start(&quiet()).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    player.beats(1, |_, _| (57_000, true, 1.0)).await;
    player.beats(4, |position, elapsed| (position + elapsed, true, 1.0)).await;
    assert_eq!(player.covered_ms, 0, "a jump beyond what was covered earns nothing");
    assert!(player.told.is_empty());
}

#[tokio::test]
async fn parallel_workers() {
    let class = Class::start(&quiet()).await;
    let lessons = [class.lesson.clone(), class.site.lesson(&quiet()).await, class.site.lesson(&quiet()).await];
    let begun = Instant::now();
    let mut workers = Vec::new();
    for lesson in &lessons {
        workers.push(Player::open(&class.learner, lesson).await);
    }
    let mut last = workers.pop().unwrap();
    for worker in &mut workers {
        assert_eq!(worker.stream.closed().await, 4409);
    }
    assert_eq!(last.play(1_500).await, Stop::Covered);
    let elapsed = begun.elapsed().as_millis() as i64;
    drop(last);
    let mut sum = 0;
    for lesson in &lessons {
        sum += class.learner.get(&format!("/lessons/{lesson}")).await.ok(200)["covered_ms"].as_i64().unwrap();
    }
    assert!(sum <= elapsed, "{sum} ms were credited within {elapsed}");
}

#[tokio::test]
async fn hidden_dialog() {
    let class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let Stop::Challenge(_) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    let covered = player.covered_ms;
    // The dialog is hidden and the player goes on.
    player.beats(3, |position, elapsed| (position + elapsed, true, 1.0)).await;
    assert_eq!(player.covered_ms, covered, "an open question stops credit");
}

#[tokio::test]
async fn hidden_and_silent_time() {
    let class = Class::start(&quiet()).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    player.beats(2, |position, _| (position, false, 1.0)).await;
    player.beats(2, |position, elapsed| (position + elapsed, false, 1.0)).await;
    assert_eq!(player.covered_ms, 0, "what is not played earns nothing");
}

#[tokio::test]
async fn replayed_ticket() {
    let class = Class::start(&json!({})).await;
    let ticket = class.learner.ticket("lesson", &class.lesson).await;
    let mut first = Stream::open(class.site.server.url()).await;
    first.say(&json!({"t": "hello", "ticket": ticket})).await;
    first.expect("welcome").await;
    let mut second = Stream::open(class.site.server.url()).await;
    second.say(&json!({"t": "hello", "ticket": ticket})).await;
    assert_eq!(second.next().await, Said::Closed(4401, "bad or used ticket".into()));
    // It took nothing over.
    first.say(&json!({"t": "beat", "n": 1, "position_ms": 0, "playing": true, "rate": 1.0})).await;
    first.expect("credit").await;
}

#[tokio::test]
async fn replayed_answer() {
    let class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let Stop::Challenge(challenge) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    let (right, wrong) = (class.site.bank.right(&challenge), class.site.bank.wrong(&challenge));
    let command = player.answer(&challenge, &wrong).await;
    let verdict = player.until("verdict").await;
    assert_eq!(verdict["correct"], false);
    // The same again gets the same; another answer, by the same or another command, gets nothing.
    player.answer_by(&command, &challenge, &wrong).await;
    // But for the wait, which is told as what is left of it.
    let mut again = player.stream.until("verdict").await;
    assert!(again["next_in_ms"].as_i64() <= verdict["next_in_ms"].as_i64(), "{again}");
    again["next_in_ms"] = verdict["next_in_ms"].clone();
    assert_eq!(again, verdict);
    player.answer_by(&command, &challenge, &right).await;
    assert_eq!(player.stream.until("error").await["code"], "idempotency_mismatch");
    player.answer_by(&command_id(), &challenge, &right).await;
    assert_eq!(player.stream.until("error").await["code"], "challenge_closed");
}

#[tokio::test]
async fn enumeration_of_options() {
    let class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let Stop::Challenge(mut challenge) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    let (mut stems, mut waits) = (HashSet::new(), Vec::new());
    for _ in 0..3 {
        assert!(stems.insert(challenge["stem"].to_string()), "asked twice: {challenge}");
        player.answer(&challenge, &class.site.bank.wrong(&challenge)).await;
        let verdict = player.until("verdict").await;
        waits.push(verdict["next_in_ms"].as_i64().unwrap());
        challenge = player.until("challenge").await;
    }
    assert!(waits.is_sorted() && waits[2] > 2 * waits[0], "the waits grow: {waits:?}");
    class.no_key_in(&player.stream.received);
}

#[tokio::test]
async fn direct_completion() {
    let class = Class::start(&json!({})).await;
    for claim in [
        r#"{"t":"complete"}"#,
        r#"{"t":"complete","seq":1,"hours_granted":100}"#,
        r#"{"t":"skip","challenge":"x"}"#,
        r#"{"t":"beat","n":1,"position_ms":1,"playing":true,"rate":1.0,"covered_ms":12000}"#,
        r#"{"t":"verdict","correct":true}"#,
    ] {
        let mut player = Player::open(&class.learner, &class.lesson).await;
        player.stream.say_text(claim).await;
        assert_eq!(player.stream.closed().await, 4400, "{claim}");
    }
    assert_eq!(class.learner.get(&format!("/lessons/{}", class.lesson)).await.ok(200)["covered_ms"], 0);
}

/// Nobody but the server knows when a question comes, and opening anew does not move it.
#[tokio::test]
async fn schedule_read_early() {
    let class = Class::start(&json!({})).await;
    for _ in 0..3 {
        let player = Player::open(&class.learner, &class.lesson).await;
        assert!(!player.stream.received.contains("next_"), "{}", player.stream.received);
        assert!(!player.stream.received.contains("seed"), "{}", player.stream.received);
    }
}
