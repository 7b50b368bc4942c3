//! What stands before a start: window, attempts, cool-down, practice.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::{Bank, Client, Settings, Site, eventually, from_now, id, number, slots, text};
use serde_json::{Value, json};
use std::time::Duration;

async fn with(site: &Site, over: &Value) -> String {
    let mut rules = short_rules(2);
    keju_tests::kit::json::lay_over(&mut rules, over);
    site.exam(&rules).await
}

async fn take_and_fail(site: &Site, learner: &Client, exam: &str) {
    let (_, result) = site.take(learner, exam, 0).await;
    assert_eq!(result["passed"], false);
}

#[tokio::test]
async fn attempts_are_counted() {
    let site = Site::start().await;
    let exam = with(&site, &json!({"attempts_max": 2})).await;
    let learner = site.learner().await;
    for left in [1, 0] {
        take_and_fail(&site, &learner, &exam).await;
        assert_eq!(learner.exam(&exam).await.ok(200)["attempts_left"], left);
    }
    let _ = learner.start(&exam, "exam").await.problem(409, "attempts_exhausted");
    let rules = learner.exam(&exam).await.ok(200);
    assert_eq!(json!([rules["state"], rules["attempts_used"]]), json!(["exhausted", 2]));
    assert_eq!(learner.start(&exam, "practice").await.status, 201, "practice is not counted");
    let endless = with(&site, &json!({"attempts_max": 0})).await;
    for _ in 0..4 {
        take_and_fail(&site, &learner, &endless).await;
    }
    assert_eq!(learner.exam(&endless).await.ok(200)["attempts_left"], Value::Null);
}

#[tokio::test]
async fn the_next_attempt_waits_for_the_cool_down() {
    let site = Site::start().await;
    let exam = with(&site, &json!({"cooldown_ms": 1_500, "attempts_max": 0})).await;
    let learner = site.learner().await;
    take_and_fail(&site, &learner, &exam).await;
    let refused = learner.start(&exam, "exam").await;
    assert!(["1", "2"].contains(&refused.header("retry-after")), "{}", refused.header("retry-after"));
    let wait = refused.problem(409, "cooldown")["retry_after_ms"].as_i64().unwrap_or_default();
    assert!((1..=1_500).contains(&wait), "{wait}");
    let started = eventually("the end of the cool-down", Duration::from_secs(10), async || {
        let reply = learner.start(&exam, "exam").await;
        (reply.status == 201).then_some(reply.json)
    });
    assert_eq!(started.await["number"], 2);
}

fn ms(value: &Value) -> i64 {
    exam_core::Timestamp::parse(text(value)).map_or(0, exam_core::Timestamp::ms)
}

#[tokio::test]
async fn the_window_opens_and_closes_at_its_instants() {
    // It is asked again and again, faster than a learner may.
    let settings = Settings { config: Some("[limits]\nstarts_burst = 100000\n".into()), ..Settings::default() };
    let site = Site::start_with(settings, Bank::generated(4, false)).await;
    let (opens, closes) = (from_now(1_200), from_now(3_000));
    let exam = with(&site, &json!({"opens_at": opens, "closes_at": closes, "attempts_max": 0})).await;
    let learner = site.learner().await;
    assert_eq!(learner.exam(&exam).await.ok(200)["state"], "upcoming");
    let _ = learner.start(&exam, "exam").await.problem(409, "window_closed");
    let mut started = Vec::new();
    eventually("the end of the window", Duration::from_secs(20), async || {
        let reply = learner.start(&exam, "exam").await;
        if reply.status != 201 {
            let _ = reply.problem(409, "window_closed");
            return (!started.is_empty()).then_some(());
        }
        assert_eq!(ms(&reply.json["deadline"]), ms(&json!(closes)), "no attempt outlives the window");
        let _ = learner.submit(&id(&reply.json)).await.ok(200);
        started.push(ms(&reply.json["started_at"]));
        None
    })
    .await;
    assert!(started.iter().all(|at| (ms(&json!(opens))..ms(&json!(closes))).contains(at)), "{started:?}");
    assert_eq!(learner.exam(&exam).await.ok(200)["state"], "closed");
    let _ = learner.start(&exam, "practice").await.problem(409, "window_closed");
}

#[tokio::test]
async fn last_years_window_is_closed() {
    let site = Site::start().await;
    let annual = json!({"opens_at": "2023-05-01T00:00:00+08:00", "closes_at": "2024-01-01T00:00:00+08:00"});
    let exam = with(&site, &annual).await;
    let learner = site.learner().await;
    let refused = learner.start(&exam, "exam").await.problem(409, "window_closed");
    assert!(text(&refused["detail"]).contains("2023-12-31T16:00:00.000Z"), "{refused}");
}

#[tokio::test]
async fn a_required_practice_comes_first() {
    let site = Site::start().await;
    let exam = with(&site, &json!({"practice": "required"})).await;
    let learner = site.learner().await;
    let _ = learner.start(&exam, "exam").await.problem(409, "practice_required");
    let empty = learner.start(&exam, "practice").await.ok(201);
    let _ = learner.submit(&id(&empty)).await.ok(200);
    let _ = learner.start(&exam, "exam").await.problem(409, "practice_required");
    let practice = learner.start(&exam, "practice").await.ok(201);
    let slot = slots(&practice).remove(0);
    let _ = learner.answer(&id(&practice), number(&slot), &site.bank.wrong(&slot)).await.ok(200);
    let _ = learner.start(&exam, "exam").await.problem(409, "practice_required");
    let _ = learner.submit(&id(&practice)).await.ok(200);
    assert_eq!(learner.start(&exam, "exam").await.ok(201)["mode"], "exam");
}

#[tokio::test]
async fn practice_gives_way_to_the_exam_and_never_stands_beside_it() {
    let site = Site::start().await;
    let (exam, sister) = (with(&site, &json!({})).await, with(&site, &json!({})).await);
    let learner = site.learner().await;
    let practice = learner.start(&exam, "practice").await.ok(201);
    let elsewhere = learner.start(&sister, "practice").await.ok(201);
    let again = learner.start(&exam, "practice").await.problem(409, "attempt_open");
    assert_eq!(again["attempt"], practice["id"]);
    let attempt = learner.start(&exam, "exam").await.ok(201);
    for closed in [&practice, &elsewhere] {
        let read = learner.attempt(&id(closed)).await.ok(200);
        assert_eq!(read["state"], "submitted", "practices from the bank end when an exam begins");
        let _ = learner.answer(&id(closed), 1, &Value::Null).await.problem(409, "attempt_closed");
    }
    for of in [&exam, &sister] {
        let refused = learner.start(of, "practice").await.problem(409, "attempt_open");
        assert_eq!(refused["attempt"], attempt["id"]);
    }
    let off = with(&site, &json!({"practice": "off"})).await;
    let _ = site.learner().await.start(&off, "practice").await.problem(409, "practice_off");
}

#[tokio::test]
async fn an_audience_keeps_others_out() {
    let site = Site::start().await;
    let learners = site.learners(2).await;
    let exam = with(&site, &json!({"audience": [learners[0].person]})).await;
    assert_eq!(learners[0].start(&exam, "exam").await.status, 201);
    let _ = learners[1].start(&exam, "exam").await.problem(404, "not_found");
    let _ = learners[1].exam(&exam).await.problem(404, "not_found");
    assert_eq!(learners[1].exams().await.ok(200)["items"], json!([]));
}
