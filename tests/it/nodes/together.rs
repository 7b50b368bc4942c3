//! Fifty at once over two nodes: exactly one effect each, and no server error.

use super::Nodes;
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Client, Reply, command_id, id, number, slots};
use serde_json::{Value, json};
use std::collections::HashSet;

const AT_ONCE: usize = 50;

async fn at_once<W: Future<Output = Reply> + Send + 'static>(work: impl Iterator<Item = W>) -> Vec<Reply> {
    let mut working = tokio::task::JoinSet::new();
    for one in work {
        working.spawn(one);
    }
    let replies = working.join_all().await;
    for reply in &replies {
        assert!(reply.status < 500, "{}", reply.text());
    }
    replies
}

fn start(learner: Client, exam: &str, command: String) -> impl Future<Output = Reply> + Send + use<> {
    let exam = exam.to_owned();
    async move { learner.start_by(&exam, "exam", &command).await }
}

fn submit(learner: Client, attempt: &str, command: String) -> impl Future<Output = Reply> + Send + use<> {
    let attempt = attempt.to_owned();
    async move { learner.submit_by(&attempt, &command).await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_starts_over_two_nodes_make_one_attempt() {
    let nodes = Nodes::start().await;
    let exam = nodes.site.exam(&json!({})).await;
    let learners = nodes.site.learners(2).await;
    let replies =
        at_once(nodes.in_turns(&learners[0]).take(AT_ONCE).map(|device| start(device, &exam, command_id()))).await;
    let (started, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!((started.len(), refused.len()), (1, AT_ONCE - 1));
    for reply in refused {
        assert_eq!(reply.problem(409, "attempt_open")["attempt"], started[0].json["id"]);
    }
    let command = command_id();
    let replies =
        at_once(nodes.in_turns(&learners[1]).take(AT_ONCE).map(|device| start(device, &exam, command.clone()))).await;
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1, "one was first");
    let attempts: HashSet<String> = replies.into_iter().map(|reply| id(&reply.ok(201))).collect();
    assert_eq!(attempts.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_wishes_over_two_nodes_make_one_certificate() {
    let nodes = Nodes::start().await;
    let learner = nodes.site.learner().await;
    for exam in nodes.site.year_of_exams().await {
        nodes.site.take(&learner, &exam, 2).await;
    }
    let wish = |device: Client| async move {
        device.post("/me/certificates", &json!({"command_id": command_id(), "year": YEAR})).await
    };
    let replies = at_once(nodes.in_turns(&learner).take(AT_ONCE).map(wish)).await;
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1, "one was first");
    let numbers: HashSet<String> = replies.into_iter().map(|reply| reply.ok(201)["number"].to_string()).collect();
    assert_eq!(numbers.len(), 1);
    let counted = nodes.site.server.postgres().sql("SELECT count(*) FROM certificates");
    assert_eq!(counted, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_submissions_over_two_nodes_close_one_attempt_once() {
    let nodes = Nodes::start().await;
    let exam = nodes.site.exam(&json!({})).await;
    for (learner, shared) in nodes.site.learners(2).await.into_iter().zip([None, Some(command_id())]) {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        nodes.site.answer_all(&learner, &attempt, 9).await;
        let command = || shared.clone().unwrap_or_else(command_id);
        let submitting = nodes.in_turns(&learner).take(AT_ONCE).map(|device| submit(device, &id(&attempt), command()));
        let replies = at_once(submitting).await;
        let (taken, refused): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!(taken.iter().filter(|reply| !reply.is_replayed()).count(), 1);
        let expected = if shared.is_some() { AT_ONCE } else { 1 };
        assert_eq!((taken.len(), refused.len()), (expected, AT_ONCE - expected));
        refused.into_iter().for_each(|reply| drop(reply.problem(409, "attempt_closed")));
        let results: HashSet<String> = taken.iter().map(|reply| reply.json.to_string()).collect();
        assert_eq!(results.len(), 1, "all are told the same");
        let hours = learner.hours(YEAR).await.ok(200);
        assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([5, 1]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_to_one_attempt_over_two_nodes_all_count_once() {
    let nodes = Nodes::start().await;
    let exam = nodes.site.exam(&json!({})).await;
    let learner = nodes.site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let (attempt_id, all) = (id(&attempt), slots(&attempt));
    let mut turns = nodes.in_turns(&learner);
    let work: Vec<_> = (0..4)
        .flat_map(|round| all.iter().map(move |slot| (round, slot)))
        .map(|(round, slot)| {
            let response = if round % 2 == 0 { nodes.site.bank.right(slot) } else { nodes.site.bank.wrong(slot) };
            let (device, attempt_id) = (turns.next().unwrap_or_else(|| learner.clone()), attempt_id.clone());
            let slot = number(slot);
            async move { device.answer(&attempt_id, slot, &response).await }
        })
        .collect();
    let replies = at_once(work.into_iter()).await;
    let receipts: Vec<Value> = replies.into_iter().map(|reply| reply.ok(200)).collect();
    let seqs: HashSet<u64> = receipts.iter().filter_map(|receipt| receipt["seq"].as_u64()).collect();
    assert_eq!(seqs.len(), 4 * all.len(), "every answer is a step of its own");
    for device in nodes.in_turns(&learner).take(2) {
        let read = device.attempt(&attempt_id).await.ok(200);
        for slot in &all {
            let of_slot = receipts.iter().filter(|receipt| receipt["slot"] == slot["slot"]);
            let last = of_slot.filter_map(|receipt| receipt["seq"].as_u64()).max();
            assert_eq!(read["answers"][number(slot).to_string()]["seq"].as_u64(), last);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passing_many_exams_of_one_course_over_two_nodes_is_credited_once() {
    let nodes = Nodes::start().await;
    let learner = nodes.site.learner().await;
    let mut attempts = Vec::new();
    for _ in 0..8 {
        let exam = nodes.site.exam(&keju_tests::kit::rules::short_rules(2)).await;
        let attempt = learner.start(&exam, "exam").await.ok(201);
        nodes.site.answer_all(&learner, &attempt, 2).await;
        attempts.push(id(&attempt));
    }
    let both = nodes.in_turns(&learner).zip(&attempts);
    let replies = at_once(both.map(|(device, attempt)| submit(device, attempt, command_id()))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json["passed"] == true));
    assert_eq!(replies.iter().filter(|reply| reply.json["hours_granted"] == 5).count(), 1);
    let hours = learner.hours(YEAR).await.ok(200);
    assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([5, 1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_decisions_over_two_nodes_are_one_and_an_honest_pass_counts_again() {
    let nodes = Nodes::start().await;
    let (site, exam) = (&nodes.site, nodes.site.exam(&json!({})).await);
    let learner = site.learner().await;
    let (attempt, _) = site.take(&learner, &exam, 9).await;
    let attempt = id(&attempt);
    let _ = nodes.there(&site.proctor).open_case(&attempt, "可疑").await.ok(201);
    let deciding = nodes.in_turns(&site.admin).take(AT_ONCE).map(|desk| {
        let attempt = attempt.clone();
        async move { desk.decide(&attempt, "confirmed", "查实").await }
    });
    let (taken, refused): (Vec<Reply>, Vec<Reply>) =
        at_once(deciding).await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((taken.len(), refused.len()), (1, AT_ONCE - 1));
    refused.into_iter().for_each(|reply| drop(reply.problem(409, "wrong_state")));
    for device in nodes.in_turns(&learner).take(2) {
        let result = device.result(&attempt).await.ok(200);
        assert_eq!(json!([result["passed"], result["hours_granted"]]), json!([false, 0]));
        assert_eq!(device.hours(YEAR).await.ok(200)["earned"]["total"], 0);
    }
    let (_, again) = site.take(&nodes.there(&learner), &exam, 9).await;
    assert_eq!(again["hours_granted"], 5);
    let hours = learner.hours(YEAR).await.ok(200);
    assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([5, 3]));
}
