//! A stop in the middle of traffic: what was acknowledged is kept, and the process ends well.

use super::crash::{answer_until_the_end, logs_hold, nothing_is_lost};
use keju_tests::kit::{Backend, Site, eventually, id};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

keju_tests::on_every_backend!(
    a_stop_during_traffic_loses_nothing_acknowledged,
    a_connection_that_says_nothing_does_not_hold_a_stop,
);

async fn a_stop_during_traffic_loses_nothing_acknowledged(backend: Backend) {
    let mut site = Site::start_on(backend).await;
    let exam = site.exam(&json!({})).await;
    let (count, mut working) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for learner in site.learners(4).await {
        let attempt = learner.start(&exam, "exam").await.ok(201);
        let (bank, count) = (site.bank.clone(), Arc::clone(&count));
        let work = tokio::spawn(answer_until_the_end(bank, learner.clone(), attempt.clone(), count));
        working.push((learner, attempt, work));
    }
    eventually("two hundred answers", Duration::from_secs(60), async || {
        (count.load(Ordering::Relaxed) > 200).then_some(())
    })
    .await;
    // Exit code 0 within ten seconds.
    tokio::task::block_in_place(|| site.server.terminate());
    site.restart();
    for (learner, attempt, work) in working {
        let acknowledged = work.await.unwrap_or_default();
        assert!(!acknowledged.is_empty());
        let learner = learner.at(site.server.url());
        nothing_is_lost(&learner, &id(&attempt), &acknowledged).await;
        assert_eq!(learner.submit(&id(&attempt)).await.ok(200)["state"], "submitted");
    }
    tokio::task::block_in_place(|| logs_hold(&mut site.server));
}

async fn a_connection_that_says_nothing_does_not_hold_a_stop(backend: Backend) {
    let mut site = Site::start_on(backend).await;
    let silent = tokio::net::TcpStream::connect(site.server.address()).await;
    let half = std::net::TcpStream::connect(site.server.address());
    let half = half.and_then(|mut stream| {
        std::io::Write::write_all(&mut stream, b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")?;
        Ok(stream)
    });
    assert!(silent.is_ok() && half.is_ok());
    assert_eq!(site.author.me().await.status, 200);
    tokio::task::block_in_place(|| site.server.terminate());
}
