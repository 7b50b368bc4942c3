//! Logs hold no personal data, no secret, and no id from a path; nor does the database hold a password.

use super::support::generous;
use super::wire::Ask;
use keju_tests::kit::{Bank, Client, Settings, Site, command_id, from_now, id, json::text, slots};
use serde_json::json;

/// A number of the standard's own examples.
const ID_NUMBER: &str = "11010519491231002X";
const NAME: &str = "欧阳不入日志";
const USERNAME: &str = "ouyang.not-in-logs";
const SECRET: &str = "pass-not-in-logs-1";

#[tokio::test]
async fn personal_data_tokens_and_paths_in_logs() {
    let settings =
        Settings { env: vec![("RUST_LOG".into(), "debug".into())], ..generous("trusted_proxies = [\"127.0.0.1\"]") };
    let site = Site::start_with(settings, Bank::generated(12, true)).await;
    let person =
        json!({"username": USERNAME, "name": NAME, "password": SECRET, "roles": ["learner"], "id_number": ID_NUMBER});
    let bad =
        json!({"username": "", "name": NAME, "password": "x", "roles": ["learner"], "id_number": "110105194912310021"});
    let made = site.admin.post("/people", &json!({"people": [person, bad]})).await.ok(200);
    assert_eq!(made["created"], 1, "{made}");
    assert!(!made.to_string().contains(ID_NUMBER), "an identity number came back");
    let learner = Client::sign_in(site.server.url(), "agent-not-in-logs", USERNAME, SECRET).await;
    let me = learner.me().await.ok(200);
    assert_eq!(me["id_number"], "110105********002X");
    assert!(!site.admin.get("/people?limit=500").await.text().contains(ID_NUMBER));

    learner.try_sign_in(USERNAME, "guess-not-in-logs").await.problem(401, "wrong_credentials");
    let exam = site.exam(&json!({})).await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let attempt_id = id(&attempt);
    for slot in slots(&attempt) {
        learner.answer(&attempt_id, slot["slot"].as_u64().unwrap(), &json!({"text": "answer-not-in-logs"})).await;
    }
    let signal = json!([{"kind": "copy", "at": from_now(0), "detail": "detail-not-in-logs"}]);
    learner.signals(&attempt_id, &signal).await.ok(202);
    site.proctor.act(&attempt_id, "warn", "reason-not-in-logs", None).await.ok(200);
    let ticket = learner.post("/tickets", &json!({"purpose": "attempt", "id": attempt_id})).await.ok(201);
    learner.get(&format!("/exams?after={USERNAME}")).await;
    learner.get(&format!("/nowhere/{ID_NUMBER}?token={}", learner.token())).await.problem(404, "not_found");
    let address = site.server.address();
    let forwarded = Ask::new("GET", "/api/v1/me").bearer(learner.token()).header("X-Forwarded-For", "203.0.113.77");
    forwarded.send(address).expect(200);
    Ask::new("POST", "/api/v1/session")
        .body("application/json", format!("{{\"username\": \"{USERNAME}\", \"password\": \"{SECRET}\""))
        .send(address)
        .expect(400);
    let changed = json!({"password": SECRET, "new_password": "next-not-in-logs-1"});
    learner.post("/me/password", &changed).await.ok(204);
    learner.submit_by(&attempt_id, &command_id()).await.ok(200);

    let log = site.server.stderr();
    let here = [
        ID_NUMBER,
        "110105194912310021",
        NAME,
        USERNAME,
        SECRET,
        "guess-not-in-logs",
        "next-not-in-logs-1",
        "agent-not-in-logs",
        "answer-not-in-logs",
        "detail-not-in-logs",
        "reason-not-in-logs",
        "canary-",
        "203.0.113.77",
        learner.token(),
        site.admin.token(),
        text(&ticket["ticket"]),
        attempt_id.as_str(),
        exam.as_str(),
        learner.person.as_str(),
        "token=",
    ];
    for secret in here {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} stands in the log: {}", line.unwrap());
    }
    // Patterns are there: the log was written.
    for pattern in ["/api/v1/attempts/{attempt}", "/api/v1/session", "status=401"] {
        assert!(log.contains(pattern), "{pattern} is not in the log:\n{log:.2000}");
    }
    let files =
        ["site.db", "site.db-wal"].map(|name| std::fs::read(site.server.folder().join(name)).unwrap_or_default());
    for secret in [SECRET, "next-not-in-logs-1", "guess-not-in-logs", text(&ticket["ticket"])] {
        assert!(files.iter().all(|file| !file.windows(secret.len()).any(|part| part == secret.as_bytes())), "{secret}");
    }
}
