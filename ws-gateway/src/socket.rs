//! The byte stream under a connection: counted, held to progress, and metered once it is a WebSocket.
//!
//! Metered by bytes, because a library that puts messages together says nothing of frames that never end one:
//! a client that sends empty fragments for ever is seen here and nowhere else.

use crate::limits::{LINGER_BYTES_MAX, LINGER_TIMEOUT, SOCKET_BYTES_BURST, SOCKET_BYTES_PER_SECOND};
use crate::stall::StallLimited;
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

/// So many at once, so many a second in the long run.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    burst: f64,
    per_second: f64,
    left: f64,
    since: Instant,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self { burst, per_second: f64::from(per_second), left: burst, since: now }
    }

    /// Takes `count` out, if they are there.
    pub fn take(&mut self, count: u32, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.since).as_secs_f64() * self.per_second;
        self.left = (self.left + gained).min(self.burst);
        self.since = now;
        let enough = self.left >= f64::from(count);
        if enough {
            self.left -= f64::from(count);
        }
        enough
    }
}

/// What a WebSocket sends is counted from [`Meter::start`] on.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Metered>);

#[derive(Debug, Default)]
enum Metered {
    /// HTTP, which has limits of its own.
    #[default]
    Not,
    Yes(Bucket),
    Flooded,
}

impl Meter {
    /// The connection is a WebSocket from now on.
    pub fn start(&self) {
        *self.0.lock() = Metered::Yes(Bucket::new(SOCKET_BYTES_BURST, SOCKET_BYTES_PER_SECOND, Instant::now()));
    }

    /// Whether more came than may.
    #[must_use]
    pub fn flooded(&self) -> bool {
        matches!(*self.0.lock(), Metered::Flooded)
    }

    fn started(&self) -> bool {
        !matches!(*self.0.lock(), Metered::Not)
    }

    /// Counts what was read; false when it is too much.
    fn count(&self, bytes: usize) -> bool {
        let mut metered = self.0.lock();
        let within = match &mut *metered {
            Metered::Not => true,
            Metered::Yes(bucket) => bucket.take(u32::try_from(bytes).unwrap_or(u32::MAX), Instant::now()),
            Metered::Flooded => false,
        };
        if !within {
            *metered = Metered::Flooded;
        }
        within
    }
}

/// See the module.
pub struct Socket {
    /// Taken out by the drop only.
    stream: Option<StallLimited<TcpStream>>,
    place: Option<OwnedSemaphorePermit>,
    meter: Arc<Meter>,
}

impl Socket {
    /// A connection that holds its place in the house until its stream is closed.
    #[must_use]
    pub const fn new(stream: StallLimited<TcpStream>, place: OwnedSemaphorePermit, meter: Arc<Meter>) -> Self {
        Self { stream: Some(stream), place: Some(place), meter }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut StallLimited<TcpStream>>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(self.stream()?.poll_read(cx, into))?;
        let within = self.meter.count(into.filled().len() - before);
        Poll::Ready(if within { Ok(()) } else { Err(io::Error::other("more than a socket may send")) })
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}

impl Drop for Socket {
    /// What a WebSocket's client still sends is read away for a moment: closing a stream with bytes unread resets
    /// it, and the client would never see the close frame that tells it why.
    fn drop(&mut self) {
        let (Some(stream), Some(place)) = (self.stream.take(), self.place.take()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.meter.started() {
            runtime.spawn(async move {
                let _ = tokio::time::timeout(LINGER_TIMEOUT, linger(stream)).await;
                drop(place);
            });
        }
    }
}

async fn linger(mut stream: StallLimited<TcpStream>) -> io::Result<()> {
    stream.shutdown().await?;
    let mut buffer = [0; 512];
    let mut left = LINGER_BYTES_MAX;
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3, 10, start);
        assert!((0..3).all(|_| bucket.take(1, start)));
        assert!(!bucket.take(1, start));
        assert!(!bucket.take(1, start + Duration::from_millis(99)));
        assert!(bucket.take(1, start + Duration::from_millis(201)));
        // A long rest fills it, and no further.
        let later = start + Duration::from_secs(60);
        assert!(bucket.take(3, later));
        assert!(!bucket.take(1, later));
    }

    #[test]
    fn a_meter_counts_from_its_start_and_remembers_a_flood() {
        let meter = Meter::default();
        assert!(meter.count(usize::MAX));
        meter.start();
        assert!(meter.count(SOCKET_BYTES_BURST as usize));
        assert!(!meter.count(SOCKET_BYTES_BURST as usize));
        assert!(meter.flooded());
        assert!(!meter.count(1));
    }
}
