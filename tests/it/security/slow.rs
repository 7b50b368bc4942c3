//! Overload by slow and broken clients: they are cut off, and nobody else notices.

use super::support::{descriptors, memory_peak_mib, site};
use super::wire::{Ask, connect, raw, read_to_end, status};
use keju_tests::kit::{Bank, Site, eventually, id};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The promise is ten seconds; the rest is a busy machine.
const HEAD_PATIENCE: Duration = Duration::from_secs(12);

/// How long the server lets this connection be, after these bytes; and what it said at last.
fn held(address: &str, bytes: &[u8]) -> (Duration, Vec<u8>) {
    let since = Instant::now();
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    let said = read_to_end(&mut stream);
    (since.elapsed(), said)
}

#[tokio::test]
async fn slow_headers() {
    let site = site().await;
    let address = site.server.address().to_owned();
    let halves: [&[u8]; 5] = [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: aaaaaaaa",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n",
        // A whole request, and half of the next one.
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost",
    ];
    std::thread::scope(|scope| {
        for half in halves {
            let address = &address;
            scope.spawn(move || {
                let (took, _) = held(address, half);
                assert!(took <= HEAD_PATIENCE, "{} held for {took:?}", String::from_utf8_lossy(half));
            });
        }
        // A byte now and then does not help.
        scope.spawn(|| {
            let since = Instant::now();
            let mut stream = connect(&address);
            stream.set_read_timeout(Some(Duration::from_millis(250))).unwrap();
            let mut buffer = [0; 64];
            loop {
                let gone = stream.write_all(b"X").is_err();
                match std::io::Read::read(&mut stream, &mut buffer) {
                    Ok(0) => break,
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                    _ if gone => break,
                    _ => {}
                }
                assert!(since.elapsed() <= HEAD_PATIENCE, "a dripping client is still there");
            }
        });
    });
    Ask::new("GET", "/healthz").send(&address).expect(200);
}

#[tokio::test]
async fn three_hundred_slow_headers_stop_no_answer() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = learner.start(&exam, "exam").await.ok(201);
    let slow: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = connect(site.server.address());
            stream
                .write_all(b"PUT /api/v1/attempts/x/answers/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n")
                .unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        let since = Instant::now();
        // On a connection of its own every time, as a newcomer.
        let newcomer = learner.device(site.server.url(), "another").await;
        newcomer.answer(&id(&attempt), 1, &serde_json::Value::Null).await.ok(200);
        assert!(since.elapsed() < Duration::from_secs(3), "an answer took {:?}", since.elapsed());
    }
    for mut stream in slow {
        read_to_end(&mut stream);
    }
}

#[tokio::test]
async fn slow_bodies() {
    let site = site().await;
    let exam = site.exam(&json!({})).await;
    let learner = site.learner().await;
    let attempt = id(&learner.start(&exam, "exam").await.ok(201));
    let head = |path: &str, length: usize, kind: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{{\"",
            learner.token()
        )
    };
    let answers = head(&format!("/api/v1/attempts/{attempt}/answers"), 1_000, "application/json");
    let sign_in = head("/api/v1/session", 1_000, "application/json");
    // Nobody reads a body that nobody may send: the answer comes at once, and the connection goes.
    let upload = head(&format!("/api/v1/banks/{}/imports", site.bank_id), 1 << 20, "multipart/form-data; boundary=x");
    let address = site.server.address();
    std::thread::scope(|scope| {
        for (request, expected) in [(&answers, 408), (&sign_in, 408), (&upload, 403)] {
            scope.spawn(move || {
                let (took, said) = held(address, request.as_bytes());
                assert_eq!(status(&said), Some(expected), "{}", String::from_utf8_lossy(&said));
                assert!(took < Duration::from_secs(45), "held for {took:?}");
            });
        }
    });
}

#[tokio::test]
async fn slow_readers() {
    let site = Site::start_with(super::support::generous(""), Bank::generated(2, false)).await;
    let address = site.server.address();
    Ask::new("GET", "/openapi.json").send(address).expect(200);
    let before = descriptors(&site.server);
    let asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    let readers: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = connect(address);
            stream.write_all(&asked).unwrap();
            stream
        })
        .collect();
    eventually("they are let in", Duration::from_secs(10), async || {
        (descriptors(&site.server) > before + 10).then_some(())
    })
    .await;
    // None of them reads a byte, and none of them goes.
    eventually("the server lets them go", Duration::from_secs(90), async || {
        (descriptors(&site.server) <= before + 2).then_some(())
    })
    .await;
    drop(readers);
    assert!(memory_peak_mib(&site.server) < 400);
    Ask::new("GET", "/healthz").send(address).expect(200);
}

#[tokio::test]
async fn heads_and_bodies_that_are_too_big() {
    let site = site().await;
    let address = site.server.address();
    let learner = site.learner().await;
    let long = "a".repeat(20_000);
    for ask in [
        Ask::new("GET", format!("/{long}")),
        Ask::new("GET", "/api/v1/me").bearer(&long),
        Ask::new("GET", "/api/v1/me").header("Cookie", &long),
        (0..2_000).fold(Ask::new("GET", "/healthz"), |ask, number| ask.header(&format!("X-{number}"), "1")),
    ] {
        let answer = ask.try_send(address);
        assert!(answer.as_ref().is_none_or(|answer| (400..500).contains(&answer.status)), "{}", answer.unwrap().head);
    }
    let body = vec![b' '; 9 << 20];
    for (token, path) in [
        (learner.token(), "/api/v1/session"),
        (learner.token(), "/api/v1/attempts/x/answers"),
        (learner.token(), "/api/v1/receipts/verify"),
        (site.admin.token(), "/api/v1/people"),
        (site.author.token(), "/api/v1/exams"),
    ] {
        let answer = Ask::new("POST", path).bearer(token).body("application/json", body.clone()).try_send(address);
        // Refused before all of it was sent: some of it may still be under way when the connection goes.
        assert!(answer.is_none_or(|answer| [413, 404].contains(&answer.status)), "{path}");
    }
    let just_over = format!("{{\"username\": \"{}\", \"password\": \"\"}}", "x".repeat(64 << 10));
    Ask::new("POST", "/api/v1/session").body("application/json", just_over).send(address).refused(413, "too_large");
    let upload = Ask::new("POST", format!("/api/v1/banks/{}/imports", site.bank_id)).bearer(site.author.token());
    let answer = upload.upload("x.json", "json", &vec![b' '; 66 << 20]).try_send(address);
    assert!(answer.is_none_or(|answer| answer.status == 413));
    // Said to be big, or said to have no end.
    let said = raw(address, b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n");
    assert!([Some(413), Some(408)].contains(&status(&said)), "{}", String::from_utf8_lossy(&said));
    let mut endless = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        endless.extend_from_slice(b"1000\r\n");
        endless.extend_from_slice(&[b' '; 0x1000]);
        endless.extend_from_slice(b"\r\n");
    }
    let said = raw(address, &endless);
    assert!([None, Some(413)].contains(&status(&said)), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn requests_that_are_none() {
    let site = Site::start_with(super::support::generous(""), Bank::generated(2, false)).await;
    let address = site.server.address();
    let broken: [&[u8]; 20] = [
        b"\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"GET /api/v1/\0me HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/me\r\nX: y HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX\0Y: z\r\n\r\n",
        b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /api/v1/me HTTP/1.1\r\n Host: x\r\n\r\n",
        b"GET /api/v1/exams/%0d%0aSet-Cookie:%20x=y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /docs/..%2f..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT evil.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    for bytes in broken {
        let said = raw(address, bytes);
        let words = String::from_utf8_lossy(&said);
        let shown = String::from_utf8_lossy(bytes);
        assert!(status(&said).is_none_or(|status| (400..=415).contains(&status)), "{shown}: {words}");
        assert!(!words.to_lowercase().contains("set-cookie") && !words.contains("root:"), "{shown}: {words}");
    }
    // The client's own request id comes back only when it is harmless.
    for id in ["x", "a\tb-0123456789", "<script>alert(1)</script>", &"a".repeat(65)] {
        let answer = Ask::new("GET", "/healthz").header("X-Request-Id", id).send(address).expect(200);
        assert_ne!(answer.header("x-request-id"), Some(id));
    }
    // Garbage behind a good request: the good one is answered, the connection goes.
    let said = raw(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\0\0garbage\r\n\r\n");
    assert_eq!(status(&said), Some(200));
    assert_eq!(String::from_utf8_lossy(&said).matches("HTTP/1.1 200").count(), 1);
    // A body is never taken for the next request.
    let inner = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let outer = format!(
        "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{inner}",
        inner.len()
    );
    let said = raw(address, outer.as_bytes());
    assert_eq!(String::from_utf8_lossy(&said).matches("HTTP/1.1").count(), 1);
    Ask::new("GET", "/healthz").send(address).expect(200);
}

#[tokio::test]
async fn descriptors_come_back_to_baseline() {
    let site = Site::start_with(super::support::generous(""), Bank::generated(2, false)).await;
    let address = site.server.address();
    Ask::new("GET", "/healthz").send(address).expect(200);
    let before = descriptors(&site.server);
    for round in 0..2_000 {
        let mut stream = TcpStream::connect(address).unwrap();
        let bytes: &[u8] = match round % 5 {
            0 => b"",
            1 => b"GET /healthz HT",
            2 => b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
            3 => b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
            _ => b"\0",
        };
        let _ = stream.write_all(bytes);
    }
    eventually("the descriptors come back", Duration::from_secs(40), async || {
        (descriptors(&site.server) <= before + 2).then_some(())
    })
    .await;
    Ask::new("GET", "/healthz").send(address).expect(200);
}
