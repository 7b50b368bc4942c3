//! The whole road: bank in, exam published, practice, paper, answers, grade, hours.

use super::shape::{is_attempt, is_time};
use keju_tests::kit::rules::SLOTS;
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Backend, Client, Site, command_id, from_now, id, number, slots, text};
use serde_json::{Value, json};
use std::collections::HashSet;

keju_tests::on_every_backend!(
    the_whole_road_from_the_bank_to_the_hours,
    twenty_learners_get_twenty_papers,
    a_cleared_answer_earns_nothing_and_a_repeated_command_changes_nothing,
);

async fn the_whole_road_from_the_bank_to_the_hours(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({"title": "公需科目考试"})).await;
    let learner = site.learner().await;
    what_is_open(&site, &learner, &exam).await;
    practice_tells_at_once(&site, &learner, &exam).await;
    let attempt = start(&learner, &exam).await;
    answers_one_by_one(&site, &learner, &attempt).await;
    answers_kept_while_offline(&site, &learner, &attempt).await;
    let observed =
        json!([{"kind": "blur", "at": from_now(0)}, {"kind": "focus", "at": from_now(0), "detail": {"after_ms": 7}}]);
    assert_eq!(learner.signals(&id(&attempt), &observed).await.status, 202);
    submission_passes(&learner, &attempt).await;
    hours_once(&site, &learner, &exam, &id(&attempt)).await;
    failing_earns_nothing(&site, &exam).await;
}

async fn what_is_open(site: &Site, learner: &Client, exam: &str) {
    let me = learner.me().await.ok(200);
    assert_eq!((text(&me["username"]), &me["roles"]), (learner.username.as_str(), &json!(["learner"])));
    let exams = learner.exams().await.ok(200);
    assert_eq!((exams["items"].as_array().map(Vec::len), &exams["next"]), (Some(1), &Value::Null));
    let rules = learner.exam(exam).await.ok(200);
    assert_eq!(exams["items"][0]["id"], rules["id"]);
    let told =
        ["state", "questions", "max_score", "pass_score", "duration_ms", "attempts_used", "attempts_left", "hours"];
    let expected = json!(["open", SLOTS, 100, 60, 600_000, 0, 3, 5]);
    assert_eq!(json!(told.map(|name| &rules[name])), expected, "{rules}");
    assert_eq!(json!([rules["review"], rules["practice"], rules["practised"]]), json!(["score", "offered", false]));
    is_time(&rules["opens_at"]);
    let courses = learner.courses().await.ok(200);
    assert_eq!(courses["items"][0]["id"], site.course_id);
    assert_eq!(courses["items"][0]["state"], "not_started");
}

async fn practice_tells_at_once(site: &Site, learner: &Client, exam: &str) {
    let practice = learner.start(exam, "practice").await.ok(201);
    is_attempt(&practice);
    assert_eq!(practice["mode"], "practice");
    for slot in slots(&practice) {
        let right = site.bank.right(&slot);
        for (response, is_right) in [(site.bank.wrong(&slot), false), (right.clone(), true)] {
            let receipt = learner.answer(&id(&practice), number(&slot), &response).await.ok(200);
            let feedback = &receipt["feedback"];
            assert_eq!(feedback["correct"], is_right, "{slot} {response}");
            assert_eq!(sorted(&feedback["key"]), sorted(&right), "{slot}");
            assert!(text(&feedback["explanation"]).contains("解析"));
        }
    }
    let result = learner.submit(&id(&practice)).await.ok(200);
    assert_eq!(json!([result["score"], result["hours_granted"], result["release"]["released"]]), json!([100, 0, true]));
    assert_eq!(learner.hours(YEAR).await.ok(200)["entries"], json!([]));
    assert_eq!(learner.exam(exam).await.ok(200)["practised"], true);
}

/// A response whose parts are in no order that matters; an ordering's are.
fn sorted(response: &Value) -> Value {
    let mut response = response.clone();
    if let Some(pairs) = response.get_mut("pairs").and_then(Value::as_array_mut) {
        pairs.sort_by_key(ToString::to_string);
    }
    if let Some(number) = response.get_mut("number") {
        *number = json!(number.as_f64());
    }
    response
}

async fn start(learner: &Client, exam: &str) -> Value {
    let reply = learner.start(exam, "exam").await;
    assert_eq!(reply.header("location"), format!("/api/v1/attempts/{}", id(&reply.json)));
    let attempt = reply.ok(201);
    is_attempt(&attempt);
    assert_eq!(
        json!([attempt["mode"], attempt["state"], attempt["number"], attempt["seq"]]),
        json!(["exam", "open", 1, 1])
    );
    let remaining = attempt["remaining_ms"].as_i64().unwrap_or_default();
    assert!((590_000..=600_000).contains(&remaining), "{remaining}");
    assert_eq!(learner.exam(exam).await.ok(200)["state"], "in_progress");
    attempt
}

async fn answers_one_by_one(site: &Site, learner: &Client, attempt: &Value) {
    let attempt_id = id(attempt);
    let mut last_seq = 1;
    for slot in slots(attempt) {
        let response = site.bank.right(&slot);
        let reply = learner.answer(&attempt_id, number(&slot), &response).await;
        assert!(!reply.is_replayed());
        let receipt = reply.ok(200);
        assert_eq!(
            keju_tests::kit::json::keys(&receipt),
            ["receipt", "saved_at", "seq", "slot"],
            "no feedback in an exam"
        );
        let seq = receipt["seq"].as_u64().unwrap_or_default();
        assert!(seq > last_seq, "{receipt}");
        last_seq = seq;
        receipt_verifies(learner, &attempt_id, &receipt, &response).await;
    }
    let read = learner.attempt(&attempt_id).await.ok(200);
    is_attempt(&read);
    assert_eq!(read["paper"], attempt["paper"]);
    for slot in slots(attempt) {
        let kept = &read["answers"][number(&slot).to_string()]["response"];
        assert_eq!(sorted(kept), sorted(&site.bank.right(&slot)));
    }
}

async fn receipt_verifies(learner: &Client, attempt: &str, receipt: &Value, response: &Value) {
    let whole = json!({
        "receipt": receipt["receipt"], "attempt": attempt, "slot": receipt["slot"], "seq": receipt["seq"],
        "saved_at": receipt["saved_at"], "response": response,
    });
    let check = learner.verify_receipt(&whole).await.ok(200);
    assert_eq!(json!([check["valid"], check["kept"], check["response_matches"]]), json!([true, true, true]), "{check}");
    for (name, other) in
        [("slot", json!(77)), ("seq", json!(1)), ("saved_at", json!(from_now(-999))), ("response", json!(null))]
    {
        let mut changed = whole.clone();
        changed[name] = other;
        assert_eq!(learner.verify_receipt(&changed).await.ok(200)["valid"], false, "{name}");
    }
    // One character of the signature itself.
    let signed = text(&receipt["receipt"]);
    for place in [0, signed.len() / 2, signed.len() - 2] {
        let mut forged: Vec<char> = signed.chars().collect();
        forged[place] = if forged[place] == 'A' { 'B' } else { 'A' };
        let forged: String = forged.into_iter().collect();
        assert_eq!(learner.verify_receipt(&json!({"receipt": forged})).await.ok(200)["valid"], false, "{place}");
    }
}

async fn answers_kept_while_offline(site: &Site, learner: &Client, attempt: &Value) {
    let (attempt_id, slots) = (id(attempt), slots(attempt));
    let (first, second) = (&slots[0], &slots[1]);
    let batch = |slot: u64, response: Value, command: &str| json!({"command_id": command, "slot": slot, "response": response, "answered_at": from_now(-60_000)});
    let (one, two, bad, none) = (command_id(), command_id(), command_id(), command_id());
    let answers = json!([
        batch(1, site.bank.wrong(first), &one),
        batch(1, site.bank.right(first), &two),
        batch(2, json!({"number": 1}), &bad),
        batch(99, site.bank.right(second), &none),
    ]);
    for round in ["first", "again"] {
        let outcome = learner.answers(&attempt_id, &answers).await.ok(200);
        assert_eq!(outcome["receipts"].as_array().map(Vec::len), Some(2), "{round}: {outcome}");
        let refused =
            json!([outcome["refused"][0]["command_id"], outcome["refused"][0]["code"], outcome["refused"][1]["code"]]);
        assert_eq!(refused, json!([bad, "invalid", "not_found"]), "{round}: {outcome}");
    }
    let read = learner.attempt(&attempt_id).await.ok(200);
    assert_eq!(read["answers"]["1"]["response"], site.bank.right(first));
    assert_eq!(read["answers"]["2"]["response"], site.bank.right(second), "the refused one changed nothing");
}

async fn submission_passes(learner: &Client, attempt: &Value) {
    let before = learner.result(&id(attempt)).await.ok(200);
    assert_eq!(
        json!([before["state"], before["score"], before["passed"], before["hours_granted"]]),
        json!(["open", null, null, 0])
    );
    let result = learner.submit(&id(attempt)).await.ok(200);
    let told = ["state", "score", "max_score", "pass_score", "passed", "hours_granted"];
    assert_eq!(json!(told.map(|name| &result[name])), json!(["submitted", 100, 100, 60, true, 5]));
    is_time(&result["graded_at"]);
    assert_eq!(result["release"]["released"], true);
    assert!(result.get("review").is_none(), "the policy shows the score only");
    assert_eq!(learner.result(&id(attempt)).await.ok(200), result);
}

async fn hours_once(site: &Site, learner: &Client, exam: &str, attempt: &str) {
    let credited =
        |hours: &Value| json!([hours["earned"]["total"], hours["earned"]["public"]["compulsory"], hours["qualified"]]);
    let hours = learner.hours(YEAR).await.ok(200);
    assert_eq!(credited(&hours), json!([5, 5, false]));
    assert_eq!(
        json!([hours["required"]["public"]["total"], hours["required"]["professional"]["total"]]),
        json!([30, 60])
    );
    assert_eq!(hours["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(hours["entries"][0]["source"], json!({"kind": "exam", "attempt": attempt}));
    assert_eq!(learner.courses().await.ok(200)["items"][0]["state"], "passed");
    assert_eq!(learner.exam(exam).await.ok(200)["state"], "passed");
    let (_, second) = site.take(learner, exam, SLOTS).await;
    assert_eq!(json!([second["passed"], second["hours_granted"]]), json!([true, 0]));
    assert_eq!(learner.hours(YEAR).await.ok(200), hours, "a second pass grants nothing");
}

async fn failing_earns_nothing(site: &Site, exam: &str) {
    let learner = site.learner().await;
    let (_, result) = site.take(&learner, exam, 0).await;
    assert_eq!(json!([result["score"], result["passed"], result["hours_granted"]]), json!([0, false, 0]));
    assert_eq!(learner.hours(YEAR).await.ok(200)["entries"], json!([]));
    assert_eq!(learner.courses().await.ok(200)["items"][0]["state"], "in_progress");
    // Exactly the pass score passes: 2 + 2 slots of 10 points and one of 20.
    let (_, result) = site.take(&learner, exam, 5).await;
    assert_eq!(json!([result["score"], result["passed"], result["hours_granted"]]), json!([60, true, 5]));
}

async fn twenty_learners_get_twenty_papers(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let (mut papers, mut commitments) = (HashSet::new(), HashSet::new());
    for learner in site.learners(20).await {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        is_attempt(&attempt);
        assert_eq!(slots(&attempt).len(), SLOTS);
        papers.insert(attempt["paper"]["sections"].to_string());
        commitments.insert(attempt["paper"]["seed_commitment"].to_string());
    }
    assert_eq!((papers.len(), commitments.len()), (20, 20));
}

async fn a_cleared_answer_earns_nothing_and_a_repeated_command_changes_nothing(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let command = command_id();
    let attempt = learner.start_by(&exam, "exam", &command).await.ok(201);
    let again = learner.start_by(&exam, "exam", &command).await;
    assert!(again.is_replayed());
    assert_eq!(id(&again.ok(201)), id(&attempt));
    let _ = learner.start_by(&exam, "practice", &command).await.problem(422, "idempotency_mismatch");
    let (attempt_id, all) = (id(&attempt), slots(&attempt));
    let (command, right) = (command_id(), site.bank.right(&all[0]));
    let first = learner.answer_by(&attempt_id, 1, &right, &command).await.ok(200);
    let cleared = learner.answer(&attempt_id, 1, &Value::Null).await.ok(200);
    assert!(cleared["seq"].as_u64() > first["seq"].as_u64());
    let again = learner.answer_by(&attempt_id, 1, &right, &command).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(200), first, "the first receipt");
    let _ = learner.answer_by(&attempt_id, 1, &Value::Null, &command).await.problem(422, "idempotency_mismatch");
    let _ = learner.answer_by(&attempt_id, 2, &right, &command).await.problem(422, "idempotency_mismatch");
    assert_eq!(learner.attempt(&attempt_id).await.ok(200)["answers"]["1"]["response"], Value::Null, "it stays cleared");
    let _ = learner.submit_by(&attempt_id, &command).await.problem(422, "idempotency_mismatch");
    let handing_in = command_id();
    let result = learner.submit_by(&attempt_id, &handing_in).await.ok(200);
    assert_eq!(result["score"], 0);
    let again = learner.submit_by(&attempt_id, &handing_in).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(200), result);
    let late = learner.answer_by(&attempt_id, 1, &right, &command).await;
    assert_eq!(late.ok(200), first, "a repeat is answered after the end too");
    let _ = learner.answer(&attempt_id, 1, &right).await.problem(409, "attempt_closed");
}
