//! Grades before release by another door, and keys by the door of practice.

use super::support::site;
use keju_tests::kit::json::{lay_over, redacted};
use keju_tests::kit::{Client, Site, from_now, id, number, slots};
use reqwest::Method;
use serde_json::{Value, json};

/// Everything a learner can ask about an exam that is handed in.
async fn asked(learner: &Client, exam: &str, attempt: &str, year: i32) -> Value {
    let mut told = json!({
        "result": learner.result(attempt).await.ok(200),
        "hours": learner.hours(year).await.ok(200),
        "courses": learner.courses().await.ok(200),
        "exams": learner.exams().await.ok(200),
        "exam": learner.exam(exam).await.ok(200),
        "attempt": learner.attempt(attempt).await.ok(200),
        "sessions": learner.sessions(exam).await.problem(403, "forbidden"),
        "timeline": learner.timeline(attempt).await.problem(403, "forbidden"),
        "submit": learner.submit(attempt).await.problem(409, "attempt_closed"),
        "signals": learner.signals(attempt, &json!([])).await.problem(409, "attempt_closed"),
    });
    // Everybody's own: papers, ids, times.
    let own = json!({
        "result": {"attempt": null, "seed_commitment": null},
        "exams": {"items": null},
        "exam": {"server_time": null},
        "attempt": {"id": null, "paper": null, "answers": null, "started_at": null, "deadline": null, "server_time": null, "seq": null},
    });
    let first = told["exams"]["items"][0].clone();
    lay_over(&mut told, &own);
    told["exams"]["first"] = redacted(first, &[("/server_time", "time")]);
    told
}

async fn two_learners(site: &Site, exam: &str) -> [(Client, String); 2] {
    let [passes, fails] = [site.learner().await, site.learner().await];
    let (passed, _) = site.take(&passes, exam, 9).await;
    let (failed, _) = site.take(&fails, exam, 0).await;
    [(passes, id(&passed)), (fails, id(&failed))]
}

#[tokio::test]
async fn grades_before_release_by_another_door() {
    let site = site().await;
    let exam = site.exam(&json!({"results_at": from_now(86_400_000), "review": "full", "attempts_max": 2})).await;
    let [(passes, passed), (fails, failed)] = two_learners(&site, &exam).await;
    let year = keju_tests::kit::site::YEAR;
    let told = asked(&passes, &exam, &passed, year).await;
    assert_eq!(told, asked(&fails, &exam, &failed, year).await, "who passed can be told from who failed");
    let result = &told["result"];
    for hidden in ["score", "passed", "graded_at"] {
        assert_eq!(result[hidden], Value::Null, "{hidden}");
    }
    assert!(result.get("seed").is_none() && result.get("review").is_none(), "{result}");
    assert_eq!(result["hours_granted"], 0);
    assert_eq!(told["hours"]["entries"], json!([]));
    assert_eq!(
        (&told["exam"]["state"], &told["courses"]["items"][0]["state"]),
        (&json!("open"), &json!("in_progress"))
    );
    let steps =
        |client: Client, attempt: String| async move { client.attempt(&attempt).await.ok(200)["answers"].clone() };
    assert!(steps(passes.clone(), passed.clone()).await.is_object());
    // Another start does not tell either.
    passes.start(&exam, "exam").await.ok(201);
    fails.start(&exam, "exam").await.ok(201);

    site.author.put(&format!("/exams/{exam}/release"), &json!({"results_at": null})).await.ok(204);
    let [passed, failed] = [passes.result(&passed).await.ok(200), fails.result(&failed).await.ok(200)];
    assert_eq!((&passed["passed"], &failed["passed"]), (&json!(true), &json!(false)));
    assert!(passed["seed"].is_string());
    assert_eq!(passes.hours(year).await.ok(200)["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn grades_before_release_in_the_metrics() {
    let site = site().await;
    let exam = site.exam(&json!({"results_at": from_now(86_400_000), "heuristics": null})).await;
    // What anybody can read changes in the same way, whether somebody passes or fails.
    let mut changes = Vec::new();
    for right in [9, 0] {
        let learner = site.learner().await;
        let attempt = learner.start(&exam, "exam").await.ok(201);
        site.answer_all(&learner, &attempt, right).await;
        let before = counters(&learner).await;
        learner.submit(&id(&attempt)).await.ok(200);
        let after = counters(&learner).await;
        changes.push(changed(&before, &after));
    }
    assert_eq!(changes[0], changes[1]);
}

/// Counters of `/metrics`, without those of times and connections.
async fn counters(client: &Client) -> Vec<String> {
    let text = client.send(client.request(Method::GET, "/metrics")).await.text();
    let counts = |line: &&str| {
        !line.starts_with('#')
            && !["_seconds", "_bytes", "connections", "in_work", "cached", "flags"]
                .iter()
                .any(|name| line.contains(name))
    };
    let mut lines: Vec<String> = text.lines().filter(counts).map(str::to_owned).collect();
    lines.sort_unstable();
    assert!(!lines.is_empty());
    lines
}

fn changed(before: &[String], after: &[String]) -> Vec<String> {
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    after.iter().filter(|line| !before.contains(line)).map(|line| name(line)).collect()
}

#[tokio::test]
async fn practice_beside_an_open_exam_of_the_same_bank() {
    let site = site().await;
    let (first, second) = (site.exam(&json!({})).await, site.exam(&json!({})).await);
    let learner = site.learner().await;
    let practice = learner.start(&second, "practice").await.ok(201);
    let slot = slots(&practice)[0].clone();
    let response = site.bank.wrong(&slot);
    let told = learner.answer(&id(&practice), number(&slot), &response).await.ok(200);
    assert!(told["feedback"]["key"].is_object());

    let exam = id(&learner.start(&first, "exam").await.ok(201));
    // The practice has given way, and no other begins, at whichever exam of the bank.
    learner.answer(&id(&practice), 2, &json!({"choices": ["o1"]})).await.problem(409, "attempt_closed");
    for of in [&first, &second] {
        let problem = learner.start(of, "practice").await.problem(409, "attempt_open");
        assert_eq!(problem["attempt"], exam.as_str());
    }
    site.proctor.act(&exam, "pause", "测试", None).await.ok(200);
    learner.start(&second, "practice").await.problem(409, "attempt_open");
    site.proctor.act(&exam, "resume", "测试", None).await.ok(200);
    learner.submit(&exam).await.ok(200);
    learner.start(&second, "practice").await.ok(201);
}

#[tokio::test]
async fn practice_and_exam_started_at_once() {
    let site = site().await;
    let (first, second) = (site.exam(&json!({})).await, site.exam(&json!({})).await);
    for learner in site.learners(12).await {
        let (practice, exam) = tokio::join!(learner.start(&second, "practice"), learner.start(&first, "exam"));
        let exam = id(&exam.ok(201));
        assert_eq!(learner.attempt(&exam).await.ok(200)["state"], "open");
        if practice.status == 201 {
            let practice = learner.attempt(&id(&practice.json)).await.ok(200);
            assert_ne!(practice["state"], "open", "a practice stands open beside the exam");
        }
    }
}
