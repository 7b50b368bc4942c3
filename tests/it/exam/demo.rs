//! The demo site: what a visitor sees in the first five minutes.

use keju_tests::kit::server::{keju, run};
use keju_tests::kit::{Bank, Client, Server, Settings, id, text};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

const PASSWORD: &str = "keju-demo";

fn demo() -> Server {
    Server::start_with(Settings { flags: vec!["--demo".into()], ..Settings::default() })
}

/// What the demo's banks hold, from the files they are made of.
fn demo_bank() -> Bank {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ws-gateway/demo");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let banks = files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).map(|path| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Bank::new(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    });
    banks.reduce(Bank::and).unwrap_or_else(|| panic!("no demo bank"))
}

fn find<'a>(list: &'a Value, code: &str) -> &'a Value {
    let found = list["items"].as_array().into_iter().flatten().find(|item| item["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} in {list}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_takes_the_trial_exam_through_to_the_hours() {
    let mut server = demo();
    for words in
        ["learner", "author", "proctor", "unit", "district", "city", "admin", "operator", PASSWORD, server.url()]
    {
        assert!(server.stdout().contains(words), "not printed: {words}");
    }
    assert!(!server.stdout().contains("one-time password"));
    for name in ["learner200", "author", "proctor", "unit", "district", "city", "admin", "operator"] {
        let _ = Client::sign_in(server.url(), "a visitor", name, PASSWORD).await.me().await.ok(200);
    }
    let learner = Client::sign_in(server.url(), "a visitor", "learner", PASSWORD).await;
    let exams = learner.exams().await.ok(200);
    assert!(exams["items"].as_array().into_iter().flatten().all(|exam| exam["state"] == "open"), "{exams}");
    let trial = id(find(&exams, "gx-ty-ks"));
    let attempt = learner.start(&trial, "exam").await.ok(201);
    let bank = demo_bank();
    for slot in keju_tests::kit::slots(&attempt) {
        let _ = learner.answer(&id(&attempt), keju_tests::kit::number(&slot), &bank.right(&slot)).await.ok(200);
    }
    let result = learner.submit(&id(&attempt)).await.ok(200);
    assert_eq!(json!([result["score"], result["passed"], result["hours_granted"]]), json!([100, true, 2]));
    assert!(
        result["review"].as_array().is_some_and(|review| review.iter().all(|slot| slot["explanation"].is_string()))
    );
    let hours = learner.get("/me/hours").await.ok(200);
    assert_eq!(hours["earned"]["public"]["elective"], 2);
    tokio::task::block_in_place(|| server.terminate());
    server.restart();
    let learner = learner.at(server.url());
    assert_eq!(learner.result(&id(&attempt)).await.ok(200), result, "a second run keeps the data");
    assert_eq!(learner.exams().await.ok(200)["items"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn the_annual_paper_is_that_of_2023_and_every_demo_exam_can_be_passed() {
    let server = demo();
    let (bank, learner) = (demo_bank(), Client::sign_in(server.url(), "a visitor", "learner7", PASSWORD).await);
    let exams = learner.exams().await.ok(200);
    let annual = find(&exams, "gx-bx-ks");
    let told = ["questions", "max_score", "pass_score", "duration_ms"].map(|name| &annual[name]);
    assert_eq!(json!(told), json!([15, 100, 80, 5_400_000]));
    let sections = annual["sections"].as_array().cloned().unwrap_or_default();
    let sections: Vec<Value> =
        sections.iter().map(|section| json!([section["kind"], section["count"], section["points"]])).collect();
    assert_eq!(json!(sections), json!([["true_false", 6, 5], ["single_choice", 5, 6], ["multiple_choice", 4, 10]]));
    let elective = id(find(&exams, "gx-xx-ks"));
    let _ = learner.start(&elective, "exam").await.problem(409, "practice_required");
    for (exam, mode) in [(&elective, "practice"), (&elective, "exam"), (&id(annual), "exam")] {
        let attempt = learner.start(exam, mode).await.ok(201);
        for slot in keju_tests::kit::slots(&attempt) {
            let _ = learner.answer(&id(&attempt), keju_tests::kit::number(&slot), &bank.right(&slot)).await.ok(200);
        }
        let result = learner.submit(&id(&attempt)).await.ok(200);
        assert_eq!(result["score"], 100, "{mode}: {result}");
    }
    let hours = learner.get("/me/hours").await.ok(200);
    assert_eq!(json!([hours["earned"]["public"]["compulsory"], hours["earned"]["public"]["elective"]]), json!([20, 8]));
    everything_is_in_the_bank(&server).await;
}

async fn everything_is_in_the_bank(server: &Server) {
    let author = Client::sign_in(server.url(), "the author", "author", PASSWORD).await;
    let banks = author.get("/banks").await.ok(200);
    let bank = id(find(&banks, "gongxu"));
    let items = author.get(&format!("/banks/{bank}/items?limit=500")).await.ok(200);
    let items = items["items"].as_array().cloned().unwrap_or_default();
    assert!(items.len() >= 300, "{}", items.len());
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    for item in &items {
        *kinds.entry(text(&item["kind"])).or_default() += 1;
        assert!(item["solution"]["explanation"].is_string(), "no explanation: {item}");
        assert_eq!(item["state"], "ready");
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn the_demo_site_stays_on_loopback_and_out_of_real_sites() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let mut command = keju(folder.path());
    command.args(["--demo", "--listen", "0.0.0.0:0", "--database", "sqlite:demo.db"]);
    let refused = run(command, b"");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("loopback"), "{said}");
    assert!(!folder.path().join("demo.db").exists(), "refused before anything was made");
    let mut server = Server::start();
    server.terminate();
    let refused = server.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("no demo"), "{said}");
}
