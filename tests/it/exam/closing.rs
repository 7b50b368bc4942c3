//! How attempts end: handed in once, or closed by the deadline.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Client, Site, command_id, eventually, id, number, slots};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn handing_in_twice_at_once_counts_once() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    for number in 1..=3 {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        site.answer_all(&learner, &attempt, 9).await;
        let attempt = id(&attempt);
        let same = command_id();
        let other = if number % 2 == 0 { command_id() } else { same.clone() };
        let (first, second) = tokio::join!(learner.submit_by(&attempt, &same), learner.submit_by(&attempt, &other));
        if same == other {
            assert_eq!(first.json, second.json);
            assert!(first.is_replayed() != second.is_replayed(), "one of the two was first");
            assert_eq!((first.status, second.status), (200, 200));
        } else {
            let (taken, refused) = if first.status == 200 { (first, second) } else { (second, first) };
            assert_eq!(taken.ok(200)["score"], 100);
            let _ = refused.problem(409, "attempt_closed");
        }
    }
    let hours = learner.hours(YEAR).await.ok(200);
    assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([5, 1]));
}

/// Answers one slot again and again until it is refused because of the deadline; the receipts.
async fn answer_until_refused(site: &Site, learner: &Client, attempt: &Value) -> Vec<Value> {
    let (slot, mut receipts) = (slots(attempt).remove(0), Vec::new());
    eventually("the end of the grace", Duration::from_secs(20), async || {
        let reply = learner.answer(&id(attempt), number(&slot), &site.bank.right(&slot)).await;
        if reply.status != 200 {
            return Some(reply.problem(409, "deadline_passed"));
        }
        receipts.push(reply.json);
        None
    })
    .await;
    receipts
}

#[tokio::test]
async fn the_deadline_takes_answers_within_its_grace_and_then_closes_the_attempt() {
    let site = Site::start().await;
    let mut rules = short_rules(2);
    rules["duration_ms"] = json!(1_000);
    rules["grace_ms"] = json!(1_500);
    let exam = site.exam(&rules).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    assert_eq!(attempt["grace_ms"], 1_500);
    let receipts = answer_until_refused(&site, &learner, &attempt).await;
    let time = |value: &Value| value.as_str().and_then(exam_core::Timestamp::parse).map_or(0, exam_core::Timestamp::ms);
    let deadline = time(&attempt["deadline"]);
    assert_eq!(deadline - time(&attempt["started_at"]), 1_000);
    let saved: Vec<i64> = receipts.iter().map(|receipt| time(&receipt["saved_at"]) - deadline).collect();
    assert!(saved.iter().all(|late| *late <= 1_500), "{saved:?}");
    assert!(saved.iter().any(|late| *late > 0), "none came within the grace: {saved:?}");
    // Nobody asks for it: the server closes and marks it.
    let result = eventually("closed by the server", Duration::from_secs(10), async || {
        let result = learner.result(&id(&attempt)).await.ok(200);
        (result["state"] != "open").then_some(result)
    });
    let result = result.await;
    assert_eq!(
        json!([result["state"], result["score"], result["passed"], result["hours_granted"]]),
        json!(["expired", 10, true, 5])
    );
    let read = learner.attempt(&id(&attempt)).await.ok(200);
    assert_eq!(json!([read["state"], read["remaining_ms"]]), json!(["expired", 0]));
    assert_eq!(read["answers"]["1"]["seq"], receipts[receipts.len() - 1]["seq"]);
    let _ = learner.answer(&id(&attempt), 2, &Value::Null).await.problem(409, "deadline_passed");
    let _ = learner.submit(&id(&attempt)).await.problem(409, "deadline_passed");
    closed_by_the_server(&site, &id(&attempt), deadline + 1_500).await;
    assert_eq!(learner.hours(YEAR).await.ok(200)["earned"]["total"], 5, "an expired attempt that passes counts");
}

async fn closed_by_the_server(site: &Site, attempt: &str, until_ms: i64) {
    let timeline = site.proctor.timeline(attempt).await.ok(200);
    let events = timeline["events"].as_array().cloned().unwrap_or_default();
    let expired = events.iter().find(|event| event["event"]["t"] == "expired").unwrap_or(&Value::Null);
    let at = expired["at"].as_str().and_then(exam_core::Timestamp::parse).map_or(0, exam_core::Timestamp::ms);
    assert!(at > until_ms, "not before the grace is over: {expired}");
    assert!(at < until_ms + 5_000, "and soon after: {expired}");
    assert_eq!(expired["actor"], Value::Null);
}

#[tokio::test]
async fn deadlines_pass_while_the_server_is_down() {
    let mut site = Site::start().await;
    let mut rules = short_rules(2);
    rules["duration_ms"] = json!(1_000);
    rules["grace_ms"] = json!(0);
    let exam = site.exam(&rules).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    site.answer_all(&learner, &attempt, 2).await;
    site.server.kill9();
    let passed = || {
        exam_core::Timestamp::parse(&keju_tests::kit::from_now(0))
            > attempt["deadline"].as_str().and_then(exam_core::Timestamp::parse)
    };
    eventually("the deadline", Duration::from_secs(5), async || passed().then_some(())).await;
    site.restart();
    let learner = learner.at(site.server.url());
    let _ = learner.answer(&id(&attempt), 1, &Value::Null).await.problem(409, "deadline_passed");
    let state = eventually("closed by the server", Duration::from_secs(10), async || {
        let result = learner.result(&id(&attempt)).await.ok(200);
        (result["state"] != "open").then_some(result)
    });
    let result = state.await;
    assert_eq!(json!([result["state"], result["score"], result["hours_granted"]]), json!(["expired", 20, 5]));
}
