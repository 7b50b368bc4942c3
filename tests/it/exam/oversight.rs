//! Units, districts, the city: everybody who oversees sees their own part of the tree and nothing else, in every list,
//! in every file and by every id; and what they do not see moves with the people and the tree.

use keju_tests::kit::rules::short_rules;
use keju_tests::kit::site::{PASSWORD, YEAR};
use keju_tests::kit::{Backend, Client, Site, id};
use serde_json::{Value, json};

keju_tests::on_every_backend!(
    everybody_oversees_their_own_part_of_the_tree,
    results_show_when_they_are_released,
    a_tree_is_checked_as_a_whole,
    hours_name_their_source,
);

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// A city of two districts, one with two units, one with one; a learner and an administrator in each.
struct City {
    learners: Vec<Client>,
    unit: Client,
    district: Client,
    city: Client,
    /// Of no unit.
    lost: Client,
}

const UNITS: [&str; 3] = ["d1-a", "d1-b", "d2-a"];

async fn person(site: &Site, username: &str, role: &str, unit: Option<&str>) -> Client {
    let mut body = json!({"username": username, "name": format!("人{username}"), "password": PASSWORD, "roles": [role],
        "id_number": if role == "learner" { json!("11010519491231002X") } else { Value::Null }});
    if let Some(unit) = unit {
        body["unit"] = json!(unit);
    }
    assert_eq!(site.admin.post("/people", &json!({"people": [body]})).await.ok(200)["created"], 1);
    Client::sign_in(site.server.url(), username, username, PASSWORD).await
}

async fn city(site: &Site) -> City {
    let unit = |code: &str, level: &str, parent: Value| json!({"code": code, "name": format!("名{code}"), "level": level, "parent": parent});
    let tree = json!({"units": [
        unit("c", "city", Value::Null), unit("d1", "district", json!("c")), unit("d2", "district", json!("c")),
        unit("d1-a", "unit", json!("d1")), unit("d1-b", "unit", json!("d1")), unit("d2-a", "unit", json!("d2")),
    ]});
    assert_eq!(site.admin.put("/units", &tree).await.status, 204);
    let mut learners = Vec::new();
    for code in UNITS {
        learners.push(person(site, &format!("learner-{code}"), "learner", Some(code)).await);
    }
    learners.push(person(site, "learner-nowhere", "learner", None).await);
    City {
        learners,
        unit: person(site, "of-unit", "unit_admin", Some("d1-a")).await,
        district: person(site, "of-district", "district_admin", Some("d1")).await,
        city: person(site, "of-city", "city_admin", Some("c")).await,
        // A unit's code does not make a district of it.
        lost: person(site, "of-nothing", "district_admin", Some("d1-a")).await,
    }
}

/// The learners among the rows of a list, by what comes after `learner-`.
fn learners(rows: &Value, field: &str) -> Vec<String> {
    let mut found: Vec<String> = list(&rows["items"])
        .iter()
        .filter_map(|row| row[field].as_str().and_then(|name| name.strip_prefix("learner-")).map(str::to_owned))
        .collect();
    found.sort_unstable();
    found
}

/// The same of a file.
fn learners_in(csv: &str) -> Vec<String> {
    let mut found: Vec<String> =
        csv.lines().filter_map(|line| line.strip_prefix("learner-")?.split(',').next().map(str::to_owned)).collect();
    found.sort_unstable();
    found
}

async fn everybody_oversees_their_own_part_of_the_tree(backend: Backend) {
    let site = Site::start_on(backend).await;
    let City { learners: people, unit, district, city, lost } = city(&site).await;
    let exam = site.exam(&short_rules(2)).await;
    for learner in &people {
        site.take(learner, &exam, 2).await;
    }
    let everybody = ["d1-a", "d1-b", "d2-a", "nowhere"];
    let seen: [(&Client, &[&str]); 5] = [
        (&unit, &["d1-a"]),
        (&district, &["d1-a", "d1-b"]),
        (&city, &["d1-a", "d1-b", "d2-a"]),
        (&lost, &[]),
        (&site.admin, &everybody),
    ];
    for (who, expected) in seen {
        let named = |list: Vec<String>| assert_eq!(list, expected, "{}", who.username);
        named(learners(&who.get("/people?limit=500").await.ok(200), "username"));
        named(learners(&who.get("/people?search=learner-").await.ok(200), "username"));
        named(learners(&who.get(&format!("/exams/{exam}/results")).await.ok(200), "username"));
        for path in ["/people/export", &format!("/exams/{exam}/results/export"), "/hours/export"] {
            let csv = who.get(&format!("{path}?format=csv")).await;
            assert_eq!(csv.status, 200, "{path}");
            named(learners_in(&csv.text()));
            assert!(!csv.text().contains("11010519491231002X"), "{path}: identity numbers are masked");
        }
        let sessions = who.get(&format!("/exams/{exam}/sessions")).await.ok(200);
        assert_eq!(list(&sessions["items"]).len(), expected.len(), "{}", who.username);
        for (learner, name) in people.iter().zip(everybody) {
            let answer = who.get(&format!("/people/{}/hours?year={YEAR}", learner.person)).await;
            if expected.contains(&name) {
                assert_eq!(answer.ok(200)["earned"]["total"], 5);
            } else {
                let _ = answer.problem(404, "not_found");
            }
        }
    }
    assert_eq!(list(&district.get("/units").await.ok(200)["items"]).len(), 3);
    assert_eq!(list(&lost.get("/units").await.ok(200)["items"]).len(), 0);
    // Watching and acting stays with proctors.
    let attempt = people[0].get("/me/attempts").await.ok(200)["items"][0]["attempt"].clone();
    let _ = city
        .get(&format!("/attempts/{}/timeline", attempt.as_str().unwrap_or_default()))
        .await
        .problem(403, "forbidden");
    let _ = city.put("/units", &json!({"units": []})).await.problem(403, "forbidden");

    // A unit that moves takes its people along at once.
    let moved = json!({"units": [{"code": "d1-b", "name": "名d1-b", "level": "unit", "parent": "d2"}]});
    assert_eq!(site.admin.put("/units", &moved).await.status, 204);
    assert_eq!(learners(&district.get("/people").await.ok(200), "username"), ["d1-a"]);
    let _ = district.get(&format!("/people/{}/hours", people[1].person)).await.problem(404, "not_found");
}

async fn results_show_when_they_are_released(backend: Backend) {
    let site = Site::start_on(backend).await;
    let City { learners: people, unit, .. } = city(&site).await;
    let mut rules = short_rules(2);
    rules["results_at"] = json!("2099-01-01T00:00:00+08:00");
    let exam = site.exam(&rules).await;
    site.take(&people[0], &exam, 2).await;
    let path = format!("/exams/{exam}/results");
    let row =
        |rows: Value| json!([rows["items"][0]["score"], rows["items"][0]["passed"], rows["items"][0]["hours_granted"]]);
    let told = json!([20, true, 5]);
    assert_eq!(row(unit.get(&path).await.ok(200)), json!([null, null, null]));
    assert_eq!(row(site.admin.get(&path).await.ok(200)), told);
    let hours = format!("/people/{}/hours?year={YEAR}", people[0].person);
    assert_eq!(unit.get(&hours).await.ok(200)["entries"], json!([]));
    let seen = site.admin.get(&hours).await.ok(200);
    assert_eq!(json!([seen["entries"][0]["released"], seen["earned"]["total"]]), json!([false, 5]));
    let file =
        |csv: String| csv.lines().find(|line| line.starts_with("learner-d1-a")).map(str::to_owned).unwrap_or_default();
    let total = |line: &str| line.split(',').nth(10).map(str::to_owned);
    let export = format!("/hours/export?format=csv&year={YEAR}");
    assert_eq!(total(&file(unit.get(&export).await.text())).as_deref(), Some("0"));
    assert_eq!(total(&file(site.admin.get(&export).await.text())).as_deref(), Some("5"));

    // A second exam of the course that is released tells its own, and not the other's.
    assert_eq!(site.author.put(&format!("/exams/{exam}/release"), &json!({"results_at": null})).await.status, 204);
    assert_eq!(row(unit.get(&path).await.ok(200)), told);
    assert_eq!(total(&file(unit.get(&export).await.text())).as_deref(), Some("5"));
    let other = site.exam(&rules).await;
    assert_eq!(total(&file(unit.get(&export).await.text())).as_deref(), Some("5"), "beside an unreleased {other}");
    let draft = id(&site.author.post("/exams", &site.exam_body(&short_rules(2))).await.ok(201));
    let _ = unit.get(&format!("/exams/{draft}/results")).await.problem(404, "not_found");
}

async fn a_tree_is_checked_as_a_whole(backend: Backend) {
    let site = Site::start_on(backend).await;
    let put = async |units: Value| site.admin.put("/units", &json!({"units": units})).await;
    let wrong = put(json!([
        {"code": "a b", "name": "", "level": "city"},
        {"code": "d", "name": "区", "level": "district", "parent": "none"},
        {"code": "x", "name": "市", "level": "city", "parent": "d"},
    ]))
    .await
    .problem(400, "invalid");
    let places: Vec<Value> = list(&wrong["errors"]).iter().map(|fault| fault["pointer"].clone()).collect();
    assert_eq!(json!(places), json!(["/units/0/code", "/units/0/name", "/units/1/parent", "/units/2/parent"]));
    let _ = put(json!([])).await.problem(400, "invalid");
    let _ = put(json!([{"code": "c", "name": "市", "level": "country"}])).await.problem(400, "invalid");
    assert_eq!(site.admin.get("/units").await.ok(200)["items"], json!([]), "all or none");

    let tree = json!([{"code": "c", "name": "市", "level": "city"}, {"code": "d", "name": "区", "level": "district", "parent": "c"}]);
    assert_eq!(put(tree).await.status, 204);
    let level = put(json!([{"code": "d", "name": "区", "level": "unit", "parent": "c"}])).await.problem(400, "invalid");
    assert_eq!(level["errors"][0]["pointer"], "/units/0/level");
    assert_eq!(put(json!([{"code": "d", "name": "新名", "level": "district", "parent": "c"}])).await.status, 204);
    let read = site.admin.get("/units?limit=1&after=c").await.ok(200);
    assert_eq!(json!([read["items"][0]["name"], read["next"]]), json!(["新名", null]));
}

async fn hours_name_their_source(backend: Backend) {
    let site = Site::start_on(backend).await;
    let learner = site.learner().await;
    let exam = site.exam(&short_rules(2)).await;
    let (attempt, _) = site.take(&learner, &exam, 2).await;
    let path = format!("/people/{}/hours", learner.person);
    let seen = site.admin.get(&format!("{path}?year={YEAR}")).await.ok(200);
    assert_eq!(
        json!([seen["person"]["username"], seen["year"], seen["qualified"]]),
        json!([learner.username, YEAR, false])
    );
    let entry = &seen["entries"][0];
    assert_eq!(
        json!([entry["source"], entry["source_title"], entry["number"], entry["by"], entry["released"]]),
        json!([{"kind": "exam", "attempt": id(&attempt)}, "测试考试", 1, null, true])
    );
    let own = learner.hours(YEAR).await.ok(200);
    for field in ["required", "earned", "qualified"] {
        assert_eq!(seen[field], own[field], "as the learner sees it: {field}");
    }
    assert_eq!(site.admin.get(&path).await.ok(200)["entries"], json!([]), "the present year");
    let _ = site.author.get(&path).await.problem(403, "forbidden");
    let _ = site.admin.get(&format!("/people/{}/hours", site.course_id)).await.problem(404, "not_found");
    let _ = site.admin.get(&format!("{path}?year=x")).await.problem(400, "invalid");
}
