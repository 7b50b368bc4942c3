//! Setting up and clearing up, through the public interface: learners, bank, course, exam or lesson, all of
//! them new and named after the run, so that a run touches nothing that was there before.

use crate::api::{Caller, later_text};
use crate::bank::Bank;
use crate::http::Target;
use crate::limits::{PEOPLE_PER_REQUEST, READ_BACK_AT_ONCE};
use crate::paper::{blueprint, sections};
use crate::progress::Bar;
use crate::scenario::Scenario;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The credit year of what is set up.
pub const YEAR: i32 = 2023;
/// What a pass, or the whole lesson, brings.
pub const HOURS: f64 = 5.0;
/// How long after everything stands the load begins.
const LEAD: Duration = Duration::from_secs(2);

/// Who sets up.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// The account.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// A learner of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The person's id.
    pub id: String,
    /// The account.
    pub username: String,
    /// Of the session.
    pub token: String,
}

/// What a run works on; the processes of a run share it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ground {
    /// The word in every key.
    pub canary: String,
    /// The bank's id.
    pub bank: String,
    /// The course's id.
    pub course: String,
    /// The exam's id; empty for lessons.
    pub exam: String,
    /// The lesson's id; empty for exams.
    pub lesson: String,
    /// Items of each kind in it.
    pub items_per_kind: u32,
    /// The author's id.
    pub author: String,
    /// Of a proctor, who reads the logs of lessons; empty for exams.
    pub proctor: String,
    /// The proctor's session.
    pub proctor_token: String,
    /// In hundredths.
    pub pass_score: i64,
    /// By their number in the plan.
    pub people: Vec<Person>,
    /// When the load begins: milliseconds of the Unix time.
    pub begins_at_ms: i64,
    /// How long it took to make people and to sign them in.
    pub people_seconds: f64,
    /// And of that the signing in.
    pub sign_in_seconds: f64,
}

/// How people are signed in.
#[derive(Clone, Copy, Debug)]
pub struct SignIn {
    /// At once; each costs the server a password hash.
    pub at_once: usize,
}

/// A word that nothing else holds.
fn word() -> String {
    let random: u64 = rand::random();
    format!("zk{random:016x}")
}

/// Sets everything up. People of an earlier run are used again where they are given. Whatever was made is in
/// `ground`, so that it can be cleared up even when something after it fails.
///
/// # Errors
/// The administrator cannot sign in, or the server refuses a part of it.
pub async fn prepare(
    target: &Arc<Target>,
    scenario: &Scenario,
    ground: &mut Ground,
    learners: usize,
    administrator: &Administrator,
    earlier: Vec<Person>,
    sign_in: SignIn,
) -> anyhow::Result<()> {
    let mut admin = Caller::new(target, 0, "keju-load-tests");
    admin.sign_in(&administrator.username, &administrator.password).await?;
    let run = word();
    let mut author = staff(&mut admin, target, &run, "author", &mut ground.author).await?;
    ground.items_per_kind = scenario.exam.items_per_kind;
    let bank = Bank::new(&ground.canary, ground.items_per_kind);
    ground.bank = make(&mut author, "/banks", &json!({"code": run, "title": "压测题库"})).await?;
    let report = author.import(&ground.bank, bank.json().to_string().as_bytes()).await?;
    if report["accepted"].as_u64() != Some(u64::from(bank.len())) {
        bail!("the bank was not taken whole: {report}");
    }
    let began = Instant::now();
    ground.people = still_signed_in(target, earlier, learners).await;
    let known = ground.people.len();
    create_people(&mut admin, &run, learners - known, &mut ground.people).await?;
    let signing = Instant::now();
    sign_in_all(target, &mut ground.people[known..], &run, sign_in.at_once).await?;
    ground.sign_in_seconds = signing.elapsed().as_secs_f64();
    ground.people_seconds = began.elapsed().as_secs_f64();
    match &scenario.lesson {
        Some(_) => {
            ground.proctor_token = staff(&mut admin, target, &run, "proctor", &mut ground.proctor).await?.token;
            lesson(&mut author, scenario, &run, ground).await?;
        }
        None => exam(&mut author, scenario, &run, ground).await?,
    }
    ground.begins_at_ms = (jiff::Timestamp::now() + LEAD).as_millisecond();
    Ok(())
}

/// Somebody of this role, signed in.
async fn staff(
    admin: &mut Caller,
    target: &Arc<Target>,
    run: &str,
    role: &'static str,
    id: &mut String,
) -> anyhow::Result<Caller> {
    let username = format!("{run}-{role}");
    let person = json!({"username": username, "name": "压测人员", "password": run, "roles": [role]});
    let made = admin.post("/people", &json!({"people": [person]}), 200).await?;
    if made["created"] != 1 {
        bail!("the {role} was not taken: {made}");
    }
    made["people"][0]["id"].as_str().with_context(|| format!("the {role} has no id"))?.clone_into(id);
    let mut caller = Caller::new(target, 0, "keju-load-tests");
    caller.sign_in(&username, run).await?;
    Ok(caller)
}

async fn make(author: &mut Caller, path: &str, body: &Value) -> anyhow::Result<String> {
    let made = author.post(path, body, 201).await?;
    Ok(made["id"].as_str().with_context(|| format!("POST {path}: no id in {made}"))?.to_owned())
}

async fn exam(author: &mut Caller, scenario: &Scenario, run: &str, ground: &mut Ground) -> anyhow::Result<()> {
    let course = json!({"code": run, "title": "压测课程", "subject": "public", "bucket": "compulsory",
                        "credit_year": YEAR, "hours": HOURS});
    ground.course = make(author, "/courses", &course).await?;
    let spec = &scenario.exam;
    let most: i64 = sections(spec).iter().map(|(_, _, count, points)| i64::from(*count) * points).sum();
    ground.pass_score = most * 6 / 10;
    // Nothing can be deleted: the exam closes by itself once everybody can have finished.
    let closes_s = spec.closes_after_s.map_or(scenario.seconds() + spec.duration_s, |seconds| seconds + LEAD.as_secs());
    let body = json!({
        "code": run, "title": "压力测试", "course": ground.course, "bank": ground.bank, "blueprint": blueprint(spec),
        "duration_ms": spec.duration_s * 1_000, "grace_ms": spec.grace_s * 1_000,
        "pass_score": ground.pass_score as f64 / 100.0, "attempts_max": 1, "cooldown_ms": 0,
        "opens_at": later_text(-3_600), "closes_at": later_text(i64::try_from(closes_s)?),
        "practice": "off", "review": "score",
    });
    ground.exam = make(author, "/exams", &body).await?;
    author.post(&format!("/exams/{}/publish", ground.exam), &json!({}), 200).await?;
    Ok(())
}

async fn lesson(author: &mut Caller, scenario: &Scenario, run: &str, ground: &mut Ground) -> anyhow::Result<()> {
    let course = json!({"code": run, "title": "压测专业课", "subject": "professional", "bucket": "compulsory",
                        "credit_year": YEAR, "hours": HOURS});
    ground.course = make(author, "/courses", &course).await?;
    let Some(spec) = &scenario.lesson else { return Ok(()) };
    let policy = serde_json::to_value(&spec.policy)?;
    let body = json!({"code": run, "course": ground.course, "title": "压测课时", "duration_ms": spec.duration_s * 1_000,
                      "bank": ground.bank, "policy": policy, "hours": HOURS});
    ground.lesson = make(author, "/lessons", &body).await?;
    Ok(())
}

/// As many of them as are wanted and still have a session.
async fn still_signed_in(target: &Arc<Target>, earlier: Vec<Person>, wanted: usize) -> Vec<Person> {
    let mut kept = Vec::new();
    let mut earlier = earlier.into_iter();
    while kept.len() < wanted {
        let part: Vec<Person> = earlier.by_ref().take(wanted - kept.len()).collect();
        if part.is_empty() {
            break;
        }
        let mut asking = JoinSet::new();
        for share in part.chunks(part.len().div_ceil(READ_BACK_AT_ONCE)) {
            let (target, share) = (Arc::clone(target), share.to_vec());
            asking.spawn(async move {
                let mut caller = Caller::new(&target, 0, "keju-load-tests");
                let mut kept = Vec::new();
                for person in share {
                    caller.token.clone_from(&person.token);
                    if caller.get("/me").await.is_ok() {
                        kept.push(person);
                    }
                }
                kept
            });
        }
        kept.extend(asking.join_all().await.into_iter().flatten());
    }
    kept
}

async fn create_people(admin: &mut Caller, run: &str, count: usize, people: &mut Vec<Person>) -> anyhow::Result<()> {
    let bar = Bar::new("making learners / 建立学员", count as u64);
    let known = people.len();
    let numbers: Vec<usize> = (0..count).collect();
    for part in numbers.chunks(PEOPLE_PER_REQUEST) {
        // One password for all: its hash is computed once.
        let person = |number: &usize| json!({"username": format!("{run}-{number}"), "name": "压测学员", "password": run, "roles": ["learner"]});
        let body = json!({"people": part.iter().map(person).collect::<Vec<_>>()});
        let made = admin.post("/people", &body, 200).await?;
        for created in made["people"].as_array().into_iter().flatten() {
            let text = |name: &str| created[name].as_str().unwrap_or_default().to_owned();
            people.push(Person { id: text("id"), username: text("username"), token: String::new() });
        }
        bar.to((people.len() - known) as u64);
    }
    if people.len() - known != count {
        bail!("{} of {count} learners were made", people.len() - known);
    }
    Ok(())
}

/// So many at a time: each sign-in costs the server some 20 ms of a core, by design.
async fn sign_in_all(
    target: &Arc<Target>,
    people: &mut [Person],
    password: &str,
    at_once: usize,
) -> anyhow::Result<()> {
    let bar = Arc::new(Bar::new("signing in / 登录", people.len() as u64));
    let next = Arc::new(AtomicUsize::new(0));
    let names: Arc<Vec<String>> = Arc::new(people.iter().map(|person| person.username.clone()).collect());
    let mut working = JoinSet::new();
    for _ in 0..at_once.max(1) {
        let (target, names, next, bar) = (Arc::clone(target), Arc::clone(&names), Arc::clone(&next), Arc::clone(&bar));
        let password = password.to_owned();
        working.spawn(async move {
            let mut caller = Caller::new(&target, 0, "keju-load-tests");
            let mut tokens = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(name) = names.get(index) else { return Ok(tokens) };
                caller.token = String::new();
                caller.sign_in(name, &password).await?;
                tokens.push((index, caller.token.clone()));
                bar.one();
            }
        });
    }
    while let Some(done) = working.join_next().await {
        let tokens: anyhow::Result<Vec<(usize, String)>> = done?;
        for (index, token) in tokens? {
            people[index].token = token;
        }
    }
    Ok(())
}

/// Clears up what can be: learners and author are disabled, which ends their sessions, and the bank's
/// items retired. Logs of attempts and hours are append-only by design and stay.
///
/// # Errors
/// The administrator cannot sign in, or is refused.
pub async fn clear(
    target: &Arc<Target>,
    ground: &Ground,
    administrator: &Administrator,
    keep_people: bool,
) -> anyhow::Result<()> {
    let mut admin = Caller::new(target, 0, "keju-load-tests");
    admin.sign_in(&administrator.username, &administrator.password).await?;
    if !ground.bank.is_empty() {
        let codes = Bank::new(&ground.canary, ground.items_per_kind).codes();
        let retired = json!({"codes": codes, "state": "retired"});
        admin.put(&format!("/banks/{}/items/state", ground.bank), &retired, 200).await?;
    }
    let learners = ground.people.iter().filter(|_| !keep_people).map(|person| &person.id);
    let bar = Bar::new("clearing up / 清理", if keep_people { 1 } else { ground.people.len() as u64 + 1 });
    let staff = [&ground.author, &ground.proctor].into_iter().filter(|id| !id.is_empty());
    for person in learners.chain(staff) {
        admin.put(&format!("/people/{person}/disabled"), &json!({"disabled": true}), 204).await?;
        bar.one();
    }
    Ok(())
}
