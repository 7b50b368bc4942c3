//! The story over several database servers, as `deploy/citus.sql` spreads the tables, with the races of two nodes. Citus is
//! in no package that the tests could install, so this runs when it is asked for by name, see docs/deployment.md.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod races;

use exam_store::story::tell;
use races::{as_store, commit_all_kinds, contest_batches, open, race_at_two_nodes};
use std::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told_over_several_database_servers() {
    let url = std::env::var("KEJU_TEST_CITUS").expect("KEJU_TEST_CITUS=postgres://… names the database");
    // Makes the schema.
    open(&url).await.close().await;
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file"]);
    psql.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/citus.sql")).arg(&url);
    assert!(psql.status().unwrap().success(), "deploy/citus.sql is applied");
    let store = open(&url).await;
    tell(as_store(&store)).await;
    store.close().await;
    race_at_two_nodes(&url).await;
    contest_batches(&url).await;
    commit_all_kinds(&url).await;
}
