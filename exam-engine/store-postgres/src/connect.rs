//! Connections: how they are made, what every one is told, and how long to wait after one that failed.

use crate::failure::{store_error, words};
use crate::limits::{
    CONNECT_TIMEOUT, IDLE_TRANSACTION_TIMEOUT, LOCK_TIMEOUT, RECONNECT_MAX, RECONNECT_MIN, STATEMENT_TIMEOUT,
};
use crate::tls::Wanted;
use crate::{OpenError, Options};
use exam_store::StoreError;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A parameter of a statement.
pub(crate) type Param<'a> = &'a (dyn ToSql + Sync);

/// What carries a connection, encrypted or not.
pub(crate) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Which database, and how its connections are made.
pub(crate) struct Database {
    config: Config,
    tls: MakeRustlsConnect,
    waiting: Mutex<Backoff>,
}

#[derive(Debug, Default)]
struct Backoff {
    failures: u32,
    until: Option<Instant>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Database {
    /// Reads the address.
    pub(crate) fn parse(url: &str, options: &Options) -> Result<Arc<Self>, OpenError> {
        let (url, tls) = Wanted::read(url)?;
        // The library's own words may quote the address with the password in it.
        let mut config: Config = url.parse().map_err(|_| OpenError::Address {
            reason: "give postgres://user@host:5432/database, or ?host=/run/postgresql for a local socket",
        })?;
        if config.get_user().is_none() || config.get_hosts().is_empty() {
            return Err(OpenError::Address { reason: "it has to name the user and the host" });
        }
        if let Some(password) = &options.password {
            config.password(password);
        }
        config.ssl_mode(tls.mode());
        // Of several hosts the one that takes writes: after a fail-over that is another.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(Duration::from_secs(10));
        config.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(3));
        config.application_name(format!("keju {}", options.node));
        Ok(Arc::new(Self { config, tls: tls.connector()?, waiting: Mutex::default() }))
    }

    /// A new session. While the database is away, most calls are refused at once instead of waiting for it.
    pub(crate) async fn session(&self) -> Result<Session, StoreError> {
        let (client, driver) = self.connect().await?;
        tokio::spawn(async move {
            // How it ended is told to whoever waits for an answer on it.
            let _ = driver.await;
        });
        Ok(Session::new(client))
    }

    /// A connection whose messages the caller reads.
    pub(crate) async fn connect(&self) -> Result<(Client, Driver), StoreError> {
        self.may_try()?;
        let connecting = self.config.connect(self.tls.clone());
        // One after the other, each for as long; and a moment for what is said once it stands.
        let tries = u32::try_from(self.config.get_hosts().len()).unwrap_or(u32::MAX).saturating_add(1);
        let connected = match tokio::time::timeout(CONNECT_TIMEOUT.saturating_mul(tries), connecting).await {
            Ok(connected) => connected.map_err(|error| words(&error)),
            Err(_) => Err("no answer".to_owned()),
        };
        let (client, mut driver) = connected.map_err(|reason| self.failed(reason))?;
        let told = tell(&client, &mut driver).await.map_err(|error| self.failed(words(&error)));
        told?;
        *self.waiting.lock() = Backoff::default();
        Ok((client, driver))
    }

    fn may_try(&self) -> Result<(), StoreError> {
        let until = self.waiting.lock().until;
        match until {
            Some(until) if Instant::now() < until => {
                Err(StoreError::Unavailable("the database is away; the next try comes soon".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// How long until another try is allowed.
    pub(crate) fn wait(&self) -> Duration {
        let until = self.waiting.lock().until;
        until.map_or(RECONNECT_MIN, |until| until.saturating_duration_since(Instant::now()).max(RECONNECT_MIN))
    }

    /// The next try comes after a random time, so that the nodes do not come back in step.
    fn failed(&self, reason: String) -> StoreError {
        let mut waiting = self.waiting.lock();
        let most = RECONNECT_MIN.saturating_mul(1 << waiting.failures.min(8)).min(RECONNECT_MAX);
        waiting.failures += 1;
        waiting.until = Some(Instant::now() + most.mul_f64(rand::random::<f64>()));
        StoreError::Unavailable(reason)
    }
}

/// Tells a new connection its settings; nobody drives it yet.
async fn tell(client: &Client, driver: &mut Driver) -> Result<(), Error> {
    let ms = |limit: Duration| limit.as_millis();
    // An operator may have made commits asynchronous for everybody; what is acknowledged here is durable.
    let settings = format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
         SET idle_session_timeout = 0; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        ms(STATEMENT_TIMEOUT),
        ms(LOCK_TIMEOUT),
        ms(IDLE_TRANSACTION_TIMEOUT)
    );
    let telling = client.batch_execute(&settings);
    tokio::pin!(telling);
    loop {
        tokio::select! {
            told = &mut telling => return told,
            message = std::future::poll_fn(|context| driver.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notice(_) | AsyncMessage::Notification(_) | _)) => {}
                Some(Err(error)) => return Err(error),
                // The statement tells that the connection has closed.
                None => return telling.await,
            },
        }
    }
}

/// A connection and the statements it has prepared.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
}

impl Session {
    fn new(client: Client) -> Self {
        Self { client, statements: Mutex::default() }
    }

    /// Whether nothing can come over it any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The client itself.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Statements without parameters and without an answer.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// The rows of a statement.
    pub(crate) async fn query(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        let statement = self.prepared(sql).await?;
        self.client.query(&statement, params).await
    }

    /// How many rows a statement changed.
    pub(crate) async fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, Error> {
        let statement = self.prepared(sql).await?;
        self.client.execute(&statement, params).await
    }

    /// Prepares a statement once.
    pub(crate) async fn prepared(&self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.lock().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.lock().insert(sql, statement.clone());
        Ok(statement)
    }
}

/// All rows of a statement, each read.
pub(crate) fn read_all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, StoreError>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect()
}

/// The first row of a statement, read, if there is one.
pub(crate) fn read_first<T>(
    rows: &[Row],
    read: impl FnOnce(&Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    rows.first().map(read).transpose()
}

impl Session {
    /// As [`Self::query`], before anything is committed.
    pub(crate) async fn rows(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        self.query(sql, params).await.map_err(|error| store_error(&error))
    }
}
