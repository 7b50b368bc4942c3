//! The story of every back end, and what only a server can tell: two nodes on one database, one that
//! comes and goes, keys that a sharding PostgreSQL takes.

#![expect(clippy::unwrap_used, reason = "tests")]

use exam_store::story::tell;
use exam_store::{Settings, Store, StoreError};
use exam_store_postgres::{Options, PostgresStore};
use keju_test_cluster::Cluster;
use std::sync::Arc;

async fn open(url: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(url, &Options::default()).await.unwrap())
}

fn as_store(store: &Arc<PostgresStore>) -> Arc<dyn Store> {
    Arc::<PostgresStore>::clone(store)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told() {
    let cluster = Cluster::start();
    let store = open(&cluster.database()).await;
    tell(as_store(&store)).await;
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))), "closed is closed");
}
