//! Practice of one's own choice.

use super::bad_input::pointers;
use keju_tests::kit::json::lay_over;
use keju_tests::kit::rules::short_rules;
use keju_tests::kit::{Backend, Bank, Client, Reply, Settings, Site, command_id, from_now, id, number, slots, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

keju_tests::on_every_backend!(a_learner_practises_the_topics_of_their_choice,);

/// Three topics of four true/false items, and one that no paper is drawn from.
fn bank() -> Bank {
    let item = |topic: &str, number: u32| {
        json!({"code": format!("{topic}-{number}"), "kind": "true_false", "stem": format!("{topic}：第 {number} 题"),
            "topic": topic, "correct": number.is_multiple_of(2), "explanation": format!("解析：{topic} {number}")})
    };
    let topics = ["公需/法律", "公需/法律/宪法", "公需/职业", "内部"];
    let items: Vec<Value> = topics.iter().flat_map(|topic| (0..4).map(move |number| item(topic, number))).collect();
    let mut file = Bank::generated(1, false).json;
    file["items"] = json!(items);
    Bank::new(file)
}

/// An exam of two items within 公需.
async fn exam(site: &Site, over: &Value) -> String {
    let mut rules = short_rules(2);
    rules["blueprint"]["sections"][0]["quotas"] = json!([{"topic": "公需", "count": 2}]);
    lay_over(&mut rules, over);
    site.exam(&rules).await
}

async fn practise(learner: &Client, exam: &str, what: &Value) -> Reply {
    let mut body = json!({"command_id": command_id(), "mode": "practice"});
    lay_over(&mut body, what);
    learner.post(&format!("/exams/{exam}/attempts"), &body).await
}

fn stems(attempt: &Value) -> BTreeSet<String> {
    slots(attempt).iter().map(|slot| text(&slot["stem"]).to_owned()).collect()
}

async fn a_learner_practises_the_topics_of_their_choice(backend: Backend) {
    let mut site = Site::start_with(backend.settings(), bank()).await;
    let exam = exam(&site, &json!({"code": "chosen"})).await;
    let learner = site.learner().await;
    let topics = learner.get(&format!("/exams/{exam}/topics")).await.ok(200);
    let expected = ["公需/法律", "公需/法律/宪法", "公需/职业"].map(|topic| json!({"topic": topic, "count": 4}));
    assert_eq!(topics, json!({"items": expected, "next": null}));

    let law = json!({"topics": ["公需/法律"], "count": 5, "command_id": command_id()});
    let started = practise(&learner, &exam, &law).await.ok(201);
    assert_eq!((slots(&started).len(), stems(&started).len()), (5, 5));
    assert!(stems(&started).iter().all(|stem| stem.contains("法律")), "{started}");
    assert_eq!(practise(&learner, &exam, &law).await.ok(201)["id"], started["id"], "a repeat");
    let mut other = law.clone();
    other["count"] = json!(6);
    practise(&learner, &exam, &other).await.problem(422, "idempotency_mismatch");
    for (place, slot) in slots(&started).iter().enumerate() {
        let response = if place == 0 { site.bank.wrong(slot) } else { site.bank.right(slot) };
        let receipt = learner.answer(&id(&started), number(slot), &response).await.ok(200);
        assert_eq!(receipt["feedback"]["correct"], place > 0);
    }
    let result = learner.submit(&id(&started)).await.ok(200);
    assert_eq!(json!([result["score"], result["max_score"]]), json!([4, 5]));
    let own = learner.get("/me/attempts").await.ok(200);
    assert_eq!(json!([own["items"][0]["score"], own["items"][0]["max_score"]]), json!([4, null]));

    let all = practise(&learner, &exam, &json!({"count": 100})).await.ok(201);
    assert_eq!(stems(&all).len(), 12, "all that papers are drawn from, and nothing else");
    learner.submit(&id(&all)).await.ok(200);
    let few = practise(&learner, &exam, &json!({"topics": ["公需/法律/宪法", "公需/职业"]})).await.ok(201);
    assert_eq!(stems(&few).len(), 8, "twenty unless told otherwise, as far as there are any");
    // P4: the papers follow from their seeds and what was chosen.
    site.server.terminate();
    let verified = site.server.command(&["exam", "verify", "chosen"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[tokio::test]
async fn what_cannot_be_chosen_is_named() {
    let site = Site::start_with(Settings::default(), bank()).await;
    let open = exam(&site, &json!({})).await;
    let learner = site.learner().await;
    let cases = [
        (json!({"mode": "exam", "topics": [], "count": 0}), vec!["/count", "/mode"]),
        (json!({"mode": "exam", "count": 5}), vec!["/mode"]),
        (json!({"count": 101}), vec!["/count"]),
        (json!({"topics": ["公需", "内部", "没有"]}), vec!["/topics/1", "/topics/2"]),
        (json!({"topics": vec!["公需"; 101]}), vec!["/topics"]),
        (json!({"topics": "公需", "count": "5", "keys": true}), vec!["/count", "/keys", "/topics"]),
    ];
    for (what, wrong) in cases {
        let problem = practise(&learner, &open, &what).await.problem(400, "invalid");
        assert_eq!(pointers(&problem), wrong, "{problem}");
    }
    let off = exam(&site, &json!({"practice": "off"})).await;
    practise(&learner, &off, &json!({"count": 5})).await.problem(409, "practice_off");
    learner.get(&format!("/exams/{off}/topics")).await.problem(409, "practice_off");
}

/// Practice tells keys: of a paper whose results are not out it must not tell any.
#[tokio::test]
async fn what_stands_in_an_unreleased_paper_is_not_practised_by_choice() {
    let site = Site::start_with(Settings::default(), bank()).await;
    let exam = exam(&site, &json!({"results_at": from_now(3_600_000)})).await;
    let (learner, other) = (site.learner().await, site.learner().await);
    let (taken, _) = site.take(&learner, &exam, 2).await;
    let practice = practise(&learner, &exam, &json!({"count": 100})).await.ok(201);
    assert_eq!(stems(&practice).len(), 10);
    assert!(stems(&practice).is_disjoint(&stems(&taken)));
    let of_other = practise(&other, &exam, &json!({"count": 100})).await.ok(201);
    assert_eq!(stems(&of_other).len(), 12, "it is the learner's own paper that counts");
    // Beside an open exam there is no practice at all.
    learner.submit(&id(&practice)).await.ok(200);
    let running = learner.start(&exam, "exam").await.ok(201);
    practise(&learner, &exam, &json!({"count": 5})).await.problem(409, "attempt_open");
    learner.submit(&id(&running)).await.ok(200);
    let path = format!("/exams/{exam}/release");
    assert_eq!(site.author.put(&path, &json!({"results_at": null})).await.status, 204);
    let released = practise(&learner, &exam, &json!({"count": 100})).await.ok(201);
    assert_eq!(stems(&released).len(), 12);
}
