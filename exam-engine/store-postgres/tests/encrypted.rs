//! Connections that are encrypted, against a server with a certificate of its own.

#![expect(clippy::unwrap_used, reason = "tests")]

use exam_store::story::kit::{new_exam, new_learner, started};
use exam_store::{Announcements, Attempts, CommitError, Heard, Settings, Store};
use exam_store_postgres::{OpenError, Options, PostgresStore};
use keju_test_cluster::{Cluster, PASSWORD};
use std::sync::Arc;

async fn open(url: &str) -> Result<PostgresStore, OpenError> {
    let options = Options { password: Some(PASSWORD.to_owned()), ..Options::default() };
    PostgresStore::open(url, &options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_encrypted_and_the_certificate_is_checked_as_asked() {
    let cluster = Cluster::start_encrypted();
    let database = cluster.database();
    let (by_name, by_number) = (cluster.by_network(&database, "localhost"), cluster.by_network(&database, "127.0.0.1"));
    let roots = cluster.authority().to_string_lossy().replace('/', "%2F");
    let full = format!("sslmode=verify-full&sslrootcert={roots}");
    // Each with its work done over it, the connection that listens included.
    for url in [
        format!("{by_name}?{full}"),
        format!("{by_number}?sslmode=verify-ca&sslrootcert={roots}"),
        format!("{by_number}?sslmode=require"),
        format!("{by_number}?sslmode=require&channel_binding=require"),
    ] {
        let store = open(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        store.setting_or_insert("name", vec![1]).await.unwrap();
        let plain =
            "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'keju' AND NOT ssl";
        assert_eq!(cluster.sql("postgres", plain), "0", "{url}");
        assert_ne!(cluster.sql("postgres", &plain.replace("NOT ssl", "ssl")), "0", "{url}");
        store.close().await;
    }
    // The name in the certificate is another; nobody known gave it; nothing is encrypted.
    for (url, words) in [
        (format!("{by_number}?{full}"), "certificate"),
        (format!("{by_name}?sslmode=verify-full&sslrootcert=system"), "certificate"),
        (by_number.clone(), "no encryption"),
        (format!("{by_number}?sslmode=disable"), "no encryption"),
    ] {
        let refused = open(&url).await.unwrap_err();
        assert!(refused.to_string().contains(words), "{url}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_store_commits_listens_and_comes_back() {
    let mut cluster = Cluster::start_encrypted();
    let roots = cluster.authority().to_string_lossy().replace('/', "%2F");
    let url =
        format!("{}?sslmode=verify-full&sslrootcert={roots}", cluster.by_network(&cluster.database(), "localhost"));
    let store = Arc::new(open(&url).await.unwrap());
    let dynamic: Arc<dyn Store> = Arc::<PostgresStore>::clone(&store);
    let mut listener = store.listen();
    let exam = new_exam(&dynamic).await.id;
    let (row, mut log) = started(&dynamic, new_learner(&dynamic).await, exam, 1).await;
    store.commit(log.answer("before")).await.unwrap();
    cluster.kill();
    cluster.start_again();
    loop {
        match store.commit(log.clone().answer("after")).await {
            // Kept by a try whose answer was lost.
            Ok(()) | Err(CommitError::SeqTaken) => break,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    assert!(store.steps(row.learner, row.id).await.unwrap().len() >= 3);
    while listener.next().await != Some(Heard::Missed) {}
    store.close().await;
}
