//! An exam with its stream open: the clock, what a proctor does, answers.

use super::Sitting;
use keju_tests::kit::json::keys;
use keju_tests::kit::{Client, Said, Stream, id, number, slots, text};
use serde_json::{Value, json};

fn ms(value: &Value) -> i64 {
    exam_core::Timestamp::parse(text(value)).map_or(0, exam_core::Timestamp::ms)
}

#[tokio::test]
async fn an_exam_from_welcome_to_its_end() {
    let sitting = Sitting::start("[stream]\nclock_ms = 1000\n").await;
    let (learner, attempt_id) = (&sitting.learner, sitting.id());
    let mut stream = Stream::hello(learner, "attempt", &attempt_id).await;
    let welcome = stream.expect("welcome").await;
    let here = json!([sitting.attempt["id"], "open", sitting.attempt["seq"], sitting.attempt["deadline"]]);
    assert_eq!(json!([welcome["attempt"], welcome["state"], welcome["seq"], welcome["deadline"]]), here);
    assert_eq!(ms(&welcome["deadline"]) - ms(&welcome["server_time"]), welcome["remaining_ms"].as_i64().unwrap());
    let clock = stream.expect("clock").await;
    assert_eq!(json!([clock["state"], clock["deadline"]]), json!(["open", welcome["deadline"]]));
    assert!(clock["remaining_ms"].as_i64() < welcome["remaining_ms"].as_i64());

    let slot = slots(&sitting.attempt).remove(0);
    let right = sitting.site.bank.right(&slot);
    let command = stream.answer(number(&slot), &right).await;
    let receipt = stream.until("receipt").await;
    assert_eq!(keys(&receipt), ["command_id", "receipt", "saved_at", "seq", "slot", "t"]);
    assert_eq!(receipt["command_id"], command);
    let checked = learner
        .post(
            "/receipts/verify",
            &json!({"receipt": receipt["receipt"], "attempt": attempt_id, "slot": receipt["slot"],
            "seq": receipt["seq"], "saved_at": receipt["saved_at"], "response": right}),
        )
        .await
        .ok(200);
    assert_eq!(json!([checked["valid"], checked["kept"], checked["response_matches"]]), json!([true, true, true]));

    let proctor = &sitting.site.proctor;
    proctor.act(&attempt_id, "warn", "请勿交谈", None).await.ok(200);
    let notice = stream.until("notice").await;
    assert_eq!(json!([notice["level"], notice["text"]]), json!(["warning", "请勿交谈"]));
    proctor.act(&attempt_id, "pause", "核对身份", None).await.ok(200);
    let paused = stream.until("paused").await;
    assert_eq!(paused["reason"], "核对身份");
    let still = stream.until("clock").await;
    assert_eq!(json!([still["state"], still["remaining_ms"]]), json!(["paused", paused["remaining_ms"]]));
    let command = stream.answer(number(&slot), &right).await;
    let refused = stream.until("error").await;
    assert_eq!(
        json!([refused["code"], refused["command_id"], refused["temporary"]]),
        json!(["attempt_paused", command, false])
    );
    let resumed = proctor.act(&attempt_id, "resume", "已核对", None).await.ok(200);
    assert_eq!(stream.until("resumed").await["deadline"], resumed["deadline"]);
    let extended = proctor.act(&attempt_id, "extend", "设备故障", Some(10)).await.ok(200);
    let told = stream.until("extended").await;
    assert_eq!(told["deadline"], extended["deadline"]);
    assert!(told["remaining_ms"].as_i64() > resumed["remaining_ms"].as_i64());
    learner.submit(&attempt_id).await.ok(200);
    assert_eq!(stream.until("closed").await["state"], "submitted");
    stream.answer(number(&slot), &right).await;
    assert_eq!(stream.until("error").await["code"], "attempt_closed");
    for canary in sitting.site.bank.canaries() {
        assert!(!stream.received.contains(&canary), "{canary} came to a learner");
    }
    stream.close().await;
}

#[tokio::test]
async fn answers_are_the_same_by_both_doors() {
    let sitting = Sitting::start("").await;
    let (learner, attempt_id) = (&sitting.learner, sitting.id());
    let mut stream = Stream::hello(learner, "attempt", &attempt_id).await;
    stream.expect("welcome").await;
    let slot = slots(&sitting.attempt).remove(0);
    let (right, wrong) = (sitting.site.bank.right(&slot), sitting.site.bank.wrong(&slot));
    let command = stream.answer(number(&slot), &right).await;
    let first = stream.expect("receipt").await;
    // By HTTP, the repeat of what came by the socket; and the other way round.
    let path = format!("/attempts/{attempt_id}/answers/{}", number(&slot));
    let again = learner.put(&path, &json!({"command_id": command, "response": right})).await;
    assert!(again.is_replayed());
    assert_eq!(again.json["receipt"], first["receipt"]);
    stream.say(&json!({"t": "answer", "command_id": command, "slot": number(&slot), "response": right})).await;
    let repeat = stream.expect("receipt").await;
    assert_eq!(json!([repeat["replayed"], repeat["receipt"]]), json!([true, first["receipt"]]));
    stream.say(&json!({"t": "answer", "command_id": command, "slot": number(&slot), "response": wrong})).await;
    assert_eq!(stream.expect("error").await["code"], "idempotency_mismatch");
    for (response, code) in [(json!({"choices": ["o99"]}), "invalid"), (json!({"number": 1}), "invalid")] {
        stream.answer(number(&slot), &response).await;
        let refused = stream.expect("error").await;
        assert_eq!(refused["code"], code);
        assert!(!text(&refused["detail"]).is_empty());
    }
    stream.answer(999, &right).await;
    assert_eq!(stream.expect("error").await["code"], "not_found");
    // The earlier answer stands; both doors are one device to the integrity layer.
    let attempt = learner.attempt(&attempt_id).await.ok(200);
    assert_eq!(attempt["answers"]["1"]["response"], right);
    let timeline = sitting.site.proctor.get(&format!("/attempts/{attempt_id}/timeline")).await.ok(200);
    let happened: Vec<&str> = timeline["events"].as_array().unwrap().iter().map(|e| text(&e["event"]["t"])).collect();
    assert!(!happened.contains(&"origin"), "{happened:?}");
}

#[tokio::test]
async fn practice_says_at_once_what_was_right() {
    let sitting = Sitting::start("").await;
    let exam = sitting.site.exam(&json!({"practice": "offered"})).await;
    let learner = sitting.site.learner().await;
    let attempt = learner.start(&exam, "practice").await.ok(201);
    let mut stream = Stream::hello(&learner, "attempt", &id(&attempt)).await;
    stream.expect("welcome").await;
    let slot = slots(&attempt).remove(0);
    stream.answer(number(&slot), &sitting.site.bank.right(&slot)).await;
    assert_eq!(stream.expect("receipt").await["feedback"]["correct"], true);
}

#[tokio::test]
async fn what_was_missed_is_told_after_a_cut() {
    let sitting = Sitting::start("").await;
    let (learner, attempt_id) = (&sitting.learner, sitting.id());
    let mut stream = Stream::hello(learner, "attempt", &attempt_id).await;
    let welcome = stream.expect("welcome").await;
    drop(stream);
    for words in ["一", "二"] {
        sitting.site.proctor.act(&attempt_id, "warn", words, None).await.ok(200);
    }
    let mut stream = Stream::resume(learner, "attempt", &attempt_id, &welcome["session"], &welcome["seq"]).await;
    let now = stream.expect("welcome").await;
    let (one, two) = (stream.expect("notice").await, stream.expect("notice").await);
    assert_eq!(json!([one["text"], two["text"]]), json!(["一", "二"]));
    assert!(one["seq"].as_u64() < two["seq"].as_u64() && two["seq"] == now["seq"]);
    // Seen up to the first: the second alone.
    let mut stream = Stream::resume(learner, "attempt", &attempt_id, &welcome["session"], &one["seq"]).await;
    stream.expect("welcome").await;
    assert_eq!(stream.expect("notice").await["text"], "二");
    // Seen more than there is.
    let mut stream = Stream::resume(learner, "attempt", &attempt_id, &welcome["session"], &json!(1_000)).await;
    stream.expect("resync").await;
    // Hello again, on the same socket, with a ticket of its own.
    stream.say(&json!({"t": "hello", "ticket": learner.ticket("attempt", &attempt_id).await})).await;
    stream.expect("welcome").await;
    sitting.site.proctor.act(&attempt_id, "warn", "三", None).await.ok(200);
    assert_eq!(stream.expect("notice").await["text"], "三");
}

/// Between the paper and the socket's welcome a proctor may have spoken; so may one while nobody was there.
#[tokio::test]
async fn a_first_hello_hears_what_was_said_before_it() {
    let sitting = Sitting::start("").await;
    let (learner, attempt_id) = (&sitting.learner, sitting.id());
    let known = &sitting.attempt["seq"];
    let act = |action, words| sitting.site.proctor.act(&attempt_id, action, words, None);
    act("warn", "请把手机收起来").await.ok(200);
    act("pause", "核对身份").await.ok(200);
    let mut stream = Stream::resume(learner, "attempt", &attempt_id, &json!(""), known).await;
    let welcome = stream.expect("welcome").await;
    assert_eq!(welcome["state"], "paused");
    assert_eq!(stream.expect("notice").await["text"], "请把手机收起来");
    let paused = stream.expect("paused").await;
    assert_eq!(json!([paused["reason"], paused["seq"]]), json!(["核对身份", welcome["seq"]]));
    // What comes later comes once.
    act("resume", "核对无误").await.ok(200);
    assert_eq!(stream.until("resumed").await["seq"].as_u64(), welcome["seq"].as_u64().map(|seq| seq + 1));
    // Who knows all of it is told nothing again.
    let all = learner.attempt(&attempt_id).await.ok(200)["seq"].clone();
    let mut stream = Stream::resume(learner, "attempt", &attempt_id, &json!(""), &all).await;
    assert_eq!(stream.expect("welcome").await["seq"], all);
    act("warn", "最后一次").await.ok(200);
    assert_eq!(stream.expect("notice").await["text"], "最后一次");
}

#[tokio::test]
async fn a_terminated_attempt_and_one_that_expires_say_so_on_every_screen() {
    let sitting = Sitting::start("").await;
    let attempt_id = sitting.id();
    let phone = sitting.learner.device(sitting.site.server.url(), "phone").await;
    let mut screens = Vec::new();
    for client in [&sitting.learner, &phone] {
        let mut stream = Stream::hello(client, "attempt", &attempt_id).await;
        stream.expect("welcome").await;
        screens.push(stream);
    }
    sitting.site.proctor.act(&attempt_id, "terminate", "替考", None).await.ok(200);
    for stream in &mut screens {
        assert_eq!(stream.expect("terminated").await["reason"], "替考");
    }
    let exam = sitting.site.exam(&json!({"duration_ms": 1_000, "grace_ms": 0})).await;
    let learner = sitting.site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let mut stream = Stream::hello(&learner, "attempt", &id(&attempt)).await;
    stream.expect("welcome").await;
    assert_eq!(stream.expect("closed").await["state"], "expired");
}

/// Words that are none of this stream's end it for good.
#[tokio::test]
async fn malformed_messages() {
    let sitting = Sitting::start("").await;
    let attempt_id = sitting.id();
    let nonsense = [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"t":"beat","n":1,"position_ms":1,"playing":true,"rate":1.0}"#,
        r#"{"t":"hello","ticket":"x"}"#,
        r#"{"t":"welcome"}"#,
        r#"{"t":"answer"}"#,
        r#"{"t":"answer","command_id":"x","slot":1,"response":null}"#,
        r#"{"t":"answer","command_id":"00000000-0000-0000-0000-000000000001","slot":-1,"response":null}"#,
        r#"{"t":"answer","command_id":"00000000-0000-0000-0000-000000000001","slot":1}"#,
        r#"{"t":"answer","command_id":"00000000-0000-0000-0000-000000000001","slot":1,"response":null,"score":100}"#,
        r#"{"t":"answer","command_id":"00000000-0000-0000-0000-000000000001","slot":1,"response":{"key":1}}"#,
    ];
    for text in nonsense {
        let mut stream = Stream::hello(&sitting.learner, "attempt", &attempt_id).await;
        stream.expect("welcome").await;
        stream.say_text(text).await;
        let said = stream.next().await;
        assert_eq!(said, Said::Closed(4400, "malformed".into()), "{text}");
    }
}

/// Every message is authorized, not the handshake alone.
#[tokio::test]
async fn every_message_is_authorized() {
    let sitting = Sitting::start("").await;
    let attempt_id = sitting.id();
    let other: Client = sitting.site.learner().await;
    // Another's attempt is not found when the ticket is asked for,
    let asked = other.post("/tickets", &json!({"purpose": "attempt", "id": attempt_id})).await;
    let _ = asked.problem(404, "not_found");
    // no learner may watch,
    let asked = other.post("/tickets", &json!({"purpose": "proctor", "id": sitting.exam})).await;
    let _ = asked.problem(403, "forbidden");
    // and an answer on one's own socket goes to one's own attempt, whatever is in it.
    let own = other.start(&sitting.exam, "exam").await.ok(201);
    let mut stream = Stream::hello(&other, "attempt", &id(&own)).await;
    stream.expect("welcome").await;
    let slot = slots(&own).remove(0);
    stream.answer(number(&slot), &sitting.site.bank.right(&slot)).await;
    stream.expect("receipt").await;
    assert_eq!(sitting.learner.attempt(&attempt_id).await.ok(200)["answers"], json!({}));
    // A proctor's socket takes no answer.
    let mut stream = Stream::hello(&sitting.site.proctor, "proctor", &sitting.exam).await;
    stream.expect("welcome").await;
    stream.expect("snapshot").await;
    stream.answer(1, &Value::Null).await;
    assert_eq!(stream.closed().await, 4400);
}
