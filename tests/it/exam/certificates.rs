//! Certificates: from the fulfilled year to the paper, and what makes one fall.

use super::shape::{is_time, no_server_error};
use keju_tests::kit::site::{PASSWORD, YEAR};
use keju_tests::kit::{Backend, Client, Reply, Settings, Site, command_id, text};
use serde_json::{Value, json};
use std::collections::HashSet;

keju_tests::on_every_backend!(
    a_fulfilled_year_has_its_certificate_and_anybody_may_check_it,
    fifty_wishes_at_once_make_one_certificate,
    a_revoked_certificate_stays_revoked,
    corrected_hours_and_changed_rows_take_a_certificate_down,
);

/// An identity number of the standard's own examples.
const ID_NUMBER: &str = "11010519491231002X";

async fn holder(site: &Site, name: &str) -> Client {
    let person =
        json!({"username": name, "name": "张小三", "password": PASSWORD, "roles": ["learner"], "id_number": ID_NUMBER});
    assert_eq!(site.admin.post("/people", &json!({"people": [person]})).await.ok(200)["created"], 1);
    Client::sign_in(site.server.url(), "holder's phone", name, PASSWORD).await
}

async fn wish_by(learner: &Client, year: i32, command: &str) -> Reply {
    learner.post("/me/certificates", &json!({"command_id": command, "year": year})).await
}

async fn wish(learner: &Client) -> Reply {
    wish_by(learner, YEAR, &command_id()).await
}

/// What anybody is told of a number.
async fn told(site: &Site, number: &str) -> Value {
    let anybody = Client::new(site.server.url(), "an employer");
    anybody.get(&format!("/certificates/{number}")).await.ok(200)
}

async fn revoke(admin: &Client, number: &Value, reissue: bool) -> Reply {
    let path = format!("/certificates/{}/revocation", text(number));
    admin.post(&path, &json!({"reason": "姓名有误", "reissue": reissue})).await
}

async fn a_fulfilled_year_has_its_certificate_and_anybody_may_check_it(backend: Backend) {
    let config = Some("public_url = \"https://jxjy.example.cn/\"".to_owned());
    let bank = keju_tests::kit::Bank::generated(12, false);
    let site = Site::start_with(Settings { config, ..backend.settings() }, bank).await;
    let (learner, exams) = (holder(&site, "holder").await, site.year_of_exams().await);
    for exam in &exams {
        wish(&learner).await.problem(409, "not_qualified");
        site.take(&learner, exam, 2).await;
    }
    let command = command_id();
    let issued = wish_by(&learner, YEAR, &command).await;
    assert!(!issued.is_replayed());
    let issued = issued.ok(201);
    let shown = json!([issued["state"], issued["year"], issued["issue"], issued["holder"], issued["id_number"]]);
    assert_eq!(shown, json!(["valid", YEAR, 1, "张小三", "110105********002X"]));
    assert_eq!(issued["hours"], learner.hours(YEAR).await.ok(200)["earned"]);
    is_time(&issued["issued_at"]);
    let number = text(&issued["number"]);
    assert_eq!(issued["verify_url"], format!("https://jxjy.example.cn/verify/{number}"));
    assert!(issued["qr"]["size"].as_u64() >= Some(29) && text(&issued["qr"]["path"]).starts_with("M0 0h7v1h-7z"));

    let again = wish_by(&learner, YEAR, &command).await;
    assert!(again.is_replayed());
    assert_eq!(again.ok(201), issued, "a repeat");
    let second = wish(&learner).await;
    assert!(second.is_replayed());
    assert_eq!(second.ok(201), issued, "there is one a year");
    wish_by(&learner, YEAR + 1, &command).await.problem(422, "idempotency_mismatch");
    wish_by(&learner, YEAR + 1, &command_id()).await.problem(409, "not_qualified");
    assert_eq!(learner.get("/me/certificates").await.ok(200), json!({"items": [issued], "next": null}));
    assert_eq!(site.learner().await.get("/me/certificates").await.ok(200)["items"], json!([]));

    let checked = told(&site, number).await;
    assert_eq!(json!([checked["state"], checked["holder"], checked["number"]]), json!(["valid", "张*三", number]));
    assert_eq!(json!([checked["id_number"], checked["hours"]]), json!([issued["id_number"], issued["hours"]]));
    let typed = number.to_lowercase().replace('-', "");
    assert_eq!(told(&site, &typed).await, checked, "as people type it");
    for nothing in ["00000-00000-00000-00000", "x", "%FF", "张小三"] {
        assert_eq!(told(&site, nothing).await, json!({"state": "unknown"}), "{nothing}");
    }
    for secret in ["张小三", ID_NUMBER, &learner.person] {
        assert!(!checked.to_string().contains(secret), "{secret} is told to anybody");
    }
    numbers_are_not_tried_out(&site).await;
}

async fn numbers_are_not_tried_out(site: &Site) {
    let guesser = Client::new(site.server.url(), "a guesser");
    for _ in 0..1_000 {
        let guess = guesser.get("/certificates/00000-00000-00000-00000").await;
        if guess.status != 200 {
            guess.problem(429, "rate_limited");
            return;
        }
    }
    panic!("a thousand numbers were tried out by one address");
}

async fn fifty_wishes_at_once_make_one_certificate(backend: Backend) {
    let site = Site::start_on(backend).await;
    let learner = holder(&site, "holder").await;
    for exam in site.year_of_exams().await {
        site.take(&learner, &exam, 2).await;
    }
    let mut wishes = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let learner = learner.clone();
        wishes.spawn(async move { wish(&learner).await });
    }
    let replies = wishes.join_all().await;
    no_server_error(&replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    assert_eq!(replies.iter().filter(|reply| !reply.is_replayed()).count(), 1, "one was first");
    let numbers: HashSet<String> = replies.into_iter().map(|reply| text(&reply.ok(201)["number"]).to_owned()).collect();
    assert_eq!(numbers.len(), 1);
    let audit = site.admin.get("/audit?limit=500").await.ok(200);
    let issued = audit["items"].as_array().into_iter().flatten().filter(|record| record["act"] == "certificate.issue");
    assert_eq!(issued.count(), 1);
}

async fn a_revoked_certificate_stays_revoked(backend: Backend) {
    let site = Site::start_on(backend).await;
    let learner = holder(&site, "holder").await;
    for exam in site.year_of_exams().await {
        site.take(&learner, &exam, 2).await;
    }
    let first = wish(&learner).await.ok(201);
    revoke(&learner, &first["number"], true).await.problem(403, "forbidden");
    revoke(&site.admin, &json!("00000-00000-00000-00000"), true).await.problem(404, "not_found");
    let path = format!("/certificates/{}/revocation", text(&first["number"]));
    let mute = site.admin.post(&path, &json!({"reason": " ", "reissue": true})).await.problem(400, "invalid");
    assert_eq!(mute["errors"][0]["pointer"], "/reason");
    let revoked = revoke(&site.admin, &first["number"], true).await.ok(200);
    assert_eq!(json!([revoked["state"], revoked["revoked"]["by"]]), json!(["revoked", site.admin.person]));
    revoke(&site.admin, &first["number"], false).await.problem(409, "wrong_state");
    let checked = told(&site, text(&first["number"])).await;
    assert_eq!(checked["state"], "revoked");
    assert!(!checked.to_string().contains("姓名有误"), "why is no business of the public");
    let own = learner.get("/me/certificates").await.ok(200);
    assert_eq!(own["items"][0]["revoked"]["reason"], "姓名有误");
    assert_eq!(own["items"][0]["revoked"].get("by"), None);

    let second = wish(&learner).await.ok(201);
    assert_eq!(json!([second["issue"], second["state"]]), json!([2, "valid"]));
    assert_ne!(second["number"], first["number"]);
    revoke(&site.admin, &second["number"], false).await.ok(200);
    wish(&learner).await.problem(409, "certificate_revoked");
    let path = format!("/people/{}/certificates", learner.person);
    let listed = site.admin.get(&path).await.ok(200);
    let states: Vec<&Value> = listed["items"].as_array().into_iter().flatten().map(|one| &one["state"]).collect();
    assert_eq!(states, ["revoked", "revoked"]);
    let audit = site.admin.get("/audit?limit=500").await.ok(200);
    let revocations =
        audit["items"].as_array().into_iter().flatten().filter(|record| record["act"] == "certificate.revoke");
    let named: Vec<&Value> = revocations.map(|record| &record["actor"]).collect();
    assert_eq!(named, [&json!(site.admin.person), &json!(site.admin.person)]);
}

/// Runs SQL on the site's data, as whoever owns the machine could.
fn by_hand(site: &Site, backend: Backend, sql: &str) {
    match backend {
        Backend::Postgres => drop(site.server.postgres().sql(sql)),
        Backend::Sqlite => {
            let done = rusqlite::Connection::open(site.server.database()).and_then(|file| file.execute_batch(sql));
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

async fn corrected_hours_and_changed_rows_take_a_certificate_down(backend: Backend) {
    let site = Site::start_on(backend).await;
    let learner = holder(&site, "holder").await;
    for exam in site.year_of_exams().await {
        site.take(&learner, &exam, 2).await;
    }
    let first = wish(&learner).await.ok(201);
    let number = text(&first["number"]);
    // A counter-entry of one hour: what is left is not enough.
    let some_id = match backend {
        Backend::Postgres => "gen_random_uuid()",
        Backend::Sqlite => "randomblob(16)",
    };
    let counter = format!(
        "INSERT INTO ledger (learner, credit_year, id, course, subject, obligation, hours, source, at) \
         SELECT learner, credit_year, {some_id}, course, subject, obligation, -100, source, at FROM ledger \
         WHERE subject = 'professional' AND obligation = 'elective'"
    );
    by_hand(&site, backend, &counter);
    assert_eq!(told(&site, number).await["state"], "hours_short");
    wish(&learner).await.problem(409, "not_qualified");
    // Hours come back by another course, and fewer of them are on the next certificate.
    let course = site.course(&json!({"subject": "professional", "bucket": "elective", "hours": 1})).await;
    let mut rules = keju_tests::kit::rules::short_rules(2);
    rules["course"] = json!(course);
    let exam = site.exam(&rules).await;
    site.take(&learner, &exam, 2).await;
    assert_eq!(told(&site, number).await["state"], "valid");
    assert_eq!(wish(&learner).await.ok(201)["number"], first["number"]);

    let unguarded = match backend {
        Backend::Postgres => "ALTER TABLE certificates DISABLE TRIGGER certificates_unchanged",
        Backend::Sqlite => "DROP TRIGGER certificates_no_update",
    };
    by_hand(&site, backend, &format!("{unguarded}; UPDATE certificates SET holder = '李四'"));
    assert_eq!(told(&site, number).await, json!({"state": "altered"}));
    assert_eq!(learner.get("/me/certificates").await.ok(200)["items"][0]["state"], "altered");
}
