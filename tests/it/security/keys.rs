//! A key or an explanation in a response before release. Every text that is a key, every explanation,
//! feedback and code of the test bank holds a word of its own; none of them may stand in any byte that a
//! learner receives before release. After it they do appear: the search is able to find them.

use super::support::{operations, site};
use keju_tests::kit::{Client, Site, command_id, from_now, id, number, slots, text};
use reqwest::Method;
use serde_json::{Value, json};

/// The canaries that stand in these bytes.
fn found(canaries: &[String], bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    canaries.iter().filter(|canary| text.contains(canary.as_str())).cloned().collect()
}

/// A right response in other words: the learner's own words come back, and must not look like a leak.
fn right_in_other_words(site: &Site, slot: &Value) -> Value {
    let mut right = site.bank.right(slot);
    if let Some(words) = right["text"].as_str() {
        right = json!({"text": words.to_uppercase()});
    }
    if let Some(value) = right["number"].as_f64() {
        right = json!({"number": value - 0.25});
    }
    right
}

/// What fits no slot, or not this one.
fn invalid_responses() -> Vec<Value> {
    vec![
        json!({"choices": ["o99"]}),
        json!({"choices": ["o1", "o1", "o1"]}),
        json!({"order": ["o1"]}),
        json!({"order": ["o1", "o1", "o1", "o1"]}),
        json!({"pairs": [["o1", "t99"]]}),
        json!({"pairs": [["o1", "t1"], ["o1", "t2"]]}),
        json!({"text": "字".repeat(2_001)}),
        json!({"number": "1"}),
        json!({"choices": ["o1"], "text": "x"}),
        json!({}),
        json!([]),
        json!("o1"),
    ]
}

/// Everything a learner can do with an exam short of handing in; every second slot is answered rightly.
async fn work_on(site: &Site, learner: &Client, exam: &str) -> String {
    let attempt = learner.start(exam, "exam").await.ok(201);
    let attempt_id = id(&attempt);
    for (index, slot) in slots(&attempt).iter().enumerate() {
        for response in invalid_responses() {
            learner.answer(&attempt_id, number(slot), &response).await;
        }
        let right = right_in_other_words(site, slot);
        let response = if index % 2 == 0 { right } else { site.bank.wrong(slot) };
        let command = command_id();
        let receipt = learner.answer_by(&attempt_id, number(slot), &response, &command).await.ok(200);
        learner.answer_by(&attempt_id, number(slot), &response, &command).await.ok(200);
        learner.answer_by(&attempt_id, number(slot), &Value::Null, &command).await.problem(422, "idempotency_mismatch");
        for said in [&response, &site.bank.wrong(slot), &Value::Null] {
            learner.verify_receipt(&json!({"receipt": receipt["receipt"], "response": said})).await.ok(200);
        }
    }
    for slot in [0_u64, 10, 999, u64::from(u32::MAX)] {
        learner.answer(&attempt_id, slot, &json!({"choices": ["o1"]})).await;
    }
    let kept = |slot: u64, response: Value| json!({"command_id": command_id(), "slot": slot, "response": response, "answered_at": from_now(-1_000)});
    let batch: Vec<Value> = (0..12).map(|slot| kept(slot, json!({"text": "x"}))).collect();
    learner.answers(&attempt_id, &json!(batch)).await.ok(200);
    let signal = json!([{"kind": "blur", "at": from_now(0), "detail": {"key": "x"}}]);
    learner.signals(&attempt_id, &signal).await.ok(202);
    learner.attempt(&attempt_id).await.ok(200);
    learner.result(&attempt_id).await.ok(200);
    learner.post("/tickets", &json!({"purpose": "attempt", "id": attempt_id})).await.ok(201);
    attempt_id
}

/// Knocks at every documented door with every id that the learner knows, in both languages.
async fn knock_everywhere(site: &Site, learner: &Client, exam: &str, attempt: &str) {
    for (method, path) in operations(learner).await {
        if path == "/api/v1/session" || path.ends_with("/submission") || path == "/api/v1/me/password" {
            continue;
        }
        let path = path
            .replace("{exam}", exam)
            .replace("{attempt}", attempt)
            .replace("{case}", attempt)
            .replace("{bank}", &site.bank_id)
            .replace("{person}", &learner.person)
            .replace("{slot}", "1");
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for language in ["zh-CN", "en"] {
            let client = learner.speaking(language);
            client.send(client.request(method.clone(), &path)).await;
            client.send(client.request(method.clone(), &path).json(&json!({"codes": ["x"], "mode": "exam"}))).await;
        }
    }
    for path in [
        "/",
        "/assets/x/style.css",
        "/docs/",
        "/openapi.json",
        "/metrics",
        "/healthz",
        "/readyz",
        "/nowhere",
        "/api/v1/keys",
    ] {
        learner.send(learner.request(Method::GET, path)).await;
    }
    for query in
        ["/exams?year=2023", "/exams?course=x", "/exams?after=a&limit=1", "/courses?subject=public", "/exams?x=1"]
    {
        learner.get(query).await;
    }
    learner.me().await.ok(200);
    learner.hours(2023).await.ok(200);
    learner.courses().await.ok(200);
    learner.exams().await.ok(200);
    learner.exam(exam).await.ok(200);
}

#[tokio::test]
async fn key_or_explanation_in_a_response_before_release() {
    let site = site().await;
    let canaries = site.bank.canaries();
    assert!(canaries.len() > 300);
    let later = json!({"review": "full", "practice": "off", "results_at": from_now(86_400_000)});
    let exam = site.exam(&later).await;
    let [first, second] = [site.learner().await.recording(), site.learner().await.recording()];
    let mut attempts = Vec::new();
    for learner in [&first, &second] {
        let attempt = work_on(&site, learner, &exam).await;
        knock_everywhere(&site, learner, &exam, &attempt).await;
        learner.submit(&attempt).await.ok(200);
        learner.result(&attempt).await.ok(200);
        knock_everywhere(&site, learner, &exam, &attempt).await;
        attempts.push(attempt);
    }
    first.attempt(&attempts[1]).await.problem(404, "not_found");
    for learner in [&first, &second] {
        assert!(learner.recorded().len() > 50_000);
        assert_eq!(found(&canaries, &learner.recorded()), [""; 0]);
    }
    site.author.put(&format!("/exams/{exam}/release"), &json!({"results_at": null})).await.ok(204);
    let result = first.result(&attempts[0]).await;
    let shown = found(&canaries, &result.body);
    assert!(shown.iter().any(|word| word.contains("explanation")), "{}", result.text());
    assert!(shown.iter().any(|word| word.contains("answer")), "{}", result.text());
    assert!(!found(&canaries, &first.recorded()).is_empty());
}

#[tokio::test]
async fn an_early_complete_returns_no_key() {
    let site = site().await;
    let canaries = site.bank.canaries();
    for review in ["none", "score", "marks"] {
        let exam = site.exam(&json!({"review": review, "practice": "off"})).await;
        let learner = site.learner().await.recording();
        let attempt = id(&learner.start(&exam, "exam").await.ok(201));
        let result = learner.submit(&attempt).await.ok(200);
        assert_eq!((&result["passed"], &result["hours_granted"]), (&json!(false), &json!(0)), "{result}");
        learner.result(&attempt).await.ok(200);
        let again = learner.start(&exam, "exam").await.ok(201);
        for slot in slots(&again) {
            learner.answer(&id(&again), number(&slot), &right_in_other_words(&site, &slot)).await.ok(200);
        }
        let result = learner.submit(&id(&again)).await.ok(200);
        assert_eq!(result["passed"], true);
        assert!(result["review"].as_array().into_iter().flatten().all(|slot| slot.get("key").is_none()));
        assert_eq!(found(&canaries, &learner.recorded()), [""; 0], "{review}");
    }
}

#[tokio::test]
async fn practice_tells_only_what_was_answered() {
    let site = site().await;
    let canaries = site.bank.canaries();
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await.recording();
    let attempt = learner.start(&exam, "practice").await.ok(201);
    let attempt_id = id(&attempt);
    for slot in slots(&attempt) {
        for response in invalid_responses() {
            learner.answer(&attempt_id, number(&slot), &response).await;
        }
        // Clearing asks nothing, so it is told nothing.
        learner.answer(&attempt_id, number(&slot), &Value::Null).await.ok(200);
    }
    learner.attempt(&attempt_id).await.ok(200);
    learner.result(&attempt_id).await.ok(200);
    assert_eq!(found(&canaries, &learner.recorded()), [""; 0]);

    let slot = &slots(&attempt)[0];
    let receipt = learner.answer(&attempt_id, 1, &site.bank.wrong(slot)).await.ok(200);
    assert_eq!(receipt["feedback"]["correct"], false);
    let told = found(&canaries, &learner.recorded());
    assert_eq!(told, [text(&site.bank.item(slot)["explanation"])]);
    learner.attempt(&attempt_id).await.ok(200);
    assert_eq!(found(&canaries, &learner.recorded()), told);
}
