//! The command line, as an administrator meets it. Exit codes: 0 fine, 1 refused or failed, 2 wrong usage.

use keju_tests::kit::server::{binary, keju, run};
use keju_tests::kit::site::{PASSWORD, first_sign_in};
use keju_tests::kit::{Bank, Client, Server, Settings, Site, id};
use serde_json::json;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn expect(output: &Output, code: i32, words: &[&str]) -> String {
    let said = text(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for words in words {
        assert!(said.contains(words), "not said: {words}\n{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[track_caller]
fn in_folder(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = keju(folder);
    command.args(arguments);
    run(command, b"")
}

#[test]
fn wrong_usage_is_two_and_failure_is_one() {
    let folder = folder();
    let folder = folder.path();
    expect(&in_folder(folder, &["--version"]), 0, &["keju"]);
    expect(&in_folder(folder, &["--help"]), 0, &["bank", "exam", "audit", "backup"]);
    for wrong in
        [&["--nonsense"][..], &["bank"], &["exam", "verify"], &["nonsense"], &["user", "add", "x"], &["backup"]]
    {
        expect(&in_folder(folder, wrong), 2, &["Usage"]);
    }
    expect(&in_folder(folder, &["audit", "verify"]), 1, &["there is no database"]);
    assert!(!folder.join("keju.db").exists(), "a misspelt path makes no site");
    expect(&in_folder(folder, &["--database", "mysql:x"]), 1, &["sqlite:PATH"]);
    expect(&in_folder(folder, &["--listen", "nowhere", "--database", "sqlite:x.db"]), 1, &["nowhere"]);
}

#[test]
fn the_configuration_is_read_strictly_and_flags_win() {
    let folder = folder();
    let folder = folder.path();
    write(
        folder,
        "keju.toml",
        b"listen = \"127.0.0.1:1\"\ndatabase = \"sqlite:file.db\"\n[limits]\nsign_in_failures = 3\n",
    );
    expect(&in_folder(folder, &["--print-config"]), 0, &["127.0.0.1:1", "sqlite:file.db", "sign_in_failures = 3"]);
    let mut command = keju(folder);
    command
        .args(["--print-config", "--listen", "127.0.0.1:3"])
        .env("KEJU_LISTEN", "127.0.0.1:2")
        .env("KEJU_DATABASE", "sqlite:env.db");
    expect(&run(command, b""), 0, &["127.0.0.1:3", "sqlite:env.db"]);
    let printed = in_folder(folder, &["--print-config"]);
    write(folder, "again.toml", &printed.stdout);
    assert_eq!(
        in_folder(folder, &["--print-config", "--config", "again.toml"]).stdout,
        printed.stdout,
        "it reads what it prints"
    );
    write(folder, "wrong.toml", b"lisen = \"127.0.0.1:1\"\n");
    expect(&in_folder(folder, &["--config", "wrong.toml"]), 1, &["lisen"]);
    write(folder, "wrong.toml", b"[limits]\nanswers = 5\n");
    expect(&in_folder(folder, &["--config", "wrong.toml"]), 1, &["answers"]);
    expect(&in_folder(folder, &["--config", "missing.toml"]), 1, &["missing.toml"]);
}

#[test]
fn banks_are_checked_imported_and_exported_without_a_server() {
    let mut server = Server::start();
    server.terminate();
    let folder = server.folder().to_owned();
    let bank = Bank::generated(3, false);
    write(&folder, "good.json", &bank.bytes());
    let mut mixed = bank.json.clone();
    mixed["items"][0]["options"] = json!([]);
    mixed["items"][1]["colour"] = json!("red");
    write(&folder, "mixed.json", mixed.to_string().as_bytes());
    expect(
        &server.command(&["bank", "check", "good.json"]),
        0,
        &["json: 21 accepted, 0 with a warning, 0 refused, 0 duplicates"],
    );
    expect(&server.command(&["bank", "check", "mixed.json"]), 1, &["/items/0", "/items/1", "19 accepted", "2 refused"]);
    expect(&server.command(&["bank", "check", "nothing.json"]), 1, &["nothing.json"]);
    expect(&server.command(&["bank", "check", "good.json", "--format", "word"]), 1, &["word"]);
    expect(&server.command(&["bank", "import", "b", "good.json", "--dry-run"]), 0, &["21 accepted"]);
    expect(
        &server.command(&["bank", "import", "b", "mixed.json", "--title", "题库"]),
        1,
        &["19 accepted", "2 refused"],
    );
    expect(&server.command(&["bank", "import", "b", "good.json"]), 0, &["2 accepted", "19 duplicates"]);
    expect(&server.command(&["bank", "export", "b", "out.json"]), 0, &["out.json"]);
    expect(&server.command(&["bank", "check", "out.json"]), 0, &["21 accepted"]);
    expect(&server.command(&["bank", "export", "b", "out.json"]), 1, &["out.json"]);
    expect(&server.command(&["bank", "export", "c", "c.json"]), 1, &["no bank"]);
    expect(&server.command(&["bank", "template", "empty.xlsx"]), 0, &["empty.xlsx"]);
    for format in ["xlsx", "csv", "gift", "moodle_xml", "aiken"] {
        let file = format!("out.{format}");
        let written = server.command(&["bank", "export", "b", &file, "--format", format]);
        let said = text(&written);
        assert!(folder.join(&file).is_file(), "{said}");
        let omitted = said.lines().filter(|line| line.starts_with("plain-code-")).count();
        assert_eq!(written.status.code(), Some(i32::from(omitted > 0)), "{said}");
        let read = server.command(&["bank", "check", &file]);
        expect(&read, 0, &[&format!("{format}: "), " 0 refused"]);
    }
}

#[tokio::test]
async fn people_are_added_and_given_new_passwords() {
    let mut server = Server::start();
    let _ = first_sign_in(&server).await;
    server.terminate();
    let added = expect(
        &server.command(&["user", "add", "zhang", "--name", "张三", "--role", "learner", "--role", "proctor"]),
        0,
        &["zhang "],
    );
    let made = added.trim().rsplit(' ').next().unwrap_or_default().to_owned();
    expect(&server.command(&["user", "add", "zhang", "--name", "张三", "--role", "learner"]), 1, &["taken"]);
    expect(
        &server.command(&["user", "add", "li", "--name", "李四", "--role", "king"]),
        1,
        &["king", "learner author proctor"],
    );
    let csv = "username,name,roles,unit,id_number\nwang,王五,learner,u1,11010519491231002X\nzhao,赵六,learner proctor,,\nbad name,某,learner,,\n";
    write(server.folder(), "people.csv", csv.as_bytes());
    let import = ["user", "import", "people.csv", "--passwords", "passwords.csv"];
    expect(&server.command(&import), 1, &["2 added, 1 refused", "bad name"]);
    let passwords = std::fs::read_to_string(server.folder().join("passwords.csv")).unwrap_or_default();
    assert_eq!(passwords.lines().count(), 3, "{passwords}");
    expect(&server.command(&import), 1, &["passwords.csv is there already"]);
    write(server.folder(), "wrong.csv", b"username,name,roles,unit,id_number\na,b,king,,\nc,d\n");
    expect(
        &server.command(&["user", "import", "wrong.csv", "--passwords", "p.csv"]),
        1,
        &["nothing was added", "row 2", "row 3"],
    );
    let given = server.command_with(&["user", "passwd", "wang", "--stdin"], b"a-password-of-wang\n");
    assert!(!expect(&given, 0, &["changed"]).contains("a-password-of-wang"));
    expect(&server.command_with(&["user", "passwd", "wang", "--stdin"], b"short\n"), 1, &["8 to 128"]);
    expect(&server.command(&["user", "passwd", "nobody"]), 1, &["nobody"]);
    server.restart();
    for (name, password) in [("zhang", made.as_str()), ("wang", "a-password-of-wang"), ("admin", PASSWORD)] {
        let me = Client::sign_in(server.url(), "a desk", name, password).await.me().await.ok(200);
        assert_eq!(me["must_change_password"], name != "admin");
    }
}

#[tokio::test]
async fn an_exam_is_published_verified_and_written_out() {
    let mut site = Site::start().await;
    let draft = site.exam_body(&json!({"code": "annual"}));
    let exam = id(&site.author.post("/exams", &draft).await.ok(201));
    let narrow = site.exam_body(&json!({"code": "narrow", "blueprint": {"sections": [{"title": "x", "count": 99, "points": 1, "kind": "numeric", "quotas": []}]}, "pass_score": 1}));
    let _ = site.author.post("/exams", &narrow).await.ok(201);
    site.server.terminate();
    expect(&site.server.command(&["exam", "publish", "annual"]), 0, &["published annual"]);
    expect(&site.server.command(&["exam", "publish", "annual"]), 1, &["published already"]);
    expect(&site.server.command(&["exam", "publish", "narrow"]), 1, &["/sections/0", "cannot fill the blueprint"]);
    expect(&site.server.command(&["exam", "publish", "gone"]), 1, &["no exam"]);
    site.restart();
    let person =
        json!({"username": "formula", "name": "=HYPERLINK(\"x\")", "password": PASSWORD, "roles": ["learner"]});
    let _ = site.admin.post("/people", &json!({"people": [person]})).await.ok(200);
    let learner = Client::sign_in(site.server.url(), "a desk", "formula", PASSWORD).await;
    let (attempt, result) = site.take(&learner, &exam, 9).await;
    site.server.terminate();
    let verified = ["exam", "verify", "annual", "--attempt", &id(&attempt)];
    expect(
        &site.server.command(&verified),
        0,
        &[result["seed"].as_str().unwrap_or("no seed"), "1 papers derived again, 0 differ"],
    );
    let results = expect(
        &site.server.command(&["exam", "results", "annual"]),
        0,
        &["username,name", &id(&attempt), "\"100\"", "\"true\"", "\"5\""],
    );
    assert!(results.contains("\"'=HYPERLINK(\"\"x\"\")\""), "a name is no formula: {results}");
    expect(&site.server.command(&["exam", "results", "annual", "--to", "results.csv"]), 0, &["wrote 1 results"]);
    expect(&site.server.command(&["exam", "results", "annual", "--release", "tomorrow"]), 1, &["give a time"]);
    expect(
        &site.server.command(&["exam", "results", "annual", "--release", "2099-01-01T00:00:00+08:00"]),
        0,
        &["2098-12-31T16:00:00.000Z"],
    );
    site.restart();
    let hidden = learner.at(site.server.url()).result(&id(&attempt)).await.ok(200);
    assert_eq!(json!([hidden["score"], hidden["release"]["released"]]), json!([null, false]));
    site.server.terminate();
    expect(&site.server.command(&["exam", "results", "annual", "--release", "now"]), 0, &["are released"]);
}

#[tokio::test]
async fn tampering_with_the_file_is_found() {
    let mut site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let (attempt, _) = site.take(&learner, &exam, 9).await;
    let code = site.author.get("/exams").await.ok(200)["items"][0]["code"].as_str().unwrap_or_default().to_owned();
    site.server.terminate();
    expect(&site.server.command(&["audit", "verify"]), 0, &["all chains hold"]);
    let tamper = |sql: &str| {
        let file = rusqlite::Connection::open(site.server.database());
        let changed = file.and_then(|file| {
            file.execute_batch("DROP TRIGGER IF EXISTS steps_no_update; DROP TRIGGER IF EXISTS audit_no_update;")?;
            file.execute(sql, [])
        });
        assert_eq!(changed.unwrap_or_else(|error| panic!("{sql}: {error}")), 1, "{sql}");
    };
    // Whoever owns the file can drop the triggers; the chain tells.
    tamper("UPDATE steps SET at = at - 1 WHERE seq = 3");
    expect(&site.server.command(&["audit", "verify"]), 1, &["FAULT", &id(&attempt), "step 3"]);
    tamper("UPDATE steps SET at = at + 1 WHERE seq = 3");
    expect(&site.server.command(&["audit", "verify"]), 0, &["all chains hold"]);
    tamper("UPDATE steps SET body = body || ' ' WHERE seq = 3");
    expect(&site.server.command(&["exam", "verify", &code]), 1, &["log DIFFERS", "1 differ"]);
    tamper("UPDATE audit SET act = 'bank.nothing' WHERE seq = 2");
    expect(&site.server.command(&["audit", "verify"]), 1, &["FAULT", "audit log: record 2", "step 3"]);
}

#[tokio::test]
async fn a_backup_is_taken_while_the_site_runs_and_serves_on_its_own() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    site.answer_all(&learner, &attempt, 9).await;
    expect(&site.server.command(&["backup", "copy.db"]), 0, &["copied"]);
    expect(&site.server.command(&["backup", "copy.db"]), 1, &["copy.db"]);
    let _ = learner.submit(&id(&attempt)).await.ok(200);
    let copy = site.server.folder().join("copy.db");
    let other = Server::start_with(Settings { database: Some(copy), ..Settings::default() });
    let at_copy = learner.device(other.url(), "a desk").await;
    let kept = at_copy.attempt(&id(&attempt)).await.ok(200);
    assert_eq!(
        json!([kept["state"], kept["answers"].as_object().map(serde_json::Map::len)]),
        json!(["open", 9]),
        "as it was then"
    );
    assert_eq!(at_copy.submit(&id(&attempt)).await.ok(200)["hours_granted"], 5);
    assert_eq!(learner.result(&id(&attempt)).await.ok(200)["state"], "submitted", "the site goes on");
}

#[test]
fn one_database_has_one_server() {
    let server = Server::start();
    let second = server.command(&["serve", "--listen", "127.0.0.1:0"]);
    expect(&second, 1, &["site.db"]);
    expect(&server.command(&["audit", "verify"]), 1, &["site.db"]);
    assert!(binary().is_file());
}
