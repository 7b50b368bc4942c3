//! What a partner is told: signed, tried again until it is taken, always under the same id.

use super::Class;
use keju_tests::kit::player::Player;
use keju_tests::kit::{Stream, eventually, text};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use ws_gateway::webhook::{DELIVERY_HEADER, SIGNATURE_HEADER, signature};

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) line: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

/// A partner's server: answers its requests with these statuses in turn, then with 204.
async fn partner_server(answers: &'static [&'static str]) -> (String, Arc<Mutex<Vec<Heard>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?of=keju", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(request) = read(&mut stream).await else { continue };
            let count = {
                let mut all = all.lock().unwrap();
                all.push(request);
                all.len()
            };
            let status = answers.get(count - 1).unwrap_or(&"204 No Content");
            let answer = format!("HTTP/1.1 {status}\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
            // A client that has gone away shows in what it asks next.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, heard)
}

pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Heard> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let line = lines.next()?.to_owned();
            let pairs = lines.filter_map(|line| line.split_once(": "));
            let headers: HashMap<String, String> =
                pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            if body.len() >= headers.get("content-length")?.parse().ok()? {
                return Some(Heard { line, headers, body: body.to_owned() });
            }
        }
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend(&chunk[..count]);
    }
}

/// A partner with this webhook sends the learner, who completes the lesson; the partner as it was made.
pub(super) async fn complete_for(class: &Class, url: &str) -> Value {
    let made = class.site.admin.post("/partners", &json!({"name": "伙伴", "webhook_url": url})).await.ok(201);
    let partner = class.learner.with_token(Some(text(&made["key"])));
    let wanted = json!({"learner": class.learner.username, "lesson": class.lesson});
    let minted = partner.post("/partner/tickets", &wanted).await.ok(201);
    let mut stream = Stream::open(class.site.server.url()).await;
    stream.say(&json!({"t": "hello", "ticket": minted["ticket"]})).await;
    let done = Player::on(stream).await.finish(&class.site.bank).await;
    assert_eq!(done["hours_granted"], 2.5);
    made
}

#[tokio::test]
async fn a_partner_is_told_of_a_completion_until_it_takes_it() {
    let (url, heard) = partner_server(&["500 Internal Server Error", "302 Found"]).await;
    let class = Class::start(&json!({"hours": 2.5, "code": "partner-lesson"})).await;
    let made = complete_for(&class, &url).await;

    let count = || heard.lock().unwrap().len();
    eventually("told three times", Duration::from_secs(30), async || (count() >= 3).then_some(())).await;
    let waits = async || {
        let listed = class.site.admin.get("/partners").await.ok(200);
        (listed["items"][0]["waiting"] == 0).then_some(listed)
    };
    let listed = eventually("taken", Duration::from_secs(10), waits).await;
    assert_eq!(listed["items"][0]["given_up"], 0);
    let all = heard.lock().unwrap().clone();
    assert_eq!(all.len(), 3, "a redirect is not followed, and what was taken is not told again: {all:?}");
    let body: Value = serde_json::from_str(&all[0].body).unwrap();
    for one in &all {
        assert_eq!(one.line, "POST /hook?of=keju HTTP/1.1");
        assert_eq!(one.headers["content-type"], "application/json");
        assert_eq!((one.headers[DELIVERY_HEADER].as_str(), &one.body), (text(&body["id"]), &all[0].body));
        let signed = &one.headers[SIGNATURE_HEADER];
        let seconds: i64 = signed.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
        let at = exam_core::Timestamp::from_ms(seconds * 1_000);
        assert_eq!(*signed, signature(text(&made["webhook_secret"]), at, &one.body));
    }
    let told = ["type", "learner", "username", "lesson", "lesson_code", "hours_granted"].map(|name| &body[name]);
    let expected =
        json!(["lesson.completed", class.learner.person, class.learner.username, class.lesson, "partner-lesson", 2.5]);
    assert_eq!(json!(told), expected);
}
