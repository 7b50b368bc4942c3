//! Many at once: clients that never read, that say nothing, that come and go. Nobody else notices.

use super::Sitting;
use crate::security::support::{descriptors, memory_peak_mib};
use keju_tests::kit::{Said, Stream, eventually, number, slots};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Sends answers and reads nothing, until the server has enough of it; gives the socket back.
async fn never_reads(sitting: &Sitting) -> Stream {
    let ticket = sitting.learner.ticket("attempt", &sitting.id()).await;
    let mut stream = Stream::open_narrow(sitting.site.server.url()).await;
    stream.say(&json!({"t": "hello", "ticket": ticket})).await;
    stream
}

#[tokio::test]
async fn clients_that_never_read() {
    let config = "messages_per_second = 100000\nmessages_burst = 100000\n[stream]\nsockets_per_person = 1000\n";
    let sitting = Sitting::start(config).await;
    let before = descriptors(&sitting.site.server);
    // Each asks for megabytes of refusals and reads none of them.
    let wrong = json!({"t": "answer", "command_id": keju_tests::kit::command_id(), "slot": 9_999, "response": null});
    let mut deaf = Vec::new();
    for _ in 0..300 {
        deaf.push(never_reads(&sitting).await);
    }
    let wrong = keju_tests::kit::stream::raw_frame(true, 1, wrong.to_string().as_bytes()).repeat(2_000);
    let writers: Vec<_> = deaf
        .into_iter()
        .map(|mut stream| {
            let wrong = wrong.clone();
            tokio::spawn(async move {
                let _ = tokio::time::timeout(Duration::from_secs(3), stream.bytes().write_all(&wrong)).await;
                stream
            })
        })
        .collect();
    // Somebody else works on, by socket and by HTTP.
    let other = sitting.site.learner().await;
    let attempt = other.start(&sitting.exam, "exam").await.ok(201);
    let mut stream = Stream::hello(&other, "attempt", &keju_tests::kit::id(&attempt)).await;
    stream.expect("welcome").await;
    for slot in slots(&attempt) {
        stream.answer(number(&slot), &Value::Null).await;
        stream.expect("receipt").await;
        other.answer(&keju_tests::kit::id(&attempt), number(&slot), &Value::Null).await.ok(200);
    }
    let mut deaf = Vec::new();
    for writer in writers {
        deaf.push(writer.await.unwrap());
    }
    eventually("the server lets them go", Duration::from_secs(90), async || {
        (descriptors(&sitting.site.server) <= before + 20).then_some(())
    })
    .await;
    assert!(memory_peak_mib(&sitting.site.server) < 400);
    // Whoever reads at last is told why, if there was room left to say it.
    let mut told = Vec::new();
    for mut stream in deaf.drain(..20) {
        loop {
            match stream.next().await {
                Said::Closed(code, _) => {
                    told.push(code);
                    break;
                }
                Said::Gone => break,
                Said::Message(_) => {}
            }
        }
    }
    assert!(told.iter().all(|code| [1008, 1013].contains(code)), "{told:?}");
    let metrics = other.send(other.request(reqwest::Method::GET, "/metrics")).await.text();
    assert!(metrics.contains("keju_socket_closes_total{code=\"1013\"}"), "{metrics}");
}

#[tokio::test]
async fn silent_peers_are_gone() {
    let sitting = Sitting::start("[stream]\nping_ms = 400\nsilent_ms = 1200\n").await;
    let before = descriptors(&sitting.site.server);
    let mut mute = Vec::new();
    for _ in 0..10 {
        let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
        stream.expect("welcome").await;
        mute.push(stream);
    }
    // Nobody reads these, so nobody answers their pings.
    let mut alive = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    alive.expect("welcome").await;
    let proctor = sitting.site.proctor.clone();
    let attempt = sitting.id();
    let listening = tokio::spawn(async move { (alive.expect("notice").await, alive) });
    eventually("the mute are let go", Duration::from_secs(20), async || {
        (descriptors(&sitting.site.server) <= before + 2).then_some(())
    })
    .await;
    // Whoever answers stays.
    proctor.act(&attempt, "warn", "在吗", None).await.ok(200);
    let (notice, _alive) = listening.await.unwrap();
    assert_eq!(notice["text"], "在吗");
    for mut stream in mute {
        // Answering the pings of long ago may end the connection before the close frame is read.
        assert!(matches!(stream.next().await, Said::Closed(1001, _) | Said::Gone));
    }
}

#[tokio::test]
async fn connections_that_come_and_are_killed() {
    let sitting = Sitting::start("").await;
    let server = &sitting.site.server;
    let mut warm = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    warm.expect("welcome").await;
    warm.close().await;
    let before = descriptors(server);
    let memory = |round: usize| (round, memory_peak_mib(server));
    let mut peaks = Vec::new();
    for round in 0..4 {
        for number in 0..500 {
            match number % 4 {
                // No handshake, half of one, a whole one, one with a hello.
                0 => drop(TcpStream::connect(server.address()).await.unwrap()),
                1 => {
                    let mut stream = TcpStream::connect(server.address()).await.unwrap();
                    let _ = stream.write_all(b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n").await;
                }
                2 => drop(Stream::open(server.url()).await),
                _ => {
                    let mut stream = Stream::open(server.url()).await;
                    stream.say(&json!({"t": "hello", "ticket": "none"})).await;
                }
            }
        }
        peaks.push(memory(round));
    }
    eventually("the descriptors come back", Duration::from_secs(40), async || {
        (descriptors(server) <= before + 2).then_some(())
    })
    .await;
    assert!(peaks[3].1 <= peaks[0].1 + 40, "{peaks:?}");
    eventually("the sockets are counted back", Duration::from_secs(10), async || {
        let metrics = sitting.learner.send(sitting.learner.request(reqwest::Method::GET, "/metrics")).await.text();
        metrics.contains("keju_sockets 0\n").then_some(())
    })
    .await;
}
