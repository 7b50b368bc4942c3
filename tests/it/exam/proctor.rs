//! Proctors: they see sessions and timelines, and act in their own name.

use keju_tests::kit::{Backend, Client, Site, command_id, id, number, slots, text};
use serde_json::{Value, json};

keju_tests::on_every_backend!(
    a_pause_stops_the_clock_and_a_resumption_gives_the_time_back,
    a_terminated_attempt_is_closed_and_never_passes,
    every_act_names_a_person_and_stands_in_timeline_and_audit_log,
    a_repeated_act_is_told_what_it_came_to,
    acts_are_checked,
    learners_and_authors_neither_watch_nor_act,
    sessions_are_listed_by_state_page_by_page,
);

fn ms(value: &Value) -> i64 {
    exam_core::Timestamp::parse(text(value)).map_or(0, exam_core::Timestamp::ms)
}

struct Watched {
    site: Site,
    exam: String,
    learner: Client,
    attempt: Value,
}

async fn watched(backend: Backend) -> Watched {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    Watched { site, exam, learner, attempt }
}

async fn a_pause_stops_the_clock_and_a_resumption_gives_the_time_back(backend: Backend) {
    let Watched { site, learner, attempt, .. } = watched(backend).await;
    let (attempt_id, slot) = (id(&attempt), slots(&attempt).remove(0));
    let right = site.bank.right(&slot);
    let warned = site.proctor.act(&attempt_id, "warn", "请勿交谈", None).await.ok(200);
    assert_eq!(json!([warned["state"], warned["deadline"]]), json!(["open", attempt["deadline"]]));
    let paused = site.proctor.act(&attempt_id, "pause", "核对身份", None).await.ok(200);
    assert_eq!(paused["state"], "paused");
    let _ = learner.answer(&attempt_id, number(&slot), &right).await.problem(409, "attempt_paused");
    let _ = learner.submit(&attempt_id).await.problem(409, "attempt_paused");
    let _ = site.proctor.act(&attempt_id, "pause", "再停", None).await.problem(409, "attempt_paused");
    let first = learner.attempt(&attempt_id).await.ok(200);
    let second = learner.attempt(&attempt_id).await.ok(200);
    assert_eq!(
        json!([first["state"], first["remaining_ms"]]),
        json!(["paused", second["remaining_ms"]]),
        "time stands still"
    );
    let resumed = site.proctor.act(&attempt_id, "resume", "已核对", None).await.ok(200);
    assert_eq!(resumed["state"], "open");
    assert!(ms(&resumed["deadline"]) > ms(&attempt["deadline"]), "the pause is given back");
    assert_eq!(learner.answer(&attempt_id, number(&slot), &right).await.status, 200);
    let _ = site.proctor.act(&attempt_id, "resume", "没有停", None).await.problem(409, "wrong_state");
    let extended = site.proctor.act(&attempt_id, "extend", "设备故障", Some(10)).await.ok(200);
    assert_eq!(ms(&extended["deadline"]) - ms(&resumed["deadline"]), 600_000);
    assert_eq!(learner.attempt(&attempt_id).await.ok(200)["deadline"], extended["deadline"]);
}

async fn a_terminated_attempt_is_closed_and_never_passes(backend: Backend) {
    let Watched { site, exam, learner, attempt } = watched(backend).await;
    let attempt_id = id(&attempt);
    site.answer_all(&learner, &attempt, 9).await;
    let stopped = site.proctor.act(&attempt_id, "terminate", "替考", None).await.ok(200);
    assert_eq!(stopped["state"], "terminated");
    let result = learner.result(&attempt_id).await.ok(200);
    assert_eq!(json!([result["state"], result["passed"], result["hours_granted"]]), json!(["terminated", false, 0]));
    let _ = learner.answer(&attempt_id, 1, &Value::Null).await.problem(409, "attempt_closed");
    let _ = learner.submit(&attempt_id).await.problem(409, "attempt_closed");
    let _ = site.proctor.act(&attempt_id, "resume", "恢复", None).await.problem(409, "attempt_closed");
    let sessions = site.proctor.sessions(&exam).await.ok(200);
    assert_eq!(json!([sessions["items"][0]["state"], sessions["items"][0]["answered"]]), json!(["terminated", 9]));
}

async fn every_act_names_a_person_and_stands_in_timeline_and_audit_log(backend: Backend) {
    let Watched { site, learner, attempt, .. } = watched(backend).await;
    let attempt_id = id(&attempt);
    let command = command_id();
    let act = json!({"command_id": command, "action": "warn", "reason": "请坐好"});
    let path = format!("/attempts/{attempt_id}/actions");
    let first = site.proctor.post(&path, &act).await.ok(200);
    let again = site.proctor.post(&path, &act).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(200), first);
    let other = json!({"command_id": command, "action": "pause", "reason": "请坐好"});
    let _ = site.proctor.post(&path, &other).await.problem(422, "idempotency_mismatch");
    let _ = learner.submit(&attempt_id).await.ok(200);
    let timeline = site.proctor.timeline(&attempt_id).await.ok(200);
    let events = timeline["events"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<&str> = events.iter().map(|event| text(&event["event"]["t"])).collect();
    assert_eq!(kinds, ["started", "warned", "submitted", "graded"]);
    assert_eq!(
        events.iter().map(|event| event["seq"].as_u64()).collect::<Vec<_>>(),
        (1..=4).map(Some).collect::<Vec<_>>()
    );
    let warned = &events[1];
    assert_eq!(json!([warned["actor"], warned["actor_name"]]), json!([site.proctor.person, "proctor"]));
    assert_eq!(warned["event"]["reason"], "请坐好");
    assert_eq!(json!([events[0]["actor"], events[0]["actor_name"]]), json!([learner.person, "学员"]));
    assert!(events[0]["event"].get("paper").is_none(), "the paper is left out");
    let audit = site.admin.get("/audit?limit=500").await.ok(200);
    let records = audit["items"].as_array().cloned().unwrap_or_default();
    let record = records.iter().find(|record| record["act"] == "attempt.warn").unwrap_or(&Value::Null);
    assert_eq!(json!([record["actor"], record["subject"]]), json!([site.proctor.person, attempt_id]));
}

async fn a_repeated_act_is_told_what_it_came_to(backend: Backend) {
    let Watched { site, learner, attempt, .. } = watched(backend).await;
    let attempt_id = id(&attempt);
    let path = format!("/attempts/{attempt_id}/actions");
    let mut told = Vec::new();
    for action in ["pause", "resume", "terminate"] {
        let act = json!({"command_id": command_id(), "action": action, "reason": "核对身份"});
        told.push((act.clone(), site.proctor.post(&path, &act).await.ok(200)));
    }
    assert_eq!(learner.result(&attempt_id).await.ok(200)["state"], "terminated");
    for (act, first) in told {
        let again = site.proctor.post(&path, &act).await;
        assert!(again.is_replayed());
        assert_eq!(again.ok(200), first, "whatever happened since");
    }
}

async fn acts_are_checked(backend: Backend) {
    let Watched { site, attempt, .. } = watched(backend).await;
    let attempt_id = id(&attempt);
    let cases = [
        ("warn", " ", None, "/reason"),
        ("extend", "设备故障", None, "/minutes"),
        ("extend", "设备故障", Some(0), "/minutes"),
        ("extend", "设备故障", Some(601), "/minutes"),
        ("pause", "核对", Some(5), "/minutes"),
        ("expel", "核对", None, "/action"),
    ];
    for (action, reason, minutes, pointer) in cases {
        let problem = site.proctor.act(&attempt_id, action, reason, minutes).await.problem(400, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

async fn learners_and_authors_neither_watch_nor_act(backend: Backend) {
    let Watched { site, exam, learner, attempt } = watched(backend).await;
    for other in [&learner, &site.author] {
        let _ = other.sessions(&exam).await.problem(403, "forbidden");
        let _ = other.timeline(&id(&attempt)).await.problem(403, "forbidden");
        let _ = other.act(&id(&attempt), "extend", "我要时间", Some(60)).await.problem(403, "forbidden");
    }
    assert_eq!(learner.attempt(&id(&attempt)).await.ok(200)["deadline"], attempt["deadline"]);
    let _ = site.proctor.start(&exam, "exam").await.problem(403, "forbidden");
}

async fn sessions_are_listed_by_state_page_by_page(backend: Backend) {
    let Watched { site, exam, learner, attempt } = watched(backend).await;
    let _ = learner.submit(&id(&attempt)).await.ok(200);
    for other in site.learners(3).await {
        let _ = other.start(&exam, "exam").await.ok(201);
        let _ = other.start(&exam, "practice").await;
    }
    let open = site.proctor.get(&format!("/exams/{exam}/sessions?state=open")).await.ok(200);
    assert_eq!(open["items"].as_array().map(Vec::len), Some(3));
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = site.proctor.get(&format!("/exams/{exam}/sessions?limit=3{after}")).await.ok(200);
        seen.extend(page["items"].as_array().into_iter().flatten().map(|row| text(&row["attempt"]).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4);
    let problem = site.proctor.get(&format!("/exams/{exam}/sessions?state=gone")).await.problem(400, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/query/state");
}
