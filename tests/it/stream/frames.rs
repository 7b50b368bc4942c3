//! Frames as no browser sends them.

use super::Sitting;
use keju_tests::kit::stream::raw_frame;
use keju_tests::kit::{Said, Stream};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

/// What the server says to these bytes, on a socket that has said hello.
async fn answer_to(sitting: &Sitting, bytes: &[u8]) -> Said {
    let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    stream.expect("welcome").await;
    // The server may be gone before all of it is written.
    let _ = stream.bytes().write_all(bytes).await;
    stream.next().await
}

fn closed(code: u16, reason: &str) -> Said {
    Said::Closed(code, reason.into())
}

#[tokio::test]
async fn frames_over_eight_kib() {
    let sitting = Sitting::start("").await;
    let too_big = closed(1009, "at most 8 KiB");
    assert_eq!(answer_to(&sitting, &raw_frame(true, TEXT, &vec![b' '; 8 * 1024 + 1])).await, too_big);
    assert_eq!(answer_to(&sitting, &raw_frame(true, TEXT, &vec![b' '; 300_000])).await, too_big);
    // Announced only.
    let mut announced = vec![0x81, 0x80 | 127];
    announced.extend(u64::MAX.to_be_bytes());
    announced.extend([0; 4]);
    assert_eq!(answer_to(&sitting, &announced).await, too_big);
    // In two parts.
    let mut parts = raw_frame(false, TEXT, &vec![b' '; 8_000]);
    parts.extend(raw_frame(true, CONTINUATION, &vec![b' '; 8_000]));
    assert_eq!(answer_to(&sitting, &parts).await, too_big);
    // Exactly that much is read, and is no message.
    let full = answer_to(&sitting, &raw_frame(true, TEXT, &vec![b' '; 8 * 1024])).await;
    assert_eq!(full, closed(4400, "malformed"));
}

#[tokio::test]
async fn endless_fragments() {
    let sitting = Sitting::start("").await;
    let mut growing = raw_frame(false, TEXT, b"{");
    for _ in 0..100 {
        growing.extend(raw_frame(false, CONTINUATION, &[b' '; 100]));
    }
    assert_eq!(answer_to(&sitting, &growing).await, closed(1009, "at most 8 KiB"));
    // Empty ones never grow, and never end either.
    let mut empty = raw_frame(false, TEXT, b"");
    empty.extend(raw_frame(false, CONTINUATION, b"").repeat(400_000));
    assert_eq!(answer_to(&sitting, &empty).await, closed(1008, "too many messages"));
}

#[tokio::test]
async fn text_that_is_no_utf_8() {
    let sitting = Sitting::start("").await;
    let not_utf8 = closed(1007, "not UTF-8");
    for bytes in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"{\"t\":\"answer\xf5\"}", b"\xe4\xb8"] {
        assert_eq!(answer_to(&sitting, &raw_frame(true, TEXT, bytes)).await, not_utf8, "{bytes:?}");
    }
    let mut parts = raw_frame(false, TEXT, b"\xe4\xb8");
    parts.extend(raw_frame(true, CONTINUATION, b"\xff"));
    assert_eq!(answer_to(&sitting, &parts).await, not_utf8);
}

#[tokio::test]
async fn frames_that_are_none() {
    let sitting = Sitting::start("").await;
    let protocol = closed(1002, "not a WebSocket frame");
    let mut unmasked = vec![0x81, 2];
    unmasked.extend(b"{}");
    let mut reserved = raw_frame(true, TEXT, b"{}");
    reserved[0] |= 0x40;
    for bytes in [
        unmasked,
        reserved,
        raw_frame(true, 3, b"{}"),
        raw_frame(true, 11, b""),
        raw_frame(true, CONTINUATION, b"{}"),
        raw_frame(false, PING, b""),
        raw_frame(true, PING, &[0; 126]),
        [raw_frame(false, TEXT, b"{"), raw_frame(true, TEXT, b"}")].concat(),
    ] {
        assert_eq!(answer_to(&sitting, &bytes).await, protocol, "{bytes:?}");
    }
    assert_eq!(answer_to(&sitting, &raw_frame(true, BINARY, b"{}")).await, closed(4400, "malformed"));
    // A polite end is answered in kind.
    assert_eq!(answer_to(&sitting, &raw_frame(true, CLOSE, &1000_u16.to_be_bytes())).await, closed(1000, ""));
}

#[tokio::test]
async fn a_flood_of_messages() {
    let sitting = Sitting::start("messages_per_second = 5\nmessages_burst = 20\n").await;
    let answer = json!({"t": "answer", "command_id": keju_tests::kit::command_id(), "slot": 1, "response": null});
    let floods: [Message; 2] = [Message::text(answer.to_string()), Message::Ping(vec![1].into())];
    for message in floods {
        let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
        stream.expect("welcome").await;
        for _ in 0..60 {
            if stream.try_send(message.clone()).await.is_err() {
                break;
            }
        }
        assert_eq!(stream.closed().await, 1008);
    }
    // Others are served meanwhile, and so is whoever comes back in peace.
    let mut stream = Stream::hello(&sitting.learner, "attempt", &sitting.id()).await;
    stream.expect("welcome").await;
    stream.say(&answer).await;
    stream.expect("receipt").await;
}

/// Before hello as after it.
#[tokio::test]
async fn a_flood_before_hello() {
    let sitting = Sitting::start("").await;
    for bytes in [raw_frame(true, PING, b"").repeat(500), raw_frame(true, TEXT, b"x").repeat(500)] {
        let mut stream = Stream::open(sitting.site.server.url()).await;
        let _ = stream.bytes().write_all(&bytes).await;
        assert!([1008, 4400].contains(&stream.closed().await));
    }
}
