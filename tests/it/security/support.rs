//! What these tests share beside the kit: allowances nobody reaches by accident, people of every role,
//! what the process holds, files made by hand.

use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Bank, Client, Server, Settings, Site};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// Allowances no test reaches; sign-ins keep theirs.
const GENEROUS: &str = "[limits]\nanswers_per_second = 100000\nanswers_burst = 100000\nstarts_per_second = 100000\n\
                        starts_burst = 100000\nrequests_per_second = 100000\nrequests_burst = 100000\n";

/// All roles but the learner's.
pub(super) const STAFF: [&str; 7] =
    ["author", "proctor", "unit_admin", "district_admin", "city_admin", "admin", "operator"];

/// Generous allowances, and `config` before them.
pub(super) fn generous(config: &str) -> Settings {
    Settings { config: Some(format!("{config}\n{GENEROUS}")), ..Settings::default() }
}

/// A generous site with canaries in its bank.
pub(super) async fn site() -> Site {
    Site::start_with(generous(""), Bank::generated(12, true)).await
}

/// Adds a person with these roles, who signs in.
pub(super) async fn person(site: &Site, username: &str, roles: &[&str]) -> Client {
    let person = json!({"username": username, "name": username, "password": PASSWORD, "roles": roles});
    assert_eq!(site.admin.post("/people", &json!({"people": [person]})).await.ok(200)["created"], 1);
    Client::sign_in(site.server.url(), "a desk", username, PASSWORD).await
}

/// The most memory the server has held, in MiB.
pub(crate) fn memory_peak_mib(server: &Server) -> u64 {
    memory(server, "VmHWM:")
}

/// The memory the server holds now, in MiB.
pub(crate) fn memory_mib(server: &Server) -> u64 {
    memory(server, "VmRSS:")
}

fn memory(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Descriptors the server holds now.
pub(crate) fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.process_id().unwrap())).unwrap().count()
}

/// Every operation of the served document: method in capitals, path.
pub(super) async fn operations(client: &Client) -> Vec<(String, String)> {
    let document = client.send(client.request(reqwest::Method::GET, "/openapi.json")).await.ok(200);
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if ["get", "put", "post", "delete", "patch", "head", "options", "trace"].contains(&method.as_str()) {
                operations.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(operations.len() > 30, "{operations:?}");
    operations
}

/// A zip archive of these members.
pub(super) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The members of a workbook beside its one sheet.
pub(super) const WORKBOOK: [(&str, &str); 4] = [
    (
        "[Content_Types].xml",
        r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#,
    ),
    (
        "_rels/.rels",
        r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
    ),
    (
        "xl/workbook.xml",
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="题目" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
    ),
    (
        "xl/_rels/workbook.xml.rels",
        r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
    ),
];

/// What stands around the rows of a sheet.
pub(super) const SHEET: [&str; 2] = [
    r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#,
    "</sheetData></worksheet>",
];

/// A workbook whose sheet is these bytes, with more members after it.
pub(super) fn workbook(sheet: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut members: Vec<(&str, &[u8])> = WORKBOOK.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    members.push(("xl/worksheets/sheet1.xml", sheet));
    members.extend(more);
    archive(&members)
}

/// A workbook of rows of texts.
pub(super) fn workbook_of(rows: &[Vec<String>]) -> Vec<u8> {
    let mut sheet = SHEET[0].to_owned();
    for (number, row) in (1..).zip(rows) {
        sheet.push_str(&format!("<row r=\"{number}\">"));
        for (column, text) in ('A'..).zip(row) {
            let text = escaped(text);
            sheet.push_str(&format!(
                "<c r=\"{column}{number}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>"
            ));
        }
        sheet.push_str("</row>");
    }
    sheet.push_str(SHEET[1]);
    workbook(sheet.as_bytes(), &[])
}

/// For XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A list of an answer.
#[track_caller]
pub(super) fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}")).clone()
}
