//! One's own attempts at all exams.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::{Site, from_now, id};
use serde_json::{Value, json};

#[tokio::test]
async fn all_own_attempts_the_latest_first_and_nobody_elses() {
    let site = Site::start().await;
    let (exam, other_exam) = (site.exam(&short_rules(2)).await, site.exam(&short_rules(2)).await);
    let (learner, other) = (site.learner().await, site.learner().await);
    let practice = id(&learner.start(&exam, "practice").await.ok(201));
    let _ = learner.submit(&practice).await.ok(200);
    let (first, _) = site.take(&learner, &exam, 2).await;
    let open = id(&learner.start(&other_exam, "exam").await.ok(201));
    let _ = site.take(&other, &exam, 0).await;
    let found = learner.get("/me/attempts").await.ok(200);
    let seen: Vec<Value> = found["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            json!([row["attempt"], row["mode"], row["state"], row["score"], row["passed"], row["hours_granted"]])
        })
        .collect();
    let expected = [
        json!([open, "exam", "open", null, null, 0]),
        json!([id(&first), "exam", "submitted", 20, true, 5]),
        json!([practice, "practice", "submitted", 0, false, 0]),
    ];
    assert_eq!(seen, expected);
    assert_eq!(found["next"], Value::Null);
    let page = learner.get("/me/attempts?limit=2").await.ok(200);
    assert_eq!(page["next"], json!(id(&first)));
    let rest = learner.get(&format!("/me/attempts?limit=2&after={}", id(&first))).await.ok(200);
    assert_eq!(json!([rest["items"][0]["attempt"], rest["next"]]), json!([practice, null]));
}

#[tokio::test]
async fn a_result_that_is_not_released_does_not_show_here_either() {
    let site = Site::start().await;
    let mut rules = short_rules(2);
    rules["results_at"] = json!(from_now(3_600_000));
    let exam = site.exam(&rules).await;
    let learner = site.learner().await;
    let _ = site.take(&learner, &exam, 2).await;
    let row = &learner.get("/me/attempts").await.ok(200)["items"][0];
    assert_eq!(
        json!([row["released"], row["score"], row["passed"], row["hours_granted"]]),
        json!([false, null, null, 0])
    );
    let path = format!("/exams/{exam}/release");
    assert_eq!(site.author.put(&path, &json!({"results_at": null})).await.status, 204);
    let row = &learner.get("/me/attempts").await.ok(200)["items"][0];
    assert_eq!(json!([row["released"], row["score"], row["passed"]]), json!([true, 20, true]));
}

#[tokio::test]
async fn an_exam_says_whether_it_or_its_practice_is_open() {
    let site = Site::start().await;
    let exam = site.exam(&short_rules(2)).await;
    let learner = site.learner().await;
    assert_eq!(learner.exam(&exam).await.ok(200)["open_mode"], Value::Null);
    let _ = learner.start(&exam, "practice").await.ok(201);
    assert_eq!(learner.exam(&exam).await.ok(200)["open_mode"], "practice");
    let _ = learner.start(&exam, "exam").await.ok(201);
    assert_eq!(learner.exam(&exam).await.ok(200)["open_mode"], "exam");
}
