//! XML: entity bombs, external entities, floods of attributes and depth. Refused, quickly, and nothing is
//! fetched from anywhere.

use super::support::{list, memory_peak_mib, site};
use super::wire::{Answer, Ask};
use keju_tests::kit::Site;
use serde_json::json;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The promise is a second; a busy machine and a build without optimization are slower.
const SOON: Duration = Duration::from_secs(10);

fn question(stem: &str) -> String {
    format!(
        "<question type=\"truefalse\"><name><text>n</text></name><questiontext format=\"html\"><text>{stem}</text>\
         </questiontext><answer fraction=\"100\"><text>true</text></answer><answer fraction=\"0\"><text>false</text>\
         </answer></question>"
    )
}

fn import(site: &Site, format: &str, file: &[u8]) -> Answer {
    let path = format!("/api/v1/banks/{}/imports", site.bank_id);
    Ask::new("POST", path).bearer(site.author.token()).upload("quiz.xml", format, file).send(site.server.address())
}

fn hostile(listener: &str) -> Vec<(&'static str, String)> {
    let quiz = |prolog: &str, body: &str| format!("<?xml version=\"1.0\"?>{prolog}<quiz>{body}</quiz>");
    let mut laughs = String::from("<!ENTITY l0 \"lol\">");
    for level in 1..12 {
        let before = format!("&l{};", level - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY l{level} \"{before}\">"));
    }
    let flood: String = (0..1_000_000).map(|number| format!(" a{number}=\"\"")).collect();
    let repeated = " a=\"\"".repeat(1_000_000);
    let deep = format!("{}x{}", "<b>".repeat(200_000), "</b>".repeat(200_000));
    vec![
        ("a DOCTYPE", quiz("<!DOCTYPE quiz>", &question("x"))),
        ("billion laughs", quiz(&format!("<!DOCTYPE quiz [{laughs}]>"), &question("&l11;"))),
        (
            "a quadratic bomb",
            quiz(
                &format!("<!DOCTYPE quiz [<!ENTITY a \"{}\">]>", "a".repeat(100_000)),
                &question(&"&a;".repeat(10_000)),
            ),
        ),
        ("a file", quiz("<!DOCTYPE quiz [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", &question("&x;"))),
        ("a URL", quiz(&format!("<!DOCTYPE quiz [<!ENTITY x SYSTEM \"http://{listener}/x\">]>"), &question("&x;"))),
        ("an outer DTD", quiz(&format!("<!DOCTYPE quiz SYSTEM \"http://{listener}/quiz.dtd\">"), &question("x"))),
        (
            "parameter entities",
            quiz(&format!("<!DOCTYPE quiz [<!ENTITY % p SYSTEM \"http://{listener}/p\"> %p;]>"), &question("x")),
        ),
        ("a million attributes", quiz("", &format!("<question type=\"truefalse\"{flood}/>"))),
        ("one attribute a million times", quiz("", &format!("<question type=\"truefalse\"{repeated}/>"))),
        ("depth", quiz("", &deep)),
        ("depth in a stem", quiz("", &question(&deep))),
        ("no end", format!("<?xml version=\"1.0\"?><quiz>{}", "<question>".repeat(100_000))),
    ]
}

#[tokio::test]
async fn entity_bombs_external_entities_and_floods() {
    let site = site().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let before = memory_peak_mib(&site.server);
    for (what, file) in hostile(&listener.local_addr().unwrap().to_string()) {
        for format in ["moodle_xml", "auto"] {
            let since = Instant::now();
            let answer = import(&site, format, file.as_bytes());
            let took = since.elapsed();
            let report = answer.json();
            let refused = (400..500).contains(&answer.status)
                || (answer.status == 200 && report["accepted"] == 0 && report["warned"] == 0);
            assert!(refused, "{what} as {format}: {} {}", answer.status, answer.text());
            assert!(took < SOON, "{what} as {format} took {took:?}");
            assert!(!answer.text().contains("root:"), "{what}");
        }
        Ask::new("GET", "/api/v1/me").bearer(site.author.token()).send(site.server.address()).expect(200);
    }
    assert!(listener.accept().is_err(), "the server called out");
    let grown = memory_peak_mib(&site.server) - before;
    assert!(grown < 500, "{grown} MiB");
    assert_eq!(site.server.command(&["--version"]).status.code(), Some(0));
}

#[tokio::test]
async fn imports_fetch_nothing() {
    let site = site().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x.png", listener.local_addr().unwrap());
    let image = format!("<img src=\"{url}\"><link rel=\"stylesheet\" href=\"{url}\"><a href=\"{url}\">y</a>题目甲");
    let xml = format!(
        "<?xml version=\"1.0\"?><?xml-stylesheet href=\"{url}\"?><quiz xmlns:xi=\"http://www.w3.org/2001/XInclude\">{}<xi:include href=\"{url}\"/></quiz>",
        question(&format!("<![CDATA[{image}]]>"))
    );
    let gift = format!("::t::[html]{}{{T}}\n", image.replace('=', "\\=").replace(':', "\\:"));
    let markdown = format!("::t::[markdown]题目乙 !\\[x\\]({}){{T}}\n", url.replace(':', "\\:"));
    let native =
        json!({"format": "keju-bank/1", "items": [{"kind": "true_false", "stem": image, "correct": true}]}).to_string();
    for (format, file) in [("moodle_xml", xml), ("gift", gift), ("gift", markdown), ("json", native)] {
        let answer = import(&site, format, file.as_bytes());
        assert!(answer.status == 200 || answer.status == 400, "{format}: {}", answer.text());
    }
    assert!(listener.accept().is_err(), "the server called out");
    // Nor does whoever reads the items: nothing in them names another machine's picture.
    let mut after = String::new();
    loop {
        let page = site.author.get(&format!("/banks/{}/items?limit=500{after}", site.bank_id)).await.ok(200);
        for item in list(&page["items"]) {
            assert!(!item.to_string().contains("<img src=\\\"http"), "{item}");
            assert!(!item.to_string().contains("<link"), "{item}");
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
}
