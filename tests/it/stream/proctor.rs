//! Proctors watch: a snapshot, then what changes, once a second.

use super::{Sitting, settings};
use keju_tests::kit::{Bank, Site, Stream, id, number, slots, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The rows a proctor's screen holds, by attempt.
#[derive(Default)]
struct Screen(BTreeMap<String, Value>);

impl Screen {
    fn lay(&mut self, message: &Value) {
        for row in message["items"].as_array().unwrap() {
            self.0.insert(text(&row["attempt"]).to_owned(), row.clone());
        }
    }

    async fn snapshot(&mut self, stream: &mut Stream) {
        loop {
            let part = stream.expect("snapshot").await;
            self.lay(&part);
            if part["more"] == false {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_proctor_sees_everybody_and_then_what_changes() {
    let sitting = Sitting::start("").await;
    let attempt_id = sitting.id();
    let mut stream = Stream::hello(&sitting.site.proctor, "proctor", &sitting.exam).await;
    assert_eq!(stream.expect("welcome").await["exam"], json!(sitting.exam));
    let mut screen = Screen::default();
    screen.snapshot(&mut stream).await;
    assert_eq!(screen.0[&attempt_id]["state"], "open");
    // Ten answers of one attempt and a newcomer: a row each.
    for slot in slots(&sitting.attempt) {
        sitting.learner.answer(&attempt_id, number(&slot), &Value::Null).await.ok(200);
    }
    let newcomer = sitting.site.learner().await;
    let other = id(&newcomer.start(&sitting.exam, "exam").await.ok(201));
    while !screen.0.contains_key(&other) {
        screen.lay(&stream.expect("delta").await);
    }
    sitting.site.proctor.act(&other, "terminate", "替考", None).await.ok(200);
    sitting.learner.submit(&attempt_id).await.ok(200);
    while screen.0[&other]["state"] != "terminated" || screen.0[&attempt_id]["state"] != "submitted" {
        screen.lay(&stream.expect("delta").await);
    }
    // What was told is what is asked for.
    let asked = sitting.site.proctor.get(&format!("/exams/{}/sessions", sitting.exam)).await.ok(200);
    for row in asked["items"].as_array().unwrap() {
        assert_eq!(&screen.0[text(&row["attempt"])], row);
    }
    // Another exam's learners are another's affair.
    let elsewhere = sitting.site.exam(&json!({})).await;
    let stranger = id(&newcomer.start(&elsewhere, "exam").await.ok(201));
    newcomer.start(&sitting.exam, "practice").await;
    let last = sitting.site.learner().await;
    let last = id(&last.start(&sitting.exam, "exam").await.ok(201));
    while !screen.0.contains_key(&last) {
        screen.lay(&stream.expect("delta").await);
    }
    assert!(!screen.0.contains_key(&stranger));
}

#[tokio::test]
async fn a_snapshot_of_many_comes_in_parts() {
    let site = Site::start_with(settings(""), Bank::generated(4, false)).await;
    let exam = site.exam(&json!({})).await;
    let mut expected = Vec::new();
    for learner in site.learners(60).await {
        expected.push(id(&learner.start(&exam, "exam").await.ok(201)));
    }
    let mut watching = Vec::new();
    for _ in 0..2 {
        let mut stream = Stream::hello(&site.proctor, "proctor", &exam).await;
        stream.expect("welcome").await;
        let mut screen = Screen::default();
        screen.snapshot(&mut stream).await;
        let mut seen: Vec<String> = screen.0.into_keys().collect();
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected);
        watching.push(stream);
    }
    assert!(watching[0].received.matches("\"t\":\"snapshot\"").count() > 1);
    // One leaves; the other is told all the same.
    watching.remove(0).close().await;
    site.proctor.act(&expected[0], "warn", "请安静", None).await.ok(200);
    let told = watching[0].expect("delta").await;
    assert_eq!(told["items"][0]["attempt"], json!(expected[0]));
}
