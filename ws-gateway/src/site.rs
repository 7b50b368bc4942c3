//! A site: the store and the engine over it, opened as configured.

use crate::config::{Config, Database};
use anyhow::{Context, bail};
use exam_core::person::Role;
use exam_service::{Engine, NewPerson, Options, SystemClock};
use exam_store::Store;
use exam_store_postgres::PostgresStore;
use exam_store_sqlite::SqliteStore;
use std::path::PathBuf;
use std::sync::Arc;

/// See the module.
pub struct Site {
    /// The engine.
    pub engine: Arc<Engine>,
    store: Opened,
}

/// The store, as what it is.
enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Site {
    /// Opens the site, making it if there is none.
    ///
    /// # Errors
    /// The database cannot be opened: another server has it, it is not there, or it is none of ours.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        match config.database()? {
            Database::Sqlite(path) => Self::over(config, open_file(path).await?).await,
            Database::Postgres(url) => Self::over(config, connect(config, &url, false).await?).await,
        }
    }

    /// Opens a site that is there already: a misspelt name must not make a new one.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub async fn open_existing(config: &Config) -> anyhow::Result<Self> {
        match config.database()? {
            Database::Sqlite(path) if !path.exists() => {
                bail!("there is no database at {}: give --database sqlite:PATH", path.display())
            }
            Database::Sqlite(_) => Self::open(config).await,
            Database::Postgres(url) => Self::over(config, connect(config, &url, true).await?).await,
        }
    }

    async fn over(config: &Config, opened: Opened) -> anyhow::Result<Self> {
        let (store, shared_store): (Arc<dyn Store>, bool) = match &opened {
            Opened::Sqlite(store) => (Arc::<SqliteStore>::clone(store), false),
            Opened::Postgres(store) => (Arc::<PostgresStore>::clone(store), true),
        };
        let clock = Arc::new(SystemClock::start(store.latest_time().await?));
        let options = Options {
            node: config.node,
            shared_store,
            heuristics: config.heuristics,
            hashes_at_once: config.limits.hashes_at_once,
        };
        Ok(Self { engine: Engine::open(store, clock, options).await?, store: opened })
    }

    /// Writes what is queued and closes the database.
    pub async fn close(&self) {
        match &self.store {
            Opened::Sqlite(store) => store.close().await,
            Opened::Postgres(store) => store.close().await,
        }
    }

    /// Makes the first administrator; returns the one-time password, or nothing when somebody else made
    /// one meanwhile.
    ///
    /// # Errors
    /// The store does not keep it.
    pub async fn create_administrator(&self) -> anyhow::Result<Option<String>> {
        let admin = NewPerson {
            username: "admin".into(),
            name: "管理员".into(),
            password: None,
            roles: vec![Role::Admin],
            unit: None,
            id_number: None,
        };
        match self.engine.create_people(None, vec![admin]).await {
            Ok((created, _)) => Ok(created.into_iter().find_map(|person| person.password)),
            Err(exam_service::EngineError::Taken(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

async fn open_file(path: PathBuf) -> anyhow::Result<Opened> {
    let opening = path.clone();
    let store = tokio::task::spawn_blocking(move || SqliteStore::open(opening, &exam_store_sqlite::Options::default()));
    let store = store.await.context("opening the database failed")?;
    Ok(Opened::Sqlite(Arc::new(store.with_context(|| format!("cannot open {}", path.display()))?)))
}

/// How a PostgreSQL database is reached, as configured.
///
/// # Errors
/// The file with the password cannot be read.
pub(crate) fn postgres_options(config: &Config) -> anyhow::Result<exam_store_postgres::Options> {
    let password = config.database_password()?;
    Ok(exam_store_postgres::Options { node: config.node, password, ..exam_store_postgres::Options::default() })
}

async fn connect(config: &Config, url: &str, must_exist: bool) -> anyhow::Result<Opened> {
    let options = exam_store_postgres::Options { must_exist, ..postgres_options(config)? };
    let shown = config.masked().database;
    let store = PostgresStore::open(url, &options).await.with_context(|| format!("cannot open {shown}"))?;
    Ok(Opened::Postgres(Arc::new(store)))
}
