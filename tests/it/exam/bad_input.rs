//! Wrong requests: each is refused as a problem that says where and why, all faults at once.

use keju_tests::kit::{Backend, Client, Reply, Site, command_id, id, number, slots, text};
use reqwest::Method;
use serde_json::{Value, json};

keju_tests::on_every_backend!(a_nul_character_is_refused_in_every_text);

pub(super) fn pointers(problem: &Value) -> Vec<&str> {
    let mut found: Vec<&str> =
        problem["errors"].as_array().into_iter().flatten().map(|error| text(&error["pointer"])).collect();
    found.sort_unstable();
    found
}

async fn raw(client: &Client, method: Method, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Reply {
    client.send(client.request(method, path).header("content-type", kind).body(body)).await
}

#[tokio::test]
async fn unknown_fields_and_wrong_types_are_named_by_pointer() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let (start, answers) = (format!("/exams/{exam}/attempts"), format!("/attempts/{}/answers", id(&attempt)));
    let one = |response: Value, at: &str| json!({"answers": [{"command_id": command_id(), "slot": 1, "response": response, "answered_at": at}]});
    let cases = [
        (&start, json!({"command_id": command_id(), "mode": "exam", "score": 100}), "/score"),
        (&start, json!({"command_id": command_id(), "mode": "cheat"}), "/mode"),
        (&start, json!({"command_id": "not-a-uuid", "mode": "exam"}), "/command_id"),
        (&start, json!({"mode": "exam"}), ""),
        (&answers, one(json!({"choices": ["o1", 2]}), "2023-12-31T15:59:59Z"), "/answers/0/response"),
        (&answers, one(Value::Null, "yesterday"), "/answers/0/answered_at"),
        (&answers, json!({"answers": 3}), "/answers"),
    ];
    for (path, body, pointer) in cases {
        let problem = learner.post(path, &body).await.problem(400, "invalid");
        assert_eq!(pointers(&problem).len(), 1, "{problem}");
        assert!(pointers(&problem)[0].starts_with(pointer), "{body}: {problem}");
        let detail = text(&problem["errors"][0]["detail"]);
        assert!(!detail.is_empty(), "{problem}");
    }
}

#[tokio::test]
async fn faults_of_form_come_all_at_once() {
    let site = Site::start().await;
    let wrong =
        json!({"code": 7, "title": null, "subject": "public", "bucket": "elective", "credit_year": "2023", "size": 1});
    let problem = site.author.post("/courses", &wrong).await.problem(400, "invalid");
    assert_eq!(pointers(&problem), ["/code", "/credit_year", "/hours", "/size", "/title"]);
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = id(&learner.start(&exam, "exam").await.ok(201));
    let kept = json!({"answers": [
        {"command_id": 1, "slot": -1, "response": null, "answered_at": "2023-12-31T15:59:59Z"},
        {"command_id": command_id(), "slot": 1, "response": null, "answered_at": "yesterday", "score": 5},
        {"command_id": command_id()},
    ]});
    let problem = learner.post(&format!("/attempts/{attempt}/answers"), &kept).await.problem(400, "invalid");
    let expected = [
        "/answers/0/command_id",
        "/answers/0/slot",
        "/answers/1/answered_at",
        "/answers/1/score",
        "/answers/2/answered_at",
        "/answers/2/response",
        "/answers/2/slot",
    ];
    assert_eq!(pointers(&problem), expected);
}

#[tokio::test]
async fn a_response_that_does_not_fit_its_slot_leaves_the_earlier_one() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let attempt = id(&attempt);
    let kept = json!({"choices": ["o1"]});
    let _ = learner.answer(&attempt, 1, &kept).await.ok(200);
    // Slot 1 is true/false, 5 takes several, 6 a number, 7 a text, 8 is an ordering, 9 a matching.
    let cases = [
        (1, json!({"choices": ["o3"]})),
        (1, json!({"choices": ["o1", "o2"]})),
        (1, json!({"choices": []})),
        (1, json!({"number": 1})),
        (1, json!({"choices": ["o1"], "text": "x"})),
        (1, json!({})),
        (1, json!(["o1"])),
        (5, json!({"choices": ["o1", "o1"]})),
        (6, json!({"number": "1"})),
        (7, json!({"text": "长".repeat(2_001)})),
        (8, json!({"order": ["o1", "o2"]})),
        (8, json!({"order": ["o1", "o1", "o2", "o3"]})),
        (9, json!({"pairs": [["o1", "t9"]]})),
        (9, json!({"pairs": [["o1", "t1"], ["o1", "t2"]]})),
    ];
    for (slot, response) in cases {
        let problem = learner.answer(&attempt, slot, &response).await.problem(400, "invalid");
        assert!(pointers(&problem)[0].starts_with("/response"), "{response}: {problem}");
    }
    let missing = learner.put(&format!("/attempts/{attempt}/answers/1"), &json!({"command_id": command_id()})).await;
    let _ = missing.problem(400, "invalid");
    for slot in ["0", "10", "-1", "x", "4294967296"] {
        let body = json!({"command_id": command_id(), "response": kept});
        let _ = learner.put(&format!("/attempts/{attempt}/answers/{slot}"), &body).await.problem(404, "not_found");
    }
    let answers = &learner.attempt(&attempt).await.ok(200)["answers"];
    assert_eq!(answers.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(answers["1"]["response"], kept);
}

#[tokio::test]
async fn an_exam_is_told_all_its_faults_at_once() {
    let site = Site::start().await;
    let wrong = json!({
        "code": "", "title": " ", "duration_ms": 10, "grace_ms": -1, "cooldown_ms": -1, "pass_score": 101,
        "closes_at": "2019-01-01T00:00:00Z", "course": site.bank_id, "bank": site.course_id,
    });
    let problem = site.author.post("/exams", &site.exam_body(&wrong)).await.problem(400, "invalid");
    let expected = [
        "/bank",
        "/closes_at",
        "/code",
        "/cooldown_ms",
        "/course",
        "/duration_ms",
        "/grace_ms",
        "/pass_score",
        "/title",
    ];
    assert_eq!(pointers(&problem), expected);
    let quota = json!({"blueprint": {"sections": [{"title": "x", "count": 1, "points": 1.001, "quotas": []}], "shuffle_options": true}});
    let _ = site.author.post("/exams", &site.exam_body(&quota)).await.problem(400, "invalid");
}

#[tokio::test]
async fn a_blueprint_that_cannot_be_drawn_names_every_short_stratum() {
    let site = Site::start().await;
    let section = |title: &str, kind: &str, count: u32| json!({"title": title, "kind": kind, "count": count, "points": 1, "quotas": [{"topic": "综合/甲", "count": count}]});
    let sections = json!([section("一", "numeric", 7), section("二", "true_false", 2), section("三", "matching", 50)]);
    let body = site.exam_body(&json!({"blueprint": {"sections": sections}, "pass_score": 10}));
    let exam = id(&site.author.post("/exams", &body).await.ok(201));
    let problem = site.author.post(&format!("/exams/{exam}/publish"), &json!({})).await.problem(422, "infeasible");
    let found = pointers(&problem);
    assert!(
        found.len() == 2
            && found[0].starts_with("/blueprint/sections/0")
            && found[1].starts_with("/blueprint/sections/2"),
        "{problem}"
    );
    assert!(text(&problem["errors"][0]["detail"]).contains('7'), "how many are asked for: {problem}");
    let learner = site.learner().await;
    let _ = learner.exam(&exam).await.problem(404, "not_found");
    let _ = learner.start(&exam, "exam").await.problem(404, "not_found");
}

#[tokio::test]
async fn bodies_have_a_size_and_a_type() {
    let site = Site::start().await;
    let learner = site.learner().await;
    let exam = site.exam(&json!({})).await;
    let path = format!("/api/v1/exams/{exam}/attempts");
    let large = format!("{{\"command_id\":\"{}\"}}", "x".repeat(70_000));
    let _ = raw(&learner, Method::POST, &path, "application/json", large).await.problem(413, "too_large");
    let form = raw(&learner, Method::POST, &path, "application/x-www-form-urlencoded", "mode=exam").await;
    let _ = form.problem(415, "unsupported_media_type");
    let _ = raw(&learner, Method::POST, &path, "text/plain", "{}").await.problem(415, "unsupported_media_type");
    for broken in ["", "{", "[]", "{\"mode\":\"exam\"} x", "\u{0}", "nul"] {
        let _ = raw(&learner, Method::POST, &path, "application/json", broken).await.problem(400, "invalid");
    }
    let _ =
        raw(&learner, Method::POST, &path, "application/json", vec![0xff, 0xfe, 0x00]).await.problem(400, "invalid");
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let _ = raw(&learner, Method::POST, &path, "application/json", deep).await.problem(400, "invalid");
}

#[tokio::test]
async fn other_peoples_things_are_not_found() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learners = site.learners(2).await;
    let attempt = learners[0].start(&exam, "exam").await.ok(201);
    let attempt = id(&attempt);
    for stranger in [&learners[1], &site.author, &site.admin] {
        let replies = [
            stranger.attempt(&attempt).await,
            stranger.result(&attempt).await,
            stranger.answer(&attempt, 1, &json!({"choices": ["o1"]})).await,
            stranger.answers(&attempt, &json!([])).await,
            stranger.signals(&attempt, &json!([])).await,
            stranger.submit(&attempt).await,
        ];
        for reply in replies {
            let _ = reply.problem(404, "not_found");
        }
    }
    let unknown = command_id();
    for path in [
        format!("/attempts/{unknown}"),
        "/attempts/x".into(),
        format!("/exams/{unknown}"),
        "/nothing".into(),
        "/".into(),
    ] {
        let _ = learners[0].get(&path).await.problem(404, "not_found");
    }
    assert_eq!(learners[0].attempt(&attempt).await.ok(200)["answers"], json!({}));
}

#[tokio::test]
async fn methods_queries_and_sign_ins_are_checked_too() {
    let site = Site::start().await;
    let learner = site.learner().await;
    let _ = learner.delete("/me").await.problem(405, "method_not_allowed");
    let _ = learner.put("/session", &json!({})).await.problem(405, "method_not_allowed");
    for query in ["/exams?limit=x", "/exams?colour=red", "/me/hours?year=many"] {
        let problem = learner.get(query).await.problem(400, "invalid");
        assert!(pointers(&problem)[0].starts_with("/query"), "{problem}");
    }
    let nobody = learner.with_token(None);
    let reply = nobody.me().await;
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    let _ = reply.problem(401, "unauthenticated");
    let _ = learner.with_token(Some("AAAA")).me().await.problem(401, "unauthenticated");
    let _ = nobody.try_sign_in("nobody", "wrong-password").await.problem(401, "wrong_credentials");
    assert_eq!(learner.sign_out().await.status, 204);
    let _ = learner.me().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn problems_speak_chinese_and_english_when_asked() {
    let site = Site::start().await;
    let nobody = site.author.with_token(None);
    assert_eq!(nobody.me().await.problem(401, "unauthenticated")["title"], "请先登录");
    assert_eq!(nobody.speaking("en-GB,zh;q=0.3").me().await.problem(401, "unauthenticated")["title"], "Sign in first");
    assert_eq!(nobody.speaking("zh-CN,en;q=0.3").me().await.problem(401, "unauthenticated")["title"], "请先登录");
}

#[tokio::test]
async fn lists_come_page_by_page() {
    let site = Site::start().await;
    for number in 0..5 {
        site.course(&json!({"code": format!("page-{number}")})).await;
    }
    let (mut codes, mut after) = (Vec::new(), String::new());
    loop {
        let page = site.author.get(&format!("/courses?limit=2{after}")).await.ok(200);
        let items = page["items"].as_array().cloned().unwrap_or_default();
        assert!(!items.is_empty() && items.len() <= 2);
        codes.extend(items.iter().map(|item| text(&item["code"]).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(codes, ["course", "page-0", "page-1", "page-2", "page-3", "page-4"]);
}

/// One database keeps it and another does not, so none is given it: by name where it is, for every route that takes
/// JSON, and in queries.
async fn a_nul_character_is_refused_in_every_text(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let slot = slots(&attempt).into_iter().find(|slot| slot["kind"] == "short_text").unwrap_or_default();
    let answer = json!({"command_id": command_id(), "response": {"text": "\0"}});
    let person = json!({"username": "x\0", "name": "张\0三", "roles": ["learner"], "unit": "\0"});
    let course = json!({"code": "a\0", "title": "\0", "subject": "public", "bucket": "elective", "credit_year": 2023, "hours": 1});
    let act = json!({"command_id": command_id(), "action": "warn", "reason": "\0"});
    let cases = [
        (Method::PUT, format!("/attempts/{}/answers/{}", id(&attempt), number(&slot)), answer, vec!["/response/text"]),
        (
            Method::POST,
            "/people".to_owned(),
            json!({"people": [person]}),
            vec!["/people/0/name", "/people/0/unit", "/people/0/username"],
        ),
        (Method::POST, "/courses".to_owned(), course, vec!["/code", "/title"]),
        (Method::POST, format!("/attempts/{}/actions", id(&attempt)), act, vec!["/reason"]),
        (
            Method::POST,
            "/session".to_owned(),
            json!({"username": "\0", "password": "\0"}),
            vec!["/password", "/username"],
        ),
    ];
    for (method, path, body, expected) in cases {
        let problem = site
            .admin
            .send(site.admin.request(method, &format!("/api/v1{path}")).json(&body))
            .await
            .problem(400, "invalid");
        assert_eq!(pointers(&problem), expected, "{path}");
    }
    for path in ["/audit?after=%00", "/people?after=%00", "/exams?course=a%00"] {
        let problem = site.admin.get(path).await.problem(400, "invalid");
        assert_eq!(pointers(&problem), ["/query"], "{path}");
    }
    every_route_refuses_it(&site).await;
    assert!(!site.server.stderr().contains("ERROR"), "{}", site.server.stderr());
}

/// As the served document lists them.
async fn every_route_refuses_it(site: &Site) {
    let document = site.admin.send(site.admin.request(Method::GET, "/openapi.json")).await.ok(200);
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (name, method) in [("post", Method::POST), ("put", Method::PUT), ("patch", Method::PATCH)] {
            let takes_json = !methods[name]["requestBody"]["content"]["application/json"].is_null();
            // A partner's key is another way in; its body is read the same way.
            if !takes_json || path.contains("/partner/") {
                continue;
            }
            let nobody = "00000000-0000-0000-0000-000000000000";
            let mut given = path.clone();
            while let (Some(start), Some(end)) = (given.find('{'), given.find('}')) {
                given.replace_range(start..=end, if given[start..].starts_with("{slot") { "1" } else { nobody });
            }
            let request = site.admin.request(method, &given).json(&json!({"any": ["text\0"]}));
            let problem = site.admin.send(request).await.problem(400, "invalid");
            assert!(pointers(&problem).contains(&"/any/0"), "{path}: {problem}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} routes take JSON");
}
