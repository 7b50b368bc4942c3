//! The accept loop. Our own, because a slow client must not hold a connection: the head of a request has
//! ten seconds, an idle connection no longer, and a stop ends within eight. A connection that becomes a WebSocket
//! keeps its place until its stream is closed.

use crate::app::App;
use crate::http;
use crate::limits::{
    CONNECTIONS_MAX, CONNECTIONS_WAITING_MAX, DESCRIPTORS_RESERVED, DRAIN_TIMEOUT, HEAD_BYTES_MAX, HEADER_READ_TIMEOUT,
    UNSENT_BYTES_MAX, WRITE_STALL_TIMEOUT,
};
use crate::socket::{Meter, Socket};
use crate::stall::StallLimited;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Listens at the first of these addresses that can be had.
///
/// # Errors
/// None of them can: what the last one said.
pub fn listen(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut outcome = Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen at"));
    for address in addresses {
        outcome = listen_at(*address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that has just ended may have left connections that the kernel still remembers.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(CONNECTIONS_WAITING_MAX)
}

/// Serves until `stop` says so, then lets what is in flight finish.
pub async fn serve(listener: TcpListener, router: Router, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(app.connections_max));
    loop {
        // A full house accepts nobody: the kernel's queue holds them, and they see a slow connect.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            _ = stop.changed() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, app, stop) = (router.clone(), Arc::clone(&app), stop.clone());
                tokio::spawn(async move {
                    app.metrics.connections.inc();
                    connection(stream, peer, place, router, Arc::clone(&app), stop).await;
                    app.metrics.connections.dec();
                });
            }
            Err(error) => {
                // Out of descriptors, or a peer that left at once: neither ends the service.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(app.connections_max).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN_TIMEOUT, places.acquire_many(all)).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
}

/// Connections at once: as many as there are descriptors for, up to a bound.
#[must_use]
pub fn connections_max() -> usize {
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let descriptors = descriptors.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    descriptors.saturating_sub(DESCRIPTORS_RESERVED).clamp(64, CONNECTIONS_MAX)
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    router: Router,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
) {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
    let meter = Arc::new(Meter::default());
    let socket = Socket::new(StallLimited::new(stream, WRITE_STALL_TIMEOUT), place, Arc::clone(&meter));
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arc::clone(&meter));
        let answer = http::respond(Arc::clone(&app), router.clone(), request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(true)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
