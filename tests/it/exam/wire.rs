//! The wire formats of an attempt, a result and a problem, as clients outside this repository read them.

use keju_tests::kit::{Site, id, redacted};
use serde_json::json;

const TIMES: [(&str, &str); 4] =
    [("/started_at", "time"), ("/deadline", "time"), ("/server_time", "time"), ("/graded_at", "time")];

#[tokio::test]
async fn attempt_result_and_problem() {
    let site = Site::start().await;
    let exam = site.exam(&json!({"review": "marks"})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    site.answer_all(&learner, &attempt, 1).await;
    let attempt = learner.attempt(&id(&attempt)).await.ok(200);
    let ids = [
        ("/id", "attempt"),
        ("/attempt", "attempt"),
        ("/exam", "exam"),
        ("/remaining_ms", "ms"),
        ("/paper/id", "paper"),
        ("/paper/bank_version", "hash"),
        ("/paper/seed_commitment", "hash"),
        ("/seed_commitment", "hash"),
        ("/seed", "seed"),
        ("/paper/sections/*/slots/*/stem", "html"),
        ("/paper/sections/*/slots/*/options/*/text", "html"),
        ("/paper/sections/*/slots/*/targets/*/text", "html"),
        ("/answers/*/response", "response"),
        ("/answers/*/saved_at", "time"),
        ("/answers/*/seq", "seq"),
        ("/seq", "seq"),
        ("/review/*/response", "response"),
    ];
    let pointers = [&ids[..], &TIMES[..]].concat();
    insta::assert_json_snapshot!("attempt", redacted(attempt.clone(), &pointers));
    let open = learner.start(&exam, "exam").await.problem(409, "attempt_open");
    insta::assert_json_snapshot!("problem", redacted(open, &[("/attempt", "attempt")]));
    let result = learner.submit(&id(&attempt)).await.ok(200);
    insta::assert_json_snapshot!("result", redacted(result, &pointers));
    let faults = learner.post(&format!("/exams/{exam}/attempts"), &json!({"mode": "exam", "more": 1})).await;
    insta::assert_json_snapshot!("problem_with_faults", faults.problem(400, "invalid"));
}
