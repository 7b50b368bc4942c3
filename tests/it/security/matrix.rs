//! Route × role × ownership: what every role gets at every documented operation. The table is compared with
//! the served document, so that a route which is missing here, or gone there, fails.

use super::support::{STAFF, operations, person, site};
use super::wire::Ask;
use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Client, Site, command_id, from_now, id};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use ws_gateway::http::pages::PAGES;

/// The columns: nobody, the learner whose attempt it is, another learner, then the staff.
const WHO: [&str; 10] = [
    "nobody",
    "owner",
    "other",
    "author",
    "proctor",
    "unit_admin",
    "district_admin",
    "city_admin",
    "admin",
    "operator",
];

/// What stands in paths and bodies.
struct Things {
    exam: String,
    attempt: String,
    bank: String,
    course: String,
    lesson: String,
    partner: String,
    /// Somebody to be disabled.
    victim: String,
    owner: String,
    username: String,
}

/// A row: an operation, a request of it, and the verdicts in the order of [`WHO`]:
/// `+` let in, `u` 401, `f` 403, `n` 404.
struct Row(&'static str, &'static str, fn(&Things) -> Value, &'static str);

const EVERYBODY: &str = "++++++++++";
const SIGNED_IN: &str = "u+++++++++";
const LEARNERS: &str = "u++fffffff";
const OWNER: &str = "u+nnnnnnnn";
const AUTHORS: &str = "uff+ffff+f";
const PROCTORS: &str = "ufff+fff+f";
const REVIEWERS: &str = "ufff+ff++f";
/// Proctors look for it, and the person never opened the lesson.
const UNOPENED: &str = "ufffnfffnf";
const ADMINS: &str = "ufffffff+f";
/// Administrators look for it, and there is none.
const NO_UNIT: &str = "ufffffffnf";
/// Those who oversee people: of nobody here, for nobody has a unit; what they may not know of is hidden.
const OVERSEERS: &str = "uffff++++f";
const OVERSEEN: &str = "uffffnnn+f";
const WATCHERS: &str = "ufff+++++f";
const READERS_OF_THE_LOG: &str = "uffffff++f";

fn nothing(_: &Things) -> Value {
    Value::Null
}

/// Handing in and signing out come last: what is before them needs the attempt and the sessions.
const TABLE: &[Row] = &[
    Row("POST", "/api/v1/session", |t| json!({"username": t.username, "password": PASSWORD}), EVERYBODY),
    Row("GET", "/api/v1/me", nothing, SIGNED_IN),
    Row("GET", "/api/v1/me/hours", nothing, SIGNED_IN),
    Row("GET", "/api/v1/me/attempts", nothing, SIGNED_IN),
    Row("POST", "/api/v1/me/password", |_| json!({"password": "not the one", "new_password": "x"}), SIGNED_IN),
    Row("GET", "/api/v1/me/certificates", nothing, SIGNED_IN),
    Row("POST", "/api/v1/me/certificates", |_| json!({"command_id": command_id(), "year": 2023}), LEARNERS),
    Row("GET", "/api/v1/certificates/{certificate}", nothing, EVERYBODY),
    Row("POST", "/api/v1/certificates/{certificate}/revocation", |_| json!({"reason": "", "reissue": false}), ADMINS),
    Row("GET", "/api/v1/people/{person}/certificates", nothing, ADMINS),
    Row("GET", "/api/v1/me/notebook", nothing, SIGNED_IN),
    Row("DELETE", "/api/v1/me/notebook/{attempt}/{slot}", nothing, OWNER),
    Row("GET", "/api/v1/courses", nothing, SIGNED_IN),
    Row(
        "POST",
        "/api/v1/courses",
        |_| json!({"code": "", "title": "", "subject": "public", "bucket": "elective", "credit_year": 2023, "hours": 1}),
        AUTHORS,
    ),
    Row("GET", "/api/v1/lessons", nothing, SIGNED_IN),
    Row("GET", "/api/v1/lessons/{lesson}", nothing, SIGNED_IN),
    Row("POST", "/api/v1/lessons", lesson_body, AUTHORS),
    Row("PUT", "/api/v1/courses/{course}/lessons", |_| json!({"lessons": []}), AUTHORS),
    Row("GET", "/api/v1/people/{person}/lessons/{lesson}/timeline", nothing, UNOPENED),
    Row("GET", "/api/v1/partners", nothing, ADMINS),
    Row("POST", "/api/v1/partners", |_| json!({"name": ""}), ADMINS),
    Row("DELETE", "/api/v1/partners/{partner}", nothing, ADMINS),
    // A session's token is no partner's key.
    Row("POST", "/api/v1/partner/tickets", |t| json!({"learner": t.owner, "lesson": t.lesson}), "uuuuuuuuuu"),
    Row("GET", "/api/v1/exams", nothing, SIGNED_IN),
    Row("GET", "/api/v1/exams/{exam}", nothing, SIGNED_IN),
    Row("GET", "/api/v1/exams/{exam}/topics", nothing, SIGNED_IN),
    Row("POST", "/api/v1/exams", exam_body, AUTHORS),
    Row("PUT", "/api/v1/exams/{exam}", exam_body, AUTHORS),
    Row("GET", "/api/v1/authored/exams", nothing, AUTHORS),
    Row("GET", "/api/v1/authored/exams/{exam}", nothing, AUTHORS),
    Row("GET", "/api/v1/authored/exams/{exam}/sample", nothing, AUTHORS),
    Row("GET", "/api/v1/authored/exams/{exam}/analysis", nothing, AUTHORS),
    Row("GET", "/api/v1/authored/exams/{exam}/analysis/export", nothing, AUTHORS),
    Row("POST", "/api/v1/exams/{exam}/publish", nothing, AUTHORS),
    Row("PUT", "/api/v1/exams/{exam}/release", |_| json!({"results_at": null}), AUTHORS),
    Row(
        "POST",
        "/api/v1/exams/{exam}/overrides",
        |t| json!({"person": t.owner, "extra_ms": 1, "reason": "测试"}),
        AUTHORS,
    ),
    Row("POST", "/api/v1/exams/{exam}/attempts", |_| json!({"command_id": command_id(), "mode": "exam"}), LEARNERS),
    Row("GET", "/api/v1/attempts/{attempt}", nothing, OWNER),
    Row(
        "PUT",
        "/api/v1/attempts/{attempt}/answers/{slot}",
        |_| json!({"command_id": command_id(), "response": null}),
        OWNER,
    ),
    Row("POST", "/api/v1/attempts/{attempt}/answers", |_| json!({"answers": []}), OWNER),
    Row(
        "POST",
        "/api/v1/attempts/{attempt}/signals",
        |_| json!({"signals": [{"kind": "blur", "at": from_now(0)}]}),
        OWNER,
    ),
    Row("GET", "/api/v1/attempts/{attempt}/result", nothing, OWNER),
    Row("POST", "/api/v1/tickets", |t| json!({"purpose": "attempt", "id": t.attempt}), OWNER),
    Row("POST", "/api/v1/tickets", |t| json!({"purpose": "proctor", "id": t.exam}), PROCTORS),
    // Without a handshake; whom a socket is for is asked by its first message.
    Row("GET", "/api/v1/stream", nothing, EVERYBODY),
    Row("POST", "/api/v1/receipts/verify", |_| json!({"receipt": "x"}), SIGNED_IN),
    Row("GET", "/api/v1/exams/{exam}/sessions", nothing, WATCHERS),
    Row("GET", "/api/v1/exams/{exam}/results", nothing, OVERSEERS),
    Row("GET", "/api/v1/exams/{exam}/results/export", nothing, OVERSEERS),
    Row("GET", "/api/v1/exams/{exam}/overrides", nothing, AUTHORS),
    Row("GET", "/api/v1/attempts/{attempt}/timeline", nothing, PROCTORS),
    Row(
        "POST",
        "/api/v1/attempts/{attempt}/actions",
        |_| json!({"command_id": command_id(), "action": "warn", "reason": "测试"}),
        PROCTORS,
    ),
    Row(
        "POST",
        "/api/v1/attempts/{attempt}/case",
        |_| json!({"command_id": command_id(), "reason": "测试"}),
        REVIEWERS,
    ),
    Row("GET", "/api/v1/cases", nothing, REVIEWERS),
    Row("GET", "/api/v1/cases/{case}", nothing, REVIEWERS),
    Row(
        "POST",
        "/api/v1/cases/{case}/decisions",
        |_| json!({"command_id": command_id(), "decision": "cleared", "reason": "测试"}),
        REVIEWERS,
    ),
    Row("GET", "/api/v1/banks", nothing, AUTHORS),
    Row("POST", "/api/v1/banks", |_| json!({"code": "", "title": ""}), AUTHORS),
    Row("GET", "/api/v1/banks/{bank}/items", nothing, AUTHORS),
    Row("POST", "/api/v1/banks/{bank}/items", |_| json!({}), AUTHORS),
    Row("PUT", "/api/v1/banks/{bank}/items", |_| json!({}), AUTHORS),
    Row("GET", "/api/v1/banks/{bank}/strata", nothing, AUTHORS),
    Row("PUT", "/api/v1/banks/{bank}/items/state", |_| json!({"codes": [], "state": "ready"}), AUTHORS),
    Row("GET", "/api/v1/banks/{bank}/export", nothing, AUTHORS),
    Row("POST", "/api/v1/banks/{bank}/imports", |_| json!("upload"), AUTHORS),
    Row("GET", "/api/v1/templates/items.xlsx", nothing, AUTHORS),
    Row("GET", "/api/v1/people", nothing, OVERSEERS),
    Row("GET", "/api/v1/people/export", nothing, OVERSEERS),
    Row("GET", "/api/v1/people/{person}/hours", nothing, OVERSEEN),
    Row("GET", "/api/v1/hours/export", nothing, OVERSEERS),
    Row("GET", "/api/v1/units", nothing, OVERSEERS),
    Row("PUT", "/api/v1/units", |_| json!({"units": []}), ADMINS),
    Row("DELETE", "/api/v1/units/{code}", nothing, NO_UNIT),
    Row("POST", "/api/v1/people", |_| json!({"people": []}), ADMINS),
    Row("GET", "/api/v1/templates/people.xlsx", nothing, ADMINS),
    Row("POST", "/api/v1/people/imports", |_| json!("upload"), ADMINS),
    Row("PUT", "/api/v1/people/{person}", |_| json!({"name": "某人", "roles": ["learner"]}), ADMINS),
    Row("POST", "/api/v1/people/{person}/password", nothing, ADMINS),
    Row("PUT", "/api/v1/people/{person}/disabled", |_| json!({"disabled": true}), ADMINS),
    Row("GET", "/api/v1/audit", nothing, READERS_OF_THE_LOG),
    Row("POST", "/api/v1/attempts/{attempt}/submission", |_| json!({"command_id": command_id()}), OWNER),
    Row("DELETE", "/api/v1/session", nothing, SIGNED_IN),
];

/// Complete but for its code.
fn lesson_body(things: &Things) -> Value {
    json!({"code": "", "title": "", "course": things.course, "bank": things.bank, "duration_ms": 600_000})
}

/// Complete, so that nothing but the role decides.
fn exam_body(things: &Things) -> Value {
    let mut body = keju_tests::kit::rules::default_rules();
    body["code"] = json!("");
    body["course"] = json!(things.course);
    body["bank"] = json!(things.bank);
    body
}

/// Pages and operations outside the document, open to everybody, as the sources have them.
const UNDOCUMENTED: [&str; 9] = [
    "/assets/{version}/{*path}",
    "/asyncapi.json",
    "/healthz",
    "/lesson/",
    "/lesson/{file}",
    "/metrics",
    "/readyz",
    "/sdk/{file}",
    "/sw.js",
];
/// Those that lead on to a page.
const REDIRECTS: [&str; 1] = ["/lesson"];
/// The documents themselves.
const DOCUMENTS: [&str; 2] = ["/docs/", "/openapi.json"];

async fn tokens(site: &Site, owner: &Client) -> Vec<Option<String>> {
    let mut tokens = vec![None, Some(owner.token().to_owned()), Some(site.learner().await.token().to_owned())];
    for role in STAFF {
        tokens.push(Some(person(site, &format!("the-{role}"), &[role]).await.token().to_owned()));
    }
    assert_eq!(tokens.len(), WHO.len());
    tokens
}

fn ask(row: &Row, things: &Things, token: Option<&str>) -> Ask {
    let path = row
        .1
        .replace("{exam}", &things.exam)
        .replace("{attempt}", &things.attempt)
        .replace("{case}", &things.attempt)
        .replace("{bank}", &things.bank)
        .replace("{course}", &things.course)
        .replace("{lesson}", &things.lesson)
        .replace("{partner}", &things.partner)
        .replace("{person}", &things.victim)
        .replace("{certificate}", "00000-00000-00000-00000")
        .replace("{code}", "370399")
        .replace("{slot}", "1");
    let ask = match (row.2)(things) {
        Value::Null => Ask::new(row.0, path),
        Value::String(_) => Ask::new(row.0, path).upload("x.txt", "gift", b"x"),
        body => Ask::new(row.0, path).json(&body),
    };
    token.map_or(ask.clone(), |token| ask.bearer(token))
}

fn verdict(status: u16) -> char {
    match status {
        401 => 'u',
        403 => 'f',
        404 => 'n',
        200..=299 | 400 | 409 => '+',
        _ => '?',
    }
}

#[tokio::test]
async fn route_by_role_by_ownership() {
    let site = site().await;
    let documented: BTreeSet<_> = operations(&site.admin).await.into_iter().collect();
    let listed: BTreeSet<_> = TABLE.iter().map(|row| (row.0.to_owned(), row.1.to_owned())).collect();
    assert_eq!(listed, documented, "the table and the document differ");

    let owner = site.learner().await;
    let exam = site.exam(&json!({})).await;
    let things = Things {
        attempt: id(&owner.start(&exam, "exam").await.ok(201)),
        exam,
        bank: site.bank_id.clone(),
        course: site.course_id.clone(),
        lesson: site.lesson(&json!({})).await,
        partner: id(&site.admin.post("/partners", &json!({"name": "伙伴"})).await.ok(201)),
        victim: site.learner().await.person,
        owner: owner.person.clone(),
        username: owner.username.clone(),
    };
    let tokens = tokens(&site, &owner).await;
    let mut wrong = Vec::new();
    for row in TABLE {
        for ((who, token), expected) in WHO.iter().zip(&tokens).zip(row.3.chars()) {
            let answer = ask(row, &things, token.as_deref()).send(site.server.address());
            if verdict(answer.status) != expected {
                wrong.push(format!(
                    "{} {} as {who}: {} {}, not {expected}",
                    row.0,
                    row.1,
                    answer.status,
                    answer.code()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn routes_outside_the_document_are_listed() {
    let site = site().await;
    let mut routes = BTreeSet::new();
    routes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../ws-gateway/src"), &mut routes);
    assert_eq!(routes, UNDOCUMENTED.into_iter().chain(REDIRECTS).map(str::to_owned).collect());
    for path in REDIRECTS {
        Ask::new("GET", path).send(site.server.address()).expect(308);
    }
    for path in UNDOCUMENTED.into_iter().chain(DOCUMENTS).chain(PAGES) {
        let path = path.replace("{version}", "x").replace("{*path}", "style.css");
        let path = path.replace("/sdk/{file}", "/sdk/exam-lesson.js").replace("/lesson/{file}", "/lesson/index.html");
        let path = &path.replace(['{', '}'], "");
        Ask::new("GET", path).send(site.server.address()).expect(200);
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            Ask::new(method, path).send(site.server.address()).expect(405);
        }
    }
    for path in ["/api", "/api/v1", "/api/v1/", "/api/v2/me", "/admin", "/debug/pprof", "/.env", "/.git/config"] {
        Ask::new("GET", path).bearer(site.admin.token()).send(site.server.address()).refused(404, "not_found");
    }
}

/// Every path that the sources route by hand.
fn routes_in(folder: &Path, routes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes_in(&path, routes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let after = text.split(".route(").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
            routes.extend(after.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
}

#[tokio::test]
async fn methods_that_are_not_documented_are_refused() {
    let site = site().await;
    let documented: BTreeSet<_> = operations(&site.admin).await.into_iter().collect();
    let paths: BTreeSet<_> = documented.iter().map(|(_, path)| path.clone()).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
            if documented.contains(&(method.to_owned(), path.clone())) {
                continue;
            }
            let here = path.replace(['{', '}'], "");
            let ask = Ask::new(method, here).bearer(site.admin.token()).header("X-HTTP-Method-Override", "GET");
            ask.send(site.server.address()).refused(405, "method_not_allowed");
        }
    }
}
