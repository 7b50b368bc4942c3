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
    let name = learner.me().await.ok(200)["name"].clone();
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
    assert_eq!(first["subject_name"], name);
    assert_eq!(first["detail"], json!(null), "the act says it all");
    let earlier = site.admin.get(&format!("/audit?order=newest&limit=1&after={}", text(&latest["next"]))).await.ok(200);
    assert_eq!(earlier["items"][0]["seq"].as_i64(), second["seq"].as_i64().map(|seq| seq - 1));
    let _ = site.admin.get("/audit?order=sideways").await.problem(400, "invalid");
}

/// The latest entries of the audit log, newest first.
async fn latest(site: &Site, many: usize) -> Vec<Value> {
    let log = site.admin.get(&format!("/audit?order=newest&limit={many}")).await.ok(200);
    log["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn another_role_and_another_unit_hold_at_once_and_the_session_goes_on() {
    let site = Site::start().await;
    let units = json!({"units": [
        {"code": "3703", "name": "淄博市", "level": "city"},
        {"code": "370303", "name": "张店区", "level": "district", "parent": "3703"},
    ]});
    site.admin.put("/units", &units).await.ok(204);
    let person = site.learner().await;
    let path = format!("/people/{}", person.person);
    let _ = person.get("/people").await.problem(403, "forbidden");
    let _ = person.get("/banks").await.problem(403, "forbidden");
    let change = json!({"name": "李四", "roles": ["author", "district_admin"], "unit": "370303"});
    site.admin.put(&path, &change).await.ok(204);
    let me = person.me().await.ok(200);
    assert_eq!(
        json!([me["name"], me["roles"], me["unit"]]),
        json!(["李四", ["author", "district_admin"], "370303"]),
        "in the session that was there"
    );
    person.get("/banks").await.ok(200);
    assert_eq!(person.get("/people").await.ok(200)["items"][0]["id"], json!(person.person));
    let _ = person.start(&site.exam(&json!({})).await, "exam").await.problem(403, "forbidden");

    site.admin.put(&path, &json!({"name": "李四", "roles": ["learner"], "unit": null})).await.ok(204);
    let _ = person.get("/banks").await.problem(403, "forbidden");
    let _ = person.get("/people").await.problem(403, "forbidden");
    assert_eq!(person.me().await.ok(200)["unit"], Value::Null);

    let entry = latest(&site, 1).await.remove(0);
    assert_eq!(json!([entry["act"], entry["subject"]]), json!(["person.change", person.person]));
    assert_eq!(json!([entry["subject_name"], entry["detail"]["roles"]]), json!(["李四", ["learner"]]));
}

#[tokio::test]
async fn a_wrong_change_is_refused_with_all_its_faults_and_nobody_shuts_themselves_out() {
    let site = Site::start().await;
    let person = site.learner().await;
    let path = format!("/people/{}", person.person);
    let wrong = site.admin.put(&path, &json!({"name": " ", "roles": [], "unit": "nowhere"})).await;
    assert_eq!(pointers(&wrong.problem(400, "invalid")), ["/name", "/roles", "/unit"]);
    let unknown = site.admin.put(&path, &json!({"name": "x", "roles": ["king"]})).await;
    assert_eq!(pointers(&unknown.problem(400, "invalid")), ["/roles/0"]);
    let change = json!({"name": "某人", "roles": ["learner"]});
    let nobody = format!("/people/{}", site.exam(&json!({})).await);
    let _ = site.admin.put(&nobody, &change).await.problem(404, "not_found");
    for other in [&site.author, &site.proctor, &person] {
        let _ = other.put(&path, &json!({"name": "某人", "roles": ["admin"]})).await.problem(403, "forbidden");
    }

    let own = format!("/people/{}", site.admin.person);
    let refused = site.admin.put(&own, &json!({"name": "管理员", "roles": ["author", "operator"]})).await;
    assert_eq!(pointers(&refused.problem(400, "invalid")), ["/roles"]);
    let _ = site.admin.put(&format!("{own}/disabled"), &json!({"disabled": true})).await.problem(400, "invalid");
    let _ = site.admin.post(&format!("{own}/password"), &json!(null)).await.problem(409, "wrong_state");
    site.admin.put(&own, &json!({"name": "管理员", "roles": ["admin", "author"]})).await.ok(204);
    // Another one may.
    site.admin.put(&path, &json!({"name": "接任者", "roles": ["admin"]})).await.ok(204);
    person.put(&own, &json!({"name": "卸任者", "roles": ["author"]})).await.ok(204);
    let _ = site.admin.get("/people").await.problem(403, "forbidden");
}

#[tokio::test]
async fn whoever_forgot_their_password_gets_another_first_one() {
    let site = Site::start().await;
    let person = site.learner().await;
    let path = format!("/people/{}/password", person.person);
    let made = site.admin.post(&path, &json!(null)).await.ok(200);
    let _ = person.me().await.problem(401, "unauthenticated");
    let _ = person.try_sign_in(&person.username, PASSWORD).await.problem(401, "wrong_credentials");
    let client = Client::sign_in(site.server.url(), "a device", &person.username, text(&made["password"])).await;
    let _ = client.exams().await.problem(403, "password_change_required");
    client.change_password("a-new-one-12").await.ok(204);
    client.exams().await.ok(200);
    let entries = latest(&site, 2).await;
    assert_eq!(json!([entries[1]["act"], entries[1]["subject"]]), json!(["person.password_reset", person.person]));
    assert!(!entries[1].to_string().contains(text(&made["password"])));
}

#[tokio::test]
async fn a_unit_that_nothing_belongs_to_is_removed() {
    let site = Site::start().await;
    let units = json!({"units": [
        {"code": "3703", "name": "淄博市", "level": "city"},
        {"code": "3703/旧区", "name": "旧区", "level": "district", "parent": "3703"},
    ]});
    site.admin.put("/units", &units).await.ok(204);
    let person =
        json!({"username": "member", "name": "某人", "password": PASSWORD, "roles": ["learner"], "unit": "3703/旧区"});
    let made = site.admin.post("/people", &json!({"people": [person]})).await.ok(200);
    let district = "/units/3703%2F%E6%97%A7%E5%8C%BA";
    let _ = site.admin.delete("/units/3703").await.problem(409, "wrong_state");
    let _ = site.admin.delete(district).await.problem(409, "wrong_state");
    let moved = format!("/people/{}", text(&made["people"][0]["id"]));
    site.admin.put(&moved, &json!({"name": "某人", "roles": ["learner"], "unit": "3703"})).await.ok(204);
    site.admin.delete(district).await.ok(204);
    let _ = site.admin.delete(district).await.problem(404, "not_found");
    assert_eq!(site.admin.get("/units").await.ok(200)["items"].as_array().map(Vec::len), Some(1));
    let entry = latest(&site, 1).await.remove(0);
    assert_eq!(json!([entry["act"], entry["subject"]]), json!(["unit.delete", "3703/旧区"]));
}
