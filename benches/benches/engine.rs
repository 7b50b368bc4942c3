//! Durable answers through the engine on SQLite, beside one INSERT per transaction in the same run.
//!
//! `cargo bench -p keju-benches --bench engine`. Read the ratios: the machine's own speed drifts.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keju_benches::site::{BenchSite, Learner};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const CONCURRENT: [usize; 4] = [1, 16, 64, 256];

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
}

/// All learners answer at once, each one answer after the other, `rounds` times.
async fn answer_all(site: &BenchSite, learners: &[Learner], rounds: u64) -> Duration {
    let started = Instant::now();
    let mut tasks = Vec::new();
    for learner in learners {
        let (engine, learner) = (site.engine.clone(), learner.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..rounds {
                learner.answer(&engine, round).await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("no answer is refused");
    }
    started.elapsed()
}

fn durable_answers(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("durable_answers");
    group.sample_size(10).measurement_time(Duration::from_secs(4)).warm_up_time(Duration::from_secs(1));
    for heuristics in [true, false] {
        let site = runtime.block_on(BenchSite::open(1_000, heuristics));
        for concurrent in CONCURRENT {
            group.throughput(Throughput::Elements(concurrent as u64));
            let name = if heuristics { "engine" } else { "engine_without_heuristics" };
            group.bench_with_input(BenchmarkId::new(name, concurrent), &concurrent, |bencher, concurrent| {
                bencher.iter_custom(|rounds| {
                    // Fresh attempts: each holds so many answers only.
                    let learners = runtime.block_on(site.learners(*concurrent));
                    runtime.block_on(answer_all(&site, &learners, rounds))
                });
            });
        }
    }
    let (mut connection, _folder) = keju_benches::site::plain_table();
    group.throughput(Throughput::Elements(1));
    group.bench_function("one_insert_per_transaction", |bencher| {
        bencher.iter(|| keju_benches::site::insert_one(&mut connection));
    });
    group.finish();
}

fn starts(criterion: &mut Criterion) {
    let runtime = runtime();
    let site = runtime.block_on(BenchSite::open(1_000, true));
    let mut group = criterion.benchmark_group("durable_starts");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(64));
    group.bench_function("engine/64", |bencher| {
        bencher.iter_custom(|rounds| {
            let people = runtime.block_on(site.people(64 * rounds as usize));
            let started = Instant::now();
            for chunk in people.chunks(64) {
                runtime.block_on(site.start_all(chunk));
            }
            started.elapsed()
        });
    });
    group.finish();
}

criterion_group!(benches, durable_answers, starts);
criterion_main!(benches);
