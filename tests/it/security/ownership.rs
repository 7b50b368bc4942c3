//! Other people's things: an attempt of somebody else is, byte for byte, an attempt that does not exist.

use super::support::{STAFF, generous, person, site};
use super::wire::{Answer, Ask};
use keju_tests::kit::json::keys;
use keju_tests::kit::{Bank, Client, Site, command_id, from_now, id};
use serde_json::{Value, json};

/// Every operation of a learner on an attempt.
fn operations(attempt: &str) -> Vec<Ask> {
    let at = |method: &str, rest: &str| Ask::new(method, format!("/api/v1/attempts/{attempt}{rest}"));
    let choice = json!({"choices": ["o1"]});
    let kept = json!({"command_id": command_id(), "slot": 1, "response": choice, "answered_at": from_now(0)});
    vec![
        at("GET", ""),
        at("PUT", "/answers/1").json(&json!({"command_id": command_id(), "response": choice})),
        at("PUT", "/answers/77").json(&json!({"command_id": command_id(), "response": null})),
        at("POST", "/answers").json(&json!({"answers": [kept]})),
        at("POST", "/answers").json(&json!({"answers": []})),
        at("POST", "/signals").json(&json!({"signals": [{"kind": "blur", "at": from_now(0)}]})),
        at("POST", "/submission").json(&json!({"command_id": command_id()})),
        at("GET", "/result"),
        Ask::new("POST", "/api/v1/tickets").json(&json!({"purpose": "attempt", "id": attempt})),
    ]
}

/// What can be told apart: everything but the request's id and the time.
fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let named = |line: &&str| !line.starts_with("x-request-id:") && !line.starts_with("date:");
    let mut headers: Vec<String> = answer.head.lines().filter(named).map(str::to_owned).collect();
    headers.sort_unstable();
    (answer.status, answer.text(), headers)
}

fn like_nothing(site: &Site, stranger: &Client, attempt: &str) {
    let nobody = uuid::Uuid::now_v7().to_string();
    for (real, none) in operations(attempt).into_iter().zip(operations(&nobody)) {
        let [real, none] = [real, none].map(|ask| ask.bearer(stranger.token()).send(site.server.address()));
        let real = real.refused(404, "not_found");
        assert_eq!(told(&real), told(&none), "{}", stranger.username);
    }
}

#[tokio::test]
async fn idor_through_attempt_ids() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let (owner, other) = (site.learner().await, site.learner().await);
    let attempt = owner.start(&exam, "exam").await.ok(201);
    other.start(&exam, "exam").await.ok(201);
    let mut strangers = vec![other];
    for role in STAFF {
        strangers.push(person(&site, &format!("the-{role}"), &[role]).await);
    }
    // Known to the server's memory, then only to its store, then closed.
    for stranger in &strangers {
        like_nothing(&site, stranger, &id(&attempt));
    }
    assert_eq!(owner.attempt(&id(&attempt)).await.ok(200)["seq"], attempt["seq"]);
    let mut site = site;
    site.restart();
    for stranger in &strangers {
        like_nothing(&site, stranger, &id(&attempt));
    }
    let owner = owner.at(site.server.url());
    assert_eq!(owner.attempt(&id(&attempt)).await.ok(200)["seq"], attempt["seq"]);
    owner.submit(&id(&attempt)).await.ok(200);
    for stranger in &strangers {
        like_nothing(&site, stranger, &id(&attempt));
    }
}

#[tokio::test]
async fn ids_that_are_none_are_not_found() {
    let site = site().await;
    let learner = site.learner().await;
    let long = "9".repeat(4_000);
    for text in ["x", "0", "-1", "%00", "..%2f..%2fme", "%ff%fe", "*", "%27%20OR%201%3D1--", "null", long.as_str()] {
        for ask in operations(text).into_iter().take(8) {
            ask.bearer(learner.token()).send(site.server.address()).refused(404, "not_found");
        }
    }
    let exam = site.exam(&json!({})).await;
    let attempt = id(&learner.start(&exam, "exam").await.ok(201));
    for slot in ["x", "-1", "1.5", "99999999999999999999", "%31x"] {
        let body = json!({"command_id": command_id(), "response": null});
        let ask = Ask::new("PUT", format!("/api/v1/attempts/{attempt}/answers/{slot}")).json(&body);
        ask.bearer(learner.token()).send(site.server.address()).refused(404, "not_found");
    }
}

#[tokio::test]
async fn receipts_of_others_tell_nothing_that_is_not_in_them() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let (owner, other) = (site.learner().await, site.learner().await);
    let attempt = owner.start(&exam, "exam").await.ok(201);
    let response = json!({"text": "只有我知道"});
    let slot = 1 + attempt["paper"]["sections"]
        .as_array()
        .unwrap()
        .iter()
        .take(4)
        .map(|section| section["slots"].as_array().unwrap().len() as u64)
        .sum::<u64>();
    let receipt = owner.answer(&id(&attempt), slot, &response).await.ok(200)["receipt"].clone();
    let checked = other.verify_receipt(&json!({"receipt": receipt})).await;
    let body = checked.text();
    let checked = checked.ok(200);
    assert_eq!(keys(&checked), ["attempt", "kept", "saved_at", "seq", "slot", "valid"]);
    assert_eq!(checked["valid"], true);
    for secret in [owner.person.as_str(), owner.username.as_str(), "只有我知道", "score", "correct"] {
        assert!(!body.contains(secret), "{body}");
    }
    let wrong = other.verify_receipt(&json!({"receipt": receipt, "response": {"text": "别的"}})).await.ok(200);
    assert_eq!((&wrong["valid"], &wrong["response_matches"]), (&json!(false), &json!(false)));
    for forged in ["", "x", "AAAA", &"A".repeat(66), &"%".repeat(70), &format!("{}A", receipt.as_str().unwrap())] {
        let checked = other.verify_receipt(&json!({"receipt": forged})).await.ok(200);
        assert_eq!(checked, json!({"valid": false}), "{forged}");
    }
}

#[tokio::test]
async fn idor_through_nested_ids() {
    let site = site().await;
    let second = id(&site.author.post("/banks", &json!({"code": "second", "title": "另一个题库"})).await.ok(201));
    let items = site.author.get(&format!("/banks/{}/items?limit=1", site.bank_id)).await.ok(200);
    let code = items["items"][0]["code"].clone();
    let body = json!({"codes": [code], "state": "retired"});
    site.author.put(&format!("/banks/{second}/items/state"), &body).await.problem(404, "not_found");
    let after = site.author.get(&format!("/banks/{}/items?limit=1", site.bank_id)).await.ok(200);
    assert_eq!(after, items);
    let nobody = uuid::Uuid::now_v7().to_string();
    for (bank, course) in [(nobody.as_str(), site.course_id.as_str()), (&site.bank_id, nobody.as_str())] {
        let body = site.exam_body(&json!({"bank": bank, "course": course}));
        site.author.post("/exams", &body).await.problem(400, "invalid");
    }
}

#[tokio::test]
async fn an_exam_for_others_is_like_none() {
    let site = Site::start_with(generous(""), Bank::generated(4, true)).await;
    let (invited, stranger) = (site.learner().await, site.learner().await);
    let exam = site.exam(&json!({"audience": [invited.person]})).await;
    let draft = id(&site.author.post("/exams", &site.exam_body(&json!({}))).await.ok(201));
    invited.exam(&exam).await.ok(200);
    for hidden in [exam.as_str(), draft.as_str()] {
        let nobody = uuid::Uuid::now_v7().to_string();
        for path in ["", "/attempts"] {
            let answer = |exam: &str| {
                let method = if path.is_empty() { "GET" } else { "POST" };
                let ask = Ask::new(method, format!("/api/v1/exams/{exam}{path}"));
                let ask =
                    if path.is_empty() { ask } else { ask.json(&json!({"command_id": command_id(), "mode": "exam"})) };
                ask.bearer(stranger.token()).send(site.server.address())
            };
            assert_eq!(told(&answer(hidden).refused(404, "not_found")), told(&answer(&nobody)));
        }
    }
    let listed: Vec<Value> = super::support::list(&stranger.exams().await.ok(200)["items"]);
    assert!(listed.is_empty(), "{listed:?}");
    let courses = stranger.courses().await.ok(200);
    assert_eq!(courses["items"][0]["exams"], json!([]));
}
