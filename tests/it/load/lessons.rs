//! Lessons under load: played to their hours against the real server, and against one that lies.

use super::liar::{Liar, Lie};
use super::{Run, server, told};
use keju_tests::kit::Settings;
use serde_json::json;

/// Learners who are cut off together and one by one, and answer wrongly now and then.
fn lesson(count: u32, cuts: &str, thresholds: &str) -> String {
    lesson_of(0.0, count, cuts, thresholds)
}

/// The same, and a share of them cheats.
fn lesson_of(cheats: f64, count: u32, cuts: &str, thresholds: &str) -> String {
    format!(
        r#"
name = "tiny"
about = "a test"
[[phases]]
name = "all"
seconds = 4
arrivals = {{ shape = "at_once", count = {count}, within_ms = 1500 }}
[learner]
right_share = 0.7
cheat_share = {cheats:?}
sleep_share = 0.4
sleep = {{ kind = "constant", ms = 300 }}
[lesson]
duration_s = 10
think = {{ kind = "uniform", from_ms = 1, to_ms = 200 }}
cuts_at_s = {cuts}
back_within_ms = 500
[lesson.policy]
heartbeat_ms = 1000
silence_ms = 3000
gap_min_ms = 2000
gap_max_ms = 4000
challenges_min = 2
rewind_ms = 1000
cooldown_ms = 1000
end_slack_ms = 500
{thresholds}
"#
    )
}

#[tokio::test]
async fn lessons_are_played_to_their_hours_through_a_storm() {
    let server = server(Settings::default()).await;
    let demand = "[[thresholds]]\nfigure = \"lesson.failed_percent\"\nmost = 0.0\n";
    let run = Run::new(server.url(), &lesson(8, "[4]", demand));
    let output = run.finish(&["--processes", "2"]).await;
    assert!(output.status.success() && told(&output).contains("nothing lost"), "{}", told(&output));
    let report = run.report();
    assert_eq!(report["wrong"], json!({}));
    assert_eq!((&report["checked"]["lessons"], &report["checked"]["hours"]), (&json!(8), &json!(8)));
    assert!(report["checked"]["verdicts"].as_u64() >= Some(16), "{}", report["checked"]);
    let work = &report["measured"]["work"];
    assert_eq!(work["lesson"]["ok"], 8);
    assert!(work["connect"]["ok"].as_u64() >= Some(16), "everybody was cut and came back: {}", work["connect"]["ok"]);
    assert!(work["beat"]["ok"].as_u64() >= Some(80) && work["challenge"]["ok"].as_u64() >= Some(16));
    let sockets = report["samples"].as_array().expect("samples").iter().map(|sample| &sample["connected"]);
    assert_eq!(sockets.filter_map(serde_json::Value::as_u64).max(), Some(8));
}

/// One proctor reads all logs, and an account may ask for so much a second and no more.
#[tokio::test]
async fn what_one_account_may_ask_for_in_a_second_keeps_nothing_from_being_checked() {
    let config = "limits.requests_per_second = 5\nlimits.requests_burst = 5\n".to_owned();
    let server = server(Settings { config: Some(config), ..Settings::default() }).await;
    let run = Run::new(server.url(), &lesson(30, "[]", ""));
    let output = run.finish(&[]).await;
    assert!(output.status.success() && told(&output).contains("nothing lost"), "{}", told(&output));
    let report = run.report();
    assert_eq!((&report["wrong"], &report["checked"]["lessons"]), (&json!({}), &json!(30)));
}

#[tokio::test]
async fn cheaters_of_a_lesson_gain_nothing_and_whoever_lets_one_is_caught() {
    let server = server(Settings::default()).await;
    let demand = "[[thresholds]]\nfigure = \"attack.failed_percent\"\nmost = 0.0\n";
    let scenario = lesson_of(1.0, 3, "[]", demand);
    let run = Run::new(server.url(), &scenario);
    let output = run.finish(&["--threads", "1"]).await;
    assert!(output.status.success() && told(&output).contains("nothing lost"), "{}", told(&output));
    let report = run.report();
    let work = &report["measured"]["work"];
    // By request eight, on sockets of their own six, and on the way two: tries that say nothing are told apart.
    assert!(work["attack"]["ok"].as_u64() >= Some(3 * 14), "{}", work["attack"]);
    assert_eq!((&work["lesson"]["ok"], &report["wrong"]), (&json!(3), &json!({})));
    let liar = Liar::start(server.address().parse().expect("an address"), Lie::JudgedTwice).await;
    let run = Run::new(&format!("http://{}", liar.address), &scenario);
    let output = run.finish(&["--threads", "1"]).await;
    assert!(liar.told() > 0 && output.status.code() == Some(1), "{}", told(&output));
    assert!(run.report()["wrong"]["attack_succeeded"].as_u64() > Some(0), "{}", told(&output));
}

#[tokio::test]
async fn whatever_a_server_lies_about_in_a_lesson_is_caught() {
    let server = server(Settings::default()).await;
    let address = server.address().parse().expect("an address");
    let caught = [
        (Lie::Credit, "credit_wrong"),
        (Lie::Verdict, "verdict_lost"),
        (Lie::Silence, "message_lost"),
        (Lie::Completion, "credit_wrong"),
        (Lie::Key, "key_received"),
    ];
    let mut runs = tokio::task::JoinSet::new();
    for (lie, finding) in caught {
        let liar = Liar::start(address, lie).await;
        runs.spawn(async move {
            let run = Run::new(&format!("http://{}", liar.address), &lesson(2, "[]", ""));
            let output = run.finish(&["--threads", "1"]).await;
            let said = told(&output);
            assert!(liar.told() > 0, "{lie:?}: the liar had its chance\n{said}");
            assert_eq!(output.status.code(), Some(1), "{lie:?}: {said}");
            let wrong = &run.report()["wrong"];
            assert!(wrong[finding].as_u64() > Some(0), "{lie:?}: {wrong}\n{said}");
        });
    }
    while let Some(done) = runs.join_next().await {
        done.expect("every lie is caught");
    }
}
