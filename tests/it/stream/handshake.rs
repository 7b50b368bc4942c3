//! Who is let in: origins, tickets, the first message.

use super::Sitting;
use keju_tests::kit::{Said, Stream, text};
use serde_json::json;

#[tokio::test]
async fn origins_that_look_like_ours() {
    let sitting = Sitting::start("").await;
    let url = sitting.site.server.url().to_owned();
    let address = sitting.site.server.address().to_owned();
    let (host, port) = address.split_once(':').unwrap();
    let foreign = [
        String::new(),
        "null".into(),
        "http://evil.com".into(),
        format!("http://{address}.evil.com"),
        format!("http://evil{address}"),
        format!("http://evil.com/{address}"),
        format!("http://evil.com#{address}"),
        format!("http://{address}@evil.com"),
        format!("http://user@{address}"),
        format!("http://{host}"),
        format!("http://{host}:{port}0"),
        format!("http://{address}/"),
        format!("http://{address} http://evil.com"),
        format!("ws://{address}"),
        format!("ftp://{address}"),
        address.clone(),
        "http://localhost".into(),
    ];
    for origin in &foreign {
        assert_eq!(Stream::try_open(&url, &[("origin", origin)]).await.err(), Some(403), "{origin}");
    }
    let own = format!("http://{address}");
    assert_eq!(Stream::try_open(&url, &[("origin", &own), ("origin", "http://evil.com")]).await.err(), Some(403));
    for headers in [&[("origin", own.as_str())][..], &[]] {
        // Ours; and none at all, which no browser sends: it still needs a ticket.
        let mut stream = Stream::try_open(&url, headers).await.unwrap();
        stream.say(&json!({"t": "hello", "ticket": "guessed"})).await;
        assert_eq!(stream.closed().await, 4401);
    }
}

#[tokio::test]
async fn origins_allowed_by_name() {
    let settings = keju_tests::kit::Settings {
        config: Some("allowed_origins = [\"https://exam.example.cn\"]".into()),
        ..keju_tests::kit::Settings::default()
    };
    let server = keju_tests::kit::Server::start_with(settings);
    let open = async |origin: &str| Stream::try_open(server.url(), &[("origin", origin)]).await.err();
    assert_eq!(open("https://exam.example.cn").await, None);
    for foreign in [
        "http://exam.example.cn",
        "https://exam.example.cn:444",
        "https://exam.example.cn.evil.com",
        "https://evil-exam.example.cn",
        "https://sub.exam.example.cn",
        "https://EXAM.example.cn/",
        "https://exam.example.cn/",
    ] {
        assert_eq!(open(foreign).await, Some(403), "{foreign}");
    }
}

#[tokio::test]
async fn tickets_work_once() {
    let sitting = Sitting::start("").await;
    let (learner, url) = (&sitting.learner, sitting.site.server.url());
    let ticket = learner.ticket("attempt", &sitting.id()).await;
    let mut first = Stream::open(url).await;
    first.say(&json!({"t": "hello", "ticket": ticket})).await;
    first.expect("welcome").await;
    let session = learner.token().to_owned();
    let upper = ticket.to_uppercase();
    for wrong in [ticket.as_str(), "", "x", &session, &format!("{ticket} "), &format!("{ticket}="), &upper] {
        let mut stream = Stream::open(url).await;
        stream.say(&json!({"t": "hello", "ticket": wrong})).await;
        assert_eq!(stream.next().await, Said::Closed(4401, "bad or used ticket".into()), "{wrong}");
    }
    // Fifty at once with one ticket: one of them.
    let ticket = learner.ticket("attempt", &sitting.id()).await;
    let crowd: Vec<_> = (0..50)
        .map(|_| {
            let (url, hello) = (url.to_owned(), json!({"t": "hello", "ticket": ticket}));
            tokio::spawn(async move {
                let mut stream = Stream::open(&url).await;
                stream.say(&hello).await;
                matches!(stream.next().await, Said::Message(_))
            })
        })
        .collect();
    let mut welcome = 0;
    for one in crowd {
        welcome += usize::from(one.await.unwrap());
    }
    assert_eq!(welcome, 1);
}

#[tokio::test]
async fn a_ticket_lasts_thirty_seconds_at_most() {
    let sitting = Sitting::start("").await;
    let minted = sitting.learner.post("/tickets", &json!({"purpose": "attempt", "id": sitting.id()})).await.ok(201);
    let until = exam_core::Timestamp::parse(text(&minted["expires_at"])).unwrap();
    // By the server's own clock, read afterwards.
    let now = sitting.learner.attempt(&sitting.id()).await.ok(200);
    let now = exam_core::Timestamp::parse(text(&now["server_time"])).unwrap();
    assert!((1..=30_000).contains(&until.since(now)), "{minted}");
}

#[tokio::test]
async fn a_ticket_in_the_url_is_none() {
    let sitting = Sitting::start("").await;
    let ticket = sitting.learner.ticket("attempt", &sitting.id()).await;
    let path = format!("/api/v1/stream?ticket={ticket}&token={}", sitting.learner.token());
    let url = format!("{}{path}", sitting.site.server.url().replacen("http", "ws", 1));
    let stream = tokio::net::TcpStream::connect(sitting.site.server.address()).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    futures_util::SinkExt::send(&mut socket, tokio_tungstenite::tungstenite::Message::text("{\"t\":\"hello\"}"))
        .await
        .unwrap();
    let said = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    let tokio_tungstenite::tungstenite::Message::Close(Some(frame)) = said else { panic!("{said:?}") };
    assert_eq!(u16::from(frame.code), 4400);
    let log = sitting.site.server.stderr();
    assert!(!log.contains(&ticket) && !log.contains(sitting.learner.token()));
}

#[tokio::test]
async fn no_hello_in_time() {
    let sitting = Sitting::start("[stream]\nhello_ms = 300\n").await;
    let mut stream = Stream::open(sitting.site.server.url()).await;
    assert_eq!(stream.next().await, Said::Closed(4408, "no hello".into()));
    // Pings are no hello.
    let mut stream = Stream::open(sitting.site.server.url()).await;
    stream.try_send(tokio_tungstenite::tungstenite::Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(stream.closed().await, 4408);
    // In time, it stays.
    let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    stream.expect("welcome").await;
    sitting.site.proctor.act(&sitting.id(), "warn", "在吗", None).await.ok(200);
    stream.expect("notice").await;
}

#[tokio::test]
async fn another_protocol_or_none() {
    use super::super::security::wire::Ask;
    let sitting = Sitting::start("").await;
    let address = sitting.site.server.address();
    let ask = || {
        Ask::new("GET", "/api/v1/stream")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    // Ask says Connection: close, which is no upgrade.
    ask().send(address).refused(400, "invalid");
    Ask::new("GET", "/api/v1/stream").send(address).refused(400, "invalid");
    let long = "x".repeat(20_000);
    let answer = ask().header("Sec-WebSocket-Protocol", &long).try_send(address);
    assert!(answer.is_none_or(|answer| (400..500).contains(&answer.status)));
    let many = (0..2_000).fold(ask(), |ask, number| ask.header(&format!("X-{number}"), "1")).try_send(address);
    assert!(many.is_none_or(|answer| (400..500).contains(&answer.status)));
    Ask::new("GET", "/healthz").send(address).expect(200);
}

#[tokio::test]
async fn sockets_of_a_person_and_of_an_address_have_a_bound() {
    let sitting = Sitting::start("[stream]\nsockets_per_person = 3\nsockets_per_address = 5\n").await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
        stream.expect("welcome").await;
        open.push(stream);
    }
    let mut fourth = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    assert_eq!(fourth.closed().await, 4429);
    for _ in 0..2 {
        open.push(Stream::open(sitting.site.server.url()).await);
    }
    let mut sixth = Stream::open(sitting.site.server.url()).await;
    assert_eq!(sixth.closed().await, 4429);
    // One leaves, one may come.
    open.remove(0).close().await;
    let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    stream.expect("welcome").await;
}

#[tokio::test]
async fn a_storm_of_hellos_comes_in_at_a_pace() {
    let site = keju_tests::kit::Site::start_with(
        keju_tests::kit::Settings {
            config: Some("[limits]\nhellos_per_second = 1\nhellos_burst = 3\n".into()),
            ..keju_tests::kit::Settings::default()
        },
        keju_tests::kit::Bank::generated(4, false),
    )
    .await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = keju_tests::kit::id(&learner.start(&exam, "exam").await.ok(201));
    let mut sent_away = 0;
    for _ in 0..8 {
        let mut stream = Stream::hello(&learner, "attempt", &attempt).await;
        match stream.next().await {
            Said::Message(message) if message["t"] == "error" => {
                assert_eq!(json!([message["code"], message["temporary"]]), json!(["overloaded", true]));
                assert!(message["retry_after_ms"].as_i64().is_some_and(|ms| ms > 0), "{message}");
                assert_eq!(stream.closed().await, 1013);
                sent_away += 1;
            }
            said => assert!(matches!(&said, Said::Message(message) if message["t"] == "welcome"), "{said:?}"),
        }
    }
    assert!((3..8).contains(&sent_away), "{sent_away}");
}
