//! Answers are packed for who takes that, and only where it is safe.

use flate2::read::GzDecoder;
use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Client, Reply, Site, id};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read;

async fn ask(learner: &Client, path: &str, encodings: &str) -> Reply {
    learner.send(learner.request(Method::GET, &format!("/api/v1{path}")).header("accept-encoding", encodings)).await
}

fn unpacked(reply: &Reply) -> Value {
    let mut text = String::new();
    GzDecoder::new(reply.body.as_slice()).read_to_string(&mut text).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn a_paper_is_packed_for_who_takes_it() {
    let site = Site::start().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let path = format!("/attempts/{}", id(&attempt));
    let plain = ask(&learner, &path, "identity").await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    for encodings in ["gzip", "br, gzip, deflate"] {
        let packed = ask(&learner, &path, encodings).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
        assert_eq!(packed.header("content-type"), "application/json");
        assert!(packed.body.len() * 2 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
        assert_eq!(unpacked(&packed)["paper"], attempt["paper"]);
    }
    for encodings in ["gzip;q=0", "br", ""] {
        let reply = ask(&learner, &path, encodings).await;
        assert_eq!(reply.header("content-encoding"), "", "{encodings}");
        assert_eq!(reply.ok(200)["paper"], attempt["paper"]);
    }
    // Nothing is won with little.
    assert_eq!(ask(&learner, "/me", "gzip").await.header("content-encoding"), "");
}

#[tokio::test]
async fn what_holds_a_secret_is_never_packed() {
    let site = Site::start().await;
    let learner = site.learner().await;
    let sign_in = json!({"username": learner.username, "password": PASSWORD});
    let asked = [
        (Method::POST, "/session", sign_in),
        (Method::POST, "/partners", json!({"name": "很长的名字".repeat(20)})),
        (
            Method::POST,
            "/people",
            json!({"people": (0..100).map(|number| json!({"username": format!("many-{number}"), "name": "学员", "roles": ["learner"]})).collect::<Vec<_>>()}),
        ),
    ];
    for (method, path, body) in asked {
        let request =
            site.admin.request(method, &format!("/api/v1{path}")).header("accept-encoding", "gzip").json(&body);
        let reply = site.admin.send(request).await;
        assert!(reply.status < 300, "{}", reply.text());
        assert_eq!(reply.header("content-encoding"), "", "{path}");
    }
}
