//! Lessons over several nodes: one study of a learner at a time, whichever node its socket is at.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::Nodes;
use keju_tests::kit::player::{Player, Stop};
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Client, Stream, id, text};
use serde_json::{Value, json};
use std::time::Duration;

/// The protocol's "within a second", and some more for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

async fn ends(stream: &mut Stream, code: u16) {
    let closed = tokio::time::timeout(SOON, stream.closed()).await;
    assert_eq!(closed.unwrap_or_else(|_| panic!("not closed within {SOON:?}: {}", stream.received)), code);
}

/// Time enough to move about between nodes while a challenge is open.
fn patient(over: &Value) -> Value {
    let mut body = json!({"hours": 2.5, "policy": {"answer_within_ms": 60_000}});
    keju_tests::kit::json::lay_over(&mut body, over);
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_study_at_another_node_takes_over_whatever_lesson_it_is_of() {
    let nodes = Nodes::start().await;
    let (site, here) = (&nodes.site, nodes.site.learner().await);
    let (lesson, other_lesson) = (site.lesson(&patient(&json!({}))).await, site.lesson(&patient(&json!({}))).await);
    let phone = here.device(nodes.other.url(), "the phone").await;

    // The same lesson: what is covered comes along, and so does the open challenge.
    let mut first = Player::open(&here, &lesson).await;
    let Stop::Challenge(asked) = first.play(i64::MAX).await else { panic!("nothing was asked") };
    let (session, seq) = (first.welcome["session"].clone(), first.seq());
    let mut second = Player::open(&phone, &lesson).await;
    ends(&mut first.stream, 4409).await;
    assert_eq!(second.welcome["challenge"]["challenge"], asked["challenge"]);
    assert_eq!(second.covered_ms, first.covered_ms, "a challenge keeps what was covered when it was asked");
    // The old one is over at every node.
    for node in [&here, &nodes.there(&here)] {
        let mut late = Stream::resume(node, "lesson", &lesson, &session, &seq).await;
        ends(&mut late, 4409).await;
    }
    second.answer(&asked, &site.bank.right(&asked)).await;
    assert_eq!(second.until("verdict").await["correct"], true);

    // Another lesson, at the first node again: this one takes over, and what was earned stays.
    assert_eq!(second.play(second.covered_ms + 900).await, Stop::Covered);
    let earned = second.covered_ms;
    let mut third = Player::open(&here, &other_lesson).await;
    ends(&mut second.stream, 4409).await;
    assert_eq!(third.covered_ms, 0);
    let back = Player::open(&nodes.there(&here), &lesson).await;
    ends(&mut third.stream, 4409).await;
    // At most the beats that were not kept yet are lost by a takeover from another node.
    assert!((earned - 2_000..=earned).contains(&back.covered_ms), "{} of {earned}", back.covered_ms);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_beats_of_a_study_that_was_taken_over_at_another_node_earn_nothing() {
    let nodes = Nodes::start().await;
    let (site, here) = (&nodes.site, nodes.site.learner().await);
    let rare = json!({"policy": {"gap_min_ms": 11_000, "gap_max_ms": 12_000, "challenges_min": 1}});
    let (lesson, other_lesson) = (site.lesson(&rare).await, site.lesson(&rare).await);
    let mut first = Player::open(&here, &lesson).await;
    assert_eq!(first.play(1_900).await, Stop::Covered);
    // It beats on at its node while the newer study runs at the other, without listening to being told.
    let second = Player::open(&nodes.there(&here), &other_lesson).await;
    let at = first.covered_ms;
    for number in 1..=20 {
        let beat =
            json!({"t": "beat", "n": 1_000 + number, "position_ms": at + 50 * number, "playing": true, "rate": 1.0});
        if first.stream.try_send(tokio_tungstenite::tungstenite::Message::text(beat.to_string())).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    ends(&mut first.stream, 4409).await;
    drop(second);
    // What the old study said after the takeover is in no row, whichever node is asked.
    let covered = async |client: &Client| {
        client.get(&format!("/lessons/{lesson}")).await.ok(200)["covered_ms"].as_i64().unwrap_or(-1)
    };
    let kept = covered(&nodes.there(&here)).await;
    assert!((0..=at + 1_000).contains(&kept), "{kept} was kept of {at}");
    assert_eq!(covered(&here).await, kept);
    let back = Player::open(&here, &lesson).await;
    assert_eq!(back.covered_ms, kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_goes_on_at_another_node_and_its_hours_come_once() {
    let nodes = Nodes::start().await;
    let (site, here) = (&nodes.site, nodes.site.learner().await);
    let lesson = site.lesson(&patient(&json!({}))).await;
    let mut player = Player::open(&here, &lesson).await;
    let session = player.welcome["session"].clone();
    let mut turns = nodes.in_turns(&here).skip(1);
    // At every challenge the study moves to the other node, where the answer is given.
    let done = loop {
        let asked = match player.play(i64::MAX).await {
            Stop::Challenge(asked) => asked,
            Stop::Complete(done) => break done,
            other => panic!("{other:?}"),
        };
        let device = turns.next().unwrap();
        let seq = player.seq();
        let moved = Stream::resume(&device, "lesson", &lesson, &session, &seq).await;
        let mut there = Player::on(moved).await;
        ends(&mut player.stream, 4409).await;
        assert_eq!(json!([there.welcome["session"], there.welcome["seq"]]), json!([session, seq]));
        assert_eq!(there.welcome["challenge"]["challenge"], asked["challenge"]);
        assert_eq!(there.covered_ms, player.covered_ms);
        there.answer(&asked, &site.bank.right(&asked)).await;
        assert_eq!(there.until("verdict").await["correct"], true);
        player = there;
        if let Some(done) = player.told.iter().find(|told| told["t"] == "complete") {
            break done.clone();
        }
    };
    assert_eq!(done["hours_granted"], 2.5);
    for device in nodes.in_turns(&here).take(2) {
        let again = Player::open(&device, &lesson).await;
        assert_eq!(again.welcome["completed"], true);
        let hours = device.hours(YEAR).await.ok(200);
        assert_eq!(json!([hours["earned"]["total"], hours["entries"].as_array().map(Vec::len)]), json!([2.5, 1]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_a_session_at_one_node_ends_its_lesson_at_the_other() {
    let nodes = Nodes::start().await;
    let site = &nodes.site;
    let lesson = site.lesson(&json!({})).await;
    for (number, learner) in site.learners(3).await.into_iter().enumerate() {
        let mut player = Player::open(&learner, &lesson).await;
        assert_eq!(player.play(900).await, Stop::Covered);
        let there = nodes.there(&learner);
        match number {
            0 => assert_eq!(there.sign_out().await.status, 204),
            1 => {
                // Whoever changes it goes on, and only they do.
                let phone = learner.device(nodes.other.url(), "the phone").await;
                assert_eq!(phone.change_password("another-one-1").await.status, 204);
            }
            _ => {
                let path = format!("/people/{}/disabled", learner.person);
                let admin = nodes.there(&site.admin);
                assert_eq!(admin.put(&path, &json!({"disabled": true})).await.status, 204);
            }
        }
        ends(&mut player.stream, 4401).await;
    }
}

/// Learners whom a partner sent, one at each node, on their sockets.
async fn sent(nodes: &Nodes, key: &str, lesson: &str) -> Vec<Stream> {
    let mut streams = Vec::new();
    for learner in nodes.site.learners(2).await {
        let learner = if streams.is_empty() { learner } else { nodes.there(&learner) };
        let partner = learner.with_token(Some(key));
        let wanted = json!({"learner": learner.username, "lesson": lesson});
        let minted = partner.post("/partner/tickets", &wanted).await.ok(201);
        let mut stream = Stream::open(learner.base()).await;
        stream.say(&json!({"t": "hello", "ticket": minted["ticket"]})).await;
        stream.expect("welcome").await;
        streams.push(stream);
    }
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_is_revoked_at_one_node_ends_at_all() {
    let nodes = Nodes::start().await;
    let site = &nodes.site;
    let lesson = site.lesson(&json!({})).await;
    let partner = async |name: &str| site.admin.post("/partners", &json!({"name": name})).await.ok(201);
    let (one, two) = (partner("伙伴一").await, partner("伙伴二").await);
    let mut of_one = sent(&nodes, text(&one["key"]), &lesson).await;
    let mut of_two = sent(&nodes, text(&two["key"]), &lesson).await;
    nodes.there(&site.admin).delete(&format!("/partners/{}", id(&one))).await.ok(204);
    for stream in &mut of_one {
        ends(stream, 4403).await;
    }
    for stream in &mut of_two {
        stream.say(&json!({"t": "beat", "n": 1, "position_ms": 0, "playing": false, "rate": 1.0})).await;
        stream.expect("credit").await;
    }
    // Nobody announced this one: all that is known is that something was missed.
    let postgres = site.server.postgres();
    postgres.sql(&format!("UPDATE partners SET revoked_at = now() WHERE id = '{}'", id(&two)));
    postgres.sql("SELECT pg_notify('keju_announcements', '')");
    for stream in &mut of_two {
        assert_eq!(stream.closed().await, 4403);
    }
}
