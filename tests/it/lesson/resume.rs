//! Cuts, takeovers and kills.

use super::Class;
use keju_tests::kit::player::{Player, Stop};
use keju_tests::kit::{Said, Stream};
use serde_json::json;

#[tokio::test]
async fn resume_after_a_cut_tells_what_was_missed_and_goes_on() {
    let class = Class::start(&json!({})).await;
    let (learner, lesson) = (&class.learner, &class.lesson);
    let mut player = Player::open(learner, lesson).await;
    let session = player.welcome["session"].clone();
    let Stop::Challenge(challenge) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    let (seq, covered) = (player.seq(), player.covered_ms);
    drop(player);
    // Without a gap: nothing is told again, and the challenge is still open.
    let stream = Stream::resume(learner, "lesson", lesson, &session, &seq).await;
    let mut player = Player::on(stream).await;
    assert_eq!(json!([player.welcome["session"], player.welcome["seq"]]), json!([session, seq]));
    assert_eq!(player.welcome["challenge"]["challenge"], challenge["challenge"]);
    assert!(player.welcome["covered_ms"].as_i64() == Some(covered), "{} and {covered}", player.welcome);
    let right = class.site.bank.right(&challenge);
    let command = player.answer(&challenge, &right).await;
    let verdict = player.until("verdict").await;
    drop(player);
    // With one: what came after is told in its order.
    let stream = Stream::resume(learner, "lesson", lesson, &session, &json!(0)).await;
    let mut again = stream;
    again.expect("welcome").await;
    for number in 1..=verdict["seq"].as_u64().unwrap() {
        let Said::Message(told) = again.next().await else { panic!("{number} was not told") };
        assert_eq!(told["seq"], number);
    }
    // The repeated answer gets the first verdict.
    let answer = json!({"t": "answer", "command_id": command, "challenge": challenge["challenge"], "response": right});
    again.say(&answer).await;
    assert_eq!(again.expect("verdict").await, verdict);
    drop(again);
    // More than ever was: everything anew, on the same socket.
    let mut stream = Stream::resume(learner, "lesson", lesson, &session, &json!(999)).await;
    stream.expect("resync").await;
    stream.say(&json!({"t": "hello", "ticket": learner.ticket("lesson", lesson).await})).await;
    let mut player = Player::on(stream).await;
    assert_ne!(player.welcome["session"], session);
    player.finish(&class.site.bank).await;
}

#[tokio::test]
async fn a_newer_study_takes_over_whatever_lesson_and_device_it_is_on() {
    let class = Class::start(&json!({})).await;
    let other_lesson = class.site.lesson(&json!({})).await;
    let phone = class.learner.device(class.site.server.url(), "phone").await;
    let mut first = Player::open(&class.learner, &class.lesson).await;
    assert_eq!(first.play(900).await, Stop::Covered);
    let covered = first.covered_ms;
    let session = first.welcome["session"].clone();
    let mut second = Player::open(&phone, &other_lesson).await;
    assert_eq!(first.stream.closed().await, 4409);
    // What was taken over cannot be resumed.
    let mut late = Stream::resume(&class.learner, "lesson", &class.lesson, &session, &first.seq()).await;
    assert_eq!(late.closed().await, 4409);
    assert_eq!(second.play(900).await, Stop::Covered);
    // Back again: what was earned before is there.
    let back = Player::open(&class.learner, &class.lesson).await;
    assert_eq!(second.stream.closed().await, 4409);
    assert_eq!(back.covered_ms, covered);
}

#[tokio::test]
async fn the_same_study_on_a_second_socket_ends_the_first() {
    let class = Class::start(&json!({})).await;
    let mut first = Player::open(&class.learner, &class.lesson).await;
    let (session, seq) = (first.welcome["session"].clone(), first.seq());
    let mut second = Player::on(Stream::resume(&class.learner, "lesson", &class.lesson, &session, &seq).await).await;
    assert_eq!(first.stream.closed().await, 4409);
    assert_eq!(second.play(900).await, Stop::Covered);
}

#[tokio::test]
async fn a_kill_in_the_middle_loses_no_verdict_and_at_most_a_beat() {
    let mut class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    let session = player.welcome["session"].clone();
    let Stop::Challenge(challenge) = player.play(i64::MAX).await else { panic!("nothing was asked") };
    player.answer(&challenge, &class.site.bank.right(&challenge)).await;
    let verdict = player.until("verdict").await;
    let answered_at = player.covered_ms;
    // On from there, for less than the next challenge may take.
    player.beats(2, |position, elapsed| (position + elapsed, true, 1.0)).await;
    let (seq, covered) = (player.seq(), player.covered_ms);
    class.site.server.kill9();
    class.site.restart();
    let learner = class.learner.at(class.site.server.url());
    let stream = Stream::resume(&learner, "lesson", &class.lesson, &session, &verdict["seq"]).await;
    let mut back = Player::on(stream).await;
    assert!(back.welcome["seq"].as_u64() >= seq.as_u64(), "{} was told: {}", seq, back.welcome);
    assert!(back.covered_ms >= answered_at, "a verdict's coverage is kept with it");
    // The last beat, and the one that was on its way into the batch.
    assert!(back.covered_ms >= covered - 2_000, "{} of {covered}", back.covered_ms);
    assert!(back.covered_ms <= covered + 1_000);
    if let Some(open) = back.welcome.get("challenge").cloned() {
        back.answer(&open, &class.site.bank.right(&open)).await;
    }
}

#[tokio::test]
async fn a_stop_keeps_what_the_last_beat_earned() {
    let mut class = Class::start(&json!({})).await;
    let mut player = Player::open(&class.learner, &class.lesson).await;
    assert_eq!(player.play(900).await, Stop::Covered);
    let (covered, session, seq) = (player.covered_ms, player.welcome["session"].clone(), player.seq());
    class.site.server.signal_stop();
    assert_eq!(player.stream.closed().await, 1012);
    class.site.server.await_stop();
    class.site.restart();
    let learner = class.learner.at(class.site.server.url());
    let back = Player::on(Stream::resume(&learner, "lesson", &class.lesson, &session, &seq).await).await;
    assert_eq!(back.covered_ms, covered);
}
