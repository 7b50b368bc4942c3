//! Durable answers over HTTP with all of the product's work on the path, beside a handler that does
//! nothing but read the same body, in one run over the same accept loop and the same client.
//!
//! `cargo bench -p keju-benches --bench http`. Server and client share the machine: read the ratios.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use axum::Json;
use axum::routing::put;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keju_benches::site::{BenchSite, SLOTS};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use uuid::Uuid;
use ws_gateway::app::App;
use ws_gateway::config::{Config, LimitsConfig};
use ws_gateway::{http, server};

const CONNECTIONS: [usize; 2] = [64, 256];

/// One keep-alive connection of one learner.
struct Connection {
    stream: TcpStream,
    path: String,
    token: String,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr, path: String, token: String) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, path, token, buffer: vec![0; 4_096] }
    }

    async fn answer(&mut self, round: u64) {
        let (command, slot, choice) = (Uuid::now_v7(), round % u64::from(SLOTS) + 1, round % 4 + 1);
        let body = format!(r#"{{"command_id":"{command}","response":{{"choices":["o{choice}"]}}}}"#);
        let request = format!(
            "PUT {}/{slot} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.path,
            self.token,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.expect("the request is sent");
        let read = self.stream.read(&mut self.buffer).await.expect("the response arrives");
        assert!(self.buffer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.buffer[..read]));
    }
}

async fn all(connections: &mut Vec<Connection>, rounds: u64) -> Duration {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for mut connection in connections.drain(..) {
        tasks.push(tokio::spawn(async move {
            for round in 0..rounds {
                connection.answer(round).await;
            }
            connection
        }));
    }
    for task in tasks {
        connections.push(task.await.expect("no answer is refused"));
    }
    started.elapsed()
}

async fn serve(router: axum::Router, app: Arc<App>) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stopping, stopped) = watch::channel(false);
    tokio::spawn(server::serve(listener, router, app, stopped));
    (address, stopping)
}

fn nothing() -> axum::Router {
    axum::Router::new().route("/nothing/{slot}", put(|Json(_): Json<serde_json::Value>| async { r#"{"saved":true}"# }))
}

fn answers(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let site = runtime.block_on(BenchSite::open(true));
    let unlimited = LimitsConfig { answers_per_second: 1_000_000, answers_burst: 1_000_000, ..LimitsConfig::default() };
    let app = App::new(Arc::clone(&site.engine), Config { limits: unlimited, ..Config::default() });
    let (address, _stop) = runtime.block_on(serve(http::router(&app), Arc::clone(&app)));
    let (idle, _stop_idle) = runtime.block_on(serve(nothing(), app));
    let mut group = criterion.benchmark_group("http_answers");
    group.sample_size(10).measurement_time(Duration::from_secs(5)).warm_up_time(Duration::from_secs(1));
    for count in CONNECTIONS {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::new("nothing", count), &count, |bencher, count| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut connections = Vec::new();
                    for _ in 0..*count {
                        connections.push(Connection::open(idle, "/nothing".into(), "x".repeat(43)).await);
                    }
                    all(&mut connections, rounds).await
                })
            });
        });
        group.bench_with_input(BenchmarkId::new("durable", count), &count, |bencher, count| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(async {
                    let mut connections = Vec::new();
                    for learner in site.learners(*count).await {
                        let token = learner.token(&site.engine).await;
                        let path = format!("/api/v1/attempts/{}/answers", learner.attempt());
                        connections.push(Connection::open(address, path, token).await);
                    }
                    all(&mut connections, rounds).await
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
