//! Echoes what a WebSocket sends, by the server's own accept loop, handshake, buffers and close codes: what a public
//! conformance suite is run against (`tests/conformance`). Says where it listens and serves until it is ended.

use anyhow::Context;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use ws_gateway::app::App;
use ws_gateway::config::Config;
use ws_gateway::site::Site;
use ws_gateway::socket::Meter;
use ws_gateway::stream::connection::{broken, goodbye};
use ws_gateway::stream::with_limits;

/// The suite sends more at once than the protocol allows.
const FRAME_BYTES_MAX: usize = 512 * 1024;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new().context("no temporary folder")?;
    let database = format!("sqlite:{}", folder.path().join("echo.db").display());
    let config = Config { database, ..Config::default() };
    let site = Site::open(&config).await?;
    let app = App::new(Arc::clone(&site.engine), config);
    let router = Router::new().route("/", get(open)).with_state(Arc::clone(&app));
    let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
    println!("listening on {}", listener.local_addr().context("no address")?);
    let (_stopping, stopped) = watch::channel(false);
    ws_gateway::server::serve(listener, router, app, stopped).await;
    Ok(())
}

async fn open(
    State(_app): State<Arc<App>>,
    Extension(meter): Extension<Arc<Meter>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    with_limits(upgrade, FRAME_BYTES_MAX).on_upgrade(move |socket| echo(socket, meter))
}

async fn echo(mut socket: WebSocket, meter: Arc<Meter>) {
    meter.start();
    while let Some(message) = socket.recv().await {
        match message {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                if let Some(close) = broken(error, &meter) {
                    goodbye(socket, close).await;
                }
                return;
            }
        }
    }
}
