//! Many at once: clients that never read, that say nothing, that come and go. Nobody else notices.

use super::Sitting;
use crate::security::support::{descriptors, memory_mib, memory_peak_mib};
use keju_tests::kit::stream::raw_frame;
use keju_tests::kit::{Client, Said, Stream, eventually, number, slots};
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How many never read.
const DEAF: usize = 1_000;
/// Of them, so many come at once.
const DEAF_AT_ONCE: usize = 50;
/// How many come and are killed.
const KILLED: usize = 100_000;

/// Says hello, and will read nothing.
async fn never_reads(learner: Client, attempt: String) -> Stream {
    let ticket = learner.ticket("attempt", &attempt).await;
    let mut stream = Stream::open_narrow(learner.base()).await;
    stream.say(&json!({"t": "hello", "ticket": ticket})).await;
    stream
}

#[tokio::test]
async fn clients_that_never_read() {
    let config = "messages_per_second = 100000\nmessages_burst = 100000\n[stream]\nsockets_per_person = 2000\n";
    let sitting = Sitting::start(config).await;
    let before = descriptors(&sitting.site.server);
    // Each asks for megabytes of refusals and reads none of them.
    let wrong = json!({"t": "answer", "command_id": keju_tests::kit::command_id(), "slot": 9_999, "response": null});
    let mut deaf = Vec::new();
    while deaf.len() < DEAF {
        let come: Vec<_> =
            (0..DEAF_AT_ONCE).map(|_| tokio::spawn(never_reads(sitting.learner.clone(), sitting.id()))).collect();
        for one in come {
            deaf.push(one.await.unwrap());
        }
    }
    let wrong = raw_frame(true, 1, wrong.to_string().as_bytes()).repeat(2_000);
    let wrong: Arc<[u8]> = wrong.into();
    let writers: Vec<_> = deaf
        .into_iter()
        .map(|mut stream| {
            let wrong = Arc::clone(&wrong);
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
    let peak = memory_peak_mib(&sitting.site.server);
    assert!(peak < 400, "{peak} MiB");
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

/// A connection that is killed somewhere on its way: before, in or after its handshake, or with a hello under way; by
/// a reset or by its end.
fn come_and_go(address: SocketAddr, from: u8, number: usize) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, from], 0)).into())?;
    socket.connect(&address.into())?;
    let mut stream = TcpStream::from(socket);
    let (head, rest) = HANDSHAKE.split_at(HANDSHAKE.len() / 2);
    let reached = number % 4;
    if reached > 0 {
        stream.write_all(head)?;
    }
    if reached > 1 {
        stream.write_all(rest)?;
        let mut answer = [0; 512];
        let read = stream.read(&mut answer)?;
        assert!(answer[..read].starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer[..read]));
    }
    if reached == 3 {
        stream.write_all(&raw_frame(true, 1, br#"{"t":"hello","ticket":"none"}"#))?;
    }
    if number % 8 < 4 {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    }
    Ok(())
}

const HANDSHAKE: &[u8] = b"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: exam.v1\r\n\r\n";

/// So many of them, from four addresses at once: one has not enough ports for all.
async fn a_crowd_comes_and_goes(address: SocketAddr, count: usize) {
    let all = move |from| {
        for number in 0..count / 4 {
            come_and_go(address, from, number).unwrap_or_else(|error| panic!("{number}: {error}"));
        }
    };
    let crowd: Vec<_> = (2..6).map(|from| tokio::task::spawn_blocking(move || all(from))).collect();
    for part in crowd {
        part.await.unwrap();
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
    let address = server.address().parse().unwrap();
    let all_gone = async || {
        eventually("the descriptors come back", Duration::from_secs(40), async || {
            (descriptors(server) <= before + 2).then_some(())
        })
        .await;
        eventually("the sockets are counted back", Duration::from_secs(10), async || {
            // The connection it had may have been idle for too long meanwhile.
            let metrics = sitting.learner.request(reqwest::Method::GET, "/metrics");
            let reply = sitting.learner.try_send(metrics).await.ok()?;
            reply.text().contains("keju_sockets 0\n").then_some(())
        })
        .await;
    };
    a_crowd_comes_and_goes(address, KILLED / 10).await;
    all_gone().await;
    let baseline = memory_mib(server);
    a_crowd_comes_and_goes(address, KILLED - KILLED / 10).await;
    all_gone().await;
    let after = memory_mib(server);
    assert!(after <= baseline + 24, "{baseline} MiB after a tenth of them, {after} MiB after all");
    let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    stream.expect("welcome").await;
    stream.answer(1, &Value::Null).await;
    stream.expect("receipt").await;
    assert!(!server.stderr().contains("panicked"), "{}", server.stderr());
}
