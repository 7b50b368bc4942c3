//! Making lessons: what is wrong is told all at once, hours come by one way only, packages list what has hours.

use keju_tests::kit::{Site, id, text};
use serde_json::{Value, json};

fn pointers(problem: &Value) -> Vec<&str> {
    let mut found: Vec<&str> =
        problem["errors"].as_array().into_iter().flatten().map(|error| text(&error["pointer"])).collect();
    found.sort_unstable();
    found
}

fn body(site: &Site, course: &str, code: &str) -> Value {
    json!({"code": code, "title": "课时", "course": course, "bank": site.bank_id, "duration_ms": 600_000})
}

#[tokio::test]
async fn a_lesson_is_told_all_its_faults_at_once() {
    let site = Site::start().await;
    let wrong = json!({
        "code": "", "title": " ", "course": site.bank_id, "bank": site.course_id, "duration_ms": 5, "hours": 1,
        "policy": {"heartbeat_ms": 10, "max_rate": 16, "gap_min_ms": 9_000_000, "answer_within_ms": 1},
    });
    let problem = site.author.post("/lessons", &wrong).await.problem(400, "invalid");
    let found = pointers(&problem);
    for pointer in [
        "/bank",
        "/code",
        "/course",
        "/duration_ms",
        "/policy/answer_within_ms",
        "/policy/gap_min_ms",
        "/policy/heartbeat_ms",
        "/policy/max_rate",
        "/title",
    ] {
        assert!(found.contains(&pointer), "{pointer}: {problem}");
    }
    let course = site.course(&json!({"subject": "professional"})).await;
    let mut unknown = body(&site, &course, "x");
    unknown["policy"] = json!({"skip": true});
    let _ = site.author.post("/lessons", &unknown).await.problem(400, "invalid");
    let made = site.author.post("/lessons", &body(&site, &course, "first")).await.ok(201);
    assert_eq!(json!([made["state"], made["covered_ms"], made["hours"]]), json!(["not_started", 0, null]));
    let problem = site.author.post("/lessons", &body(&site, &course, "first")).await.problem(409, "taken");
    assert_eq!(pointers(&problem), ["/code"]);
    let _ = site.learner().await.post("/lessons", &body(&site, &course, "other")).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_bank_that_is_too_small_or_too_large_for_a_message_is_refused() {
    let site = Site::start().await;
    let course = site.course(&json!({"subject": "professional"})).await;
    let long = "长".repeat(3_000);
    let text = format!("Question {long}?\nA) yes\nB) no\nANSWER: A\n\nShort?\nA) yes\nB) no\nANSWER: A\n");
    for (code, questions) in [("one", "Only one?\nA) yes\nB) no\nANSWER: A\n"), ("long", text.as_str())] {
        let bank = id(&site.author.post("/banks", &json!({"code": code, "title": code})).await.ok(201));
        let _ = site.author.import(&bank, "bank.txt", questions.as_bytes().to_vec(), "aiken", false).await.ok(200);
        let mut lesson = body(&site, &course, code);
        lesson["bank"] = json!(bank);
        let problem = site.author.post("/lessons", &lesson).await.problem(400, "invalid");
        assert_eq!(pointers(&problem), ["/bank"], "{problem}");
    }
}

#[tokio::test]
async fn hours_come_by_one_way_only() {
    let site = Site::start().await;
    let with_hours = |course: &str, code: &str| {
        let mut lesson = body(&site, course, code);
        lesson["hours"] = json!(2);
        lesson
    };
    let refused = async |lesson: Value| {
        let problem = site.author.post("/lessons", &lesson).await.problem(400, "invalid");
        assert_eq!(pointers(&problem), ["/hours"], "{problem}");
    };
    // Public subjects: by exam only. A course with an exam: by that exam.
    refused(with_hours(&site.course_id, "public")).await;
    let examined = site.course(&json!({"subject": "professional"})).await;
    let _ = site.exam(&json!({"course": examined})).await;
    refused(with_hours(&examined, "examined")).await;
    let _ = site.author.post("/lessons", &body(&site, &examined, "beside-exam")).await.ok(201);
    // The lessons of a course have hours all of them, or none; and then it has no exam.
    let own = site.course(&json!({"subject": "professional"})).await;
    let _ = site.author.post("/lessons", &with_hours(&own, "own")).await.ok(201);
    refused(body(&site, &own, "without")).await;
    let exam = site.exam_body(&json!({"course": own}));
    let problem = site.author.post("/exams", &exam).await.problem(400, "invalid");
    assert_eq!(pointers(&problem), ["/course"]);
}

#[tokio::test]
async fn packages_list_lessons_of_other_courses() {
    let site = Site::start().await;
    let professional = json!({"subject": "professional", "bucket": "elective"});
    let (home, package) = (site.course(&professional).await, site.course(&professional).await);
    let lesson = async |course: &str, code: &str, hours: Value| {
        let mut lesson = body(&site, course, code);
        lesson["hours"] = hours;
        id(&site.author.post("/lessons", &lesson).await.ok(201))
    };
    let (a, b) = (lesson(&home, "a", json!(2.5)).await, lesson(&home, "b", json!(5)).await);
    let plain = site.course(&professional).await;
    let without = lesson(&plain, "plain", Value::Null).await;
    let own = lesson(&package, "own", json!(1)).await;
    let path = format!("/courses/{package}/lessons");
    let wrong = json!({"lessons": [a, a, without, own, site.course_id]});
    let problem = site.author.put(&path, &wrong).await.problem(400, "invalid");
    assert_eq!(pointers(&problem), ["/lessons/1", "/lessons/2", "/lessons/3", "/lessons/4"]);
    let listed = site.author.put(&path, &json!({"lessons": [b, a]})).await;
    assert_eq!(listed.status, 204, "{}", listed.text());
    let learner = site.learner().await;
    let found = learner.get(&format!("/lessons?course={package}")).await.ok(200);
    let codes: Vec<&str> = found["items"].as_array().into_iter().flatten().map(|item| text(&item["code"])).collect();
    assert_eq!(codes, ["a", "b", "own"]);
    let page = learner.get(&format!("/lessons?course={package}&limit=2")).await.ok(200);
    assert_eq!(page["next"], "b");
    let rest = learner.get(&format!("/lessons?course={package}&after=b")).await.ok(200);
    assert_eq!(json!([rest["items"].as_array().map(Vec::len), rest["next"]]), json!([1, null]));
    let _ = site.author.put("/courses/nothing/lessons", &json!({"lessons": []})).await.problem(404, "not_found");
}

#[tokio::test]
async fn partners_are_told_all_their_faults_at_once() {
    let site = Site::start().await;
    let wrong = json!({"name": "", "webhook_url": "ftp://partner/", "lessons": [site.course_id]});
    let problem = site.admin.post("/partners", &wrong).await.problem(400, "invalid");
    assert_eq!(pointers(&problem), ["/lessons/0", "/name", "/webhook_url"]);
    let made = site.admin.post("/partners", &json!({"name": "伙伴"})).await.ok(201);
    assert!(text(&made["key"]).len() > 40 && made["webhook_secret"].is_null());
    let problem = site.admin.post("/partners", &json!({"name": "伙伴"})).await.problem(409, "taken");
    assert_eq!(pointers(&problem), ["/name"]);
    let listed = site.admin.get("/partners").await.ok(200);
    assert!(!listed.to_string().contains(text(&made["key"])), "a key is shown once");
    let _ = site.admin.post("/partners", &json!({"name": "甲校"})).await.ok(201);
    let first = site.admin.get("/partners?limit=1").await.ok(200);
    let rest = site.admin.get(&format!("/partners?limit=1&after={}", text(&first["next"]))).await.ok(200);
    assert_eq!(
        json!([first["items"][0]["name"], rest["items"][0]["name"], rest["next"]]),
        json!(["伙伴", "甲校", null])
    );
    let problem = site.admin.get("/partners?page=1").await.problem(400, "invalid");
    assert_eq!(pointers(&problem), ["/query/page"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_is_added_at_the_command_line() {
    let mut site = Site::start().await;
    let course = site.course(&json!({"subject": "professional"})).await;
    let lesson = id(&site.author.post("/lessons", &body(&site, &course, "l-1")).await.ok(201));
    let learner = site.learner().await;
    tokio::task::block_in_place(|| site.server.terminate());
    let add = |arguments: &[&str]| {
        let output = site.server.command(&[&["partner", "add"], arguments].concat());
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), said.concat())
    };
    let (code, said) = add(&["平台", "--webhook", "https://partner.example/hook", "--lesson", "l-1"]);
    assert_eq!(code, Some(0), "{said}");
    let key = said.lines().find_map(|line| line.strip_prefix("key ")).unwrap().to_owned();
    assert!(said.contains("webhook_secret whsec_"), "{said}");
    for (arguments, reason) in [
        (["平台", "--lesson", "l-1"].as_slice(), "already"),
        (&["其他", "--lesson", "l-2"], "no lesson"),
        (&["其他", "--webhook", "partner.example"], "https"),
    ] {
        let (code, said) = add(arguments);
        assert!(code == Some(1) && said.contains(reason), "{arguments:?}: {said}");
    }
    site.restart();
    let partner = learner.at(site.server.url()).with_token(Some(&key));
    let wanted = json!({"learner": learner.username, "lesson": lesson});
    assert!(partner.post("/partner/tickets", &wanted).await.ok(201)["ticket"].is_string());
}
