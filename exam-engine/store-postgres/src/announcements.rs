//! Announcements: notifications of the database, sent by the transaction they are about and heard by every
//! node, this one as well. One connection listens. While it is away announcements are missed, and
//! listeners are told so once it is back.

use crate::PostgresStore;
use crate::connect::{Database, Driver, Session};
use crate::convert::to_json;
use crate::failure::{store_error, words};
use crate::limits::NOTICE_BYTES_MAX;
use async_trait::async_trait;
use exam_store::{Announcement, Announcements, Heard, Hub, Listener, StoreError};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Client, Error};

const LISTEN: &str = "LISTEN keju_announcements";
pub(crate) const NOTIFY: &str =
    "SELECT count(pg_notify('keju_announcements', payload)) FROM unnest($1::text[]) AS payload";

/// Sends announcements with the transaction at hand: nobody hears them unless it is committed.
pub(crate) async fn send<'a>(
    session: &Session,
    announcements: impl IntoIterator<Item = &'a Announcement>,
) -> Result<(), Error> {
    let payloads = payloads(announcements);
    if payloads.is_empty() {
        return Ok(());
    }
    session.execute(NOTIFY, &[&payloads]).await.map(drop)
}

/// What [`NOTIFY`] sends: as many announcements in one notification as it takes, for a batch of commits may hold
/// hundreds, and each notification wakes every node.
pub(crate) fn payloads<'a>(announcements: impl IntoIterator<Item = &'a Announcement>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for announcement in announcements {
        // One that does not fit is none that we make; to be safe everybody then asks again.
        let said = to_json(announcement).unwrap_or_default();
        match payloads.last_mut() {
            Some(payload) if payload.len() + 1 + said.len() <= NOTICE_BYTES_MAX => {
                payload.push('\n');
                payload.push_str(&said);
            }
            _ if said.len() > NOTICE_BYTES_MAX => payloads.push(String::new()),
            _ => payloads.push(said),
        }
    }
    payloads
}

/// What listens.
#[derive(Debug)]
pub(crate) struct Ears {
    hub: Hub,
    task: AbortHandle,
}

impl Ears {
    /// Listens from now on, and again whenever the connection is lost.
    pub(crate) async fn open(database: Arc<Database>) -> Result<Self, StoreError> {
        let hub = Hub::default();
        let (client, driver) = database.connect().await?;
        let (ready, is_ready) = oneshot::channel();
        let task = tokio::spawn(listen_forever(database, hub.clone(), client, driver, ready)).abort_handle();
        let failed = || StoreError::Unavailable("the database does not let us listen".to_owned());
        is_ready.await.map_err(|_| failed())?;
        Ok(Self { hub, task })
    }

    /// Ends listening.
    pub(crate) fn close(&self) {
        self.task.abort();
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.close();
    }
}

async fn listen_forever(database: Arc<Database>, hub: Hub, client: Client, driver: Driver, ready: oneshot::Sender<()>) {
    let (mut connection, mut ready) = (Some((client, driver)), Some(ready));
    loop {
        let (client, driver) = match connection.take() {
            Some(connection) => connection,
            None => match database.connect().await {
                Ok(connection) => connection,
                Err(_) => {
                    tokio::time::sleep(database.wait()).await;
                    continue;
                }
            },
        };
        let ended = listen(&client, driver, &hub, || match ready.take() {
            Some(ready) => drop(ready.send(())),
            None => hub.tell(Heard::Missed),
        });
        let reason = ended.await.map_or_else(|error| words(&error), |()| "closed".to_owned());
        tracing::warn!(%reason, "announcements of other nodes are not heard; connecting again");
    }
}

/// Hands on what comes until the connection ends.
async fn listen(client: &Client, mut driver: Driver, hub: &Hub, mut on_listening: impl FnMut()) -> Result<(), Error> {
    let listening = client.batch_execute(LISTEN);
    tokio::pin!(listening);
    let mut is_listening = false;
    loop {
        tokio::select! {
            told = &mut listening, if !is_listening => {
                told?;
                is_listening = true;
                on_listening();
            }
            message = poll_fn(|context| driver.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    notification.payload().split('\n').map(heard).for_each(|heard| hub.tell(heard));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}

/// What does not read was made by a newer release: whatever it was, asking again is right.
fn heard(payload: &str) -> Heard {
    serde_json::from_str(payload).map_or(Heard::Missed, Heard::Said)
}

#[async_trait]
impl Announcements for PostgresStore {
    async fn announce(&self, announcements: Vec<Announcement>) -> Result<(), StoreError> {
        let transaction = self.writers.begin().await?;
        send(&transaction, &announcements).await.map_err(|error| store_error(&error))?;
        transaction.commit().await
    }

    fn listen(&self) -> Listener {
        self.ears.hub.listen()
    }
}
