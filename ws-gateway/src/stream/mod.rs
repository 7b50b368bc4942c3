//! The stream: `GET /api/v1/stream`, a WebSocket for lessons, attempts under way and proctors.
//!
//! The way of a socket: `open` looks at the handshake → [`connection`] has its one task, which waits for hello and
//! then for whatever comes first, a message or a letter → [`hub`] knows all sockets, is told what happens, and looks
//! after them by one [`wheel`]. What is said and heard is in [`wire`], one file per subject does it.
//!
//! How to add the next message: a variant in `wire.rs`, its deed in the subject's file; the AsyncAPI document has it
//! by itself, and the test that validates all messages wants to see it.

pub mod asyncapi;
mod attempt;
pub mod close;
pub mod connection;
pub mod hub;
mod lesson;
pub mod mailbox;
pub mod peer;
pub mod proctor;
pub mod wheel;
pub mod wire;

use crate::app::App;
use crate::http::extract::{ClientAddress, agent_digest, is_own_origin};
use crate::http::problem::Problem;
use crate::limits::{FRAME_BYTES_MAX, SOCKET_READ_BUFFER, SOCKET_WRITE_BUFFER_MAX};
use crate::socket::Meter;
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use connection::Arrival;
use exam_core::integrity::Origin;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The name of the protocol, as the handshake has it.
pub const SUBPROTOCOL: &str = "exam.v1";

/// The stream.
pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(open))
}

/// Opens a stream. Who it is for is told by the ticket of its first message; see `/asyncapi.json`.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", security(()),
    responses((status = 101, description = "a WebSocket of subprotocol exam.v1"), (status = 400, description = "no WebSocket handshake"),
        (status = 403, description = "a page of another site"), (status = 503, description = "no room for one more")))]
async fn open(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    meter: Option<Extension<Arc<Meter>>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    // Whoever sends no Origin is no browser: no page of another site stands behind it, and the ticket says who it is.
    if headers.contains_key(header::ORIGIN) && !is_own_origin(&headers, &app.config) {
        return Err(Problem::new("foreign_origin"));
    }
    let upgrade = upgrade.map_err(|rejection| Problem::new("invalid").detail(rejection.body_text()))?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() && headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        return Err(Problem::new("invalid").detail("请使用子协议 exam.v1 / ask for the subprotocol exam.v1"));
    }
    if !app.hub.has_room() {
        return Err(Problem::new("overloaded").retry_after_ms(1_000 + app.hub.come_back_ms()));
    }
    let origin = Origin { address: address.to_string(), agent: agent_digest(&headers), device: String::new() };
    let origin = Arc::new(origin);
    let meter = meter.map_or_else(Arc::default, |Extension(meter)| meter);
    let arrival = Arrival { origin, address, meter };
    let upgrade = with_limits(upgrade, FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(async move |socket| {
        // A task of its own: the one that waited for the upgrade keeps all it waited with, for as long as it lives.
        tokio::spawn(connection::run(app, socket, arrival));
    }))
}

/// Buffers for many idle sockets, and frames and messages of so many bytes at most.
pub fn with_limits(upgrade: WebSocketUpgrade, frame_bytes_max: usize) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(SOCKET_READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(SOCKET_WRITE_BUFFER_MAX.max(2 * frame_bytes_max))
        .max_frame_size(frame_bytes_max)
        .max_message_size(frame_bytes_max)
}
