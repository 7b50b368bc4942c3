//! Durable answers through the engine, beside one INSERT per transaction on the same kind of database, in one run.
//!
//! `cargo bench -p keju-benches --bench engine`, or with how many at once behind `--`: `1`, `16`, `64`, `256`. Read the ratios: the machine's own speed drifts.
//! Answers come by people's time and each paper gets as many as a person gives, so that logs are as long as they are in
//! the field and nobody is told of a machine. `KEJU_BENCH_DATABASE=postgres` takes PostgreSQL instead of SQLite; its CPU time counts. `KEJU_BENCH_ROUNDS` and `KEJU_BENCH_MS` say how often and how long each is measured.

#![expect(clippy::expect_used, reason = "a bench that cannot set itself up has nothing to measure")]

use exam_service::Clock;
use keju_benches::database::Database;
use keju_benches::process::{median, round_ms, rounds};
use keju_benches::site::{BenchSite, Learner, Leisure, SLOTS};
use std::sync::{Arc, Mutex};
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

/// So many answer at once, each one answer after the other: every question twice, and then another paper.
async fn answer_all(site: &BenchSite, clock: &Arc<Leisure>, papers: Papers, concurrent: usize, until: Instant) -> u64 {
    let mut tasks = Vec::new();
    for _ in 0..concurrent {
        let (engine, clock, papers) = (Arc::clone(&site.engine), Arc::clone(clock), Arc::clone(&papers));
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            loop {
                let learner = papers.lock().expect("nobody panics").pop().expect("there are papers enough");
                for round in 0..u64::from(2 * SLOTS) {
                    if Instant::now() >= until {
                        return done;
                    }
                    clock.think();
                    learner.answer(&engine, round).await;
                    done += 1;
                }
            }
        }));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("no answer is refused");
    }
    done
}

/// Attempts that wait for somebody to answer them.
type Papers = Arc<Mutex<Vec<Learner>>>;

/// More than so many answers in a millisecond are not expected of anything.
const ANSWERS_PER_MS_MAX: u64 = 150;

/// Fresh attempts, as many as may be answered in a round.
async fn papers(site: &BenchSite, concurrent: usize) -> Papers {
    let answers = round_ms() * ANSWERS_PER_MS_MAX.min(10 * concurrent as u64);
    let count = answers / u64::from(2 * SLOTS) + concurrent as u64;
    Arc::new(Mutex::new(site.learners(count as usize).await))
}

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// G2: group commit beside one INSERT per transaction.
fn main() {
    let runtime = Runtime::new().expect("a runtime starts");
    let clock = Leisure::start();
    let site = runtime.block_on(BenchSite::open_at(1_000, true, Arc::clone(&clock) as Arc<dyn Clock>));
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
                let papers = runtime.block_on(papers(&site, concurrent));
                clock.shared_by(concurrent);
                let answering = |until| runtime.block_on(answer_all(&site, &clock, papers, concurrent, until));
                (inserts, measured(database, answering))
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
