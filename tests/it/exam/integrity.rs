//! The first layer of integrity: it watches, weighs and tells; it decides nothing.

use keju_tests::kit::{Settings, Site, from_now, id};
use serde_json::{Value, json};

fn flags(timeline: &Value) -> Vec<String> {
    let events = timeline["events"].as_array().cloned().unwrap_or_default();
    let flagged = events.iter().map(|event| &event["event"]).filter(|event| event["t"] == "flagged");
    flagged.map(|flag| flag["kind"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn haste_and_absence_are_flagged_and_every_answer_counts() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let away = ["blur", "focus", "hidden", "visible", "blur", "focus", "devtools", "blur"];
    let signals: Vec<Value> = away.iter().map(|kind| json!({"kind": kind, "at": from_now(0)})).collect();
    assert_eq!(learner.signals(&id(&attempt), &json!(signals)).await.status, 202);
    site.answer_all(&learner, &attempt, 9).await;
    let result = learner.submit(&id(&attempt)).await.ok(200);
    assert_eq!(
        json!([result["score"], result["passed"], result["hours_granted"]]),
        json!([100, true, 5]),
        "no flag fails anybody"
    );
    let timeline = site.proctor.timeline(&id(&attempt)).await.ok(200);
    let found = flags(&timeline);
    for kind in ["too_fast", "answered_while_away", "focus_lost", "suspicious_act"] {
        assert!(found.iter().any(|flag| flag == kind), "no {kind} among {found:?}");
    }
    let sessions = site.proctor.sessions(&exam).await.ok(200);
    let row = &sessions["items"][0];
    assert_eq!(json!([row["integrity_score"], row["flags"]]), json!([timeline["integrity_score"], timeline["flags"]]));
    assert!(row["integrity_score"].as_u64() > Some(20), "{row}");
}

/// The row that lists are made of is written with the flags, by another way than the attempt is folded.
#[tokio::test]
async fn what_was_noticed_is_listed_the_same_after_a_restart() {
    let mut site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    // Twice, so that some change and nothing but flags comes with the last of them.
    site.answer_all(&learner, &attempt, 9).await;
    site.answer_all(&learner, &attempt, 5).await;
    let row = |sessions: &Value| {
        let row = &sessions["items"][0];
        json!([row["answered"], row["integrity_score"], row["flags"]])
    };
    let before = row(&site.proctor.sessions(&exam).await.ok(200));
    let timeline = site.proctor.timeline(&id(&attempt)).await.ok(200);
    let found = flags(&timeline).len();
    assert!(found > 9, "{timeline}");
    site.restart();
    let after = row(&site.proctor.sessions(&exam).await.ok(200));
    assert_eq!(after, before);
    assert_eq!(after, json!([9, timeline["integrity_score"], found]));
}

#[tokio::test]
async fn silence_of_the_client_is_flagged_at_the_end() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    for right in [9, 0] {
        site.answer_all(&learner, &attempt, right).await;
    }
    let _ = learner.submit(&id(&attempt)).await.ok(200);
    let timeline = site.proctor.timeline(&id(&attempt)).await.ok(200);
    let found = flags(&timeline);
    for kind in ["telemetry_missing", "change_burst"] {
        assert!(found.iter().any(|flag| flag == kind), "no {kind} among {found:?}");
    }
}

#[tokio::test]
async fn the_watch_can_be_switched_off() {
    let settings = Settings { config: Some("heuristics = false\n".into()), ..Settings::default() };
    let site = Site::start_with(settings, keju_tests::kit::Bank::generated(4, false)).await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let (attempt, result) = site.take(&learner, &exam, 9).await;
    assert_eq!(result["score"], 100);
    assert_eq!(flags(&site.proctor.timeline(&id(&attempt)).await.ok(200)), Vec::<String>::new());
}
