//! What authors see and change: exams as they were written, drafts, what a bank has for a blueprint.

#![expect(clippy::unwrap_used, reason = "tests")]

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::{Site, id};
use serde_json::{Value, json};

#[tokio::test]
async fn a_draft_is_read_as_it_was_written_and_changed_until_it_is_published() {
    let site = Site::start().await;
    let body = site.exam_body(&short_rules(2));
    let exam = id(&site.author.post("/exams", &body).await.ok(201));
    let path = format!("/authored/exams/{exam}");
    let read = site.author.get(&path).await.ok(200);
    for field in ["code", "title", "course", "bank", "duration_ms", "grace_ms", "attempts_max", "practice", "review"] {
        assert_eq!(read[field], body[field], "{field}");
    }
    assert_eq!(read["blueprint"]["sections"], body["blueprint"]["sections"]);
    assert_eq!(read["state"], "draft");

    // What was read is what may be written again, but for what the server says of it.
    let mut change = read.clone();
    for own in ["id", "state", "bank_version"] {
        change.as_object_mut().unwrap().remove(own);
    }
    change["title"] = json!("改过的考试");
    let changed = site.author.put(&format!("/exams/{exam}"), &change).await.ok(200);
    assert_eq!(changed["title"], "改过的考试");
    change["pass_score"] = json!(1_000);
    change["duration_ms"] = json!(0);
    let refused = site.author.put(&format!("/exams/{exam}"), &change).await.problem(400, "invalid");
    assert_eq!(refused["errors"].as_array().map(Vec::len), Some(2), "all faults at once: {refused}");
    assert_eq!(site.author.get(&path).await.ok(200)["title"], "改过的考试");

    let _ = site.author.post(&format!("/exams/{exam}/publish"), &json!({})).await.ok(200);
    change["pass_score"] = json!(10);
    change["duration_ms"] = json!(600_000);
    let _ = site.author.put(&format!("/exams/{exam}"), &change).await.problem(409, "wrong_state");
    let listed = site.author.get("/authored/exams").await.ok(200);
    assert_eq!(json!([listed["items"][0]["id"], listed["items"][0]["state"]]), json!([exam, "published"]));
}

#[tokio::test]
async fn a_draft_is_nobodys_but_the_authors() {
    let site = Site::start().await;
    let exam = id(&site.author.post("/exams", &site.exam_body(&short_rules(2))).await.ok(201));
    let learner = site.learner().await;
    let _ = learner.exam(&exam).await.problem(404, "not_found");
    let _ = learner.get(&format!("/authored/exams/{exam}")).await.problem(403, "forbidden");
    let _ = learner.get("/authored/exams").await.problem(403, "forbidden");
}

#[tokio::test]
async fn strata_count_the_ready_items_of_a_bank() {
    let site = Site::start().await;
    let path = format!("/banks/{}/strata", site.bank_id);
    let total = |strata: &Value| -> u64 {
        strata["items"].as_array().into_iter().flatten().filter_map(|one| one["count"].as_u64()).sum()
    };
    let before = site.author.get(&path).await.ok(200);
    assert_eq!(total(&before), site.bank.len() as u64);
    let items = site.author.get(&format!("/banks/{}/items?limit=1", site.bank_id)).await.ok(200);
    let (code, kind) = (items["items"][0]["code"].clone(), items["items"][0]["kind"].clone());
    let state = json!({"codes": [code], "state": "retired"});
    let _ = site.author.put(&format!("/banks/{}/items/state", site.bank_id), &state).await.ok(200);
    let after = site.author.get(&path).await.ok(200);
    assert_eq!(total(&after), site.bank.len() as u64 - 1);
    let of_kind = |strata: &Value| -> u64 {
        let rows = strata["items"].as_array().into_iter().flatten().filter(|one| one["kind"] == kind);
        rows.filter_map(|one| one["count"].as_u64()).sum()
    };
    assert_eq!(of_kind(&after), of_kind(&before) - 1);
}

#[tokio::test]
async fn an_item_is_written_by_hand_once_and_changed_as_a_new_version() {
    let site = Site::start().await;
    let path = format!("/banks/{}/items", site.bank_id);
    let mut item = json!({"kind": "single_choice", "topic": "手写", "stem": "手写的题",
        "options": [{"text": "甲", "correct": true}, {"text": "乙"}]});
    let written = site.author.post(&path, &item).await.ok(201);
    let code = written["code"].as_str().unwrap().to_owned();
    let again = site.author.post(&path, &item).await.problem(400, "invalid");
    assert!(again["errors"][0]["detail"].as_str().is_some_and(|words| words.contains(" / ")), "{again}");

    let _ = site.author.put(&path, &item).await.problem(400, "invalid");
    item["code"] = json!(code);
    item["explanation"] = json!("新的解析");
    let changed = site.author.put(&path, &item).await.ok(200);
    assert_eq!(changed["code"], json!(code));
    let listed = site.author.get(&format!("{path}?limit=500")).await.ok(200);
    let found: Vec<&Value> =
        listed["items"].as_array().into_iter().flatten().filter(|item| item["code"] == json!(code)).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(json!([found[0]["version"], found[0]["solution"]["explanation"]]), json!([2, "新的解析"]));

    let wrong = json!({"kind": "single_choice", "stem": "", "options": [{"text": "甲"}]});
    let refused = site.author.post(&path, &wrong).await.problem(400, "invalid");
    assert!(refused["errors"].as_array().is_some_and(|errors| errors.len() > 1), "all faults at once: {refused}");
    for nothing in [json!(null), json!([]), json!("x"), json!({}), json!({"kind": "no_such"})] {
        let _ = site.author.post(&path, &nothing).await.problem(400, "invalid");
    }
    let learner = site.learner().await;
    let _ = learner.post(&path, &item).await.problem(403, "forbidden");
}

#[tokio::test]
async fn sample_papers_meet_the_blueprint_and_hold_no_key() {
    let site = Site::start().await;
    let exam = id(&site.author.post("/exams", &site.exam_body(&json!({}))).await.ok(201));
    let path = format!("/authored/exams/{exam}/sample");
    let papers = [site.author.get(&path).await.ok(200), site.author.get(&path).await.ok(200)];
    for paper in &papers {
        let sections = paper["sections"].as_array().cloned().unwrap_or_default();
        assert_eq!(sections.len(), 7);
        let slots: usize = sections.iter().filter_map(|section| section["slots"].as_array()).map(Vec::len).sum();
        assert_eq!(slots, 9);
        let text = paper.to_string();
        assert!(!text.contains("\"key\"") && !text.contains("explanation") && !text.contains("\"code\""), "{text}");
    }
    assert_ne!(papers[0], papers[1], "drawn anew every time");

    let mut rules = short_rules(2);
    rules["blueprint"]["sections"][0]["count"] = json!(500);
    rules["blueprint"]["sections"][0]["quotas"] = json!([]);
    let short = id(&site.author.post("/exams", &site.exam_body(&rules)).await.ok(201));
    let told = site.author.get(&format!("/authored/exams/{short}/sample")).await.problem(422, "infeasible");
    assert_eq!(told["errors"][0]["pointer"], "/blueprint/sections/0");
}
