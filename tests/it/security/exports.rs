//! Formula injection: what people write is never computed by the spreadsheet that opens an export.

use super::support::{generous, list};
use super::wire::Ask;
use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Bank, Client, Site, id};
use serde_json::json;
use std::io::{Cursor, Read};

/// What spreadsheets take for the beginning of a formula.
const STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\0'];

fn formulas() -> Vec<String> {
    let words = [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "=HYPERLINK(\"http://evil.com\",\"x\")",
        "=cmd|' /C calc'!A0",
        "\t=1+1",
        "＝1+1",
    ];
    words.map(str::to_owned).to_vec()
}

/// Every field of a CSV, read as a spreadsheet reads it.
#[track_caller]
fn no_formula(what: &str, csv: &[u8]) -> String {
    let text = String::from_utf8(csv.to_vec()).unwrap();
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut fields = 0;
    for record in reader.records() {
        for field in &record.unwrap() {
            assert!(!field.starts_with(STARTS), "{what}: {field:?}");
            // Nor does a spreadsheet that trims find one.
            assert!(!field.trim_start_matches([' ', '\u{feff}']).starts_with(['=', '@']), "{what}: {field:?}");
            fields += 1;
        }
    }
    assert!(fields > 0, "{what}");
    text.to_owned()
}

#[tokio::test]
async fn formula_injection_in_exported_banks() {
    let items: Vec<_> = formulas()
        .iter()
        .map(|formula| {
            json!({
                "kind": "single_choice", "stem": formula, "explanation": formula, "topic": formula.trim(), "tags": [formula.trim()],
                "options": [{"text": formula, "correct": true, "feedback": formula}, {"text": format!("{formula} 不是")}, {"text": "别的"}],
            })
        })
        .collect();
    let short: Vec<_> = formulas()
        .iter()
        .map(|formula| json!({"kind": "short_text", "stem": format!("填 {formula}"), "accepted": [{"text": formula}]}))
        .collect();
    let site = Site::start_with(generous(""), Bank::generated(2, false)).await;
    let bank = id(&site.author.post("/banks", &json!({"code": "=1+1", "title": "=1+1"})).await.ok(201));
    let file = json!({"format": "keju-bank/1", "items": items.iter().chain(&short).collect::<Vec<_>>()});
    let report = site.author.import(&bank, "x.json", file.to_string().into_bytes(), "json", false).await.ok(200);
    assert!(report["accepted"].as_u64().unwrap() + report["warned"].as_u64().unwrap() >= 8, "{report}");

    let export = |format: &str| {
        let path = format!("/api/v1/banks/{bank}/export?format={format}");
        Ask::new("GET", path).bearer(site.author.token()).send(site.server.address()).expect(200).body
    };
    let text = no_formula("csv", &export("csv"));
    assert!(text.contains("1+1"), "{text}");
    computes_nothing("the bank", export("xlsx"));
}

/// No cell of a workbook holds a formula or a link.
#[track_caller]
fn computes_nothing(what: &str, workbook: Vec<u8>) {
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).unwrap();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let mut xml = String::new();
        if member.read_to_string(&mut xml).is_ok() {
            assert!(!xml.contains("<f>") && !xml.contains("<f "), "{what}: member {index} computes");
            assert!(!xml.contains("<hyperlink"), "{what}: member {index} links");
        }
    }
}

#[tokio::test]
async fn formula_injection_in_exported_results() {
    let mut site = Site::start_with(generous(""), Bank::generated(12, false)).await;
    let exam = site.exam(&json!({"code": "results"})).await;
    let people: Vec<_> = (0..)
        .zip(formulas())
        .map(|(number, name)| json!({"username": format!("={number}"), "name": name, "password": PASSWORD, "roles": ["learner"], "unit": "=1+1"}))
        .collect();
    let made = site.admin.post("/people", &json!({"people": people})).await.ok(200);
    assert!(list(&made["people"]).len() >= 7, "{made}");
    for person in list(&made["people"]) {
        let learner = Client::sign_in(site.server.url(), "x", person["username"].as_str().unwrap(), PASSWORD).await;
        let attempt = learner.start(&exam, "exam").await.ok(201);
        learner.submit(&id(&attempt)).await.ok(200);
    }
    for path in [format!("exams/{exam}/results/export"), "people/export".to_owned(), "hours/export".to_owned()] {
        let export = |format: &str| {
            let path = format!("/api/v1/{path}?format={format}");
            Ask::new("GET", path).bearer(site.admin.token()).send(site.server.address()).expect(200).body
        };
        let text = no_formula(&path, &export("csv"));
        assert!(text.contains("1+1"), "{path}: {text}");
        computes_nothing(&path, export("xlsx"));
    }
    site.server.terminate();
    let results = site.server.command(&["exam", "results", "results"]);
    assert!(results.status.success(), "{results:?}");
    let text = no_formula("results", &results.stdout);
    assert!(text.contains("1+1"), "{text}");

    // The list of one-time passwords is opened by the same programs.
    std::fs::write(
        site.server.folder().join("people.csv"),
        "username,name,roles,unit,id_number\n=1+1,=1+1,learner,,\n@x,y,learner,,\n",
    )
    .unwrap();
    let import = site.server.command(&["user", "import", "people.csv", "--passwords", "passwords.csv"]);
    assert!(import.status.success(), "{import:?}");
    no_formula("passwords", &std::fs::read(site.server.folder().join("passwords.csv")).unwrap());
}
