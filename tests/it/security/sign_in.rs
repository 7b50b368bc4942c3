//! Signing in: guesses run out, whoever sends them, and tell nothing.

use super::support::generous;
use super::wire::{Answer, Ask};
use keju_tests::kit::site::PASSWORD;
use keju_tests::kit::{Bank, Site};
use serde_json::json;
use std::time::{Duration, Instant};

/// Failed sign-ins of one account from one address, as configured by default.
const FAILURES: usize = 10;

async fn small_site(config: &str) -> Site {
    Site::start_with(generous(config), Bank::generated(2, false)).await
}

fn guess(site: &Site, username: &str, password: &str, forwarded: Option<&str>) -> Answer {
    let ask = Ask::new("POST", "/api/v1/session").json(&json!({"username": username, "password": password}));
    forwarded.into_iter().fold(ask, |ask, from| ask.header("X-Forwarded-For", from)).send(site.server.address())
}

/// Until it is turned away; how many guesses that took. Panics when it never is.
#[track_caller]
fn guesses(site: &Site, username: &str, most: usize, forwarded: impl Fn(usize) -> Option<String>) -> usize {
    for count in 0..=most {
        let answer = guess(site, username, &format!("guess number {count}"), forwarded(count).as_deref());
        if answer.status == 429 {
            let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            answer.refused(429, "rate_limited");
            return count;
        }
        answer.refused(401, "wrong_credentials");
    }
    panic!("{most} guesses were let through");
}

#[tokio::test]
async fn unlimited_sign_ins() {
    let site = small_site("").await;
    let count = guesses(&site, "author", FAILURES + 2, |_| None);
    assert!(count >= FAILURES, "a person may err {FAILURES} times, not {count}");
    // Then even the right password is not looked at, and other accounts are not touched.
    guess(&site, "author", PASSWORD, None).refused(429, "rate_limited");
    guess(&site, "proctor", PASSWORD, None).expect(200);
    // Neither does another spelling of the name open the door again.
    for spelling in ["author ", " author", "AUTHOR", "author\u{0}", "ａuthor"] {
        assert_ne!(guess(&site, spelling, PASSWORD, None).status, 200, "{spelling:?}");
    }
}

#[tokio::test]
async fn unlimited_sign_ins_all_at_once() {
    let site = small_site("").await;
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let one = |number: usize| {
            let site = &site;
            scope.spawn(move || guess(site, "author", &format!("guess number {number}"), None).status)
        };
        let all: Vec<_> = (0..60).map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let tried = statuses.iter().filter(|status| **status == 401).count();
    assert!(tried <= FAILURES + 2, "{tried} guesses were looked at: {statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 60 - tried, "{statuses:?}");
}

#[tokio::test]
async fn a_spoofed_address_evades_nothing() {
    let site = small_site("").await;
    let spoofed = |count: usize| Some(format!("203.0.113.{count}"));
    let count = guesses(&site, "author", FAILURES + 2, spoofed);
    assert!(count >= FAILURES);
    for other in ["10.9.8.7", "127.0.0.1", "::1", "x", ""] {
        guess(&site, "author", PASSWORD, Some(other)).refused(429, "rate_limited");
    }
    // An address has an allowance too: many accounts, a few guesses each.
    let mut looked_at = 0;
    for account in 0.. {
        let answer = guess(&site, &format!("account-{account}"), "guess", spoofed(account).as_deref());
        if answer.status == 429 {
            break;
        }
        looked_at += 1;
        assert!(looked_at <= 20 * FAILURES + 60, "{looked_at} guesses from one address were looked at");
    }
    // Somebody else of the hall behind that address is turned away as well, by name, with a time.
    assert!(guess(&site, "proctor", PASSWORD, None).header("retry-after").is_some());
}

#[tokio::test]
async fn addresses_are_told_apart_behind_a_trusted_proxy() {
    let site = small_site("trusted_proxies = [\"127.0.0.1\"]").await;
    let count = guesses(&site, "author", FAILURES + 2, |_| Some("203.0.113.6".to_owned()));
    assert!(count >= FAILURES);
    guess(&site, "author", PASSWORD, Some("203.0.113.6")).refused(429, "rate_limited");
    // What the client put in front of what the proxy wrote is not believed.
    guess(&site, "author", PASSWORD, Some("203.0.113.7, 203.0.113.6")).refused(429, "rate_limited");
    guess(&site, "author", PASSWORD, Some("203.0.113.7")).expect(200);
    // Nor is it when the proxy wrote something else than an address.
    guess(&site, "author", PASSWORD, Some("203.0.113.6, 203.0.113.7")).expect(200);
    let many = guesses(&site, "proctor", 6 * FAILURES + 4, |count| Some(format!("198.51.100.{count}")));
    assert!(many >= 6 * FAILURES, "an account may be guessed at from everywhere {} times, not {many}", 6 * FAILURES);
}

#[tokio::test]
async fn unknown_people_and_wrong_passwords_answer_alike() {
    let site = small_site("").await;
    let disabled = site.learner().await;
    site.admin.put(&format!("/people/{}/disabled", disabled.person), &json!({"disabled": true})).await.ok(204);
    let told = |username: &str, password: &str| {
        let since = Instant::now();
        let answer = guess(&site, username, password, None);
        let named = |line: &&str| !line.starts_with("x-request-id:") && !line.starts_with("date:");
        let headers: Vec<String> = answer.head.lines().filter(named).map(str::to_owned).collect();
        ((answer.status, answer.text(), headers), since.elapsed())
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..5 {
        let (wrong, first) = told("author", "not the one");
        let (nobody, second) = told(&format!("nobody-{round}"), "not the one");
        let (gone, _) = told(&disabled.username, PASSWORD);
        assert_eq!(wrong, nobody);
        assert_eq!(wrong, gone);
        known.push(first);
        unknown.push(second);
    }
    known.sort_unstable();
    unknown.sort_unstable();
    let half: Duration = known[2] / 2;
    assert!(unknown[2] >= half, "nobody is answered in {:?}, somebody in {:?}", unknown[2], known[2]);
    // Names that cannot be anybody's are turned away before anything is looked up or kept.
    for (username, password) in
        [("x".repeat(65), "x".to_owned()), (String::new(), String::new()), ("x".into(), "x".repeat(1_001))]
    {
        guess(&site, &username, &password, None).refused(401, "wrong_credentials");
    }
}
