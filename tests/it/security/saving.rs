//! Lost answers, and regrading that rewrites.

use super::support::{list, site};
use keju_tests::kit::{command_id, from_now, id, number, slots};
use serde_json::{Value, json};

#[tokio::test]
async fn lost_answers_by_an_invalid_last_save() {
    let site = site().await;
    let exam = site.exam(&json!({"review": "marks"})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let attempt_id = id(&attempt);
    site.answer_all(&learner, &attempt, 9).await;
    let before = learner.attempt(&attempt_id).await.ok(200);
    let long = "字".repeat(2_001);
    let invalid = [
        json!({"choices": ["o26"]}),
        json!({"order": ["o1"]}),
        json!({"pairs": [["o1", "t26"]]}),
        json!({"text": long}),
        json!({"number": "1"}),
        json!({"unknown": 1}),
    ];
    for slot in slots(&attempt) {
        for response in &invalid {
            let refused = learner.answer(&attempt_id, number(&slot), response).await;
            refused.problem(400, "invalid");
        }
        let kept = json!({"command_id": command_id(), "slot": number(&slot), "response": {"choices": ["o26"]}, "answered_at": from_now(0)});
        let outcome = learner.answers(&attempt_id, &json!([kept])).await.ok(200);
        assert_eq!(list(&outcome["refused"]).len(), 1, "{outcome}");
    }
    let after = learner.attempt(&attempt_id).await.ok(200);
    assert_eq!((&after["answers"], &after["seq"]), (&before["answers"], &before["seq"]));
    let result = learner.submit(&attempt_id).await.ok(200);
    assert_eq!(result["score"], 100);
    assert!(list(&result["review"]).iter().all(|slot| slot["points"] == slot["max"]));
}

/// In a batch the good ones are kept, whatever stands beside them.
#[tokio::test]
async fn lost_answers_by_a_bad_one_beside_them() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let mut batch = Vec::new();
    for slot in slots(&attempt) {
        for response in [site.bank.right(&slot), json!({"choices": ["o26"]})] {
            batch.push(json!({"command_id": command_id(), "slot": number(&slot), "response": response, "answered_at": from_now(0)}));
        }
    }
    let outcome = learner.answers(&id(&attempt), &json!(batch)).await.ok(200);
    assert_eq!((list(&outcome["receipts"]).len(), list(&outcome["refused"]).len()), (9, 9), "{outcome}");
    assert_eq!(learner.submit(&id(&attempt)).await.ok(200)["score"], 100);
}

/// The bank with every true/false key turned round.
fn turned(bank: &Value) -> Value {
    let mut bank = bank.clone();
    for item in bank["items"].as_array_mut().unwrap() {
        if let Some(correct) = item["correct"].as_bool() {
            item["correct"] = json!(!correct);
        }
    }
    bank
}

#[tokio::test]
async fn regrading_appends_and_leaves_open_attempts_alone() {
    let mut site = site().await;
    let exam = site.exam(&json!({"code": "regraded"})).await;
    let [closed, open] = [site.learner().await, site.learner().await];
    let (attempt, result) = site.take(&closed, &exam, 9).await;
    assert_eq!(result["score"], 100);
    let running = open.start(&exam, "exam").await.ok(201);
    site.answer_all(&open, &running, 9).await;
    let timelines = |site: &keju_tests::kit::Site| {
        let (proctor, ids) = (site.proctor.clone(), [id(&attempt), id(&running)]);
        async move {
            let [first, second] = ids;
            [proctor.timeline(&first).await.ok(200), proctor.timeline(&second).await.ok(200)]
        }
    };
    let before = timelines(&site).await;
    let answers = open.attempt(&id(&running)).await.ok(200)["answers"].clone();

    let corrected = turned(&site.bank.json).to_string().into_bytes();
    let report = site.author.import(&site.bank_id, "bank.json", corrected, "json", false).await.ok(200);
    assert_eq!(report["refused"], 0, "{report}");
    site.server.terminate();
    let told = |arguments: &[&str]| {
        let output = site.server.command(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let regrade = ["exam", "regrade", "regraded", "--reason", "答案更正", "--by", "author"];
    assert!(told(&regrade).contains("1 of 1 closed attempts would change"));
    assert!(told(&[&regrade[..], &["--apply"]].concat()).contains("1 open ones left alone"));
    assert!(told(&["audit", "verify"]).contains("all chains hold"));
    site.restart();

    let after = timelines(&site).await;
    assert_eq!(after[1], before[1], "an open attempt was touched");
    let [old, new] = [&before[0], &after[0]].map(|timeline| list(&timeline["events"]));
    assert_eq!(new[..old.len()], old[..], "history was rewritten");
    let appended: Vec<&Value> = new[old.len()..].iter().map(|event| &event["event"]["t"]).collect();
    assert_eq!(appended, ["regraded"]);
    let (closed, open) = (closed.at(site.server.url()), open.at(site.server.url()));
    assert_eq!(closed.result(&id(&attempt)).await.ok(200)["score"], 80);
    // The open one goes on, and is marked by the key it was drawn with.
    assert_eq!(open.attempt(&id(&running)).await.ok(200)["answers"], answers);
    assert_eq!(open.submit(&id(&running)).await.ok(200)["score"], 100);
}
