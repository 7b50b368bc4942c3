//! What a learner may see, and when: release times and review policies.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Backend, Client, Site, from_now, id, number, slots, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

keju_tests::on_every_backend!(
    nothing_shows_before_the_release,
    the_review_policy_says_how_much_shows,
    an_open_attempt_shows_nothing_whatever_the_policy,
);

async fn nothing_shows_before_the_release(backend: Backend) {
    let site = Site::start_on(backend).await;
    let mut rules = short_rules(2);
    rules["results_at"] = json!(from_now(3_600_000));
    rules["review"] = json!("full");
    let exam = site.exam(&rules).await;
    let learner = site.learner().await;
    let (attempt, result) = site.take(&learner, &exam, 2).await;
    let told =
        |result: &Value| json!([result["score"], result["passed"], result["hours_granted"], result["graded_at"]]);
    for result in [&result, &learner.result(&id(&attempt)).await.ok(200)] {
        assert_eq!(told(result), json!([null, null, 0, null]));
        assert_eq!(result["release"]["released"], false);
        assert!(result.get("seed").is_none() && result.get("review").is_none(), "{result}");
    }
    assert_eq!(seen_elsewhere(&learner, &exam).await, json!([0, [], "in_progress", "open"]));
    let path = format!("/exams/{exam}/release");
    let _ = learner.put(&path, &json!({"results_at": null})).await.problem(403, "forbidden");
    let _ = site.author.put(&path, &json!({})).await.problem(400, "invalid");
    assert_eq!(site.author.put(&path, &json!({"results_at": null})).await.status, 204);
    let result = learner.result(&id(&attempt)).await.ok(200);
    assert_eq!(json!([result["score"], result["passed"], result["hours_granted"]]), json!([20, true, 5]));
    let seen = seen_elsewhere(&learner, &exam).await;
    assert_eq!(json!([seen[0], seen[1].as_array().map(Vec::len), seen[2], seen[3]]), json!([5, 1, "passed", "passed"]));
    commitment_holds(&attempt, &result);
}

/// Hours, entries, the course's state, the exam's state.
async fn seen_elsewhere(learner: &Client, exam: &str) -> Value {
    let hours = learner.hours(YEAR).await.ok(200);
    let (courses, exams) = (learner.courses().await.ok(200), learner.exams().await.ok(200));
    assert_eq!(learner.exam(exam).await.ok(200)["state"], exams["items"][0]["state"]);
    json!([hours["earned"]["total"], hours["entries"], courses["items"][0]["state"], exams["items"][0]["state"]])
}

fn commitment_holds(attempt: &Value, result: &Value) {
    let seed = hex::decode(text(&result["seed"])).unwrap_or_default();
    assert_eq!(seed.len(), 32);
    let commitment = format!("sha256:{}", hex::encode(Sha256::digest(&seed)));
    assert_eq!(attempt["paper"]["seed_commitment"], commitment);
    assert_eq!(result["seed_commitment"], commitment);
}

async fn the_review_policy_says_how_much_shows(backend: Backend) {
    let site = Site::start_on(backend).await;
    let learner = site.learner().await;
    for policy in ["none", "score", "marks", "full"] {
        let exam = site.exam(&json!({"review": policy})).await;
        let (attempt, result) = site.take(&learner, &exam, 5).await;
        assert_eq!(result["passed"], true, "{policy}");
        assert_eq!(result["score"], if policy == "none" { Value::Null } else { json!(60) }, "{policy}");
        commitment_holds(&attempt, &result);
        let review = result["review"].as_array().cloned().unwrap_or_default();
        match policy {
            "none" | "score" => assert!(result.get("review").is_none(), "{policy}"),
            _ => reviewed(&site, &attempt, &review, policy == "full"),
        }
    }
}

fn reviewed(site: &Site, attempt: &Value, review: &[Value], with_keys: bool) {
    let slots = slots(attempt);
    assert_eq!(review.len(), slots.len());
    for (index, (slot, told)) in slots.iter().zip(review).enumerate() {
        let (earned, max) = (if index < 5 { &slot["points"] } else { &json!(0) }, &slot["points"]);
        assert_eq!(json!([told["slot"], told["points"], told["max"]]), json!([number(slot), earned, max]));
        if with_keys {
            let is_choice = slot["kind"].as_str().is_some_and(|kind| kind.ends_with("choice") || kind == "true_false");
            assert!(!is_choice || told["key"] == site.bank.right(slot), "{told}");
            assert!(text(&told["explanation"]).contains("解析"));
        } else {
            assert!(told.get("key").is_none() && told.get("explanation").is_none(), "marks only: {told}");
        }
    }
}

async fn an_open_attempt_shows_nothing_whatever_the_policy(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({"review": "full"})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    site.answer_all(&learner, &attempt, 9).await;
    let result = learner.result(&id(&attempt)).await.ok(200);
    assert_eq!(json!([result["state"], result["score"], result["passed"]]), json!(["open", null, null]));
    assert!(result.get("review").is_none() && result.get("seed").is_none(), "{result}");
}
