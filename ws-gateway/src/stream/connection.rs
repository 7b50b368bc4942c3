//! The one task of a socket. It sleeps until a message or a letter comes, and what it holds meanwhile is small: the
//! heavy calls are boxed for as long as they last.

use super::close::Close;
use super::hub::Entry;
use super::mailbox::{Letter, Mark, Post};
use super::peer::Known;
use super::wire::{AnyOut, HelloIn, ResumeIn, text};
use super::{attempt, lesson, proctor};
use crate::admission::Class;
use crate::app::App;
use crate::http::extract::device_digest;
use crate::http::problem::Problem;
use crate::limits::{CLOSE_TIMEOUT, SEND_TIMEOUT};
use crate::socket::{Bucket, Meter};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use exam_core::ids::{AttemptId, ExamId, PartnerId};
use exam_core::integrity::Origin;
use exam_service::{EngineError, Identity, Pass, Purpose};
use serde::Serialize;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

/// Where a socket came from.
pub(super) struct Arrival {
    /// As the integrity layer sees it; the device is known after hello.
    pub(super) origin: Arc<Origin>,
    pub(super) address: IpAddr,
    pub(super) meter: Arc<Meter>,
}

/// Why a conversation is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The peer closed, or is gone.
    Gone,
    /// We close.
    Close(Close),
    /// The peer was told to say hello again.
    Resync,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// What a conversation waits for.
pub(super) enum Heard {
    /// A message.
    Said(Utf8Bytes),
    /// Something for the peer.
    Letter(Letter),
    /// Something to do.
    Mark(Mark),
}

/// What a socket is about, once its peer has said hello.
enum Begun {
    Lesson(Box<lesson::Study>),
    Attempt(Box<(Identity, AttemptId, Option<ResumeIn>)>),
    Proctor(Box<(Identity, ExamId)>),
}

/// Conversations end; they have no result.
pub(super) type Conversation = Result<Infallible, End>;

/// See the module.
pub(super) struct Connection {
    pub(super) app: Arc<App>,
    pub(super) entry: Entry,
    pub(super) arrival: Arrival,
    socket: WebSocket,
    budget: Bucket,
}

/// Has a conversation on a fresh socket, to its end. Boxed before the task begins: what a task is given stays in it
/// beside what it makes of it.
pub(super) fn run(app: Arc<App>, socket: WebSocket, arrival: Arrival) -> impl Future<Output = ()> + Send {
    arrival.meter.start();
    let limits = &app.config.limits;
    let budget = Bucket::new(limits.messages_burst, limits.messages_per_second, Instant::now());
    let begun = match app.hub.enter(arrival.address) {
        Ok(entry) => Ok(Box::new(Connection { app, entry, arrival, socket, budget })),
        Err(close) => Err((Box::new(socket), close)),
    };
    async move {
        match begun {
            Ok(connection) => connection.talk().await,
            Err((socket, close)) => Box::pin(goodbye(*socket, close)).await,
        }
    }
}

/// Why a socket ends whose frames cannot be read; `None` if its peer is gone.
#[must_use]
pub fn broken(error: axum::Error, meter: &Meter) -> Option<Close> {
    if meter.flooded() {
        return Some(Close::FLOOD);
    }
    match error.into_inner().downcast_ref::<SocketError>() {
        Some(SocketError::Capacity(_)) => Some(Close::TOO_BIG),
        Some(SocketError::Utf8(_)) => Some(Close::NOT_UTF8),
        Some(SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => None,
        Some(SocketError::Protocol(_)) => Some(Close::PROTOCOL),
        _ => None,
    }
}

/// Says why, and waits a moment for the peer to agree, so that it sees a clean end.
pub async fn goodbye(mut socket: WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code, reason: Utf8Bytes::from_static(close.reason) };
    let farewell = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, farewell).await;
}

/// HTTP and socket of one session are one device; so are all sockets by which one partner sends a learner.
fn device_of(pass: &Pass) -> String {
    match (pass.identity(), pass.partner()) {
        (Some(identity), _) => device_digest(&identity.session),
        (None, partner) => device_digest(&partner.map(PartnerId::bytes).unwrap_or_default()),
    }
}

impl Connection {
    async fn talk(mut self: Box<Self>) {
        self.app.metrics.sockets.inc();
        let Err(end) = self.converse().await;
        Box::pin(self.part(end)).await;
    }

    async fn part(mut self: Box<Self>, end: End) {
        if end == End::Close(Close::RESTART) {
            self.advise_restart().await;
        }
        let Self { app, entry, socket, .. } = *self;
        // Whoever is told it is over does not count any more, however long the farewell takes.
        drop(entry);
        app.metrics.sockets.dec();
        if let End::Close(close) = end {
            app.metrics.socket_closed(close.code);
            tracing::debug!(code = close.code, reason = close.reason, "a socket is closed");
            goodbye(socket, close).await;
        }
    }

    /// The idle ones are learners in lessons: while they are, no step of the way there is kept.
    async fn converse(&mut self) -> Conversation {
        loop {
            let ended = match Box::pin(self.begin()).await {
                Err(end) => Err(end),
                Ok(Begun::Lesson(mut study)) => {
                    let ended = study.accompany(self).await;
                    study.close(self);
                    ended
                }
                Ok(Begun::Attempt(known)) => {
                    let accompany = async {
                        let (identity, id, resume) = *known;
                        attempt::converse(self, identity, id, resume).await
                    };
                    Box::pin(accompany).await
                }
                Ok(Begun::Proctor(known)) => {
                    let accompany = async {
                        let (identity, id) = *known;
                        proctor::converse(self, identity, id).await
                    };
                    Box::pin(accompany).await
                }
            };
            let Err(end) = ended;
            if end != End::Resync {
                return Err(end);
            }
            self.app.hub.forget(&self.entry.peer);
        }
    }

    /// Hello, and what it asks for.
    async fn begin(&mut self) -> Result<Begun, End> {
        let (pass, resume) = self.hello().await?;
        match (pass.purpose, pass.identity().cloned()) {
            (Purpose::Lesson(_), _) => Ok(Begun::Lesson(lesson::open(self, pass, resume).await?)),
            (Purpose::Attempt(id), Some(identity)) => Ok(Begun::Attempt(Box::new((identity, id, resume)))),
            (Purpose::Proctor(id), Some(identity)) => Ok(Begun::Proctor(Box::new((identity, id)))),
            // Partners send learners to lessons and to nothing else.
            (Purpose::Attempt(_) | Purpose::Proctor(_), None) => Err(Close::NOT_ALLOWED.into()),
        }
    }

    /// Waits for the first message and finds out whom it is from.
    async fn hello(&mut self) -> Result<(Pass, Option<ResumeIn>), End> {
        let said = loop {
            if let Heard::Said(said) = self.next().await? {
                break said;
            }
        };
        let Ok(HelloIn::Hello { ticket, resume }) = serde_json::from_str(&said) else {
            return Err(Close::MALFORMED.into());
        };
        let app = Arc::clone(&self.app);
        let admitted = app.rates.hello().map(|()| app.admission.enter(Class::Resume));
        let (wait_ms, _place) = match admitted {
            Ok(Some(place)) => (0, Some(place)),
            Ok(None) => (1_000, None),
            Err(wait_ms) => (wait_ms, None),
        };
        if wait_ms > 0 {
            let wait_ms = wait_ms + app.hub.come_back_ms();
            self.send(&AnyOut::temporary("overloaded", wait_ms)).await?;
            return Err(Close::BUSY.into());
        }
        let pass = match Box::pin(app.engine.redeem_ticket(&ticket)).await {
            Ok(pass) => pass,
            Err(EngineError::Unauthenticated) => return Err(Close::BAD_TICKET.into()),
            Err(error) => return Err(self.failed(error)),
        };
        // First known, then asked for: a session that ends in between ends the socket, one way or the other.
        app.hub.introduce(&self.entry.peer, Known::of(&pass))?;
        Arc::make_mut(&mut self.arrival.origin).device = device_of(&pass);
        self.authorize_pass(&pass).await?;
        Ok((pass, resume))
    }

    /// Whoever came with a pass, if they still may. A partner's learner has no session that could end; what ends
    /// their key or their account ends the socket.
    pub(super) async fn authorize_pass(&mut self, pass: &Pass) -> Result<(), End> {
        match pass.identity() {
            Some(identity) => self.authorize(identity).await.map(drop),
            None => Ok(()),
        }
    }

    /// What a look on [`Mark::Check`] came to. A database that is away ends no sockets: it is asked again.
    pub(super) fn rechecked(&self, renewed: Result<(), EngineError>) -> Result<(), End> {
        match renewed {
            Ok(()) => Ok(()),
            Err(EngineError::Unauthenticated) => Err(Close::SIGNED_OUT.into()),
            Err(EngineError::Store(_)) => {
                self.app.hub.check_again(&self.entry.peer);
                Ok(())
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Whoever said hello, if they are still signed in. Asked for every message.
    pub(super) async fn authorize(&mut self, identity: &Identity) -> Result<Identity, End> {
        match self.app.engine.identify_session(identity.session).await {
            Ok(identity) => Ok(identity),
            Err(EngineError::Unauthenticated) => Err(Close::SIGNED_OUT.into()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// How a socket ends whose subject cannot be had.
    pub(super) fn failed(&self, error: EngineError) -> End {
        match error {
            EngineError::NotFound | EngineError::Forbidden | EngineError::PasswordChangeRequired => {
                Close::NOT_ALLOWED.into()
            }
            EngineError::Overloaded => Close::BUSY.into(),
            error => {
                // For the log it writes.
                let _ = Problem::from(error);
                Close::INTERNAL.into()
            }
        }
    }

    /// Waits for what comes first.
    pub(super) async fn next(&mut self) -> Result<Heard, End> {
        loop {
            let message = tokio::select! {
                biased;
                post = self.entry.peer.mailbox.next() => match post {
                    Post::Close(close) => return Err(close.into()),
                    Post::Letter(letter) => return Ok(Heard::Letter(letter)),
                    Post::Mark(Mark::Ping) => {
                        Box::pin(self.push(Message::Ping(axum::body::Bytes::new()))).await?;
                        continue;
                    }
                    Post::Mark(mark) => return Ok(Heard::Mark(mark)),
                },
                message = self.socket.recv() => message,
            };
            if let Some(said) = self.hear(message).await? {
                return Ok(Heard::Said(said));
            }
        }
    }

    /// A message of text, if it is one and not one too many.
    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<Option<Utf8Bytes>, End> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(broken(error, &self.arrival.meter).map_or(End::Gone, End::Close)),
            None => return Err(End::Gone),
        };
        self.app.hub.heard(&self.entry.peer);
        if !self.budget.take(1, Instant::now()) {
            return Err(Close::FLOOD.into());
        }
        match message {
            Message::Text(said) => Ok(Some(said)),
            Message::Binary(_) => Err(Close::MALFORMED.into()),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => {
                // Reading on sends the reply.
                while let Some(Ok(_)) = self.socket.recv().await {}
                Err(End::Gone)
            }
        }
    }

    /// Sends a message.
    pub(super) async fn send(&mut self, message: &impl Serialize) -> Result<(), End> {
        self.push(Message::Text(text(message).into())).await
    }

    /// Sends what is encoded already.
    pub(super) async fn send_frame(&mut self, frame: Utf8Bytes) -> Result<(), End> {
        self.push(Message::Text(frame)).await
    }

    async fn push(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(Close::SLOW_READER.into()),
        }
    }

    /// When to come back: each is told another time, so that the next server is not run over.
    async fn advise_restart(&mut self) {
        let advice = AnyOut::temporary("restarting", self.app.hub.come_back_ms());
        let _ = tokio::time::timeout(Duration::from_millis(500), self.send(&advice)).await;
    }

    /// Sends why something was not done.
    pub(super) async fn refuse(&mut self, problem: &Problem, command: Option<uuid::Uuid>) -> Result<(), End> {
        self.send(&AnyOut::refusal(problem, command)).await
    }
}
