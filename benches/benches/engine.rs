//! Durable answers through the engine, beside one INSERT per transaction on the same kind of database, in one run.
//!
//! `cargo bench -p keju-benches --bench engine`, or with how many at once behind `--`: `1`, `16`, `64`, `256`. Read the ratios: the machine's own speed drifts.
//! `KEJU_BENCH_DATABASE=postgres` takes PostgreSQL instead of SQLite; its CPU time counts. `KEJU_BENCH_ROUNDS` and `KEJU_BENCH_MS` say how often and how long each is measured.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use keju_benches::database::Database;
use keju_benches::process::{median, round_ms, rounds};
use keju_benches::site::{BenchSite, Learner};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const CONCURRENT: [usize; 4] = [1, 16, 64, 256];

/// So many were done, in this time, for this much CPU time of the whole process and of the database server.
struct Measured {
    done: u64,
    took: Duration,
    cpu: Duration,
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.done as f64 / self.took.as_secs_f64()
    }

    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.done as f64
    }
}

fn measured(database: &Database, work: impl FnOnce(Instant) -> u64) -> Measured {
    let (started, cpu) = (Instant::now(), database.cpu_with_own());
    let done = work(started + Duration::from_millis(round_ms()));
    Measured { done, took: started.elapsed(), cpu: database.cpu_with_own().saturating_sub(cpu) }
}

/// All learners answer at once, each one answer after the other.
async fn answer_all(site: &BenchSite, learners: Vec<Learner>, until: Instant) -> u64 {
    let mut tasks = Vec::new();
    for learner in learners {
        let engine = Arc::clone(&site.engine);
        tasks.push(tokio::spawn(async move {
            let mut round = 0;
            while Instant::now() < until {
                learner.answer(&engine, round).await;
                round += 1;
            }
            round
        }));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("no answer is refused");
    }
    done
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// G2: group commit beside one INSERT per transaction.
fn main() {
    let runtime = Runtime::new().expect("a runtime starts");
    let site = runtime.block_on(BenchSite::open(1_000, true));
    let database = site.database();
    println!(
        "\ndurable answers in the engine on {}, beside one INSERT per transaction (medians of {} rounds)",
        database.name(),
        rounds()
    );
    println!("at once | inserts/s | answers/s | ratio | CPU us per insert, per answer");
    let wanted: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for concurrent in CONCURRENT.into_iter().filter(|count| wanted.is_empty() || wanted.contains(count)) {
        let pairs: Vec<(Measured, Measured)> = (0..rounds())
            .map(|_| {
                let inserts = measured(database, |until| database.insert_all(concurrent, until));
                // Fresh attempts: each holds so many answers only.
                let learners = runtime.block_on(site.learners(concurrent));
                (inserts, measured(database, |until| runtime.block_on(answer_all(&site, learners, until))))
            })
            .collect();
        let of = |what: fn(&(Measured, Measured)) -> f64| median(pairs.iter().map(what).collect());
        println!(
            "{concurrent:7} | {:9.0} | {:9.0} | {:5.1} | {:.1} {:.1}",
            of(|(insert, _)| insert.per_second()),
            of(|(_, answer)| answer.per_second()),
            of(|(insert, answer)| answer.per_second() / insert.per_second()),
            of(|(insert, _)| insert.cpu_us()),
            of(|(_, answer)| answer.cpu_us()),
        );
    }
}
