//! One site, whichever node is asked.

use super::Nodes;
use keju_tests::kit::site::{PASSWORD, YEAR};
use keju_tests::kit::{Backend, Client, Server, Site, eventually, id, number, slots, text};
use serde_json::{Value, json};
use std::time::Duration;

/// The protocol's "within a second", and some more for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_goes_on_at_any_node() {
    let nodes = Nodes::start().await;
    let exam = nodes.site.exam(&json!({})).await;
    let here = nodes.site.learner().await;
    let attempt = here.start(&exam, "exam").await.ok(201);
    let attempt_id = id(&attempt);
    // Both have it in memory before anything happens.
    assert_eq!(nodes.there(&here).attempt(&attempt_id).await.ok(200)["paper"], attempt["paper"]);
    let mut turns = nodes.in_turns(&here);
    let mut seq = 0;
    for round in 0..3 {
        for slot in slots(&attempt) {
            let response = if round < 2 { nodes.site.bank.wrong(&slot) } else { nodes.site.bank.right(&slot) };
            let device = turns.next().unwrap_or_else(|| here.clone());
            let receipt = device.answer(&attempt_id, number(&slot), &response).await.ok(200);
            assert!(receipt["seq"].as_u64() > Some(seq), "{receipt}");
            seq = receipt["seq"].as_u64().unwrap_or_default();
            // The other one knows it at once.
            let elsewhere = turns.next().unwrap_or_else(|| here.clone());
            let read = elsewhere.attempt(&attempt_id).await.ok(200);
            assert_eq!(read["answers"][number(&slot).to_string()]["seq"], receipt["seq"]);
            let check = json!({"receipt": receipt["receipt"], "attempt": attempt_id, "response": response});
            assert_eq!(elsewhere.verify_receipt(&check).await.ok(200)["kept"], true);
        }
    }
    let there = nodes.there(&here);
    let result = there.submit(&attempt_id).await.ok(200);
    assert_eq!(json!([result["score"], result["hours_granted"]]), json!([100, 5]));
    assert_eq!(here.result(&attempt_id).await.ok(200), result);
    let _ = here.answer(&attempt_id, 1, &Value::Null).await.problem(409, "attempt_closed");
    let _ = here.start(&exam, "exam").await.ok(201);
    let _ = there.start(&exam, "exam").await.problem(409, "attempt_open");
    assert_eq!(there.hours(YEAR).await.ok(200)["entries"].as_array().map(Vec::len), Some(1));
    let nodes_of_steps = "SELECT count(DISTINCT node) FROM steps";
    assert_eq!(nodes.site.server.postgres().sql(nodes_of_steps), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proctor_does_at_one_node_holds_at_the_other() {
    let nodes = Nodes::start().await;
    let exam = nodes.site.exam(&json!({})).await;
    let here = nodes.site.learner().await;
    let there = nodes.there(&here);
    let attempt = there.start(&exam, "exam").await.ok(201);
    let (attempt_id, slot) = (id(&attempt), slots(&attempt).remove(0));
    let right = nodes.site.bank.right(&slot);
    assert_eq!(there.answer(&attempt_id, number(&slot), &right).await.status, 200);
    nodes.site.proctor.act(&attempt_id, "pause", "核对身份", None).await.ok(200);
    let _ = there.answer(&attempt_id, number(&slot), &right).await.problem(409, "attempt_paused");
    assert_eq!(there.attempt(&attempt_id).await.ok(200)["state"], "paused");
    nodes.site.proctor.act(&attempt_id, "resume", "已核对", None).await.ok(200);
    let extended = nodes.site.proctor.act(&attempt_id, "extend", "设备故障", Some(10)).await.ok(200);
    assert_eq!(there.attempt(&attempt_id).await.ok(200)["deadline"], extended["deadline"]);
    assert_eq!(there.answer(&attempt_id, number(&slot), &right).await.status, 200);
    nodes.there(&nodes.site.proctor).act(&attempt_id, "terminate", "替考", None).await.ok(200);
    let _ = here.submit(&attempt_id).await.problem(409, "attempt_closed");
    let sessions = nodes.there(&nodes.site.proctor).sessions(&exam).await.ok(200);
    assert_eq!(json!([sessions["items"][0]["state"], sessions["items"][0]["answered"]]), json!(["terminated", 1]));
}

async fn ends(what: &str, client: &Client) {
    eventually(what, SOON, async || (client.me().await.status == 401).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_at_one_node_ends_at_the_other() {
    let nodes = Nodes::start().await;
    let desk = nodes.site.learner().await;
    let phone = desk.device(nodes.other.url(), "the phone").await;
    // Held in the memory of both.
    for device in [&desk, &phone, &nodes.there(&desk), &phone.at(nodes.site.server.url())] {
        assert_eq!(device.me().await.status, 200);
    }
    assert_eq!(desk.change_password("another-one-1").await.status, 204);
    ends("the phone, after another password", &phone).await;
    for device in [&desk, &nodes.there(&desk)] {
        assert_eq!(device.me().await.status, 200, "whoever changed it goes on");
    }
    assert_eq!(nodes.there(&desk).sign_out().await.status, 204);
    ends("the desk, after signing out at the other node", &desk).await;

    let mover = nodes.site.learner().await;
    let there = nodes.there(&mover);
    assert_eq!(there.get("/banks").await.status, 403);
    let path = format!("/people/{}", mover.person);
    let change = json!({"name": "某人", "roles": ["author"]});
    assert_eq!(nodes.site.admin.put(&path, &change).await.status, 204);
    let let_in = async || (there.get("/banks").await.status == 200).then_some(());
    eventually("another role at the other node", SOON, let_in).await;
    assert_eq!(there.me().await.ok(200)["roles"], json!(["author"]));

    let leaver = nodes.site.learner().await;
    assert_eq!(nodes.there(&leaver).me().await.status, 200);
    let path = format!("/people/{}/disabled", leaver.person);
    assert_eq!(nodes.site.admin.put(&path, &json!({"disabled": true})).await.status, 204);
    ends("a disabled person at the other node", &nodes.there(&leaver)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_released_at_one_node_show_at_the_other() {
    let nodes = Nodes::start().await;
    let later = keju_tests::kit::from_now(3_600_000);
    let exam = nodes.site.exam(&json!({"results_at": later})).await;
    let here = nodes.site.learner().await;
    let there = nodes.there(&here);
    let (attempt, _) = nodes.site.take(&here, &exam, 9).await;
    let is_released = async |client: &Client| client.result(&id(&attempt)).await.ok(200)["release"]["released"] == true;
    assert!(!is_released(&there).await);
    let path = format!("/exams/{exam}/release");
    assert_eq!(nodes.site.author.put(&path, &json!({"results_at": null})).await.status, 204);
    assert!(is_released(&here).await);
    eventually("the release at the other node", SOON, async || is_released(&there).await.then_some(())).await;
    // An exam made here is open there.
    let second = nodes.site.exam(&json!({})).await;
    let _ = there.start(&second, "exam").await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_leaves_its_learners_to_the_others() {
    let mut nodes = Nodes::start().await;
    let exam = nodes.site.exam(&json!({})).await;
    let here = nodes.site.learner().await;
    let there = nodes.there(&here);
    let attempt = there.start(&exam, "exam").await.ok(201);
    nodes.site.answer_all(&there, &attempt, 9).await;
    nodes.other.kill9();
    let read = here.attempt(&id(&attempt)).await.ok(200);
    assert_eq!(read["answers"].as_object().map(serde_json::Map::len), Some(9));
    assert_eq!(here.submit(&id(&attempt)).await.ok(200)["score"], 100);
    nodes.other.restart();
    assert_eq!(nodes.there(&here).result(&id(&attempt)).await.ok(200)["state"], "submitted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_begin_at_once_make_one_site() {
    let settings = Backend::Postgres.settings();
    let starting: Vec<_> = (1..=3_u16)
        .map(|node| {
            let mut settings = settings.clone();
            settings.env.push(("KEJU_NODE".to_owned(), node.to_string()));
            tokio::task::spawn_blocking(move || Server::start_with(settings))
        })
        .collect();
    let mut servers = Vec::new();
    for server in starting {
        servers.push(server.await.unwrap_or_else(|error| panic!("{error}")));
    }
    let told: Vec<&Server> = servers.iter().filter(|server| server.stdout().contains("one-time password")).collect();
    assert_eq!(told.len(), 1, "one password is printed");
    let admin = Client::sign_in(servers[0].url(), "a desk", "admin", told[0].one_time_password()).await;
    assert_eq!(admin.change_password(PASSWORD).await.status, 204);
    for server in &servers {
        let me = Client::sign_in(server.url(), "a desk", "admin", PASSWORD).await.me().await.ok(200);
        assert_eq!(text(&me["username"]), "admin");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_attempt_is_closed_once() {
    let nodes = Nodes::start().await;
    let mut rules = keju_tests::kit::rules::short_rules(2);
    (rules["duration_ms"], rules["grace_ms"]) = (json!(1_000), json!(200));
    let exam = nodes.site.exam(&rules).await;
    let mut attempts = Vec::new();
    for (number, learner) in nodes.site.learners(12).await.into_iter().enumerate() {
        let learner = if number % 2 == 0 { learner } else { nodes.there(&learner) };
        let attempt = learner.start(&exam, "exam").await.ok(201);
        attempts.push((learner, id(&attempt)));
    }
    for (learner, attempt) in &attempts {
        let closed = async || {
            let result = learner.result(attempt).await.ok(200);
            (result["state"] == "expired").then_some(())
        };
        eventually("the end of an attempt", Duration::from_secs(30), closed).await;
    }
    let steps = "SELECT count(*) FROM steps WHERE body LIKE '{\"t\":\"expired\"%'";
    assert_eq!(nodes.site.server.postgres().sql(steps), "12");
}

/// What a second node would do wrongly if it trusted its memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn personal_exceptions_hold_at_every_node() {
    let nodes = Nodes::start().await;
    let site: &Site = &nodes.site;
    let exam = site.exam(&json!({"attempts_max": 1})).await;
    let here = site.learner().await;
    let there = nodes.there(&here);
    let (_, _) = site.take(&there, &exam, 0).await;
    let _ = here.start(&exam, "exam").await.problem(409, "attempts_exhausted");
    site.make_exception(&exam, &here, &json!({"attempts_max": 2})).await;
    let _ = there.start(&exam, "exam").await.ok(201);
}
