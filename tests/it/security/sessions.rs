//! Sessions: what ends them, ends them at once.

use super::support::{generous, operations, person, site};
use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Bank, Client, Site, eventually, json::text};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The promise: within a second.
const AT_ONCE: Duration = Duration::from_secs(1);

async fn ended(what: &str, client: &Client) {
    let since = Instant::now();
    eventually(what, Duration::from_secs(5), async || (client.me().await.status == 401).then_some(())).await;
    assert!(since.elapsed() <= AT_ONCE, "{what}: only after {:?}", since.elapsed());
}

#[tokio::test]
async fn session_survives_no_password_change() {
    let site = site().await;
    let url = site.server.url();
    let here = site.learner().await;
    let mut others = Vec::new();
    for device in ["phone", "tablet"] {
        let other = here.device(url, device).await;
        other.me().await.ok(200);
        others.push(other);
    }
    let wrong = json!({"password": "not the one", "new_password": "another-one-1"});
    here.post("/me/password", &wrong).await.problem(400, "invalid");
    others[0].me().await.ok(200);
    here.change_password("another-one-1").await.ok(204);
    for other in &others {
        ended("another device", other).await;
    }
    here.me().await.ok(200);
    here.try_sign_in(&here.username, PASSWORD).await.problem(401, "wrong_credentials");
    here.try_sign_in(&here.username, "another-one-1").await.ok(200);
}

#[tokio::test]
async fn session_survives_no_disabling() {
    let site = site().await;
    let here = person(&site, "leaver", &["learner"]).await;
    let exam = site.exam(&json!({})).await;
    let attempt = here.start(&exam, "exam").await.ok(201);
    let phone = here.device(site.server.url(), "phone").await;
    let path = format!("/people/{}/disabled", here.person);
    site.admin.put(&path, &json!({"disabled": true})).await.ok(204);
    ended("the desk", &here).await;
    ended("the phone", &phone).await;
    here.attempt(text(&attempt["id"])).await.problem(401, "unauthenticated");
    here.try_sign_in("leaver", PASSWORD).await.problem(401, "wrong_credentials");
    // Let in again, nobody finds an old session alive.
    site.admin.put(&path, &json!({"disabled": false})).await.ok(204);
    here.me().await.problem(401, "unauthenticated");
    phone.me().await.problem(401, "unauthenticated");
    here.try_sign_in("leaver", PASSWORD).await.ok(200);
}

/// Requests are under way while the session ends: none of them keeps it alive in any memory.
#[tokio::test]
async fn session_survives_no_end_in_a_crowd() {
    let site = site().await;
    for round in 0..6 {
        let here = person(&site, &format!("crowd-{round}"), &["learner"]).await;
        let phone = here.device(site.server.url(), "phone").await;
        let crowd: Vec<_> = (0..40)
            .map(|_| {
                let phone = phone.clone();
                tokio::spawn(async move { phone.me().await })
            })
            .collect();
        if round % 2 == 0 {
            here.change_password("another-one-1").await.ok(204);
        } else {
            let path = format!("/people/{}/disabled", here.person);
            site.admin.put(&path, &json!({"disabled": true})).await.ok(204);
        }
        for request in crowd {
            request.await.unwrap();
        }
        phone.me().await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn session_survives_no_sign_out() {
    let site = site().await;
    let here = site.learner().await;
    let phone = here.device(site.server.url(), "phone").await;
    let out = here.sign_out().await;
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{:?}", out.headers);
    out.ok(204);
    ended("the session", &here).await;
    here.sign_out().await.problem(401, "unauthenticated");
    phone.me().await.ok(200);
    // Nor does a restart bring it back.
    let mut site = site;
    site.restart();
    here.at(site.server.url()).me().await.problem(401, "unauthenticated");
    phone.at(site.server.url()).me().await.ok(200);
}

#[tokio::test]
async fn tokens_are_long_random_and_new_at_every_sign_in() {
    let site = Site::start_with(generous(""), Bank::generated(2, false)).await;
    let mut seen = BTreeSet::new();
    let mut characters = BTreeSet::new();
    for _ in 0..40 {
        let session = site.author.try_sign_in("author", PASSWORD).await.ok(200);
        let token = text(&session["token"]).to_owned();
        assert!(token.len() >= 43, "256 bits in base64: {token}");
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{token}");
        characters.extend(token.bytes());
        // Nothing of one is found in another.
        assert!(seen.iter().all(|other: &String| {
            token.as_bytes().windows(8).all(|part| !other.as_bytes().windows(8).any(|own| own == part))
        }));
        assert!(seen.insert(token));
    }
    assert!(characters.len() >= 62, "{characters:?}");
    // The database knows no token, only what it hashes to.
    let files =
        ["site.db", "site.db-wal"].map(|name| std::fs::read(site.server.folder().join(name)).unwrap_or_default());
    for token in &seen {
        assert!(files.iter().all(|file| !file.windows(token.len()).any(|part| part == token.as_bytes())));
    }
}

#[tokio::test]
async fn a_first_password_opens_nothing_but_its_change() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let everything = ["learner", "author", "proctor", "city_admin", "admin", "operator"];
    let newcomer = json!({"username": "newcomer", "name": "新人", "roles": everything});
    let made = site.admin.post("/people", &json!({"people": [newcomer]})).await.ok(200);
    let password = text(&made["people"][0]["password"]);
    let here = Client::sign_in(site.server.url(), "desk", "newcomer", password).await;
    // The stream knows nobody but by a ticket, which there is none of for this person; partners come by keys; anybody
    // checks a certificate.
    let by_others = ["/api/v1/stream", "/api/v1/partner/tickets", "/api/v1/certificates/{certificate}"];
    let own = ["/api/v1/me", "/api/v1/me/password", "/api/v1/session"];
    for (method, path) in operations(&here).await {
        if own.contains(&path.as_str()) || by_others.contains(&path.as_str()) {
            continue;
        }
        let here_path = path
            .replace("{exam}", &exam)
            .replace("{bank}", &site.bank_id)
            .replace("{person}", &here.person)
            .replace("{slot}", "1");
        let unknown = uuid::Uuid::now_v7().to_string();
        let here_path = ["{attempt}", "{lesson}", "{course}", "{partner}", "{case}", "{certificate}", "{code}"]
            .iter()
            .fold(here_path, |path, name| path.replace(name, &unknown));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = here.request(method.clone(), &here_path);
        let request = match body_of(&path, &site, &exam) {
            Some(body) if method != Method::GET => request.json(&body),
            _ => request,
        };
        let reply = here.send(request).await;
        let own_attempt = path.contains("{attempt}") && reply.status == 404;
        assert!(own_attempt || reply.json["code"] == "password_change_required", "{method} {path}: {}", reply.text());
    }
    let me = here.me().await.ok(200);
    assert_eq!(me["must_change_password"], true);
    here.change_password("a-better-one-1").await.ok(204);
    here.exams().await.ok(200);
}

/// A body that nothing but the first password stops.
fn body_of(path: &str, site: &Site, exam: &str) -> Option<serde_json::Value> {
    use keju_tests::kit::{command_id, from_now};
    let rest = path.strip_prefix("/api/v1")?;
    Some(match rest {
        "/courses" => {
            json!({"code": "c", "title": "c", "subject": "public", "bucket": "elective", "credit_year": 2023, "hours": 1})
        }
        "/exams" | "/exams/{exam}" => site.exam_body(&json!({})),
        "/exams/{exam}/release" => json!({"results_at": null}),
        "/exams/{exam}/overrides" => json!({"person": site.author.person, "extra_ms": 1, "reason": "r"}),
        "/exams/{exam}/attempts" => json!({"command_id": command_id(), "mode": "exam"}),
        "/attempts/{attempt}/answers/{slot}" => json!({"command_id": command_id(), "response": null}),
        "/attempts/{attempt}/answers" => json!({"answers": []}),
        "/attempts/{attempt}/signals" => json!({"signals": [{"kind": "blur", "at": from_now(0)}]}),
        "/attempts/{attempt}/submission" => json!({"command_id": command_id()}),
        "/attempts/{attempt}/actions" => json!({"command_id": command_id(), "action": "warn", "reason": "r"}),
        "/attempts/{attempt}/case" => json!({"command_id": command_id(), "reason": "r"}),
        "/cases/{case}/decisions" => json!({"command_id": command_id(), "decision": "cleared", "reason": "r"}),
        "/me/certificates" => json!({"command_id": command_id(), "year": 2023}),
        "/certificates/{certificate}/revocation" => json!({"reason": "r", "reissue": false}),
        "/units" => json!({"units": []}),
        "/tickets" => json!({"purpose": "proctor", "id": exam}),
        "/receipts/verify" => json!({"receipt": "x"}),
        "/banks" => json!({"code": "b", "title": "b"}),
        "/lessons" => {
            json!({"code": "l", "course": site.course_id, "title": "l", "duration_ms": 60_000, "bank": site.bank_id})
        }
        "/courses/{course}/lessons" => json!({"lessons": []}),
        "/partners" => json!({"name": "p"}),
        "/banks/{bank}/items" => json!({"code": "c", "kind": "true_false", "stem": "s", "correct": true}),
        "/banks/{bank}/items/state" => json!({"codes": [], "state": "ready"}),
        "/people" => json!({"people": []}),
        "/people/{person}" => json!({"name": "n", "roles": ["learner"]}),
        "/people/{person}/disabled" => json!({"disabled": false}),
        _ => return None,
    })
}
