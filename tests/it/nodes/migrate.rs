//! A site that was lived in moves from its file into PostgreSQL, and nobody notices but its operator.

use keju_tests::kit::player::{Player, Stop};
use keju_tests::kit::rules::short_rules;
use keju_tests::kit::server::{Postgres, keju, run};
use keju_tests::kit::site::YEAR;
use keju_tests::kit::{Backend, Client, Server, Settings, Site, Stream, eventually, id, number, slots, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Exit code and everything said.
fn migrate(folder: &Path, from: &str, to: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = keju(folder);
    command.args(["migrate", "--from", from, "--to", to]).args(more);
    let output = run(command, b"");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code(), said)
}

#[track_caller]
fn expect((code, said): (Option<i32>, String), wanted: i32, words: &[&str]) -> String {
    assert_eq!(code, Some(wanted), "{said}");
    for words in words {
        assert!(said.contains(words), "not said: {words}\n{said}");
    }
    said
}

/// What happened at the site before it moved.
struct Life {
    site: Site,
    exam: String,
    /// Attempts by how they ended, each with its learner.
    attempts: Vec<(Client, Value)>,
    receipts: Vec<Value>,
    lesson: String,
    lesson_halfway: Client,
}

impl Life {
    /// Attempts in every state, practice, an exception, a regrade's key, lessons begun and completed, a partner who
    /// does not answer, people who were disabled.
    async fn live() -> Self {
        let site = Site::start().await;
        let exam = site.exam(&json!({})).await;
        let mut brief = short_rules(2);
        brief["duration_ms"] = json!(1_000);
        brief["grace_ms"] = json!(0);
        let brief = site.exam(&brief).await;
        let mut attempts = Vec::new();
        let mut receipts = Vec::new();
        for (place, learner) in site.learners(6).await.into_iter().enumerate() {
            let attempt = learner.start(if place == 5 { &brief } else { &exam }, "exam").await.ok(201);
            if place < 5 {
                receipts.extend(site.answer_all(&learner, &attempt, if place == 2 { 1 } else { 9 }).await);
            }
            match place {
                1 | 2 => drop(learner.submit(&id(&attempt)).await.ok(200)),
                3 => drop(site.proctor.act(&id(&attempt), "pause", "核对身份", None).await.ok(200)),
                4 => drop(site.proctor.act(&id(&attempt), "terminate", "替考", None).await.ok(200)),
                5 => {
                    let expired = async || {
                        let read = learner.attempt(&id(&attempt)).await.ok(200);
                        (read["state"] == "expired").then_some(())
                    };
                    eventually("an expired attempt", Duration::from_secs(20), expired).await;
                }
                _ => {}
            }
            attempts.push((learner, attempt));
        }
        let learner = &attempts[2].0;
        site.make_exception(&exam, learner, &json!({"attempts_max": 5})).await;
        let practice = learner.start(&exam, "practice").await.ok(201);
        site.answer_all(learner, &practice, 4).await;
        let (lesson, lesson_halfway) = Self::study(&site).await;
        Self { site, exam, attempts, receipts, lesson, lesson_halfway }
    }

    /// One learner completes a lesson for a partner, one is in the middle of it.
    async fn study(site: &Site) -> (String, Client) {
        let lesson = site.lesson(&json!({"hours": 2.5})).await;
        let package = json!({"lessons": [lesson]});
        let course = site.course(&json!({"subject": "professional"})).await;
        let listed = site.author.put(&format!("/courses/{course}/lessons"), &package).await;
        assert_eq!(listed.status, 204, "{}", listed.text());
        let [whole, halfway] = <[Client; 2]>::try_from(site.learners(2).await).unwrap_or_else(|_| panic!("two"));
        let draft = json!({"name": "伙伴", "webhook_url": "http://127.0.0.1:1/nobody"});
        let made = site.admin.post("/partners", &draft).await.ok(201);
        let wanted = json!({"learner": whole.username, "lesson": lesson});
        let minted = whole.with_token(Some(text(&made["key"]))).post("/partner/tickets", &wanted).await.ok(201);
        let mut stream = Stream::open(site.server.url()).await;
        stream.say(&json!({"t": "hello", "ticket": minted["ticket"]})).await;
        let finishing = async { Player::on(stream).await.finish(&site.bank).await };
        let playing = async {
            let mut player = Player::open(&halfway, &lesson).await;
            assert!(matches!(player.play(i64::MAX).await, Stop::Challenge(_)));
        };
        let (done, ()) = tokio::join!(finishing, playing);
        assert_eq!(done["hours_granted"], 2.5);
        (lesson, halfway)
    }

    /// What everybody sees, at whichever server.
    async fn seen(&self, base: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        for (learner, attempt) in &self.attempts {
            let learner = learner.at(base);
            let path = format!("/attempts/{}/result", id(attempt));
            let mut read = learner.attempt(&id(attempt)).await.ok(200);
            for moving in ["server_time", "remaining_ms"] {
                read[moving] = Value::Null;
            }
            seen.extend([read, learner.get(&path).await.json, learner.hours(YEAR).await.ok(200)]);
            let mut exam = learner.exam(&self.exam).await.ok(200);
            exam["server_time"] = Value::Null;
            seen.push(exam);
        }
        let (author, proctor, admin) =
            (self.site.author.at(base), self.site.proctor.at(base), self.site.admin.at(base));
        seen.push(author.get("/banks").await.ok(200));
        seen.push(author.get("/courses").await.json);
        for (_, attempt) in &self.attempts {
            seen.push(proctor.timeline(&id(attempt)).await.ok(200));
        }
        seen.push(admin.get("/audit?limit=500").await.ok(200));
        seen.push(self.lesson_halfway.at(base).get(&format!("/lessons/{}", self.lesson)).await.ok(200));
        seen
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_was_lived_in_moves_and_goes_on() {
    let mut life = Life::live().await;
    let folder = life.site.server.folder().to_owned();
    let from = life.site.server.database_url();
    let postgres = Postgres::start();
    let to = postgres.url.clone();
    // Beside the running server: looked at, and nothing else.
    expect(migrate(&folder, &from, &to, &[]), 1, &["in use by another server"]);
    expect(migrate(&folder, &from, &to, &["--dry-run"]), 0, &["everything fits", "nothing was moved"]);
    assert_eq!(postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    let before = life.seen(life.site.server.url()).await;
    life.site.server.terminate();
    let said = expect(migrate(&folder, &from, &to, &[]), 0, &["moved to", "all chains hold", "start no server on it"]);
    for table in ["attempts 7", "lesson_progress 2", "studies 2", "outbox 1", "partners 1", "overrides 1"] {
        assert!(said.contains(table), "{table}:\n{said}");
    }
    expect(migrate(&folder, &from, &to, &["--verify"]), 0, &["holds what the file holds"]);
    expect(migrate(&folder, &from, &to, &[]), 1, &["there is a site in that database already", "nothing was moved"]);

    let server = Server::start_with(Settings { postgres: Some(postgres.clone()), ..Settings::default() });
    assert!(!server.stdout().contains("one-time password"), "it has its administrator");
    let after = life.seen(server.url()).await;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    goes_on(&life, &server).await;
    let mut command = keju(&folder);
    command.args(["audit", "verify"]).env("KEJU_DATABASE", &to);
    let audited = run(command, b"");
    assert!(String::from_utf8_lossy(&audited.stdout).contains("all chains hold"));
    // What happened since is not in the file.
    expect(migrate(&folder, &from, &to, &["--verify"]), 1, &["FAULT steps has"]);
}

/// Sessions, receipts, open attempts, numbers and partners' deliveries as if nothing had been.
async fn goes_on(life: &Life, server: &Server) {
    let (learner, attempt) = &life.attempts[0];
    let learner = learner.at(server.url());
    let mut slots = slots(attempt);
    let slot = slots.remove(0);
    for receipt in life.receipts.iter().filter(|receipt| receipt["attempt"].is_null()).take(1) {
        assert!(receipt["receipt"].is_string(), "{receipt}");
    }
    let check = json!({"receipt": life.receipts[0]["receipt"], "attempt": id(attempt), "response": life.site.bank.right(&slot)});
    let checked = learner.verify_receipt(&check).await.ok(200);
    assert_eq!(json!([checked["valid"], checked["kept"]]), json!([true, true]), "{checked}");
    let wrong = life.site.bank.wrong(&slot);
    learner.answer(&id(attempt), number(&slot), &wrong).await.ok(200);
    let result = learner.submit(&id(attempt)).await.ok(200);
    assert_eq!(json!([result["state"], result["hours_granted"]]), json!(["submitted", 5]), "{result}");
    // Who was paused is resumed and hands in.
    let (paused, attempt) = &life.attempts[3];
    life.site.proctor.at(server.url()).act(&id(attempt), "resume", "已核对", None).await.ok(200);
    assert_eq!(paused.at(server.url()).submit(&id(attempt)).await.ok(200)["score"], 100);
    // Numbers go on where they were.
    let exception = json!({"person": life.attempts[1].0.person, "reason": "补考", "attempts_max": 9});
    let path = format!("/exams/{}/overrides", life.exam);
    life.site.author.at(server.url()).post(&path, &exception).await.ok(201);
    let again = life.attempts[1].0.at(server.url()).start(&life.exam, "exam").await.ok(201);
    assert_eq!(again["number"], 2);
    let sample = life.site.bank.bytes();
    let bank = id(&life
        .site
        .author
        .at(server.url())
        .post("/banks", &json!({"code": "after", "title": "搬迁后"}))
        .await
        .ok(201));
    let imported = life.site.author.at(server.url()).import(&bank, "bank.json", sample, "auto", false).await.ok(200);
    assert_eq!(imported["refused"], 0, "{imported}");
    // The lesson goes on from its open challenge.
    let mut player = Player::open(&life.lesson_halfway.at(server.url()), &life.lesson).await;
    let open = player.welcome["challenge"].clone();
    assert!(open.is_object(), "{}", player.welcome);
    player.answer(&open, &life.site.bank.right(&open)).await;
    assert_eq!(player.until("verdict").await["correct"], true);
    assert_eq!(player.finish(&life.site.bank).await["hours_granted"], 2.5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_moved_is_told_and_nothing_is_left_behind() {
    let mut site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let (attempt, _) = site.take(&learner, &exam, 9).await;
    site.server.terminate();
    let folder = site.server.folder().to_owned();
    let from = site.server.database_url();
    let postgres = Postgres::start();
    let to = postgres.url.clone();
    let is_empty = || assert_eq!(postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    for (from, to) in [("postgres://keju@x/y", to.as_str()), (&from, &from), ("keju.db", &to)] {
        expect(migrate(&folder, from, to, &[]), 2, &["--from sqlite:PATH --to postgres://"]);
    }
    expect(migrate(&folder, &from, "mysql://keju:geheim@x/y", &[]), 2, &["--from sqlite:PATH"]);
    let (code, said) = migrate(&folder, &from, "postgres://keju:geheim@127.0.0.1:1/y", &[]);
    assert!(code == Some(1) && said.contains("cannot connect") && !said.contains("geheim"), "{said}");
    expect(migrate(&folder, "sqlite:nowhere.db", &to, &[]), 1, &["nowhere.db"]);
    assert!(!folder.join("nowhere.db").exists());
    expect(migrate(&folder, &from, &to, &["--verify"]), 1, &["there is no site in it"]);
    is_empty();

    let file = rusqlite::Connection::open(site.server.database()).unwrap_or_else(|error| panic!("{error}"));
    let change = |sql: &str| file.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    // A name that PostgreSQL cannot hold, from a release that took it.
    change("UPDATE courses SET title = 'geheim' || char(0)");
    let said = expect(migrate(&folder, &from, &to, &[]), 1, &["courses.title", "NUL", "nothing was moved"]);
    assert!(!said.contains("geheim"), "{said}");
    is_empty();
    change("UPDATE courses SET title = 'fine'");
    // A log that somebody has been at is not carried on as if it were whole.
    change("DROP TRIGGER steps_no_update; UPDATE steps SET at = at + 1 WHERE seq = 3");
    let named = format!("attempt {}", id(&attempt));
    expect(migrate(&folder, &from, &to, &[]), 1, &["FAULT", &named, "step 3 was altered", "nothing was moved"]);
    is_empty();
    change("UPDATE steps SET at = at - 1 WHERE seq = 3; UPDATE attempts SET score = score + 1");
    expect(migrate(&folder, &from, &to, &[]), 1, &["FAULT", &named, "its row is not what its steps come to"]);
    change("UPDATE attempts SET score = score - 1");
    // A table of another release.
    change("CREATE TABLE of_tomorrow (id INTEGER)");
    expect(migrate(&folder, &from, &to, &[]), 1, &["of_tomorrow"]);
    let step = file.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    let step = step.unwrap_or_else(|error| panic!("{error}"));
    change(&format!("DROP TABLE of_tomorrow; PRAGMA user_version = {}", step - 1));
    expect(migrate(&folder, &from, &to, &[]), 1, &[&format!("its schema is at step {}", step - 1)]);
    is_empty();
    change(&format!("PRAGMA user_version = {step}"));
    expect(migrate(&folder, &from, &to, &[]), 0, &["moved to"]);
}

/// Nothing of the schema is left out: every table and column of the file has its place in PostgreSQL and the other way
/// round, but for the numbers of rows that only a file has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_back_ends_have_the_same_tables_and_columns() {
    let server = Server::start();
    let file = rusqlite::Connection::open(server.database()).unwrap_or_else(|error| panic!("{error}"));
    let sql =
        "SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut statement = file.prepare(sql).unwrap_or_else(|error| panic!("{error}"));
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap_or_else(|error| panic!("{error}"));
    let here: BTreeSet<String> = rows.map(|row| row.unwrap_or_else(|error| panic!("{error}"))).collect();
    let server = Server::start_with(Backend::Postgres.settings());
    let sql = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'";
    let there: BTreeSet<String> = server.postgres().sql(sql).lines().map(str::to_owned).collect();
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    let numbers_of_rows = [
        "attempts.no",
        "latest_time.at",
        "latest_time.one",
        "lesson_progress.no",
        "lesson_steps.progress_no",
        "steps.attempt_no",
    ];
    assert_eq!(only(&here, &there), numbers_of_rows);
    let named_whole = [
        "latest_times.at",
        "latest_times.node",
        "latest_times.writer",
        "lesson_steps.learner",
        "lesson_steps.lesson",
        "migrations.at",
        "migrations.needs",
        "migrations.number",
        "steps.attempt",
        "steps.learner",
    ];
    assert_eq!(only(&there, &here), named_whole);
    let learner = Client::new(server.url(), "nobody");
    assert_eq!(learner.send(learner.request(Method::GET, "/readyz")).await.status, 200);
}
