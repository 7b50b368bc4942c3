//! The server is killed in the middle of everything: what was acknowledged is there.

use keju_tests::kit::{Backend, Client, Server, Site, eventually, id, number, slots};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

keju_tests::on_every_backend!(
    a_kill_in_the_middle_loses_no_acknowledged_answer,
    a_kill_at_any_moment_leaves_hours_with_their_grade,
);

/// The last acknowledged answer of each slot: its receipt and what was said.
type Acknowledged = HashMap<u64, (Value, Value)>;

/// Answers round after round, rightly and wrongly in turn, until no answer comes any more.
pub(super) async fn answer_until_the_end(
    site_bank: keju_tests::kit::Bank,
    learner: Client,
    attempt: Value,
    count: Arc<AtomicUsize>,
) -> Acknowledged {
    let (attempt_id, slots) = (id(&attempt), slots(&attempt));
    let mut acknowledged = Acknowledged::new();
    for round in 0..10_000 {
        for slot in &slots {
            let response = if round % 2 == 0 { site_bank.right(slot) } else { site_bank.wrong(slot) };
            let body = json!({"command_id": keju_tests::kit::command_id(), "response": response});
            let path = format!("/api/v1/attempts/{attempt_id}/answers/{}", number(slot));
            let request = learner.request(reqwest::Method::PUT, &path).json(&body);
            match learner.try_send(request).await {
                Ok(reply) if reply.status == 200 => {
                    count.fetch_add(1, Ordering::Relaxed);
                    acknowledged.insert(number(slot), (reply.json, response));
                }
                // Turned away while it stops, or gone.
                Ok(reply) => assert_eq!(reply.status, 503, "{}", reply.text()),
                Err(_) => return acknowledged,
            }
        }
    }
    acknowledged
}

/// Every acknowledged answer is kept; one that was under way may have come after it.
pub(super) async fn nothing_is_lost(learner: &Client, attempt: &str, acknowledged: &Acknowledged) {
    let read = learner.attempt(attempt).await.ok(200);
    for (slot, (receipt, response)) in acknowledged {
        let kept = &read["answers"][slot.to_string()];
        let (kept_seq, seq) = (kept["seq"].as_u64(), receipt["seq"].as_u64());
        assert!(kept_seq >= seq, "slot {slot}: {kept} after {receipt}");
        if kept_seq == seq {
            assert_eq!((kept["response"].to_string(), &kept["saved_at"]), (as_kept(response), &receipt["saved_at"]));
        }
        let check = json!({"receipt": receipt["receipt"], "attempt": attempt, "response": response});
        assert_eq!(learner.verify_receipt(&check).await.ok(200)["valid"], true, "{receipt}");
    }
}

/// Numbers come back as decimals.
fn as_kept(response: &Value) -> String {
    match response["number"].as_f64() {
        Some(number) => json!({"number": number}).to_string(),
        None => response.to_string(),
    }
}

async fn a_kill_in_the_middle_loses_no_acknowledged_answer(backend: Backend) {
    let mut site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let (count, mut working) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for learner in site.learners(4).await {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        let (count, bank) = (Arc::clone(&count), site.bank.clone());
        let work = tokio::spawn(answer_until_the_end(bank, learner.clone(), attempt.clone(), count));
        working.push((learner, attempt, work));
    }
    eventually("two hundred answers", Duration::from_secs(60), async || {
        (count.load(Ordering::Relaxed) > 200).then_some(())
    })
    .await;
    site.server.kill9();
    site.restart();
    let url = site.server.url().to_owned();
    for (learner, attempt, work) in working {
        let acknowledged = work.await.unwrap_or_default();
        assert_eq!(acknowledged.len(), slots(&attempt).len());
        // On another device: the session of this one lived on too.
        assert_eq!(learner.at(&url).me().await.status, 200);
        let device = learner.device(&url, "the phone").await;
        nothing_is_lost(&device, &id(&attempt), &acknowledged).await;
        let resumed = device.attempt(&id(&attempt)).await.ok(200);
        assert_eq!(
            json!([resumed["state"], resumed["paper"], resumed["deadline"]]),
            json!(["open", attempt["paper"], attempt["deadline"]])
        );
        site.answer_all(&device, &resumed, 9).await;
        let result = device.submit(&id(&attempt)).await.ok(200);
        assert_eq!(json!([result["score"], result["hours_granted"]]), json!([100, 5]));
    }
    logs_hold(&mut site.server);
}

async fn a_kill_at_any_moment_leaves_hours_with_their_grade(backend: Backend) {
    let mut site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let mut handed_in = Vec::new();
    for learner in site.learners(12).await {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        site.answer_all(&learner, &attempt, 9).await;
        let (client, attempt_id) = (learner.clone(), id(&attempt));
        let path = format!("/api/v1/attempts/{attempt_id}/submission");
        let work = async move {
            let body = json!({"command_id": keju_tests::kit::command_id()});
            let request = client.request(reqwest::Method::POST, &path).json(&body);
            client.try_send(request).await.is_ok_and(|reply| reply.status == 200)
        };
        handed_in.push((learner, attempt_id, work));
    }
    let (mut working, mut learners) = (tokio::task::JoinSet::new(), HashMap::new());
    for (learner, attempt, work) in handed_in {
        learners.insert(attempt.clone(), learner);
        working.spawn(async move { (attempt, work.await) });
    }
    // In the middle: some are told, some are not.
    let first = working.join_next().await;
    site.server.kill9();
    let mut told: Vec<(String, bool)> =
        first.into_iter().chain(working.join_all().await.into_iter().map(Ok)).flatten().collect();
    told.sort();
    site.restart();
    for (attempt, acknowledged) in told {
        let learner = learners[&attempt].at(site.server.url());
        let result = learner.result(&attempt).await.ok(200);
        let hours = learner.hours(keju_tests::kit::site::YEAR).await.ok(200);
        let is_closed = result["state"] == "submitted";
        assert!(is_closed || !acknowledged, "an acknowledged submission is there: {result}");
        let expected = if is_closed { json!([100, true, 5, 5]) } else { json!([null, null, 0, 0]) };
        assert_eq!(
            json!([result["score"], result["passed"], result["hours_granted"], hours["earned"]["total"]]),
            expected
        );
    }
    logs_hold(&mut site.server);
}

/// `keju audit verify` after a stop.
pub(super) fn logs_hold(server: &mut Server) {
    server.terminate();
    let check = server.command(&["audit", "verify"]);
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.success() && said.contains("all chains hold"), "{said}");
}
