//! The database goes away and comes back: nodes say so, refuse what they cannot keep, and recover by themselves.

use keju_tests::kit::server::{keju, run};
use keju_tests::kit::{Backend, Server, Settings, Site, eventually, id, number, slots};
use reqwest::Method;
use serde_json::json;
use std::sync::PoisonError;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_outlives_its_database() {
    let site = Site::start_on(Backend::Postgres).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let (attempt_id, slot) = (id(&attempt), slots(&attempt).remove(0));
    let right = site.bank.right(&slot);
    let receipt = learner.answer(&attempt_id, number(&slot), &right).await.ok(200);
    let probe = async |path: &str| learner.send(learner.request(Method::GET, path)).await;
    assert_eq!(probe("/readyz").await.status, 200);

    let cluster = site.server.postgres().cluster.clone();
    tokio::task::block_in_place(|| cluster.lock().unwrap_or_else(PoisonError::into_inner).kill());
    assert_eq!(probe("/healthz").await.status, 200, "alive all the same");
    let refused = probe("/readyz").await.problem(503, "unavailable");
    assert!(refused["retry_after_ms"].as_i64() > Some(0));
    let command = keju_tests::kit::command_id();
    let _ = learner.answer_by(&attempt_id, number(&slot), &right, &command).await.problem(503, "unavailable");
    let _ = learner.start(&exam, "exam").await.problem(503, "unavailable");

    tokio::task::block_in_place(|| cluster.lock().unwrap_or_else(PoisonError::into_inner).start_again());
    let ready = async || (probe("/readyz").await.status == 200).then_some(());
    eventually("a ready node", Duration::from_secs(20), ready).await;
    // What was refused is repeated under the same command; what was acknowledged is there.
    let again = learner.answer_by(&attempt_id, number(&slot), &right, &command).await.ok(200);
    assert!(again["seq"].as_u64() > receipt["seq"].as_u64());
    let check = json!({"receipt": receipt["receipt"], "attempt": attempt_id, "response": right});
    assert_eq!(learner.verify_receipt(&check).await.ok(200)["kept"], true);
    assert_eq!(learner.submit(&attempt_id).await.ok(200)["state"], "submitted");
    assert!(!site.server.stderr().contains("panicked"), "{}", site.server.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_nodes_are_heard_again_after_the_database_was_away() {
    let site = Site::start_on(Backend::Postgres).await;
    let other = site.server.another_node(2);
    let learner = site.learner().await;
    let there = learner.at(other.url());
    assert_eq!(there.me().await.status, 200);
    let cluster = site.server.postgres().cluster.clone();
    tokio::task::block_in_place(|| {
        let mut cluster = cluster.lock().unwrap_or_else(PoisonError::into_inner);
        cluster.kill();
        cluster.start_again();
    });
    let signed_out = async || (learner.sign_out().await.status == 204).then_some(());
    eventually("signing out", Duration::from_secs(20), signed_out).await;
    // Heard, or looked up again because some were missed.
    let ended = async || (there.me().await.status == 401).then_some(());
    eventually("the end of the session at the other node", Duration::from_secs(20), ended).await;
}

#[test]
fn commands_work_beside_the_servers_and_tell_no_password() {
    let settings = Backend::Postgres.settings();
    let url = settings.postgres.as_ref().map(|postgres| postgres.url.clone()).unwrap_or_default();
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let with_password = url.replace("keju@", "keju:geheim@");
    let run = |arguments: &[&str]| {
        let mut command = keju(folder.path());
        command.args(arguments).env("KEJU_DATABASE", &with_password);
        let output = run(command, b"");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!said.contains("geheim") && !said.contains("panicked"), "{said}");
        (output.status.code(), said)
    };
    let (code, said) = run(&["audit", "verify"]);
    assert!(code == Some(1) && said.contains("there is no site in it"), "{said}");
    let server = Server::start_with(settings);
    let (code, said) = run(&["audit", "verify"]);
    assert!(code == Some(0) && said.contains("all chains hold"), "{said}");
    let (code, said) = run(&["user", "add", "zhang", "--name", "张三", "--role", "learner"]);
    assert!(code == Some(0) && said.starts_with("zhang "), "{said}");
    let (code, said) = run(&["backup", "copy.db"]);
    assert!(code == Some(1) && said.contains("pg_dump"), "{said}");
    let (code, said) = run(&["--print-config"]);
    assert!(code == Some(0) && said.contains("keju:****@"), "{said}");
    assert!(!server.stderr().contains("geheim"));
}

#[test]
fn an_address_that_does_not_work_is_told() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for (address, words) in [
        ("postgres://keju:geheim@127.0.0.1:1/keju", "cannot connect"),
        ("postgres://keju:geheim@[/keju", "is not understood"),
        ("postgres://keju:geheim@127.0.0.1/keju?sslmode=strict", "sslmode"),
        ("postgres://keju:geheim@127.0.0.1/keju?sslmode=verify-full&sslrootcert=no.pem", "sslrootcert"),
        ("postgres://:geheim@/keju", "user"),
    ] {
        let mut command = keju(folder.path());
        command.args(["--listen", "127.0.0.1:0", "--database", address]);
        let output = run(command, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{address}: {said}");
        assert!(said.contains(words) && !said.contains("geheim"), "{address}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_site_is_served_from_an_empty_database() {
    let flags = vec!["--demo".to_owned()];
    let settings = Settings { flags, ..Backend::Postgres.settings() };
    let mut server = Server::start_with(settings);
    let learner = keju_tests::kit::Client::sign_in(server.url(), "a desk", "learner", "keju-demo").await;
    let exams = learner.exams().await.ok(200);
    assert_eq!(exams["items"].as_array().map(Vec::len), Some(3), "{exams}");
    // It is a demo site from now on.
    tokio::task::block_in_place(|| server.terminate());
    server.restart();
    assert_eq!(learner.at(server.url()).me().await.status, 200);
}
