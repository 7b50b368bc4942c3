//! People: adding them, their first password, what is shown of them.

use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Client, Site, text};
use serde_json::{Value, json};

fn pointers(person: &Value) -> Vec<&str> {
    let mut found: Vec<&str> =
        person["errors"].as_array().into_iter().flatten().map(|error| text(&error["pointer"])).collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn the_wrong_people_are_refused_with_all_their_faults_and_the_others_added() {
    let site = Site::start().await;
    let good = |name: &str| json!({"username": name, "name": "某人", "password": PASSWORD, "roles": ["learner"]});
    let wrong =
        json!({"username": "a b", "name": "", "password": "short", "roles": [], "id_number": "11010519491231002Y"});
    let people = json!({"people": [good("one"), wrong, good("two"), good("author"), good("one")]});
    let told = site.admin.post("/people", &people).await.ok(200);
    assert_eq!(told["created"], 2);
    let refused = told["refused"].as_array().cloned().unwrap_or_default();
    assert_eq!(refused.iter().map(|person| person["index"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(3), Some(4)]);
    assert_eq!(
        pointers(&refused[0]),
        ["/people/1/id_number", "/people/1/name", "/people/1/password", "/people/1/roles", "/people/1/username"]
    );
    assert_eq!(pointers(&refused[1]), ["/people/3/username"]);
    for name in ["one", "two"] {
        let _ = Client::sign_in(site.server.url(), "a device", name, PASSWORD).await.me().await.ok(200);
    }
    let unknown =
        site.admin.post("/people", &json!({"people": [{"username": "x", "name": "x", "roles": ["king"]}]})).await;
    assert_eq!(pointers(&unknown.problem(400, "invalid")), ["/people/0/roles/0"]);
    let _ = site.author.post("/people", &json!({"people": [good("three")]})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_made_password_has_to_be_changed_first() {
    let site = Site::start().await;
    let person = json!({"username": "new", "name": "新人", "roles": ["learner"], "id_number": "11010519491231002x"});
    let told = site.admin.post("/people", &json!({"people": [person]})).await.ok(200);
    let made = text(&told["people"][0]["password"]).to_owned();
    let client = Client::sign_in(site.server.url(), "a device", "new", &made).await;
    let me = client.me().await.ok(200);
    assert_eq!(json!([me["must_change_password"], me["id_number"]]), json!([true, "110105********002X"]));
    let _ = client.exams().await.problem(403, "password_change_required");
    let _ = client.start(&site.course_id, "exam").await.problem(403, "password_change_required");
    let other = client.device(site.server.url(), "another device").await;
    let short = client.change_password("short").await.problem(400, "invalid");
    assert_eq!(short["errors"][0]["pointer"], "/new_password");
    let _ = client.change_password(&made).await.problem(400, "invalid");
    assert_eq!(client.change_password(PASSWORD).await.status, 204);
    assert_eq!(client.exams().await.status, 200);
    let _ = other.me().await.problem(401, "unauthenticated");
    let _ = client.try_sign_in("new", &made).await.problem(401, "wrong_credentials");
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once() {
    let site = Site::start().await;
    let learner = site.learner().await;
    let path = format!("/people/{}/disabled", learner.person);
    assert_eq!(site.admin.put(&path, &json!({"disabled": true})).await.status, 204);
    let _ = learner.me().await.problem(401, "unauthenticated");
    let _ = learner.try_sign_in(&learner.username, PASSWORD).await.problem(401, "wrong_credentials");
    assert_eq!(site.admin.put(&path, &json!({"disabled": false})).await.status, 204);
    assert_eq!(learner.try_sign_in(&learner.username, PASSWORD).await.status, 200);
    let acts = site.admin.get("/audit?limit=500").await.ok(200);
    let acts: Vec<&str> = acts["items"].as_array().into_iter().flatten().map(|record| text(&record["act"])).collect();
    assert!(acts.contains(&"person.disable") && acts.contains(&"person.enable"), "{acts:?}");
    let latest = site.admin.get("/audit?order=newest&limit=2").await.ok(200);
    let (first, second) = (&latest["items"][0], &latest["items"][1]);
    assert_eq!(json!([first["act"], second["act"]]), json!(["person.enable", "person.disable"]));
    assert!(first["actor_name"].is_string());
    let earlier = site.admin.get(&format!("/audit?order=newest&limit=1&after={}", text(&latest["next"]))).await.ok(200);
    assert_eq!(earlier["items"][0]["seq"].as_i64(), second["seq"].as_i64().map(|seq| seq - 1));
    let _ = site.admin.get("/audit?order=sideways").await.problem(400, "invalid");
}
