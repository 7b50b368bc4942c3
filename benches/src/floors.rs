//! What the product is measured beside over HTTP: a handler that does nothing, and one that keeps what it receives by
//! group commit and does nothing else. What lies between the two no product saves that answers after the commit; what lies
//! above the second is the product's own.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use crate::database::{Plain, Row};
use crate::process::{runtime, setting};
use axum::body::Bytes;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

/// Rows that may wait.
const QUEUE: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct Answer {
    command_id: String,
    response: Choices,
}

#[derive(Serialize, Deserialize)]
struct Choices {
    choices: Vec<String>,
}

#[derive(Serialize)]
struct Receipt {
    slot: u32,
    seq: u32,
    receipt: String,
}

const fn receipt(command_id: String) -> Json<Receipt> {
    Json(Receipt { slot: 1, seq: 2, receipt: command_id })
}

/// A body read into a struct, a struct written as the response, and a body of `KEJU_BENCH_PAPER` bytes.
pub fn nothing() {
    let paper = Bytes::from(vec![b'x'; setting("KEJU_BENCH_PAPER", 0) as usize]);
    let read = paper.clone();
    let answer = |Json(answer): Json<Answer>| async { receipt(answer.command_id) };
    let router = Router::new()
        .route("/nothing/{slot}", put(answer))
        .route("/paper", post(async move || (axum::http::StatusCode::CREATED, paper.clone())).get(async move || read));
    serve(&runtime(), router);
}

/// The same with every body a row of a plain table in the database of `KEJU_DATABASE`, answered when it is durable. There
/// is no timer: what waits is written by one commit.
pub fn kept() {
    let runtime = runtime();
    let (queue, waiting) = mpsc::channel::<Row>(QUEUE);
    match Plain::of(&std::env::var("KEJU_DATABASE").expect("a database")) {
        Plain::File(path) => drop(std::thread::spawn(move || Plain::write_to_file(&path, waiting))),
        Plain::Server(url) => drop(runtime.spawn(Plain::write_to_server(url, waiting))),
    }
    let answer = async move |Json(answer): Json<Answer>| {
        let (kept, is_kept) = oneshot::channel();
        let body = serde_json::to_string(&answer).expect("plain data");
        queue.send((body, kept)).await.expect("somebody writes");
        is_kept.await.expect("it is written");
        receipt(answer.command_id)
    };
    serve(&runtime, Router::new().route("/nothing/{slot}", put(answer)));
}

fn serve(runtime: &Runtime, router: Router) {
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("listening on http://{}", listener.local_addr().expect("an address"));
        axum::serve(listener, router).await.expect("it serves");
    });
}
