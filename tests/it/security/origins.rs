//! Cross-site request forgery: a cookie changes nothing unless a page of our own asks.

use super::support::{generous, operations, site};
use super::wire::Ask;
use keju_tests::kit::{Bank, Site};
use serde_json::{Value, json};

/// Origins that are not the site's own, however much they look like it.
fn foreign(address: &str) -> Vec<Option<String>> {
    let (host, port) = address.split_once(':').unwrap();
    let other = port.parse::<u16>().unwrap() ^ 1;
    let mut all = vec![None];
    let looks = [
        String::new(),
        "null".into(),
        "http://evil.com".into(),
        "https://evil.com".into(),
        format!("http://{address}.evil.com"),
        format!("http://evil{address}"),
        format!("http://evil.com/{address}"),
        format!("http://evil.com#{address}"),
        format!("http://evil.com?{address}"),
        format!("http://{address}@evil.com"),
        format!("http://user@{address}"),
        format!("http://{host}"),
        format!("http://{host}:{other}"),
        format!("http://{host}:{port}0"),
        format!("http://{address}/"),
        format!("http://{address} http://evil.com"),
        format!("ftp://{address}"),
        format!("file://{address}"),
        format!("//{address}"),
        address.to_owned(),
        "http://localhost".into(),
        "http://".into(),
    ];
    all.extend(looks.map(Some));
    all
}

/// Every documented operation that changes something, but signing in, which asks for no cookie.
async fn changes(site: &Site) -> Vec<(String, String)> {
    let all = operations(&site.admin).await;
    let changing =
        // A sign-in and a partner's key come without a cookie.
        |(method, path): &(String, String)| {
            let without_cookie = ["/api/v1/session", "/api/v1/partner/tickets"].contains(&path.as_str());
            method != "GET" && (method != "POST" || !without_cookie)
        };
    all.into_iter().filter(changing).collect()
}

#[tokio::test]
async fn csrf_by_cookie_without_our_own_origin() {
    let site = site().await;
    let address = site.server.address();
    for (method, path) in changes(&site).await {
        let path = path.replace("{slot}", "1").replace(['{', '}'], "");
        let ask = || Ask::new(&method, path.clone()).cookie(site.admin.token()).json(&json!({}));
        for origin in foreign(address) {
            let ask = origin.iter().fold(ask(), |ask, origin| ask.header("Origin", origin));
            let ask = ask.header("Referer", format!("http://{address}/")).header("Sec-Fetch-Site", "same-origin");
            ask.send(address).refused(403, "foreign_origin");
        }
    }
    // Nothing of it signed the administrator out; our own origin is let in.
    let own = Ask::new("PUT", "/api/v1/banks/x/items/state").cookie(site.admin.token()).json(&json!({}));
    assert_eq!(own.header("Origin", format!("http://{address}")).send(address).status, 404);
    Ask::new("DELETE", "/api/v1/session")
        .cookie(site.admin.token())
        .header("Origin", format!("http://{address}"))
        .send(address)
        .expect(204);
}

#[tokio::test]
async fn csrf_by_an_origin_that_is_allowed_by_name_only() {
    let config = "allowed_origins = [\"https://exam.example.cn\"]";
    let site = Site::start_with(generous(config), Bank::generated(2, false)).await;
    let address = site.server.address();
    let ask = |origin: &str| {
        let ask = Ask::new("POST", "/api/v1/banks").cookie(site.author.token()).header("Origin", origin);
        ask.json(&json!({"code": "", "title": ""})).send(address)
    };
    ask("https://exam.example.cn").refused(400, "invalid");
    for origin in [
        "http://exam.example.cn",
        "https://exam.example.cn.evil.com",
        "https://exam.example.cn:444",
        "https://xexam.example.cn",
    ] {
        ask(origin).refused(403, "foreign_origin");
    }
}

#[tokio::test]
async fn csrf_by_get() {
    let site = site().await;
    let address = site.server.address();
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let attempt_id = attempt["id"].as_str().unwrap();
    let before = learner.attempt(attempt_id).await.ok(200);
    for token in [site.admin.token(), learner.token()] {
        for (_, path) in operations(&site.admin).await {
            let path = path
                .replace("{exam}", &exam)
                .replace("{attempt}", attempt_id)
                .replace("{bank}", &site.bank_id)
                .replace("{person}", &learner.person)
                .replace("{slot}", "1");
            for method in ["GET", "HEAD", "OPTIONS"] {
                let ask = Ask::new(method, format!("{path}?_method=DELETE&disabled=true")).cookie(token);
                let ask = ask.header("Origin", "http://evil.com").header("X-HTTP-Method-Override", "POST");
                ask.json(&json!({"disabled": true, "results_at": null})).send(address);
                Ask::new(method, path.clone()).cookie(token).header("Origin", "http://evil.com").send(address);
            }
        }
    }
    let after = learner.attempt(attempt_id).await.ok(200);
    assert_eq!((&after["seq"], &after["state"]), (&before["seq"], &before["state"]));
    assert_eq!(site.admin.me().await.status, 200);
    let log = site.admin.get("/audit?limit=500").await.ok(200);
    // That keys and people's data left the house by an export is written down; nothing else happened.
    let acts: Vec<_> = log["items"].as_array().unwrap().iter().rev().map(|record| record["act"].clone()).collect();
    let is_export = |act: &&Value| act.as_str().is_some_and(|act| act.ends_with(".export"));
    assert_eq!(acts.iter().find(|act| !is_export(act)), Some(&json!("person.create")), "{acts:?}");
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_other_sites() {
    for (config, secure) in [("", false), ("secure_cookies = true", true)] {
        let site = Site::start_with(generous(config), Bank::generated(2, false)).await;
        let credentials = json!({"username": "author", "password": keju_tests::kit::site::PASSWORD});
        let answer = Ask::new("POST", "/api/v1/session").json(&credentials).send(site.server.address()).expect(200);
        let cookie = answer.header("set-cookie").unwrap().to_owned();
        let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&attribute), "{cookie}");
        }
        assert_eq!(attributes.contains(&"Secure"), secure, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test]
async fn no_other_site_may_read() {
    let site = site().await;
    for (method, path) in
        [("GET", "/api/v1/me"), ("OPTIONS", "/api/v1/me"), ("OPTIONS", "/api/v1/session"), ("GET", "/")]
    {
        let ask = Ask::new(method, path).cookie(site.admin.token()).header("Origin", "http://evil.com");
        let ask = ask.header("Access-Control-Request-Method", "POST");
        let answer = ask.header("Access-Control-Request-Headers", "content-type").send(site.server.address());
        assert!(!answer.head.to_lowercase().contains("access-control-allow"), "{}", answer.head);
        let policy = answer.header("content-security-policy").unwrap();
        for directive in ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
}
