//! Fifty at once: exactly one effect each, and no server error.

use super::shape::no_server_error;
use keju_tests::kit::rules::short_rules;
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Backend, Client, Reply, Site, command_id, id, slots};
use serde_json::{Value, json};
use std::collections::HashSet;

keju_tests::on_every_backend!(
    fifty_starts_at_once_make_one_attempt,
    fifty_submissions_at_once_close_one_attempt_once,
    fifty_learners_submit_at_once_and_each_is_credited_once,
    passing_many_exams_of_one_course_at_once_is_credited_once,
    answers_and_the_submission_at_once_leave_the_grade_of_what_was_acknowledged,
);

const AT_ONCE: usize = 50;

/// Sends one request per command, all at the same time.
async fn at_once<W: Future<Output = Reply> + Send + 'static>(work: impl Iterator<Item = W>) -> Vec<Reply> {
    let mut working = tokio::task::JoinSet::new();
    for one in work {
        working.spawn(one);
    }
    let replies = working.join_all().await;
    no_server_error(&replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    replies
}

fn start(learner: &Client, exam: &str, command: String) -> impl Future<Output = Reply> + Send + use<> {
    let (learner, exam) = (learner.clone(), exam.to_owned());
    async move { learner.start_by(&exam, "exam", &command).await }
}

fn submit(learner: &Client, attempt: &str, command: String) -> impl Future<Output = Reply> + Send + use<> {
    let (learner, attempt) = (learner.clone(), attempt.to_owned());
    async move { learner.submit_by(&attempt, &command).await }
}

async fn fifty_starts_at_once_make_one_attempt(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learners = site.learners(2).await;
    let replies = at_once((0..AT_ONCE).map(|_| start(&learners[0], &exam, command_id()))).await;
    let (started, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!((started.len(), refused.len()), (1, AT_ONCE - 1));
    for reply in refused {
        assert_eq!(reply.problem(409, "attempt_open")["attempt"], started[0].json["id"]);
    }
    let command = command_id();
    let replies = at_once((0..AT_ONCE).map(|_| start(&learners[1], &exam, command.clone()))).await;
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1, "one was first");
    let attempts: HashSet<String> = replies.into_iter().map(|reply| id(&reply.ok(201))).collect();
    assert_eq!(attempts.len(), 1);
    for learner in &learners {
        assert_eq!(learner.exam(&exam).await.ok(200)["attempts_used"], 1);
    }
    let sessions = site.proctor.sessions(&exam).await.ok(200);
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(2));
}

async fn fifty_submissions_at_once_close_one_attempt_once(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let learners = site.learners(2).await;
    let (mut attempts, shared) = (Vec::new(), command_id());
    for learner in &learners {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        site.answer_all(learner, &attempt, 9).await;
        attempts.push(id(&attempt));
    }
    let replies = at_once((0..AT_ONCE).map(|_| submit(&learners[0], &attempts[0], command_id()))).await;
    let (taken, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((taken.len(), refused.len()), (1, AT_ONCE - 1));
    refused.into_iter().for_each(|reply| drop(reply.problem(409, "attempt_closed")));
    let replies = at_once((0..AT_ONCE).map(|_| submit(&learners[1], &attempts[1], shared.clone()))).await;
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1);
    let results: HashSet<String> = replies.into_iter().map(|reply| reply.ok(200).to_string()).collect();
    assert_eq!(results.len(), 1, "all are told the same");
    for learner in &learners {
        let hours = learner.hours(YEAR).await.ok(200);
        assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([5, 1]));
    }
}

async fn fifty_learners_submit_at_once_and_each_is_credited_once(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&short_rules(2)).await;
    let learners = site.learners(AT_ONCE).await;
    let mut attempts = Vec::new();
    for learner in &learners {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        site.answer_all(learner, &attempt, 2).await;
        attempts.push(id(&attempt));
    }
    // Each twice, by commands of their own.
    let both = learners.iter().zip(&attempts).flat_map(|pair| [pair, pair]);
    let replies = at_once(both.map(|(learner, attempt)| submit(learner, attempt, command_id()))).await;
    let taken: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(taken.len(), AT_ONCE);
    assert!(taken.iter().all(|reply| reply.json["hours_granted"] == 5));
    for learner in &learners {
        assert_eq!(learner.hours(YEAR).await.ok(200)["entries"].as_array().map(Vec::len), Some(1));
    }
}

async fn passing_many_exams_of_one_course_at_once_is_credited_once(backend: Backend) {
    let site = Site::start_on(backend).await;
    let learner = site.learner().await;
    let mut attempts = Vec::new();
    for _ in 0..12 {
        let exam = site.exam(&short_rules(2)).await;
        let attempt = learner.start(&exam, "exam").await.ok(201);
        site.answer_all(&learner, &attempt, 2).await;
        attempts.push(id(&attempt));
    }
    let replies = at_once(attempts.iter().map(|attempt| submit(&learner, attempt, command_id()))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json["passed"] == true));
    let granted = replies.iter().filter(|reply| reply.json["hours_granted"] == 5).count();
    assert_eq!(granted, 1, "{:?}", replies.iter().map(|reply| &reply.json["hours_granted"]).collect::<Vec<_>>());
    let hours = learner.hours(YEAR).await.ok(200);
    assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([5, 1]));
}

async fn answers_and_the_submission_at_once_leave_the_grade_of_what_was_acknowledged(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&short_rules(6)).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let (attempt_id, mut working) = (id(&attempt), tokio::task::JoinSet::new());
    for slot in slots(&attempt) {
        let (learner, attempt_id, right) = (learner.clone(), attempt_id.clone(), site.bank.right(&slot));
        working.spawn(async move { learner.answer(&attempt_id, keju_tests::kit::number(&slot), &right).await });
    }
    let result = learner.submit(&attempt_id).await.ok(200);
    let replies = working.join_all().await;
    no_server_error(&replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    let kept = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(result["score"], json!(kept * 10), "ten points for each acknowledged answer");
    let refused = replies.into_iter().filter(|reply| reply.status != 200);
    refused.for_each(|reply| drop::<Value>(reply.problem(409, "attempt_closed")));
}
