//! Personal exceptions: more time, a later window, more attempts.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::{Backend, Site, from_now, text};
use serde_json::{Value, json};

keju_tests::on_every_backend!(
    more_time_and_more_attempts_are_for_one_person,
    a_later_window_is_for_one_person,
    an_exception_needs_a_reason_a_content_and_a_right,
);

fn ms(value: &Value) -> i64 {
    exam_core::Timestamp::parse(text(value)).map_or(0, exam_core::Timestamp::ms)
}

async fn more_time_and_more_attempts_are_for_one_person(backend: Backend) {
    let site = Site::start_on(backend).await;
    let mut rules = short_rules(2);
    rules["attempts_max"] = json!(1);
    let exam = site.exam(&rules).await;
    let learners = site.learners(2).await;
    site.make_exception(&exam, &learners[0], &json!({"extra_ms": 300_000, "attempts_max": 2})).await;
    for (learner, duration, attempts) in [(&learners[0], 900_000, 2), (&learners[1], 600_000, 1)] {
        let view = learner.exam(&exam).await.ok(200);
        assert_eq!(json!([view["duration_ms"], view["attempts_max"]]), json!([duration, attempts]));
        for _ in 0..attempts {
            let (attempt, _) = site.take(learner, &exam, 0).await;
            assert_eq!(ms(&attempt["deadline"]) - ms(&attempt["started_at"]), duration);
        }
        let _ = learner.start(&exam, "exam").await.problem(409, "attempts_exhausted");
    }
}

async fn a_later_window_is_for_one_person(backend: Backend) {
    let site = Site::start_on(backend).await;
    let mut rules = short_rules(2);
    rules["closes_at"] = json!("2023-12-31T23:59:59+08:00");
    let exam = site.exam(&rules).await;
    let learners = site.learners(2).await;
    let until = from_now(300_000);
    site.make_exception(&exam, &learners[0], &json!({"closes_at": until})).await;
    let attempt = learners[0].start(&exam, "exam").await.ok(201);
    assert_eq!(ms(&attempt["deadline"]), ms(&json!(until)), "the exception's own end binds");
    let _ = learners[1].start(&exam, "exam").await.problem(409, "window_closed");
}

async fn an_exception_needs_a_reason_a_content_and_a_right(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&short_rules(2)).await;
    let learner = site.learner().await;
    let path = format!("/exams/{exam}/overrides");
    let empty = json!({"person": learner.person, "reason": " "});
    let faults = site.author.post(&path, &empty).await.problem(400, "invalid");
    assert_eq!(faults["errors"].as_array().map(Vec::len), Some(2), "all at once: {faults}");
    let nobody = json!({"person": site.course_id, "extra_ms": 1, "reason": "测试"});
    assert_eq!(site.author.post(&path, &nobody).await.problem(400, "invalid")["errors"][0]["pointer"], "/person");
    let own = json!({"person": learner.person, "extra_ms": 1, "reason": "测试"});
    let _ = learner.post(&path, &own).await.problem(403, "forbidden");
    let granted = site.author.post(&path, &own).await.ok(201);
    assert_eq!(granted["by"], site.author.person, "it names who granted it");

    let later = json!({"person": learner.person, "attempts_max": 5, "reason": "再次"});
    let _ = site.admin.post(&path, &later).await.ok(201);
    let listed = site.author.get(&path).await.ok(200);
    let rows: Vec<Value> = listed["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| json!([row["username"], row["reason"], row["by_name"]]))
        .collect();
    let (name, admin) = (&learner.username, site.admin.me().await.ok(200)["name"].clone());
    assert_eq!(json!(rows), json!([[name, "再次", admin], [name, "测试", "author"]]), "the latest first");
    let first = site.author.get(&format!("{path}?limit=1")).await.ok(200);
    let next = text(&first["next"]);
    let second = site.author.get(&format!("{path}?limit=1&after={next}")).await.ok(200);
    assert_eq!(json!([second["items"][0]["reason"], second["next"]]), json!(["测试", null]));
    let _ = learner.get(&path).await.problem(403, "forbidden");
    let _ = site.author.get(&format!("/exams/{}/overrides", site.course_id)).await.problem(404, "not_found");
}
