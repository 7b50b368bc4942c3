//! One attempt on two devices at once: one state, seen by both.

use keju_tests::kit::{Backend, Site, id, number, slots};
use serde_json::{Value, json};

keju_tests::on_every_backend!(
    two_devices_share_one_attempt_and_the_last_answer_counts,
    answers_of_two_devices_at_the_same_time_all_count_once,
);

async fn two_devices_share_one_attempt_and_the_last_answer_counts(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let desk = site.learner().await;
    let phone = desk.device(site.server.url(), "the phone").await;
    let attempt = desk.start(&exam, "exam").await.ok(201);
    let attempt_id = id(&attempt);
    let open = phone.start(&exam, "exam").await.problem(409, "attempt_open");
    assert_eq!(open["attempt"], attempt_id, "the refusal says where to go on");
    assert_eq!(phone.attempt(&attempt_id).await.ok(200)["paper"], attempt["paper"]);
    for slot in slots(&attempt) {
        let (wrong, right) = (site.bank.wrong(&slot), site.bank.right(&slot));
        let first = desk.answer(&attempt_id, number(&slot), &wrong).await.ok(200);
        let second = phone.answer(&attempt_id, number(&slot), &right).await.ok(200);
        assert!(second["seq"].as_u64() > first["seq"].as_u64());
    }
    let (mut on_desk, mut on_phone) =
        (desk.attempt(&attempt_id).await.ok(200), phone.attempt(&attempt_id).await.ok(200));
    for read in [&mut on_desk, &mut on_phone] {
        for moving in ["server_time", "remaining_ms"] {
            read[moving] = Value::Null;
        }
    }
    assert_eq!(on_desk, on_phone);
    let result = phone.submit(&attempt_id).await.ok(200);
    assert_eq!(result["score"], 100, "the last answers were the right ones");
    let _ = desk.answer(&attempt_id, 1, &Value::Null).await.problem(409, "attempt_closed");
    proctors_see_the_devices(&site, &attempt_id).await;
}

async fn proctors_see_the_devices(site: &Site, attempt: &str) {
    let timeline = site.proctor.timeline(attempt).await.ok(200);
    let events = timeline["events"].as_array().cloned().unwrap_or_default();
    let flags: Vec<&Value> =
        events.iter().map(|event| &event["event"]).filter(|event| event["t"] == "flagged").collect();
    for kind in ["device_changed", "devices_interleaved", "agent_changed"] {
        let flag = flags.iter().find(|flag| flag["kind"] == kind);
        let flag = flag.unwrap_or_else(|| panic!("no {kind} among {flags:?}"));
        assert!(flag["weight"].as_u64() > Some(0) && flag["reason"].is_string(), "{flag}");
    }
    assert_eq!(timeline["flags"], flags.len());
}

async fn answers_of_two_devices_at_the_same_time_all_count_once(backend: Backend) {
    let site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let desk = site.learner().await;
    let phone = desk.device(site.server.url(), "the phone").await;
    let attempt = desk.start(&exam, "exam").await.ok(201);
    let (attempt_id, all) = (id(&attempt), slots(&attempt));
    let mut working = tokio::task::JoinSet::new();
    for device in [desk.clone(), phone] {
        for round in 0..5 {
            for slot in &all {
                let response = if round % 2 == 0 { site.bank.right(slot) } else { site.bank.wrong(slot) };
                let (device, attempt_id, slot) = (device.clone(), attempt_id.clone(), number(slot));
                working.spawn(async move { (device.answer(&attempt_id, slot, &response).await.ok(200), response) });
            }
        }
    }
    let mut last: std::collections::HashMap<u64, (Value, Value)> = std::collections::HashMap::new();
    let mut seqs = Vec::new();
    for (receipt, response) in working.join_all().await {
        seqs.push(receipt["seq"].as_u64());
        let slot = receipt["slot"].as_u64().unwrap_or_default();
        if last.get(&slot).is_none_or(|(known, _)| known["seq"].as_u64() < receipt["seq"].as_u64()) {
            last.insert(slot, (receipt, response));
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), 10 * all.len(), "every answer is a step of its own");
    let read = desk.attempt(&attempt_id).await.ok(200);
    for (slot, (receipt, _)) in &last {
        assert_eq!(read["answers"][slot.to_string()]["seq"], receipt["seq"], "slot {slot}");
    }
}
