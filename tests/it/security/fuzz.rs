//! Every documented route with bytes and JSON at random, seeded: never a 5xx, never silence, never a panic.

use super::support::{operations, site};
use super::wire::Ask;
use keju_tests::kit::{Site, command_id, id};
use serde_json::{Map, Value, json};

/// Requests.
const REQUESTS: usize = 2_000;

/// xorshift64*: a failure names its request, and the same seed makes it again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, sides: usize) -> usize {
        (self.roll() % sides as u64) as usize
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(200);
        (0..length).map(|_| self.roll() as u8).collect()
    }
}

/// Names the service knows, so that requests get further than the first unknown one.
const NAMES: [&str; 44] = [
    "command_id",
    "mode",
    "response",
    "answers",
    "slot",
    "answered_at",
    "signals",
    "kind",
    "at",
    "detail",
    "receipt",
    "attempt",
    "seq",
    "saved_at",
    "purpose",
    "id",
    "code",
    "title",
    "subject",
    "bucket",
    "credit_year",
    "hours",
    "course",
    "bank",
    "blueprint",
    "sections",
    "count",
    "points",
    "quotas",
    "topic",
    "duration_ms",
    "pass_score",
    "opens_at",
    "closes_at",
    "results_at",
    "person",
    "extra_ms",
    "reason",
    "people",
    "roles",
    "codes",
    "state",
    "action",
    "minutes",
];
const WORDS: [&str; 26] = [
    "",
    "x",
    "exam",
    "practice",
    "blur",
    "o1",
    "t1",
    "o26",
    "o99",
    "public",
    "elective",
    "warn",
    "extend",
    "ready",
    "learner",
    "admin",
    "2023-06-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "-009999-01-01T00:00:00Z",
    "\0",
    "\u{feff}",
    "'; DROP TABLE people; --",
    "%s%n",
    "../../etc",
    "汉字",
    "𠮷",
];

fn value(dice: &mut Dice, depth: usize, known: &[String]) -> Value {
    match dice.below(if depth == 0 { 7 } else { 9 }) {
        0 => Value::Null,
        1 => json!(dice.roll().is_multiple_of(2)),
        2 => json!(*dice.of(&[0_i64, 1, -1, 2, 26, 100, 2023, 65_536, i64::from(u32::MAX), i64::MAX, i64::MIN])),
        3 => json!(*dice.of(&[0.5, -0.001, 1e15, 1e300, -1e300, 92_233_720_368_547_758.07])),
        4 => json!(dice.of(known)),
        5 => json!(command_id()),
        6 => json!(*dice.of(&WORDS)),
        7 => (0..dice.below(5)).map(|_| value(dice, depth - 1, known)).collect(),
        _ => object(dice, depth, known),
    }
}

fn object(dice: &mut Dice, depth: usize, known: &[String]) -> Value {
    let mut object = Map::new();
    for _ in 0..dice.below(6) {
        object.insert((*dice.of(&NAMES)).to_owned(), value(dice, depth - 1, known));
    }
    Value::Object(object)
}

/// A good body with one thing wrong, which gets furthest of all.
fn nearly(dice: &mut Dice, body: &Value, known: &[String]) -> Value {
    let mut body = body.clone();
    if let Some(object) = body.as_object_mut() {
        let names: Vec<String> = object.keys().cloned().collect();
        if let Some(name) = (!names.is_empty()).then(|| dice.of(&names).clone()) {
            object.insert(name, value(dice, 3, known));
        }
    }
    body
}

fn good_bodies(site: &Site) -> Vec<Value> {
    let answer = json!({"command_id": command_id(), "slot": 1, "response": {"choices": ["o1"]}, "answered_at": "2023-06-01T00:00:00Z"});
    vec![
        json!({"command_id": command_id(), "mode": "exam"}),
        json!({"command_id": command_id(), "response": {"choices": ["o1"]}}),
        json!({"answers": [answer]}),
        json!({"signals": [{"kind": "blur", "at": "2023-06-01T00:00:00Z", "detail": {"a": [1, 2]}}]}),
        json!({"command_id": command_id(), "action": "extend", "reason": "r", "minutes": 1}),
        json!({"purpose": "attempt", "id": "x"}),
        json!({"code": "c", "title": "t", "subject": "public", "bucket": "elective", "credit_year": 2023, "hours": 2.5}),
        site.exam_body(&json!({})),
        json!({"results_at": "2023-06-01T00:00:00Z"}),
        json!({"person": site.author.person, "extra_ms": 1, "reason": "r"}),
        json!({"receipt": "x", "slot": 1, "response": null}),
        json!({"codes": ["x"], "state": "ready"}),
        json!({"people": [{"username": "u", "name": "n", "roles": ["learner"], "id_number": "x"}]}),
        json!({"username": "u", "password": "p"}),
        json!({"password": "p", "new_password": "12345678"}),
    ]
}

fn path(dice: &mut Dice, pattern: &str, known: &[String]) -> String {
    let mut path = String::new();
    for segment in pattern.split('/').skip(1) {
        path.push('/');
        match (segment.starts_with('{'), dice.below(4)) {
            (true, 0) => path.push_str(&dice.bytes().iter().map(|byte| format!("%{byte:02x}")).collect::<String>()),
            (true, _) if segment == "{slot}" => {
                let slot: &&str = dice.of(&["1", "9", "10", "0", "4294967296", "-1"]);
                path.push_str(slot);
            }
            (true, _) => path += dice.of(known).as_str(),
            (false, _) => path.push_str(segment),
        }
    }
    if dice.below(3) == 0 {
        let name = dice.of(&["limit", "after", "year", "course", "state", "mode", "format", "subject", "x"]);
        let words: String = dice.of(&WORDS).bytes().map(|byte| format!("%{byte:02x}")).collect();
        let number = dice.of(&["0", "-1", "99999999999999999999", "1e9", "2023", "NaN"]);
        let text = if dice.below(2) == 0 { words } else { (*number).to_owned() };
        path.push_str(&format!("?{name}={text}"));
    }
    path
}

fn body(dice: &mut Dice, ask: Ask, good: &[Value], known: &[String]) -> Ask {
    let media_type = *dice.of(&[
        "application/json",
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "multipart/form-data; boundary=x",
    ]);
    match dice.below(6) {
        0 => ask,
        1 => ask.body(media_type, dice.bytes()),
        2 => ask.json(&value(dice, 4, known)),
        3 => ask.json(&object(dice, 4, known)),
        4 => {
            let mut bytes = dice.of(good).to_string().into_bytes();
            let place = dice.below(bytes.len());
            bytes[place] = dice.roll() as u8;
            bytes.truncate(bytes.len() - dice.below(2) * dice.below(bytes.len()));
            ask.body(media_type, bytes)
        }
        _ => {
            let body = dice.of(good).clone();
            ask.json(&nearly(dice, &body, known))
        }
    }
}

#[tokio::test]
async fn panics_by_random_requests() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = id(&learner.start(&exam, "exam").await.ok(201));
    let known = vec![exam, attempt, site.bank_id.clone(), site.course_id.clone(), command_id(), "x".to_owned()];
    let good = good_bodies(&site);
    let tokens = [learner.token(), site.author.token(), site.proctor.token(), site.admin.token(), "x"];
    // Signing out and disabling would end the game.
    let all = operations(&site.admin).await;
    let routes: Vec<_> =
        all.into_iter().filter(|(method, path)| method != "DELETE" && !path.ends_with("/disabled")).collect();
    let mut dice = Dice(0x6b65_6a75);
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..REQUESTS {
        let (method, pattern) = dice.of(&routes).clone();
        let path = path(&mut dice, &pattern, &known);
        let ask = Ask::new(&method, path.clone()).bearer(dice.of(&tokens));
        let ask = if method == "GET" { ask } else { body(&mut dice, ask, &good, &known) };
        let answer = ask.try_send(site.server.address());
        let answer = answer.unwrap_or_else(|| panic!("request {number}: {method} {path} was not answered"));
        assert!(answer.status < 500, "request {number}: {method} {path}: {}", answer.text());
        if answer.status >= 400 {
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json"),
                "{method} {path}: {}",
                answer.text()
            );
        }
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert!(statuses.len() > 5 && statuses.keys().any(|status| *status < 300), "too tame: {statuses:?}");
    assert!(!site.server.stderr().contains("panicked"));
    Ask::new("GET", "/api/v1/me").bearer(learner.token()).send(site.server.address()).expect(200);
}

/// Numbers at the ends of their ranges, where sums would overflow.
#[tokio::test]
async fn panics_by_extreme_numbers() {
    let site = site().await;
    let section =
        |count: u64, points: f64| json!({"title": "x", "count": count, "points": points, "quotas": [{"count": count}]});
    let max = u64::from(u32::MAX);
    let blueprints = [
        vec![section(max, 1.0)],
        vec![section(max, 1_000_000.0); 2],
        vec![section(max, 1_000_000.0); 50],
        vec![section(max, 1_000_000.0); 1_000],
        vec![section(0, 0.0); 50],
        vec![section(1, 0.01); 200],
        vec![json!({"title": "x", "count": 1, "points": 1, "quotas": vec![json!({"count": max}); 300]})],
    ];
    for sections in blueprints {
        for (name, number) in [
            ("attempts_max", json!(max)),
            ("duration_ms", json!(i64::MAX)),
            ("cooldown_ms", json!(i64::MIN)),
            ("pass_score", json!(1_000_000)),
        ] {
            let over = json!({"blueprint": {"sections": sections, "overlap_max": 1e308, "exposure_max": 1e-308}, name: number});
            let made = site.author.post("/exams", &site.exam_body(&over)).await;
            assert!(made.status < 500, "{}", made.text());
            if made.status == 201 {
                let published = site.author.post(&format!("/exams/{}/publish", id(&made.json)), &json!({})).await;
                assert!(published.status < 500, "{}", published.text());
            }
        }
    }
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    for at in ["9999-12-31T23:59:59.999999999Z", "-009999-01-01T00:00:00Z", "2023-06-01T00:00:60Z"] {
        for exception in [
            json!({"opens_at": at}),
            json!({"closes_at": at}),
            json!({"extra_ms": i64::MAX}),
            json!({"attempts_max": max}),
        ] {
            let mut body = json!({"person": learner.person, "reason": "r"});
            body.as_object_mut().unwrap().extend(exception.as_object().unwrap().clone());
            assert!(site.author.post(&format!("/exams/{exam}/overrides"), &body).await.status < 500);
            assert!(learner.exam(&exam).await.status < 500);
            assert!(learner.start(&exam, "exam").await.status < 500);
        }
        assert!(site.author.put(&format!("/exams/{exam}/release"), &json!({"results_at": at})).await.status < 500);
    }
    assert!(!site.server.stderr().contains("panicked"), "{}", site.server.stderr());
}

/// Deep and wide JSON.
#[tokio::test]
async fn panics_by_depth() {
    let site = site().await;
    let address = site.server.address();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        for path in ["/api/v1/people", "/api/v1/exams", "/api/v1/courses"] {
            for body in [deep.clone(), format!("{{\"people\": {deep}}}"), format!("{{\"blueprint\": {deep}}}")] {
                let answer =
                    Ask::new("POST", path).bearer(site.admin.token()).body("application/json", body).send(address);
                assert!([400, 413].contains(&answer.status), "{}", answer.text());
            }
        }
        let bank = format!("{{\"format\": \"keju-bank/1\", \"items\": [{deep}]}}");
        let path = format!("/api/v1/banks/{}/imports", site.bank_id);
        let answer =
            Ask::new("POST", path).bearer(site.author.token()).upload("x.json", "json", bank.as_bytes()).send(address);
        assert!(answer.status < 500, "{}", answer.text());
    }
    assert!(!site.server.stderr().contains("panicked"));
}
