//! Cases: what people have to look at, what they decide, and what that does. Nothing of it happens by itself.

use super::shape::no_server_error;
use keju_tests::kit::site::{PASSWORD, YEAR};
use keju_tests::kit::{Backend, Client, Reply, Site, command_id, from_now, id, text};
use serde_json::{Value, json};
use std::collections::HashSet;

keju_tests::on_every_backend!(
    a_score_opens_a_case_and_does_nothing_else,
    a_confirmed_case_takes_the_hours_back_and_an_honest_pass_earns_them_again,
    a_cleared_case_shows_the_learner_nothing,
    a_second_review_is_another_persons,
    what_is_decided_stays_decided_until_it_is_taken_up_again,
    fifty_decisions_at_once_are_one,
    a_repeat_is_told_the_first_result,
    cases_are_listed_by_state_and_exam_page_by_page,
    acts_on_cases_are_checked,
    decisions_outlive_a_restart,
    a_terminated_attempt_has_a_case,
);

/// A learner who has passed, and two people who review.
struct Reviewed {
    site: Site,
    exam: String,
    learner: Client,
    attempt: String,
    city: Client,
}

async fn reviewed(backend: Backend) -> Reviewed {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let (attempt, result) = site.take(&learner, &exam, 9).await;
    assert_eq!(json!([result["passed"], result["hours_granted"]]), json!([true, 5]));
    let city = staff(&site, "city", &["city_admin"]).await;
    Reviewed { exam, learner, attempt: id(&attempt), city, site }
}

async fn staff(site: &Site, name: &str, roles: &[&str]) -> Client {
    let person = json!({"username": name, "name": name, "password": PASSWORD, "roles": roles});
    assert_eq!(site.admin.post("/people", &json!({"people": [person]})).await.ok(200)["created"], 1);
    Client::sign_in(site.server.url(), &format!("{name}'s desk"), name, PASSWORD).await
}

/// The hours of each entry of the year, oldest first, and the sum.
async fn hours(learner: &Client) -> Value {
    let year = learner.hours(YEAR).await.ok(200);
    let entries: Vec<&Value> = year["entries"].as_array().into_iter().flatten().map(|entry| &entry["hours"]).collect();
    json!([entries, year["earned"]["total"]])
}

fn kinds(timeline: &Value) -> Vec<&str> {
    timeline["events"].as_array().into_iter().flatten().map(|event| text(&event["event"]["t"])).collect()
}

async fn a_score_opens_a_case_and_does_nothing_else(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let attempt_id = id(&attempt);
    let _ = site.proctor.case(&attempt_id).await.problem(404, "not_found");
    let away = json!([{"kind": "blur", "at": from_now(0)}]);
    assert_eq!(learner.signals(&attempt_id, &away).await.status, 202);
    site.answer_all(&learner, &attempt, 9).await;
    let _ = site.proctor.decide(&attempt_id, "confirmed", "还在作答").await.problem(409, "wrong_state");
    let _ = site.proctor.act(&attempt_id, "warn", "请勿切屏", None).await.ok(200);
    let result = learner.submit(&attempt_id).await.ok(200);
    assert_eq!(json!([result["passed"], result["hours_granted"]]), json!([true, 5]), "no score fails anybody");
    assert!(result.get("invalidated").is_none());

    let listed = site.proctor.get("/cases?state=open").await.ok(200);
    let line = &listed["items"][0];
    assert_eq!(json!([line["case"], line["attempt"], line["exam"]]), json!([attempt_id, attempt_id, exam]));
    assert_eq!(json!([line["state"], line["learner_name"], line["exam_title"]]), json!(["open", "学员", "测试考试"]));
    let case = site.proctor.case(&attempt_id).await.ok(200);
    assert_eq!(json!([case["cause"]["kind"], case["decisions"], case["decidable"]]), json!(["score", [], true]));
    let flags = case["flags"].as_array().cloned().unwrap_or_default();
    let sum: u64 = flags.iter().filter_map(|flag| flag["weight"].as_u64()).sum();
    assert_eq!((case["integrity_score"].as_u64(), line["integrity_score"].as_u64()), (Some(sum), Some(sum)));
    assert!(sum >= 30 && flags.iter().all(|flag| !text(&flag["reason"]).is_empty()));
    assert!(flags.iter().any(|flag| flag["kind"] == "answered_while_away"), "{case}");
    assert!(!text(&case["origins"][0]["address"]).is_empty(), "{case}");
    assert_eq!(json!([case["acts"][0]["action"], case["acts"][0]["by_name"]]), json!(["warn", "proctor"]));
    assert_eq!(site.proctor.get(text(&case["timeline"]).trim_start_matches("/api/v1")).await.status, 200);
}

async fn a_confirmed_case_takes_the_hours_back_and_an_honest_pass_earns_them_again(backend: Backend) {
    let Reviewed { site, exam, learner, attempt, city } = reviewed(backend).await;
    assert_eq!(hours(&learner).await, json!([[5], 5]));
    let opened = site.proctor.open_case(&attempt, "同考场举报").await.ok(201);
    assert_eq!(json!([opened["case"], opened["state"], opened["decision"]]), json!([attempt, "open", "opened"]));
    assert_eq!(hours(&learner).await, json!([[5], 5]), "an open case does nothing");
    let decided = city.decide(&attempt, "confirmed", "查实替考").await.ok(200);
    assert_eq!(json!([decided["state"], decided["hours"], decided["by_name"]]), json!(["confirmed", -5, "city"]));

    let result = learner.result(&attempt).await.ok(200);
    assert_eq!(json!([result["passed"], result["hours_granted"], result["score"]]), json!([false, 0, 100]));
    assert_eq!(result["invalidated"]["reason"], "查实替考");
    assert_eq!(hours(&learner).await, json!([[5, -5], 0]));
    let year = learner.hours(YEAR).await.ok(200);
    assert_eq!(year["entries"][1]["source"], json!({"kind": "review", "attempt": attempt}));
    let own = learner.get("/me/attempts").await.ok(200);
    assert_eq!(json!([own["items"][0]["passed"], own["items"][0]["invalidated"]]), json!([false, true]));
    assert_eq!(learner.exam(&exam).await.ok(200)["state"], "open", "there are attempts left");

    let timeline = city.timeline(&attempt).await.ok(200);
    let events = kinds(&timeline);
    assert_eq!(events[events.len() - 3..], ["case_opened", "case_decided", "hours_taken_back"]);
    let audit = site.admin.get("/audit?limit=500").await.ok(200);
    let acts = audit["items"].as_array().cloned().unwrap_or_default();
    for (act, who) in [("case.open", &site.proctor), ("case.confirm", &city)] {
        let record = acts.iter().find(|record| record["act"] == act).unwrap_or(&Value::Null);
        assert_eq!(json!([record["actor"], record["subject"]]), json!([who.person, attempt]), "{act}");
    }

    let (_, again) = site.take(&learner, &exam, 9).await;
    assert_eq!(json!([again["passed"], again["hours_granted"]]), json!([true, 5]), "an honest pass counts");
    assert_eq!(hours(&learner).await, json!([[5, -5, 5], 5]));
    // The first one stays as it was decided.
    assert_eq!(learner.result(&attempt).await.ok(200)["passed"], false);
}

async fn a_cleared_case_shows_the_learner_nothing(backend: Backend) {
    let Reviewed { site, learner, attempt, .. } = reviewed(backend).await;
    let before = learner.result(&attempt).await.ok(200);
    let _ = site.proctor.open_case(&attempt, "多次切屏").await.ok(201);
    assert_eq!(learner.result(&attempt).await.ok(200), before);
    let cleared = site.proctor.decide(&attempt, "cleared", "系统弹窗所致").await.ok(200);
    assert_eq!(json!([cleared["state"], cleared["hours"]]), json!(["cleared", 0]));
    assert_eq!(learner.result(&attempt).await.ok(200), before);
    assert_eq!(hours(&learner).await, json!([[5], 5]));
    assert_eq!(learner.get("/me/attempts").await.ok(200)["items"][0]["invalidated"], false);
}

async fn a_second_review_is_another_persons(backend: Backend) {
    let Reviewed { site, learner, attempt, city, .. } = reviewed(backend).await;
    let _ = site.proctor.open_case(&attempt, "可疑").await.ok(201);
    let asked = site.proctor.decide(&attempt, "second_review", "请复核").await.ok(200);
    assert_eq!(asked["state"], "second_review");
    assert_eq!(site.proctor.case(&attempt).await.ok(200)["decidable"], false);
    for decision in ["cleared", "confirmed", "second_review"] {
        let _ = site.proctor.decide(&attempt, decision, "我自己定").await.problem(409, "wrong_state");
    }
    let _ = city.decide(&attempt, "second_review", "再请人").await.problem(409, "wrong_state");
    assert_eq!(hours(&learner).await, json!([[5], 5]));
    assert_eq!(city.decide(&attempt, "confirmed", "查实").await.ok(200)["hours"], -5);
    let case = city.case(&attempt).await.ok(200);
    let record: Vec<Value> = case["decisions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| json!([one["decision"], one["by_name"], one["hours"]]))
        .collect();
    assert_eq!(json!(record), json!([["second_review", "proctor", 0], ["confirmed", "city", -5]]));
    assert_eq!(json!([case["state"], case["passed"], case["hours_granted"]]), json!(["confirmed", false, 0]));
}

async fn what_is_decided_stays_decided_until_it_is_taken_up_again(backend: Backend) {
    let Reviewed { site, learner, attempt, city, .. } = reviewed(backend).await;
    let _ = site.proctor.open_case(&attempt, "可疑").await.ok(201);
    let _ = site.proctor.open_case(&attempt, "可疑").await.problem(409, "wrong_state");
    let _ = city.decide(&attempt, "confirmed", "查实").await.ok(200);
    for reviewer in [&site.proctor, &city, &site.admin] {
        let _ = reviewer.decide(&attempt, "cleared", "改判").await.problem(409, "wrong_state");
    }
    let _ = site.proctor.open_case(&attempt, "申诉").await.problem(409, "wrong_state");
    let reopened = site.admin.open_case(&attempt, "学员申诉").await.ok(201);
    assert_eq!(json!([reopened["state"], reopened["decision"]]), json!(["second_review", "reopened"]));
    assert_eq!(hours(&learner).await, json!([[5, -5], 0]), "what was decided stands meanwhile");
    assert_eq!(learner.result(&attempt).await.ok(200)["invalidated"]["reason"], "查实");
    let _ = city.decide(&attempt, "cleared", "我改主意").await.problem(409, "wrong_state");
    assert_eq!(site.admin.decide(&attempt, "cleared", "证据不足").await.ok(200)["hours"], 5);
    assert_eq!(hours(&learner).await, json!([[5, -5, 5], 5]));
    let result = learner.result(&attempt).await.ok(200);
    assert_eq!(json!([result["passed"], result["hours_granted"]]), json!([true, 5]));
    assert!(result.get("invalidated").is_none());
}

async fn fifty_decisions_at_once_are_one(backend: Backend) {
    let Reviewed { site, learner, attempt, city, .. } = reviewed(backend).await;
    let _ = site.proctor.open_case(&attempt, "可疑").await.ok(201);
    let mut working = tokio::task::JoinSet::new();
    for (number, reviewer) in [&site.proctor, &city, &site.admin].into_iter().cycle().take(50).enumerate() {
        let (reviewer, attempt) = (reviewer.clone(), attempt.clone());
        let decision = if number % 2 == 0 { "confirmed" } else { "cleared" };
        working.spawn(async move { reviewer.decide(&attempt, decision, "结论").await });
    }
    let replies = working.join_all().await;
    no_server_error(&replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    let (taken, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((taken.len(), refused.len()), (1, 49));
    refused.into_iter().for_each(|reply| drop(reply.problem(409, "wrong_state")));
    let confirmed = taken[0].json["decision"] == "confirmed";
    let expected = if confirmed { json!([[5, -5], 0]) } else { json!([[5], 5]) };
    assert_eq!(hours(&learner).await, expected);
    assert_eq!(city.case(&attempt).await.ok(200)["decisions"].as_array().map(Vec::len), Some(1));

    // One command from everywhere: one effect, one answer.
    let other = site.learner().await;
    let (attempt, _) = site.take(&other, &site.exam(&json!({})).await, 9).await;
    let (attempt, command) = (id(&attempt), command_id());
    let _ = city.open_case(&attempt, "可疑").await.ok(201);
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (city, attempt, command) = (city.clone(), attempt.clone(), command.clone());
        working.spawn(async move { city.decide_by(&attempt, "confirmed", "查实", &command).await });
    }
    let replies = working.join_all().await;
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1);
    let told: HashSet<String> = replies.into_iter().map(|reply| reply.ok(200).to_string()).collect();
    assert_eq!(told.len(), 1, "all are told the same");
    assert_eq!(hours(&other).await, json!([[5, -5], 0]));
}

async fn a_repeat_is_told_the_first_result(backend: Backend) {
    let Reviewed { site, attempt, city, .. } = reviewed(backend).await;
    let opening = json!({"command_id": command_id(), "reason": "可疑"});
    let path = format!("/attempts/{attempt}/case");
    let opened = site.proctor.post(&path, &opening).await.ok(201);
    let command = command_id();
    let asked = site.proctor.decide_by(&attempt, "second_review", "请复核", &command).await.ok(200);
    let _ = city.decide(&attempt, "confirmed", "查实").await.ok(200);
    let again = site.proctor.decide_by(&attempt, "second_review", "请复核", &command).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(200), asked, "whatever was decided since");
    let again = site.proctor.post(&path, &opening).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(201), opened);
    for (decision, reason) in [("cleared", "请复核"), ("second_review", "别的理由")] {
        let other = site.proctor.decide_by(&attempt, decision, reason, &command).await;
        let _ = other.problem(422, "idempotency_mismatch");
    }
    assert_eq!(city.case(&attempt).await.ok(200)["decisions"].as_array().map(Vec::len), Some(2));
}

async fn cases_are_listed_by_state_and_exam_page_by_page(backend: Backend) {
    let Reviewed { site, exam, attempt, city, .. } = reviewed(backend).await;
    let other_exam = site.exam(&json!({})).await;
    let mut attempts = vec![attempt];
    for learner in site.learners(4).await {
        let attempt = id(&learner.start(&exam, "exam").await.ok(201));
        let _ = learner.submit(&attempt).await.ok(200);
        attempts.push(attempt);
        let _ = learner.start(&other_exam, "exam").await.ok(201);
    }
    for attempt in &attempts {
        let _ = site.proctor.open_case(attempt, "抽查").await.ok(201);
    }
    let _ = city.decide(&attempts[1], "cleared", "无异常").await.ok(200);
    let _ = city.decide(&attempts[2], "confirmed", "查实").await.ok(200);
    let _ = city.decide(&attempts[3], "second_review", "复核").await.ok(200);
    attempts.reverse();
    let ids = |list: &Value| {
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|line| text(&line["case"]).to_owned()).collect::<Vec<_>>()
    };
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = city.get(&format!("/cases?limit=2{after}")).await.ok(200);
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, attempts, "newest first, each once");
    for (state, count) in [("open", 2), ("second_review", 1), ("cleared", 1), ("confirmed", 1)] {
        let listed = city.get(&format!("/cases?state={state}&exam={exam}")).await.ok(200);
        assert_eq!(ids(&listed).len(), count, "{state}");
        assert!(listed["items"].as_array().into_iter().flatten().all(|line| line["state"] == state));
    }
    assert_eq!(city.get(&format!("/cases?exam={other_exam}")).await.ok(200)["items"], json!([]));
    for (query, pointer) in [
        ("state=gone", "/query/state"),
        ("exam=x", "/query/exam"),
        ("after=x", "/query/after"),
        ("limit=x", "/query/limit"),
        ("more=1", "/query/more"),
    ] {
        let problem = city.get(&format!("/cases?{query}")).await.problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

async fn acts_on_cases_are_checked(backend: Backend) {
    let Reviewed { site, exam, learner, attempt, city } = reviewed(backend).await;
    let nobody = "01a20ac3-e503-77ec-965e-d61eb8a1681e";
    let _ = city.case(nobody).await.problem(404, "not_found");
    let _ = city.decide(nobody, "cleared", "无").await.problem(404, "not_found");
    let _ = city.open_case(nobody, "无").await.problem(404, "not_found");
    let _ = city.decide(&attempt, "cleared", "没有案件").await.problem(404, "not_found");
    let _ = city.timeline(&attempt).await.problem(403, "forbidden");
    let _ = city.open_case(&attempt, " ").await.problem(400, "invalid");
    let _ = site.proctor.open_case(&attempt, "可疑").await.ok(201);
    assert_eq!(city.timeline(&attempt).await.status, 200, "a case's log is its evidence");
    let long = "长".repeat(1_001);
    for (decision, reason, pointer) in
        [("cleared", "", "/reason"), ("cleared", long.as_str(), "/reason"), ("expelled", "理由", "/decision")]
    {
        let problem = city.decide(&attempt, decision, reason).await.problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let _ = learner.case(&attempt).await.problem(403, "forbidden");
    let _ = learner.get("/cases").await.problem(403, "forbidden");
    let _ = learner.decide(&attempt, "cleared", "我没事").await.problem(403, "forbidden");
    let _ = site.author.decide(&attempt, "cleared", "放过他").await.problem(403, "forbidden");

    // Nobody judges in a cause of their own.
    let both = staff(&site, "both", &["learner", "proctor", "admin"]).await;
    let own = id(&both.start(&exam, "exam").await.ok(201));
    let _ = both.submit(&own).await.ok(200);
    let _ = both.open_case(&own, "自查").await.problem(403, "forbidden");
    let _ = site.proctor.open_case(&own, "抽查").await.ok(201);
    let _ = both.decide(&own, "cleared", "我没事").await.problem(403, "forbidden");
    assert_eq!(both.case(&own).await.ok(200)["decidable"], false);

    // Practice counts for nothing.
    let practice = id(&site.learner().await.start(&exam, "practice").await.ok(201));
    let _ = site.proctor.open_case(&practice, "练习").await.problem(409, "wrong_state");
}

async fn decisions_outlive_a_restart(backend: Backend) {
    let Reviewed { mut site, learner, attempt, city, exam } = reviewed(backend).await;
    let _ = site.proctor.open_case(&attempt, "可疑").await.ok(201);
    let command = command_id();
    let decided = city.decide_by(&attempt, "confirmed", "查实", &command).await.ok(200);
    let (case, result) = (city.case(&attempt).await.ok(200), learner.result(&attempt).await.ok(200));
    site.restart();
    let (city, learner) = (city.at(site.server.url()), learner.at(site.server.url()));
    assert_eq!(city.case(&attempt).await.ok(200), case);
    let after = learner.result(&attempt).await.ok(200);
    assert_eq!(json!([after["passed"], after["invalidated"]]), json!([result["passed"], result["invalidated"]]));
    let again = city.decide_by(&attempt, "confirmed", "查实", &command).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(200), decided);
    assert_eq!(site.take(&learner, &exam, 9).await.1["hours_granted"], 5);
    assert_eq!(hours(&learner).await, json!([[5, -5, 5], 5]));
}

async fn a_terminated_attempt_has_a_case(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = id(&learner.start(&exam, "exam").await.ok(201));
    let _ = site.proctor.act(&attempt, "terminate", "替考", None).await.ok(200);
    let case = site.proctor.case(&attempt).await.ok(200);
    assert_eq!(json!([case["state"], case["cause"]["kind"]]), json!(["open", "terminated"]));
    let _ = site.proctor.decide(&attempt, "cleared", "认错人了").await.ok(200);
    let result = learner.result(&attempt).await.ok(200);
    assert_eq!(json!([result["state"], result["passed"], result["hours_granted"]]), json!(["terminated", false, 0]));
    assert!(result.get("invalidated").is_none());
}
