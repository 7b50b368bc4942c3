//! The load generator against the real server, and against one that lies.

#![expect(clippy::expect_used, reason = "tests")]

mod lessons;
mod liar;

use keju_tests::kit::server::load_tests;
use keju_tests::kit::site::{PASSWORD, first_sign_in};
use keju_tests::kit::{Server, Settings, eventually};
use liar::{Liar, Lie};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Learners who come, think quickly, and do everything a learner does.
const LEARNERS: &str = r#"
[learner]
think = { kind = "uniform", from_ms = 1, to_ms = 30 }
repeat_share = 0.2
offline_share = 0.3
sleep_share = 0.3
sleep = { kind = "constant", ms = 50 }
cheat_share = 0.3
submit_share = 0.9
"#;

fn scenario(arrivals: &str, seconds: u32, thresholds: &str) -> String {
    format!(
        "name = \"tiny\"\nabout = \"a test\"\n[[phases]]\nname = \"all\"\nseconds = {seconds}\narrivals = {arrivals}\n\
         {LEARNERS}\n{thresholds}"
    )
}

/// A server whose administrator has a password of their own.
async fn server(settings: Settings) -> Server {
    let server = Server::start_with(settings);
    first_sign_in(&server).await;
    server
}

/// A run that has been prepared: in a folder of its own, with its scenario.
struct Run {
    folder: TempDir,
    url: String,
}

impl Run {
    fn new(url: &str, scenario: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        std::fs::write(folder.path().join("tiny.toml"), scenario).expect("a scenario");
        Self { folder, url: url.to_owned() }
    }

    fn command(&self, flags: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::from(load_tests(self.folder.path()));
        command.args(["run", "tiny.toml", "--server", &self.url, "--out", "report", "--admin-password", PASSWORD]);
        command.args(flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn finish(&self, flags: &[&str]) -> Output {
        self.command(flags).output().await.expect("the load generator runs")
    }

    fn report(&self) -> Value {
        let page = std::fs::read_to_string(self.folder.path().join("report.html")).expect("a page");
        assert!(page.contains("<svg"), "the page has its plots");
        read(&self.folder.path().join("report.json"))
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("a report is JSON")
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_rehearsal_ends_well_and_loses_nothing() {
    let server = server(Settings::default()).await;
    let demand = "[[thresholds]]\nfigure = \"answer.acknowledged_percent\"\nleast = 100.0\n";
    let run = Run::new(server.url(), &scenario("{ shape = \"steady\", per_second = 8.0 }", 2, demand));
    let output = run.finish(&[]).await;
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("nothing lost"), "{}", told(&output));
    let report = run.report();
    assert!(report["checked"]["answers"].as_u64() > Some(50), "{}", report["checked"]);
    assert_eq!(report["wrong"], json!({}));
    assert!(report["measured"]["work"]["attack"]["ok"].as_u64() > Some(10), "attacks were turned away");
    assert!(
        report["samples"][0]["server"]["keju_start_pace"].as_f64() > Some(0.0),
        "the server was asked for its figures"
    );
}

#[tokio::test]
async fn several_processes_make_one_report_and_a_demand_that_does_not_hold_fails() {
    let server = server(Settings::default()).await;
    let demand = "[[thresholds]]\nfigure = \"answer.count\"\nleast = 1000000.0\n";
    let run = Run::new(server.url(), &scenario("{ shape = \"at_once\", count = 9 }", 1, demand));
    let output = run.finish(&["--processes", "2"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("DOES NOT HOLD") && told(&output).contains("nothing lost"), "{}", told(&output));
    let report = run.report();
    assert_eq!((&report["processes"], &report["learners"]), (&json!(2), &json!(9)));
    assert_eq!(report["checked"]["attempts"], 9);
    assert_eq!(report["measured"]["work"]["paper"]["ok"], 9);
}

/// Three times as many starts as are let through: they wait, and no answer is lost.
#[tokio::test]
async fn under_overload_starts_wait_and_every_answer_is_acknowledged() {
    let config = "[limits]\nstarts_total_per_second = 4\n".to_owned();
    let server = server(Settings { config: Some(config), ..Settings::default() }).await;
    let demand = "[[thresholds]]\nfigure = \"answer.acknowledged_percent\"\nleast = 100.0\n\
                  [[thresholds]]\nfigure = \"paper.failed_percent\"\nmost = 0.0\n";
    let run = Run::new(server.url(), &scenario("{ shape = \"at_once\", count = 24, within_ms = 2000 }", 2, demand));
    let output = run.finish(&[]).await;
    assert!(output.status.success(), "{}", told(&output));
    let report = run.report();
    assert!(report["measured"]["work"]["start"]["told"]["queued"].as_u64() > Some(0), "{}", told(&output));
    assert_eq!(report["measured"]["work"]["paper"]["ok"], 24);
    assert_eq!(report["checked"]["attempts"], 24);
}

#[tokio::test]
async fn an_interrupted_run_still_tells_what_it_found() {
    let server = server(Settings::default()).await;
    let run = Run::new(server.url(), &scenario("{ shape = \"steady\", per_second = 5.0 }", 60, ""));
    let child = run.command(&[]).spawn().expect("the load generator starts");
    let pid = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid as i32)).expect("it runs");
    eventually("the load begins", Duration::from_secs(240), async || {
        let metrics = reqwest::get(format!("{}/metrics", server.url())).await.ok()?.text().await.ok()?;
        metrics.lines().any(|line| line.starts_with("keju_answers_total") && !line.ends_with(" 0")).then_some(())
    })
    .await;
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it can be told");
    let output = child.wait_with_output().await.expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let report = run.report();
    assert_eq!((&report["interrupted"], &report["wrong"]), (&json!(true), &json!({})), "{}", told(&output));
    assert!(report["checked"]["answers"].as_u64() > Some(0));
}

#[tokio::test]
async fn a_server_that_swallows_an_acknowledged_answer_is_caught() {
    let server = server(Settings::default()).await;
    let liar = Liar::start(server.address().parse().expect("an address"), Lie::SwallowedAnswers).await;
    let run = Run::new(&format!("http://{}", liar.address), &scenario("{ shape = \"at_once\", count = 6 }", 1, ""));
    let output = run.finish(&[]).await;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(liar.told() > 0, "the liar had its chance");
    assert!(told(&output).contains("PROMISES BROKEN"), "{}", told(&output));
    let report = run.report();
    assert!(report["wrong"]["answer_lost"].as_u64() > Some(0), "{}", report["wrong"]);
}

#[tokio::test]
async fn somebody_elses_server_is_not_loaded() {
    let run = Run::new("http://192.0.2.1:8080", &scenario("{ shape = \"at_once\", count = 1 }", 1, ""));
    let output = run.finish(&[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("--i-own-this-host"), "{}", told(&output));
}
