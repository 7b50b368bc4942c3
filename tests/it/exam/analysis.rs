//! Item analysis over real attempts: what the page shows, in pages, and as files.

use keju_tests::kit::{Backend, Site, id, number, slots};
use serde_json::{Value, json};

keju_tests::on_every_backend!(an_exam_is_analysed);

const LEARNERS: usize = 32;
const SLOTS: usize = 11;

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// Each of 32 learners answers as many rightly as their number says, leaves one out, and one is terminated.
async fn story(site: &Site, exam: &str) {
    let learners = site.learners(LEARNERS + 1).await;
    for (learner, right) in learners.iter().zip((0..=SLOTS).cycle()) {
        let attempt = learner.start(exam, "exam").await.ok(201);
        let answers: Vec<Value> = slots(&attempt)
            .iter()
            .enumerate()
            .filter(|(index, _)| *index + 1 < SLOTS || right == SLOTS)
            .map(|(index, slot)| {
                let response = if index < right { site.bank.right(slot) } else { site.bank.wrong(slot) };
                json!({"command_id": keju_tests::kit::command_id(), "slot": number(slot), "response": response,
                    "answered_at": keju_tests::kit::from_now(0)})
            })
            .collect();
        let _ = learner.answers(&id(&attempt), &json!(answers)).await.ok(200);
        let _ = learner.submit(&id(&attempt)).await.ok(200);
    }
    let last = learners.last().map(|learner| learner.start(exam, "exam"));
    let Some(last) = last else { return };
    let attempt = id(&last.await.ok(201));
    assert_eq!(site.proctor.act(&attempt, "terminate", "测试", None).await.status, 200);
}

async fn an_exam_is_analysed(backend: Backend) {
    let site = Site::start_on(backend).await;
    let section =
        json!({"title": "单选题", "kind": "single_choice", "count": SLOTS, "points": 10, "quotas": [{"count": SLOTS}]});
    let rules = json!({"blueprint": {"sections": [section], "shuffle_options": true}, "pass_score": 30});
    let exam = site.exam(&rules).await;
    let path = format!("/authored/exams/{exam}/analysis");
    let before = site.author.get(&path).await.ok(200);
    assert_eq!(json!([before["papers"], before["items"], before["scores"]["mean"]]), json!([0, [], null]));

    let exam = site.exam(&rules).await;
    let path = format!("/authored/exams/{exam}/analysis");
    story(&site, &exam).await;
    // The second attempt of the terminated one counts nowhere; its first does.
    let figures = site.author.get(&path).await.ok(200);
    assert_eq!(figures["papers"], LEARNERS as u64 + 1);
    assert_eq!(
        json!([figures["reliability"]["alpha"], figures["reliability"]["no_alpha"]]),
        json!([null, "papers_differ"])
    );
    assert!(figures["reliability"]["dependability"].is_number());
    let counted: u64 = list(&figures["scores"]["counts"]).iter().filter_map(|one| one["papers"].as_u64()).sum();
    assert_eq!(counted, LEARNERS as u64 + 1);
    let items = list(&figures["items"]);
    let shown = |name: &str| items.iter().filter_map(|item| item[name].as_u64()).sum::<u64>();
    assert_eq!(shown("shown"), ((LEARNERS + 1) * SLOTS) as u64);
    assert!(shown("omitted") > 0);
    for item in &items {
        let options = list(&item["options"]);
        let chosen: u64 = options.iter().filter_map(|option| option["chosen"].as_u64()).sum();
        assert_eq!(chosen + item["omitted"].as_u64().unwrap_or_default(), item["shown"].as_u64().unwrap_or_default());
        assert_eq!(options.iter().filter(|option| option["key"] == true).count(), 1, "{item}");
        let enough = item["shown"].as_u64().is_some_and(|shown| shown >= 30);
        assert_eq!(item["facility"].is_number(), enough, "{item}");
        assert_eq!(item["flags"], json!([]), "nothing is said of so few");
    }
    pages_hold_every_item(&site, &path, &items).await;
    files_hold_every_item(&site, &path, &items).await;
    let _ = site.author.get(&format!("{path}?attempts=last")).await.problem(400, "invalid");
    assert_eq!(site.author.get(&format!("{path}?attempts=all")).await.ok(200)["attempts"], "all");

    let draft = id(&site.author.post("/exams", &site.exam_body(&rules)).await.ok(201));
    let _ = site.author.get(&format!("/authored/exams/{draft}/analysis")).await.problem(404, "not_found");
}

async fn pages_hold_every_item(site: &Site, path: &str, items: &[Value]) {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = site.author.get(&format!("{path}?limit=5{after}")).await.ok(200);
        found.extend(list(&page["items"]));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found, items);
}

async fn files_hold_every_item(site: &Site, path: &str, items: &[Value]) {
    let csv = site.author.get(&format!("{path}/export?format=csv")).await;
    assert_eq!(csv.status, 200);
    assert_eq!(csv.text().lines().count(), items.len() + 1);
    let workbook = site.author.get(&format!("{path}/export")).await;
    let rows = question_bank::formats::grid::read(&workbook.body, 1_000).map(|rows| rows.len());
    assert_eq!(rows.ok(), Some(items.len() + 1));
}
