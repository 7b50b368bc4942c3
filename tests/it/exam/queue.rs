//! The queue of starts over HTTP: first come first served, at the server's pace, and answers do not wait.

use keju_tests::kit::{Bank, Client, Reply, Settings, Site, command_id, eventually, id, slots};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Longer than the whole line takes at one start a second.
const WITHIN: Duration = Duration::from_secs(60);
const LEARNERS: usize = 12;

async fn site() -> Site {
    let config = "[limits]\nstarts_total_per_second = 3\n".to_owned();
    Site::start_with(Settings { config: Some(config), ..Settings::default() }, Bank::generated(12, false)).await
}

/// A start with a ticket.
async fn start(learner: &Client, exam: &str, command: &str, ticket: &str) -> Reply {
    let request = learner.request(Method::POST, &format!("/api/v1/exams/{exam}/attempts"));
    let request = request.header("keju-queue", ticket).json(&json!({"command_id": command, "mode": "exam"}));
    learner.send(request).await
}

/// One in the line.
struct Waiting {
    learner: Client,
    command: String,
    ticket: String,
    place: usize,
}

/// Everybody asks once, one after the other: the attempts that started at once, and who has to wait.
async fn everybody_asks(exam: &str, learners: &[Client]) -> (Vec<(Client, String, Value)>, Vec<Waiting>) {
    let (mut started, mut waiting) = (Vec::new(), Vec::new());
    for (place, learner) in learners.iter().enumerate() {
        let command = command_id();
        let reply = start(learner, exam, &command, "").await;
        if reply.status == 201 {
            started.push((learner.clone(), command, reply.ok(201)));
            continue;
        }
        let ticket = reply.header("keju-queue").to_owned();
        assert!(!reply.header("retry-after").is_empty());
        let problem = reply.problem(429, "queued");
        assert_eq!(problem["ticket"], ticket.as_str());
        assert!(problem["position"].as_u64() > Some(0) && problem["retry_after_ms"].as_u64() > Some(0), "{problem}");
        waiting.push(Waiting { learner: learner.clone(), command, ticket, place });
    }
    (started, waiting)
}

#[tokio::test]
async fn starts_wait_in_order_and_their_clock_starts_with_the_paper() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learners = site.learners(LEARNERS).await;
    let (started, waiting) = everybody_asks(&exam, &learners).await;
    assert!(started.len() < LEARNERS, "three a second");
    let mut waiting = Some(waiting);
    eventually("everybody starts", WITHIN, async || {
        let mut still = Vec::new();
        let mut entered = Vec::new();
        // The last of the line asks first: it passes nobody by that.
        for one in waiting.take()?.into_iter().rev() {
            let reply = start(&one.learner, &exam, &one.command, &one.ticket).await;
            if reply.status == 201 {
                let attempt = reply.ok(201);
                assert!(attempt["remaining_ms"].as_i64() > Some(590_000), "ten minutes: {attempt}");
                entered.push(one.place);
            } else {
                assert_eq!(reply.problem(429, "queued")["ticket"], one.ticket.as_str(), "the same place");
                still.push(one);
            }
        }
        still.reverse();
        if let (Some(last), Some(next)) = (entered.iter().max(), still.first()) {
            assert!(*last < next.place, "{last} passed {}", next.place);
        }
        let done = still.is_empty();
        waiting = Some(still);
        done.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_ticket_is_of_no_use_to_others() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learners = site.learners(LEARNERS).await;
    let (_, waiting) = everybody_asks(&exam, &learners[..LEARNERS - 1]).await;
    let (first, last) = (&waiting[0], &waiting[waiting.len() - 1]);
    let borrowed = start(&learners[LEARNERS - 1], &exam, &command_id(), &first.ticket).await;
    let problem = borrowed.problem(429, "queued");
    assert_ne!(problem["ticket"], first.ticket.as_str());
    let before = start(&last.learner, &exam, &last.command, &last.ticket).await;
    if before.status != 201 {
        let ahead = before.problem(429, "queued")["position"].as_u64();
        assert!(problem["position"].as_u64() > ahead, "{problem}");
    }
}

#[tokio::test]
async fn whoever_has_a_paper_waits_for_nothing() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learners = site.learners(LEARNERS).await;
    let (started, waiting) = everybody_asks(&exam, &learners).await;
    assert!(!started.is_empty() && !waiting.is_empty());
    for (learner, command, attempt) in &started {
        // The response was lost: the same command finds its attempt, past everybody who waits.
        let again = start(learner, &exam, command, "").await;
        assert!(again.is_replayed());
        assert_eq!(again.ok(201)["id"], attempt["id"]);
        // Another device: the rule that forbids a second attempt is told at once.
        let other = start(learner, &exam, &command_id(), "").await;
        assert_eq!(other.problem(409, "attempt_open")["attempt"], attempt["id"]);
        for slot in slots(attempt) {
            let number = slot["slot"].as_u64().unwrap_or_default();
            learner.answer(&id(attempt), number, &site.bank.right(&slot)).await.ok(200);
        }
        learner.submit(&id(attempt)).await.ok(200);
    }
}
