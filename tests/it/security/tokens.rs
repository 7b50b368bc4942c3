//! Token confusion: only what this service made is a token, whole and unchanged.

use super::support::site;
use super::wire::Ask;

/// `{"alg":"none"}`, HS256 signed with nothing, and a `kid` that is a path; the payload says admin.
const JWTS: [&str; 4] = [
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiIsInJvbGVzIjpbImFkbWluIl19.",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0.AAAA",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZG1pbiJ9.dGhpcyBpcyBub3QgYSBzaWduYXR1cmU",
    "eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uLy4uL2Rldi9udWxsIn0.eyJzdWIiOiJhZG1pbiJ9.AAAA",
];

#[tokio::test]
async fn token_confusion() {
    let site = site().await;
    let address = site.server.address();
    let token = site.admin.token();
    let mut changed_case: String = token.chars().rev().collect();
    changed_case.make_ascii_uppercase();
    let last = token.chars().last().unwrap();
    // The last character of 43 carries two bits that mean nothing: another one of them is another token.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let index = alphabet.find(last).unwrap();
    let sibling = alphabet.as_bytes()[index ^ 1] as char;
    let mut bad: Vec<Vec<u8>> = JWTS.iter().map(|jwt| jwt.as_bytes().to_vec()).collect();
    for text in [
        String::new(),
        " ".into(),
        "null".into(),
        "undefined".into(),
        "admin".into(),
        token[1..].to_owned(),
        token[..token.len() - 1].to_owned(),
        format!("{}{sibling}", &token[..token.len() - 1]),
        format!("{token}="),
        format!("{token}A"),
        format!("{token},{token}"),
        format!("Bearer {token}"),
        changed_case,
        site.admin.person.clone(),
        "' OR 1=1 --".into(),
        "A".repeat(43),
        "A".repeat(15_000),
    ] {
        bad.push(text.into_bytes());
    }
    bad.extend([vec![0xff, 0xfe, 0x80], "令牌".as_bytes().to_vec(), vec![b'\t'; 9], vec![0x80; 2_000]]);
    for token in &bad {
        let shown = String::from_utf8_lossy(&token[..token.len().min(60)]);
        let by_header = Ask::new("GET", "/api/v1/me").bearer(token).send(address);
        assert_eq!(by_header.status, 401, "{shown}: {}", by_header.text());
        assert_eq!(by_header.header("www-authenticate"), Some("Bearer"));
        let cookie = [b"keju_session=", token.as_slice()].concat();
        let by_cookie = Ask::new("GET", "/api/v1/me").header("Cookie", cookie).send(address);
        assert_eq!(by_cookie.status, 401, "{shown}: {}", by_cookie.text());
    }
    for scheme in ["Basic", "Digest", "Token", "JWT", "Bearer\t", ""] {
        let ask = Ask::new("GET", "/api/v1/me").header("Authorization", format!("{scheme} {token}"));
        ask.send(address).refused(401, "unauthenticated");
    }
    for name in ["keju_session ", "KEJU_SESSION", "session", "xkeju_session", "token"] {
        Ask::new("GET", "/api/v1/me")
            .header("Cookie", format!("{name}x={token}"))
            .send(address)
            .refused(401, "unauthenticated");
    }
    // A token in a URL is none.
    Ask::new("GET", format!("/api/v1/me?token={token}&access_token={token}"))
        .send(address)
        .refused(401, "unauthenticated");
    // A wrong header is not helped by a right cookie.
    Ask::new("GET", "/api/v1/me").bearer("x").cookie(token).send(address).refused(401, "unauthenticated");
    Ask::new("GET", "/api/v1/me").bearer(token).send(address).expect(200);
}

#[tokio::test]
async fn tickets_and_receipts_are_no_tokens() {
    let site = site().await;
    let exam = site.exam(&serde_json::json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let attempt_id = keju_tests::kit::id(&attempt);
    let receipt = learner.answer(&attempt_id, 1, &serde_json::Value::Null).await.ok(200)["receipt"].clone();
    let ticket = learner.post("/tickets", &serde_json::json!({"purpose": "attempt", "id": attempt_id})).await.ok(201);
    for text in [&receipt, &ticket["ticket"]] {
        let ask = Ask::new("GET", "/api/v1/me").bearer(text.as_str().unwrap());
        ask.send(site.server.address()).refused(401, "unauthenticated");
    }
    assert!(ticket["ticket"].as_str().unwrap().len() >= 43);
}
