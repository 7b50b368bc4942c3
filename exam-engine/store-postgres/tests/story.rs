//! The story of every back end, and what only a server can tell: two nodes on one database, one that
//! comes and goes, keys that a sharding PostgreSQL takes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod races;

use exam_core::attempt::CaseState;
use exam_core::{PersonId, Timestamp};
use exam_store::attempts::CaseFilter;
use exam_store::story::kit::{Log, at_once, is_chain, new_exam, new_id, new_learner, started};
use exam_store::story::tell;
use exam_store::{Announcement, Announcements, Attempts, CaseMark, CommitError, Heard, Page, Settings, StoreError};
use exam_store_postgres::{OpenError, Options, PostgresStore};
use keju_test_cluster::Cluster;
use races::{as_store, commit_all_kinds, contest_batches, open, open_node, race_at_two_nodes};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told() {
    let cluster = Cluster::start();
    let store = open(&cluster.database()).await;
    tell(as_store(&store)).await;
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))), "closed is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_race_and_one_of_each_wins() {
    let cluster = Cluster::start();
    race_at_two_nodes(&cluster.database()).await;
}

/// Many learners' attempts, each contested by both nodes at once, in batches: none waits in a circle, and each
/// gets exactly one of its two answers.
#[tokio::test(flavor = "multi_thread")]
async fn contested_batches_of_two_nodes_all_end() {
    let cluster = Cluster::start();
    contest_batches(&cluster.database()).await;
    assert!(!cluster.log().contains("deadlock"), "{}", cluster.log());
}

/// Whatever batches fall to, and whatever else is in them: all of a commit is kept or nothing, and each is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_all_kinds_is_kept_and_each_has_its_verdict() {
    let cluster = Cluster::start();
    commit_all_kinds(&cluster.database()).await;
}

/// What is due is closed by one node each; what a node that died had taken, by another after a while.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_has_claimed_no_other_is_given() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let nodes = [open(&url).await, open_node(&url, 2).await, open_node(&url, 3).await];
    let exam = new_exam(&as_store(&nodes[0])).await.id;
    for _ in 0..200 {
        started(&as_store(&nodes[0]), new_learner(&as_store(&nodes[0])).await, exam, 1).await;
    }
    let due = nodes[0].next_due().await.unwrap().unwrap();
    let claim = |now: Timestamp| {
        let nodes = nodes.each_ref().map(Arc::clone);
        async move {
            let work = nodes.map(|node| async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = node.claim_due_attempts(now, 30_000, 30).await.unwrap();
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed.into_iter().map(|row| row.id));
                }
            });
            at_once(work.into()).await
        }
    };
    // Twice: the second time nobody has closed them.
    for now in [due, due.plus_ms(30_000)] {
        let claimed = claim(now).await;
        let all: Vec<_> = claimed.iter().flatten().collect();
        assert_eq!(all.len(), 200, "each is given to one");
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 200);
        assert_eq!(nodes[1].next_due().await.unwrap(), Some(now.plus_ms(30_000)));
    }
    assert!(!cluster.log().contains("deadlock"), "{}", cluster.log());
}

/// A server whose standby is away has the commit and must not acknowledge it: whoever waits is told that the outcome
/// is unknown, not that it is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_no_standby_has_is_not_acknowledged() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let store = open(&url).await;
    let dynamic = as_store(&store);
    let (row, mut log) = started(&dynamic, new_learner(&dynamic).await, new_exam(&dynamic).await.id, 1).await;
    store.commit(log.answer("alone")).await.unwrap();
    let standby = |name: &str| {
        cluster.sql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"));
        cluster.sql("postgres", "SELECT pg_reload_conf()");
        while cluster.sql("postgres", "SHOW synchronous_standby_names") != name {}
    };
    standby("nobody");
    let (answered, set) =
        tokio::join!(store.commit(log.clone().answer("unheard")), store.setting_or_insert("name", vec![1]));
    assert!(matches!(answered, Err(CommitError::Store(StoreError::Unknown(_)))), "{answered:?}");
    assert!(matches!(set, Err(StoreError::Unknown(_))), "{set:?}");
    standby("");
    while store.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    let steps = store.steps(row.learner, row.id).await.unwrap();
    let last = steps.last().unwrap();
    store.commit(Log::after(&row, last).answer("heard")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_reach_other_nodes_and_whoever_missed_some_is_told() {
    let mut cluster = Cluster::start();
    let url = cluster.database();
    let (here, there) = (open(&url).await, open_node(&url, 2).await);
    let mut listener = there.listen();
    let (learner, epoch) = (PersonId(new_id()), 7);
    let said = Announcement::StudyTaken { learner, epoch };
    here.announce(vec![said.clone()]).await.unwrap();
    assert_eq!(listener.next().await, Some(Heard::Said(said.clone())));
    cluster.kill();
    cluster.start_again();
    assert_eq!(listener.next().await, Some(Heard::Missed));
    while here.announce(vec![said.clone()]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(listener.next().await, Some(Heard::Said(said)));
    // What a newer release says in words of its own.
    cluster.sql(&url, "SELECT pg_notify('keju_announcements', '{\"kind\":\"of_tomorrow\"}')");
    assert_eq!(listener.next().await, Some(Heard::Missed));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_the_server() {
    let mut cluster = Cluster::start();
    let url = cluster.database();
    let store = open(&url).await;
    let dynamic = as_store(&store);
    let exam = new_exam(&dynamic).await.id;
    let mut logs = Vec::new();
    for _ in 0..8 {
        logs.push(started(&dynamic, new_learner(&dynamic).await, exam, 1).await);
    }
    let kept = Arc::new(AtomicUsize::new(0));
    let work: Vec<_> = logs
        .into_iter()
        .map(|(row, mut log)| {
            let (store, kept) = (Arc::clone(&dynamic), Arc::clone(&kept));
            tokio::spawn(async move {
                let mut acknowledged = 1;
                let error = loop {
                    match store.commit(log.answer("answer")).await {
                        Ok(()) => acknowledged += 1,
                        Err(error) => break error,
                    }
                    kept.fetch_add(1, Ordering::Relaxed);
                };
                let told = matches!(error, CommitError::Store(StoreError::Unknown(_) | StoreError::Unavailable(_)));
                assert!(told, "{error:?}");
                (row, acknowledged)
            })
        })
        .collect();
    while kept.load(Ordering::Relaxed) < 500 {
        tokio::task::yield_now().await;
    }
    tokio::task::block_in_place(|| cluster.kill());
    let mut ended = Vec::new();
    for work in work {
        ended.push(work.await.unwrap());
    }
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    tokio::task::block_in_place(|| cluster.start_again());
    while store.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    for (row, acknowledged) in ended {
        let steps = store.steps(row.learner, row.id).await.unwrap();
        assert!(steps.len() >= acknowledged && is_chain(&steps));
        // On it goes, by the same store.
        let last = steps.last().unwrap();
        store.commit(Log::after(&row, last).answer("after")).await.unwrap();
    }
}

/// What many read at once comes over few connections, each answer to whom it belongs, also when the connections end
/// meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn many_read_at_once_over_few_connections() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let store = open(&url).await;
    let dynamic = as_store(&store);
    let exam = new_exam(&dynamic).await.id;
    let mut rows = Vec::new();
    for _ in 0..20 {
        rows.push(started(&dynamic, new_learner(&dynamic).await, exam, 1).await.0);
    }
    for ends in [false, true] {
        let reads: JoinSet<_> = (0..2_000)
            .map(|number| {
                let (store, row) = (Arc::clone(&store), rows[number % rows.len()].clone());
                async move { (store.before_start(row.learner, row.exam).await, row) }
            })
            .collect();
        if ends {
            cluster.sql(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keju'");
        }
        for (read, row) in reads.join_all().await {
            assert_eq!(read.unwrap().attempts, [row]);
        }
        // Three lanes, four lines, the pools' nine, and the one that listens.
        let connections = "SELECT count(*) <= 17 FROM pg_stat_activity WHERE usename = 'keju'";
        assert_eq!(cluster.sql(&url, connections), "t");
    }
    store.close().await;
    let refused = store.before_start(rows[0].learner, exam).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "closed is closed");
}

/// A backend that is ended between a commit and its answer: nobody may say that it was not kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_is_made_again() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let store = open(&url).await;
    let dynamic = as_store(&store);
    let (row, mut log) = started(&dynamic, new_learner(&dynamic).await, new_exam(&dynamic).await.id, 1).await;
    for _ in 0..5 {
        cluster.sql(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keju'");
        // The first read over a dead connection is made again over a new one.
        let steps = store.steps(row.learner, row.id).await.unwrap();
        match store.commit(log.clone().answer("once")).await {
            Ok(()) => drop(log.answer("once")),
            Err(CommitError::Store(StoreError::Unknown(_) | StoreError::Unavailable(_))) => {}
            Err(error) => panic!("{error}"),
        }
        let after = store.steps(row.learner, row.id).await.unwrap();
        assert!(is_chain(&after) && after.len() >= steps.len());
        log = Log::after(&row, after.last().unwrap());
    }
    assert_eq!(store.setting_or_insert("name", vec![1]).await.unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_append_only() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let store = open(&url).await;
    tell(as_store(&store)).await;
    store.close().await;
    for table in ["steps", "lesson_steps", "ledger", "audit", "item_versions", "key_versions"] {
        assert_ne!(cluster.sql(&url, &format!("SELECT count(*) FROM {table}")), "0", "{table}");
        for sql in
            [format!("UPDATE {table} SET at = at"), format!("DELETE FROM {table}"), format!("TRUNCATE {table} CASCADE")]
        {
            // Not even a superuser, unless he takes the trigger away.
            let told = cluster.sql(
                &url,
                &format!(
                    "DO $$ BEGIN {sql}; RAISE EXCEPTION 'allowed'; EXCEPTION WHEN restrict_violation THEN NULL; END $$"
                ),
            );
            assert_eq!(told, "", "{sql}");
        }
    }
    let rights = "SELECT count(*) FROM unnest(ARRAY['steps', 'lesson_steps', 'ledger', 'audit', 'key_versions', 'certificates', 'revocations']) AS t \
                  WHERE has_table_privilege('keju', t, 'UPDATE, DELETE, TRUNCATE')";
    assert_eq!(cluster.sql(&url, rights), "0", "the service has given the right away");
}

/// A sharding PostgreSQL keeps a learner's rows together by the learner, and wants it in every key.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_of_the_learner_tables_carries_the_learner() {
    let cluster = Cluster::start();
    let url = cluster.database();
    open(&url).await.close().await;
    let learner_tables = "(VALUES ('attempts', 'learner'), ('steps', 'learner'), ('ledger', 'learner'), \
        ('overrides', 'person'), ('studies', 'learner'), ('lesson_progress', 'learner'), ('lesson_steps', 'learner'), \
        ('outbox', 'learner'), ('certificates', 'learner'), ('revocations', 'learner'), \
        ('notebook_removals', 'learner')) AS t (name, learner)";
    let column = "(SELECT attnum FROM pg_attribute WHERE attrelid = t.name::regclass AND attname = t.learner)";
    let without = cluster.sql(
        &url,
        &format!(
            "SELECT t.name, i.indexrelid::regclass FROM {learner_tables} \
             JOIN pg_index i ON i.indrelid = t.name::regclass AND i.indisunique \
             WHERE i.indkey[0] <> {column} \
             UNION ALL SELECT t.name, c.conname::text::regclass FROM {learner_tables} \
             JOIN pg_constraint c ON c.conrelid = t.name::regclass AND c.contype = 'f' \
             WHERE NOT {column} = ANY (c.conkey)"
        ),
    );
    assert_eq!(without, "", "a unique key that does not begin with the learner, or a foreign key without it");
    // The list above is whole: every table with a column of that name is in it, or keyed by something else on purpose.
    let all = cluster.sql(
        &url,
        "SELECT DISTINCT table_name FROM information_schema.columns \
         WHERE table_schema = 'public' AND column_name IN ('learner', 'person') ORDER BY 1",
    );
    let known = [
        "attempts",
        "certificates",
        "ledger",
        "lesson_progress",
        "lesson_steps",
        "notebook_removals",
        "outbox",
        "overrides",
        "revocations",
        "sessions",
        "steps",
        "studies",
    ];
    assert_eq!(all.lines().collect::<Vec<_>>(), known);
}

/// `deploy/citus.sql` knows each table: spread, whole everywhere, or the coordinator's alone. What a table that it moves
/// may not have is dropped, and what it would forget is told again.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_for_several_servers_knows_every_table() {
    const STAY: [&str; 4] = ["audit", "latest_times", "migrations", "settings"];
    let cluster = Cluster::start();
    let url = cluster.database();
    open(&url).await.close().await;
    let script = include_str!("../../../deploy/citus.sql");
    let named = |function: &str| -> Vec<&str> {
        let of_line = |line: &'static str| line.strip_prefix("SELECT ")?.strip_prefix(function)?.strip_prefix("('");
        script.lines().filter_map(of_line).filter_map(|rest| rest.split('\'').next()).collect()
    };
    let mut known = [named("create_reference_table"), named("create_distributed_table"), STAY.to_vec()].concat();
    known.sort_unstable();
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1";
    assert_eq!(cluster.sql(&url, tables).lines().collect::<Vec<_>>(), known);
    for owed in [
        "SELECT format('DROP TRIGGER %s ON %s;', tgname, tgrelid::regclass) FROM pg_trigger \
         WHERE NOT tgisinternal AND tgrelid <> 'audit'::regclass",
        "SELECT format('setval(pg_get_serial_sequence(%L, %L)', attrelid::regclass, attname) FROM pg_attribute \
         WHERE attidentity <> '' AND attrelid <> 'audit'::regclass",
    ] {
        let lines = cluster.sql(&url, owed);
        assert!(!lines.is_empty(), "{owed}");
        for line in lines.lines() {
            assert!(script.contains(line), "deploy/citus.sql lacks: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_of_ours_is_refused() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let empty = Options { must_exist: true, ..Options::default() };
    let refused = PostgresStore::open(&url, &empty).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unfit(_)), "{refused}");
    open(&url).await.close().await;
    // Newer than this release, which it still serves; then no more.
    cluster.sql(&url, "INSERT INTO migrations (number, needs) VALUES (9000, 1)");
    open(&url).await.close().await;
    cluster.sql(&url, "INSERT INTO migrations (number, needs) VALUES (9001, 9001)");
    let refused = PostgresStore::open(&url, &Options::default()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Schema(_)), "{refused}");
    for wrong in ["postgres://", "mysql://x", "postgres://keju@/x", "postgres://keju:geheim@h/x?sslmode=strict"] {
        let refused = PostgresStore::open(wrong, &Options::default()).await.unwrap_err();
        assert!(matches!(refused, OpenError::Address { .. }), "{wrong}: {refused}");
        assert!(!format!("{refused} {refused:?}").contains("geheim"));
    }
}

/// Attempts from before there were cases have theirs by the same rule; nothing else changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_before_cases_has_them_after_the_migration() {
    let cluster = Cluster::start();
    let url = cluster.database();
    let owned = |sql: &str| cluster.sql(&url, &format!("SET ROLE keju; {sql}"));
    owned(include_str!("../../../migrations/postgres/0001_init.sql"));
    owned(include_str!("../../../migrations/postgres/0002_lessons.sql"));
    owned(include_str!("../../../migrations/postgres/0003_commands.sql"));
    owned(include_str!("../../../migrations/postgres/0004_certificates.sql"));
    owned(
        "CREATE TABLE migrations (number integer NOT NULL PRIMARY KEY, needs integer NOT NULL, \
         at timestamptz NOT NULL DEFAULT now()); INSERT INTO migrations (number, needs) VALUES (1, 1), (2, 1), \
         (3, 1), (4, 1)",
    );
    let learner = new_id();
    owned(&format!("INSERT INTO people VALUES ('{learner}', 'a', 'a', 1, NULL, NULL, false, false, NULL)"));
    let rows = [
        (1, "exam", "submitted", 29, "'2023-01-01 00:00:07Z'"),
        (2, "exam", "submitted", 30, "'2023-01-01 00:00:07Z'"),
        (3, "exam", "terminated", 0, "'2023-01-01 00:00:08Z'"),
        (4, "practice", "terminated", 90, "'2023-01-01 00:00:09Z'"),
        (5, "exam", "open", 45, "NULL"),
    ];
    for (number, mode, state, score, closed_at) in rows {
        let id = uuid::Uuid::from_u128(number);
        owned(&format!(
            "INSERT INTO attempts (learner, id, exam, mode, number, state, started_at, deadline, closed_at, answered, \
             hours, integrity_score, flags, start_command, start_digest) VALUES ('{learner}', '{id}', '{id}', '{mode}', \
             {number}, '{state}', '2023-01-01 00:00:05Z', '2023-01-01 00:00:06Z', {closed_at}, 0, 0, {score}, 0, '{id}', \
             decode(repeat('00', 16), 'hex'))"
        ));
    }
    let store = open(&url).await;
    let found = store.cases(CaseFilter::default(), Page { after: None, limit: 10 }).await.unwrap();
    let told: Vec<_> = found.iter().map(|row| (row.number, row.case.unwrap(), row.invalidated)).collect();
    let mark = |seconds| CaseMark {
        state: CaseState::Open,
        opened_at: Timestamp::parse(&format!("2023-01-01T00:00:0{seconds}Z")).unwrap(),
    };
    assert_eq!(told, [(5, mark(5), false), (3, mark(8), false), (2, mark(7), false)]);
    store.close().await;
}
