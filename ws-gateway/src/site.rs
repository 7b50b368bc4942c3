//! A site: the store and the engine over it, opened as configured.

use crate::config::Config;
use anyhow::{Context, bail};
use exam_core::person::Role;
use exam_service::{Engine, NewPerson, Options, SystemClock};
use exam_store::{Attempts, Store};
use exam_store_sqlite::SqliteStore;
use std::sync::Arc;

/// See the module.
pub struct Site {
    /// The engine.
    pub engine: Arc<Engine>,
    store: Arc<SqliteStore>,
}

impl Site {
    /// Opens the site, making it if there is none.
    ///
    /// # Errors
    /// The database cannot be opened: another server has it, or it is none of ours.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let path = config.sqlite_path()?;
        let opening = path.clone();
        let store =
            tokio::task::spawn_blocking(move || SqliteStore::open(opening, &exam_store_sqlite::Options::default()))
                .await
                .context("opening the database failed")?
                .with_context(|| format!("cannot open {}", path.display()))?;
        let store = Arc::new(store);
        let clock = Arc::new(SystemClock::start(store.latest_time().await?));
        let options = Options {
            node: config.node,
            shared_store: false,
            heuristics: config.heuristics,
            hashes_at_once: config.limits.hashes_at_once,
        };
        let engine = Engine::open(Arc::clone(&store) as Arc<dyn Store>, clock, options).await?;
        Ok(Self { engine, store })
    }

    /// Opens a site that is there already: a misspelt path must not make a new one.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    pub async fn open_existing(config: &Config) -> anyhow::Result<Self> {
        let path = config.sqlite_path()?;
        if !path.exists() {
            bail!("there is no database at {}: give --database sqlite:PATH", path.display());
        }
        Self::open(config).await
    }

    /// Writes what is queued and closes the database.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Makes the first administrator; returns the one-time password.
    ///
    /// # Errors
    /// The store does not keep it.
    pub async fn create_administrator(&self) -> anyhow::Result<String> {
        let admin = NewPerson {
            username: "admin".into(),
            name: "管理员".into(),
            password: None,
            roles: vec![Role::Admin],
            unit: None,
            id_number: None,
        };
        let (created, _) = self.engine.create_people(None, vec![admin]).await?;
        created.into_iter().find_map(|person| person.password).context("the administrator was not made")
    }
}
