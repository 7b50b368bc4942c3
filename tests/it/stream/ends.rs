//! What ends a socket from outside: its session, its person, the server.

use super::Sitting;
use keju_tests::kit::{Said, Stream};
use serde_json::json;
use std::time::{Duration, Instant};

/// The promise: within a second.
const AT_ONCE: Duration = Duration::from_secs(1);

async fn ends(stream: &mut Stream, since: Instant) {
    assert_eq!(stream.next().await, Said::Closed(4401, "signed out".into()));
    assert!(since.elapsed() <= AT_ONCE, "after {:?}", since.elapsed());
}

#[tokio::test]
async fn signing_out_ends_the_sockets_of_the_session() {
    let sitting = Sitting::start("").await;
    let phone = sitting.learner.device(sitting.site.server.url(), "phone").await;
    let mut here = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    let mut there = Stream::hello(&phone, "attempt", &sitting.id()).await;
    for stream in [&mut here, &mut there] {
        stream.expect("welcome").await;
    }
    // Minted before, used after.
    let ticket = sitting.learner.ticket("attempt", &sitting.id()).await;
    let since = Instant::now();
    sitting.learner.sign_out().await.ok(204);
    ends(&mut here, since).await;
    let mut late = Stream::open(sitting.site.server.url()).await;
    late.say(&json!({"t": "hello", "ticket": ticket})).await;
    assert_eq!(late.closed().await, 4401);
    // Another session of the person goes on.
    there.answer(1, &json!(null)).await;
    there.expect("receipt").await;
}

#[tokio::test]
async fn disabling_and_a_new_password_end_sockets() {
    let sitting = Sitting::start("").await;
    let learner = &sitting.learner;
    let phone = learner.device(sitting.site.server.url(), "phone").await;
    let mut here = Stream::hello(learner, "attempt", &sitting.id()).await;
    let mut there = Stream::hello(&phone, "attempt", &sitting.id()).await;
    for stream in [&mut here, &mut there] {
        stream.expect("welcome").await;
    }
    let since = Instant::now();
    learner.change_password("another-one-1").await.ok(204);
    ends(&mut there, since).await;
    here.answer(1, &json!(null)).await;
    here.expect("receipt").await;
    let since = Instant::now();
    let path = format!("/people/{}/disabled", learner.person);
    sitting.site.admin.put(&path, &json!({"disabled": true})).await.ok(204);
    ends(&mut here, since).await;
}

#[tokio::test]
async fn another_role_ends_a_console_and_no_exam() {
    let sitting = Sitting::start("").await;
    let (site, learner) = (&sitting.site, &sitting.learner);
    let mut exam = Stream::hello(learner, "attempt", &sitting.id()).await;
    let mut console = Stream::hello(&site.proctor, "proctor", &sitting.exam).await;
    for stream in [&mut exam, &mut console] {
        stream.expect("welcome").await;
    }
    console.expect("snapshot").await;
    // Minted before, used after.
    let ticket = site.proctor.ticket("proctor", &sitting.exam).await;
    let change = |roles: &[&str]| json!({"name": "某人", "roles": roles});
    let since = Instant::now();
    let path = format!("/people/{}", site.proctor.person);
    site.admin.put(&path, &change(&["author"])).await.ok(204);
    assert_eq!(console.closed().await, 1012);
    assert!(since.elapsed() <= AT_ONCE, "after {:?}", since.elapsed());
    let mut late = Stream::open(site.server.url()).await;
    late.say(&json!({"t": "hello", "ticket": ticket})).await;
    assert_eq!(late.closed().await, 4403);
    site.admin.put(&format!("/people/{}", learner.person), &change(&["learner", "author"])).await.ok(204);
    exam.answer(1, &json!(null)).await;
    exam.expect("receipt").await;
}

#[tokio::test]
async fn a_stop_sends_everybody_away_in_time() {
    let mut sitting = Sitting::start("").await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
        stream.expect("welcome").await;
        streams.push(stream);
    }
    // One never agrees to the end: it does not hold the server up.
    let mute = Stream::open(sitting.site.server.url()).await;
    sitting.site.server.signal_stop();
    let mut waits = Vec::new();
    for stream in &mut streams {
        let advice = stream.expect("error").await;
        assert_eq!(json!([advice["code"], advice["temporary"]]), json!(["restarting", true]));
        waits.push(advice["retry_after_ms"].as_i64().unwrap());
        assert_eq!(stream.closed().await, 1012);
    }
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 5, "all were told the same: {waits:?}");
    sitting.site.server.await_stop();
    drop(mute);
}

#[tokio::test]
async fn an_answer_under_way_when_the_server_stops_is_kept_or_not_acknowledged() {
    let mut sitting = Sitting::start("messages_per_second = 100000\nmessages_burst = 100000\n").await;
    let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    let mut acknowledged = None;
    stream.expect("welcome").await;
    sitting.site.server.signal_stop();
    loop {
        let answer = json!({"t": "answer", "command_id": keju_tests::kit::command_id(), "slot": 1, "response": null});
        if stream.try_send(tokio_tungstenite::tungstenite::Message::text(answer.to_string())).await.is_err() {
            break;
        }
        match stream.next().await {
            Said::Message(message) if message["t"] == "receipt" => acknowledged = message["seq"].as_u64(),
            Said::Message(_) => {}
            Said::Closed(code, _) => {
                assert_eq!(code, 1012);
                break;
            }
            Said::Gone => break,
        }
    }
    sitting.site.server.await_stop();
    sitting.site.restart();
    let learner = sitting.learner.at(sitting.site.server.url());
    let kept = learner.attempt(&sitting.id()).await.ok(200);
    assert!(kept["answers"]["1"]["seq"].as_u64() >= acknowledged, "{acknowledged:?} was acknowledged: {kept}");
}
