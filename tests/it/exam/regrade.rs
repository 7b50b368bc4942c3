//! Regrading: a wrong key is found after the exam; the correction is shown first, then appended.

use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Bank, Client, Server, Site, id, slots};
use serde_json::{Value, json};

/// Every true/false key turned round in the imported bank: `wrong` is what was published.
fn with_turned_keys(bank: &Bank) -> Bank {
    let mut json = bank.json.clone();
    for item in json["items"].as_array_mut().into_iter().flatten() {
        if item["kind"] == "true_false" {
            item["correct"] = json!(item["correct"] != true);
        }
    }
    Bank::new(json)
}

fn said(server: &Server, arguments: &[&str], expected: i32) -> String {
    let output = server.command(arguments);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(expected), "keju {arguments:?}: {said}");
    said
}

fn regrade(server: &Server, apply: bool) -> String {
    let mut arguments = vec!["exam", "regrade", "annual", "--reason", "答案更正", "--by", "author"];
    if apply {
        arguments.push("--apply");
    }
    said(server, &arguments, 0)
}

async fn outcome(learner: &Client, attempt: &Value) -> Value {
    let result = learner.result(&id(attempt)).await.ok(200);
    json!([result["score"], result["passed"], result["hours_granted"]])
}

struct Story {
    site: Site,
    right: Bank,
    wronged: (Client, Value),
    lucky: (Client, Value),
    open: (Client, Value),
}

/// One learner answers as the turned keys are wrong about, one as they have it, one is still at it.
async fn published_with_wrong_keys() -> Story {
    let right = Bank::generated(12, false);
    let site = Site::start_with(Default::default(), with_turned_keys(&right)).await;
    let exam = site.exam(&json!({"code": "annual", "pass_score": 100})).await;
    let mut learners = site.learners(3).await;
    let mut taken = Vec::new();
    for (bank, hand_in) in [(&right, true), (&site.bank, true), (&right, false)] {
        let learner = learners.remove(0);
        let attempt = learner.start(&exam, "exam").await.ok(201);
        for slot in slots(&attempt) {
            let _ = learner.answer(&id(&attempt), keju_tests::kit::number(&slot), &bank.right(&slot)).await.ok(200);
        }
        if hand_in {
            let _ = learner.submit(&id(&attempt)).await.ok(200);
        }
        taken.push((learner, attempt));
    }
    let (open, lucky, wronged) = (taken.remove(2), taken.remove(1), taken.remove(0));
    assert_eq!(outcome(&wronged.0, &wronged.1).await, json!([80, false, 0]));
    assert_eq!(outcome(&lucky.0, &lucky.1).await, json!([100, true, 5]));
    Story { site, right, wronged, lucky, open }
}

async fn import(site: &Site, bank: &Bank) {
    let report = site.author.import(&site.bank_id, "corrected.json", bank.bytes(), "json", false).await.ok(200);
    assert_eq!(json!([report["refused"], report["accepted"]]), json!([0, 12]), "only what changed is new: {report}");
}

#[tokio::test]
async fn a_corrected_key_is_shown_then_appended_and_credits_the_new_passer() {
    let Story { mut site, right, wronged, lucky, open } = published_with_wrong_keys().await;
    import(&site, &right).await;
    assert_eq!(outcome(&wronged.0, &wronged.1).await, json!([80, false, 0]), "an import changes no running exam");
    site.server.terminate();
    let shown = regrade(&site.server, false);
    assert_eq!(shown.lines().filter(|line| line.starts_with("key changed: ")).count(), 12, "{shown}");
    assert!(shown.contains(&format!("{}: 80 failed -> 100 passed", id(&wronged.1))), "{shown}");
    assert!(shown.contains(&format!("{}: 100 passed -> 80 failed, hours stay", id(&lucky.1))), "{shown}");
    assert!(shown.contains("2 of 2 closed attempts would change") && shown.contains("1 open"), "{shown}");
    site.restart();
    let at = site.server.url().to_owned();
    let (wronged, lucky) = ((wronged.0.at(&at), wronged.1), (lucky.0.at(&at), lucky.1));
    assert_eq!(outcome(&wronged.0, &wronged.1).await, json!([80, false, 0]), "nothing was written");
    site.server.terminate();
    assert!(regrade(&site.server, true).contains("2 of 2 closed attempts changed"));
    assert!(regrade(&site.server, true).contains("0 of 2 closed attempts changed"), "once is enough");
    site.restart();
    let at = site.server.url().to_owned();
    let (wronged, lucky, open) = ((wronged.0.at(&at), wronged.1), (lucky.0.at(&at), lucky.1), (open.0.at(&at), open.1));
    assert_eq!(outcome(&wronged.0, &wronged.1).await, json!([100, true, 5]));
    assert_eq!(outcome(&lucky.0, &lucky.1).await, json!([80, false, 5]), "hours once granted stay");
    assert_eq!(wronged.0.hours(YEAR).await.ok(200)["earned"]["total"], 5);
    let timeline = site.proctor.timeline(&id(&wronged.1)).await.ok(200);
    let events = timeline["events"].as_array().cloned().unwrap_or_default();
    let regraded = events.iter().find(|event| event["event"]["t"] == "regraded").unwrap_or(&Value::Null);
    assert_eq!(json!([regraded["event"]["reason"], regraded["actor_name"]]), json!(["答案更正", "author"]));
    assert!(events.iter().any(|event| event["event"]["t"] == "graded"), "the first grade stays in the log");
    // The open one is marked by the keys it was drawn with, and corrected by the next regrade.
    assert_eq!(open.0.submit(&id(&open.1)).await.ok(200)["score"], 80);
    site.server.terminate();
    assert!(regrade(&site.server, true).contains("1 of 3 closed attempts changed"));
    let checked = said(&site.server, &["exam", "verify", "annual"], 0);
    assert!(checked.contains("3 papers derived again, 0 differ"), "{checked}");
    assert!(said(&site.server, &["audit", "verify"], 0).contains("all chains hold"));
}

#[tokio::test]
async fn a_correction_can_be_taken_back() {
    let Story { mut site, right, wronged, .. } = published_with_wrong_keys().await;
    import(&site, &right).await;
    site.server.terminate();
    assert!(regrade(&site.server, true).contains("2 of 2 closed attempts changed"));
    site.restart();
    import(&site, &site.bank).await;
    site.server.terminate();
    let shown = regrade(&site.server, true);
    assert!(shown.contains("2 of 2 closed attempts changed"), "back to the first keys: {shown}");
    site.restart();
    let learner = wronged.0.at(site.server.url());
    assert_eq!(
        outcome(&learner, &wronged.1).await,
        json!([80, false, 5]),
        "the score as before; hours once granted stay"
    );
}
