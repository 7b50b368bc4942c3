//! Client-sent keys, scores and times: refused where they stand beside what belongs there, ignored
//! where nobody reads them, and never believed.

use super::support::site;
use keju_tests::kit::{command_id, eventually, from_now, id, number, slots};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn client_sent_key_score_or_time_is_an_unknown_field() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let own = format!("/attempts/{}", id(&attempt));
    let choice = json!({"choices": ["o1"]});
    let in_batch = json!({"command_id": command_id(), "slot": 1, "response": choice, "answered_at": from_now(0)});
    let bodies = [
        (Method::POST, format!("/exams/{exam}/attempts"), json!({"command_id": command_id(), "mode": "exam"}), ""),
        (Method::PUT, format!("{own}/answers/1"), json!({"command_id": command_id(), "response": choice}), ""),
        (Method::PUT, format!("{own}/answers/1"), json!({"command_id": command_id(), "response": choice}), "/response"),
        (Method::POST, format!("{own}/answers"), json!({"answers": [in_batch]}), ""),
        (Method::POST, format!("{own}/answers"), json!({"answers": [in_batch]}), "/answers/0"),
        (
            Method::POST,
            format!("{own}/signals"),
            json!({"signals": [{"kind": "blur", "at": from_now(0)}]}),
            "/signals/0",
        ),
        (Method::POST, format!("{own}/submission"), json!({"command_id": command_id()}), ""),
    ];
    let extras = [
        ("key", json!({"choices": ["o1"]})),
        ("correct", json!(true)),
        ("score", json!(100)),
        ("points", json!(100)),
        ("passed", json!(true)),
        ("hours_granted", json!(5)),
        ("saved_at", json!(from_now(0))),
        ("started_at", json!(from_now(0))),
        ("deadline", json!(from_now(86_400_000))),
        ("now", json!(0)),
        ("seq", json!(1)),
        ("learner", json!(learner.person)),
        ("__proto__", json!({})),
    ];
    for (method, path, body, at) in bodies {
        for (name, value) in &extras {
            let mut body = body.clone();
            body.pointer_mut(at).unwrap()[name] = value.clone();
            let request = learner.request(method.clone(), &format!("/api/v1{path}")).json(&body);
            learner.send(request).await.problem(400, "invalid");
        }
    }
    let now = learner.attempt(&id(&attempt)).await.ok(200);
    assert_eq!((&now["seq"], &now["answers"], &now["state"]), (&json!(1), &json!({}), &json!("open")), "{now}");
}

#[tokio::test]
async fn the_score_ignores_the_client() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    site.answer_all(&learner, &attempt, 0).await;
    let path = format!("/api/v1/attempts/{}/submission?score=100&passed=true", id(&attempt));
    let claims = learner.request(Method::POST, &path).header("x-score", "100").header("x-keju-passed", "true");
    let result = learner.send(claims.json(&json!({"command_id": command_id()}))).await.ok(200);
    let told = ["score", "passed", "hours_granted"].map(|name| result[name].clone());
    assert_eq!(told, [json!(0), json!(false), json!(0)]);
}

#[tokio::test]
async fn the_timer_is_not_skipped_by_leaving_out_a_parameter() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let path = format!("/exams/{exam}/attempts");
    for body in [
        json!({}),
        json!({"mode": "exam"}),
        json!({"command_id": command_id()}),
        json!({"command_id": null, "mode": "exam"}),
    ] {
        learner.post(&path, &body).await.problem(400, "invalid");
    }
    let body = json!({"command_id": command_id(), "mode": "timeless"});
    learner.post(&path, &body).await.problem(400, "invalid");
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let first = attempt["deadline"].clone();
    assert!(first.is_string());
    for query in ["", "?duration_ms=99999999", "?timer=off"] {
        let again = learner.attempt(&format!("{}{query}", id(&attempt))).await.ok(200);
        assert_eq!(again["deadline"], first);
    }
    for missing in ["duration_ms", "opens_at", "closes_at", "pass_score"] {
        let body = site.exam_body(&json!({ missing: null }));
        site.author.post("/exams", &body).await.problem(400, "invalid");
    }
}

#[tokio::test]
async fn late_replayed_and_forged_times_are_refused() {
    let site = site().await;
    let exam = site.exam(&json!({"duration_ms": 4_000, "grace_ms": 0})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let (attempt_id, all) = (id(&attempt), slots(&attempt));
    let (command, right) = (command_id(), site.bank.right(&all[0]));
    let receipt = learner.answer_by(&attempt_id, 1, &right, &command).await.ok(200);
    let over = eventually("the deadline", Duration::from_secs(30), async || {
        let now = learner.attempt(&attempt_id).await.ok(200);
        (now["state"] == "expired").then_some(now)
    });
    let over = over.await;
    assert_eq!(over["deadline"], attempt["deadline"]);

    learner.answer(&attempt_id, 2, &site.bank.right(&all[1])).await.problem(409, "deadline_passed");
    let forged = |at: &Value| {
        let answer = |slot: &Value| json!({"command_id": command_id(), "slot": number(slot), "response": site.bank.right(slot), "answered_at": at});
        json!(all.iter().map(answer).collect::<Vec<_>>())
    };
    for at in [
        &attempt["started_at"],
        &json!("1970-01-01T00:00:00Z"),
        &json!("9999-12-30T00:00:00Z"),
        &json!(from_now(-2_000)),
    ] {
        let outcome = learner.answers(&attempt_id, &forged(at)).await.ok(200);
        assert_eq!(outcome["receipts"], json!([]));
        let refused = outcome["refused"].as_array().unwrap();
        assert!(refused.len() == all.len() && refused.iter().all(|one| one["code"] == "deadline_passed"), "{outcome}");
    }
    // A repeat gets its first receipt, and changes nothing.
    let replay = learner.answer_by(&attempt_id, 1, &right, &command).await;
    assert!(replay.is_replayed());
    assert_eq!(replay.ok(200), receipt);
    learner.answer_by(&attempt_id, 1, &site.bank.wrong(&all[0]), &command).await.problem(422, "idempotency_mismatch");
    learner.submit(&attempt_id).await.problem(409, "deadline_passed");
    learner
        .signals(&attempt_id, &json!([{"kind": "focus", "at": from_now(-4_000)}]))
        .await
        .problem(409, "attempt_closed");
    assert_eq!(learner.attempt(&attempt_id).await.ok(200)["seq"], over["seq"]);
    assert_eq!(learner.result(&attempt_id).await.ok(200)["score"], 10);
}
