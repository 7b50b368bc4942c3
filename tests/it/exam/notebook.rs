//! The notebook of wrong answers, kept by the server.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::{Backend, Bank, Client, Settings, Site, command_id, from_now, id, number, slots, text};
use reqwest::Method;
use serde_json::{Value, json};

keju_tests::on_every_backend!(what_is_wrong_is_noted_until_it_is_learnt,);

/// An exam of four true/false items out of five, with canaries.
async fn site(settings: Settings) -> Site {
    let mut file = Bank::generated(5, true).json;
    let Some(items) = file["items"].as_array_mut() else { panic!("a bank has items") };
    items.retain(|item| item["kind"] == "true_false");
    Site::start_with(settings, Bank::new(file)).await
}

async fn notebook(learner: &Client) -> Vec<Value> {
    learner.get("/me/notebook").await.ok(200)["items"].as_array().cloned().unwrap_or_default()
}

async fn practise(site: &Site, learner: &Client, exam: &str, from: Value, right: usize) -> Value {
    let mut body = json!({"command_id": command_id(), "mode": "practice"});
    keju_tests::kit::json::lay_over(&mut body, &from);
    let started = learner.post(&format!("/exams/{exam}/attempts"), &body).await.ok(201);
    site.answer_all(learner, &started, right).await;
    learner.submit(&id(&started)).await.ok(200);
    started
}

async fn remove(learner: &Client, entry: &Value) -> u16 {
    let path = format!("/api/v1/me/notebook/{}/{}", text(&entry["attempt"]), entry["slot"]);
    learner.send(learner.request(Method::DELETE, &path)).await.status
}

async fn what_is_wrong_is_noted_until_it_is_learnt(backend: Backend) {
    let mut site = site(backend.settings()).await;
    let mut rules = short_rules(4);
    rules["code"] = json!("noted");
    let exam = site.exam(&rules).await;
    let (learner, other) = (site.learner().await, site.learner().await);
    assert_eq!(notebook(&learner).await, Vec::<Value>::new());
    let first = practise(&site, &learner, &exam, json!({}), 1).await;
    let noted = notebook(&learner).await;
    assert_eq!(noted.len(), 3);
    for entry in &noted {
        let slots = slots(&first);
        let Some(slot) = slots.into_iter().find(|slot| slot["slot"] == entry["slot"]) else {
            panic!("{entry} is of none of the paper's questions")
        };
        for member in ["kind", "stem", "options"] {
            assert_eq!(entry["question"][member], slot[member]);
        }
        assert_eq!(entry["attempt"], first["id"]);
        assert_eq!(json!([entry["response"], entry["key"]]), json!([site.bank.wrong(&slot), site.bank.right(&slot)]));
        assert_eq!(json!([entry["wrong"], entry["right"]]), json!([1, 0]));
        assert!(text(&entry["topic"]).starts_with("综合/") && !text(&entry["explanation"]).is_empty(), "{entry}");
    }
    assert_eq!(notebook(&other).await, Vec::<Value>::new());
    assert_eq!(remove(&other, &noted[0]).await, 404, "another's notebook");

    // Practised again: wrong once more it counts, right twice it leaves.
    let again = practise(&site, &learner, &exam, json!({"from": "notebook"}), 1).await;
    assert_eq!((slots(&again).len(), &again["paper"]["sections"][0]["title"]), (3, &json!("错题练习")));
    let mut counted: Vec<Value> =
        notebook(&learner).await.iter().map(|entry| json!([entry["wrong"], entry["right"]])).collect();
    counted.sort_by_key(Value::to_string);
    assert_eq!(counted, [json!([1, 1]), json!([2, 0]), json!([2, 0])]);
    practise(&site, &learner, &exam, json!({"from": "notebook"}), 3).await;
    let left = notebook(&learner).await;
    assert_eq!(left.len(), 2);
    // By hand, and a later mistake brings it back.
    for _ in 0..2 {
        assert_eq!(remove(&learner, &left[0]).await, 204);
    }
    assert_eq!(notebook(&learner).await.len(), 1);
    practise(&site, &learner, &exam, json!({"from": "notebook"}), 1).await;
    assert_eq!(notebook(&learner).await, Vec::<Value>::new());
    let nothing = json!({"command_id": command_id(), "mode": "practice", "from": "notebook"});
    learner.post(&format!("/exams/{exam}/attempts"), &nothing).await.problem(409, "wrong_state");
    practise(&site, &learner, &exam, json!({"count": 5}), 0).await;
    assert_eq!(notebook(&learner).await.len(), 5);
    let both = json!({"command_id": command_id(), "mode": "practice", "from": "notebook", "topics": []});
    learner.post(&format!("/exams/{exam}/attempts"), &both).await.problem(400, "invalid");
    let exam_mode = json!({"command_id": command_id(), "mode": "exam", "from": "notebook"});
    learner.post(&format!("/exams/{exam}/attempts"), &exam_mode).await.problem(400, "invalid");

    site.server.terminate();
    let verified = site.server.command(&["exam", "verify", "noted"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// What of the bank's secrets a learner finds in the notebook.
async fn told(site: &Site, learner: &Client) -> Vec<String> {
    let reply = learner.get("/me/notebook").await;
    assert_eq!(reply.status, 200);
    site.bank.canaries().into_iter().filter(|canary| canary.len() > 4 && reply.text().contains(canary)).collect()
}

/// Practice has told keys; an exam that holds the same questions takes them back until its results are out.
#[tokio::test]
async fn no_key_shows_of_what_stands_in_a_paper_whose_results_are_not_out() {
    let site = site(Settings::default()).await;
    let mut rules = short_rules(4);
    (rules["results_at"], rules["review"]) = (json!(from_now(3_600_000)), json!("full"));
    let exam = site.exam(&rules).await;
    let learner = site.learner().await;
    practise(&site, &learner, &exam, json!({"count": 5}), 0).await;
    assert_eq!((notebook(&learner).await.len(), told(&site, &learner).await.len()), (5, 5));
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let only_other = async |when: &str| {
        let shown = learner.get("/me/notebook").await.ok(200);
        assert_eq!((shown["items"].as_array().map(Vec::len), &shown["withheld"]), (Some(1), &json!(4)), "{when}");
        assert_eq!(told(&site, &learner).await.len(), 1, "{when}");
        let stem = &shown["items"][0]["question"]["stem"];
        assert!(slots(&attempt).iter().all(|slot| slot["stem"] != *stem), "{when}");
    };
    only_other("while it is open").await;
    for slot in slots(&attempt) {
        let wrong = site.bank.wrong(&slot);
        learner.answer(&id(&attempt), number(&slot), &wrong).await.ok(200);
    }
    only_other("while it is answered").await;
    learner.submit(&id(&attempt)).await.ok(200);
    only_other("before its results").await;
    // Nor is it practised from there.
    let again = json!({"command_id": command_id(), "mode": "practice", "from": "notebook"});
    let started = learner.post(&format!("/exams/{exam}/attempts"), &again).await.ok(201);
    assert_eq!(slots(&started).len(), 1);
    learner.submit(&id(&started)).await.ok(200);
    let path = format!("/exams/{exam}/release");
    assert_eq!(site.author.put(&path, &json!({"results_at": null})).await.status, 204);
    let shown = notebook(&learner).await;
    assert_eq!((shown.len(), told(&site, &learner).await.len()), (5, 5));
    let of_exam = shown.iter().filter(|entry| entry["attempt"] == attempt["id"]);
    assert_eq!(of_exam.clone().count(), 4, "what the exam showed wrong counts as well");
    assert!(of_exam.clone().all(|entry| entry["wrong"] == 2));
}

/// Under a policy that shows no keys, an exam's mistakes are nobody's to know.
#[tokio::test]
async fn an_exam_that_shows_no_keys_notes_nothing() {
    let site = site(Settings::default()).await;
    for review in ["none", "score", "marks"] {
        let mut rules = short_rules(4);
        rules["review"] = json!(review);
        let exam = site.exam(&rules).await;
        let learner = site.learner().await;
        site.take(&learner, &exam, 0).await;
        assert_eq!(notebook(&learner).await, Vec::<Value>::new(), "{review}");
    }
}
