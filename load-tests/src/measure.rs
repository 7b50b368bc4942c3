//! What is measured: latencies from the time a request was due, and what the server said, in all and by
//! interval. Parts of several processes add up exactly: histograms are kept, not percentiles.

use crate::limits::{INTERVALS_MAX, LATENCY_MAX};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What learners do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// One request to start; `queued` is an answer to it.
    Start,
    /// From arriving to holding the paper, with all waiting.
    Paper,
    /// One answer, until its receipt.
    Answer,
    /// A batch after being offline.
    Batch,
    /// Coming back.
    Resume,
    /// Signals.
    Signals,
    /// Handing in, until the result.
    Submit,
    /// An attack, until it is turned away.
    Attack,
    /// Opening a socket, from the connection to `welcome`.
    Connect,
    /// A beat of a lesson, until its credit.
    Beat,
    /// The answer to a challenge, until its verdict.
    Challenge,
    /// A whole lesson, from arriving to `complete`.
    Lesson,
}

impl Op {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::Start,
        Self::Paper,
        Self::Answer,
        Self::Batch,
        Self::Resume,
        Self::Signals,
        Self::Submit,
        Self::Attack,
        Self::Connect,
        Self::Beat,
        Self::Challenge,
        Self::Lesson,
    ];

    /// The name in scenarios and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Paper => "paper",
            Self::Answer => "answer",
            Self::Batch => "batch",
            Self::Resume => "resume",
            Self::Signals => "signals",
            Self::Submit => "submit",
            Self::Attack => "attack",
            Self::Connect => "connect",
            Self::Beat => "beat",
            Self::Challenge => "challenge",
            Self::Lesson => "lesson",
        }
    }
}

/// Microseconds and how many took them.
type Sparse = Vec<(u64, u64)>;

/// One kind of work in one interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Done.
    pub ok: u64,
    /// Answered otherwise, or not at all.
    pub errors: u64,
    /// Of what was done.
    pub latency: Sparse,
}

/// One kind of work of a whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Done.
    pub ok: u64,
    /// Ended otherwise for good, by code: refused, or given up after all retries.
    pub failed: BTreeMap<String, u64>,
    /// Every other answer on the way, by code: told to wait, cut off, busy. What followed is in the others.
    pub told: BTreeMap<String, u64>,
    /// Of what was done, from the time it was due.
    pub latency: Sparse,
    /// By interval.
    pub slices: Vec<Slice>,
}

impl Work {
    /// The latency below which this share of all is, in milliseconds; 0 without any.
    #[must_use]
    pub fn quantile_ms(&self, share: f64) -> f64 {
        quantile_ms(&self.latency, share)
    }

    /// The greatest latency in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> f64 {
        self.latency.last().map_or(0.0, |(micros, _)| *micros as f64 / 1_000.0)
    }

    /// Ended otherwise.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    fn add(&mut self, other: &Self) {
        self.ok += other.ok;
        add_counts(&mut self.failed, &other.failed);
        add_counts(&mut self.told, &other.told);
        add_sparse(&mut self.latency, &other.latency);
        self.slices.resize_with(self.slices.len().max(other.slices.len()), Slice::default);
        for (slice, more) in self.slices.iter_mut().zip(&other.slices) {
            slice.ok += more.ok;
            slice.errors += more.errors;
            add_sparse(&mut slice.latency, &more.latency);
        }
    }
}

/// See [`Work::quantile_ms`].
#[must_use]
pub fn quantile_ms(latency: &[(u64, u64)], share: f64) -> f64 {
    let total: u64 = latency.iter().map(|(_, count)| count).sum();
    let rank = ((total as f64 * share).ceil() as u64).max(1);
    let mut below = 0;
    let found = latency.iter().find(|(_, count)| {
        below += count;
        below >= rank
    });
    found.map_or(0.0, |(micros, _)| *micros as f64 / 1_000.0)
}

fn add_counts(all: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (code, count) in more {
        *all.entry(code.clone()).or_default() += count;
    }
}

fn add_sparse(all: &mut Sparse, more: &[(u64, u64)]) {
    let mut sums: BTreeMap<u64, u64> = all.drain(..).collect();
    for (micros, count) in more {
        *sums.entry(*micros).or_default() += count;
    }
    all.extend(sums);
}

/// Everything of a run, as reports keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// The length of an interval.
    pub interval_ms: u64,
    /// By kind of work; those that did not occur are absent.
    pub work: BTreeMap<String, Work>,
}

impl Measured {
    /// One kind of work.
    #[must_use]
    pub fn of(&self, op: Op) -> Option<&Work> {
        self.work.get(op.name())
    }

    /// Adds another process's part; intervals are as long in all of them.
    pub fn add(&mut self, other: &Self) {
        self.interval_ms = self.interval_ms.max(other.interval_ms);
        for (name, work) in &other.work {
            self.work.entry(name.clone()).or_default().add(work);
        }
    }
}

/// How long intervals are in a run of this length, in milliseconds.
#[must_use]
pub fn interval_ms(run_seconds: u64) -> u64 {
    run_seconds.div_ceil(INTERVALS_MAX).max(1) * 1_000
}

struct Running {
    ok: u64,
    failed: BTreeMap<String, u64>,
    told: BTreeMap<String, u64>,
    latency: Histogram<u64>,
    slices: Vec<Option<Box<RunningSlice>>>,
}

struct RunningSlice {
    ok: u64,
    errors: u64,
    latency: Histogram<u32>,
}

/// Takes it all down while it happens.
pub struct Recorder {
    began: Instant,
    interval_ms: u64,
    running: Vec<Mutex<Running>>,
}

/// Counts for the live display.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lately {
    /// Done in all.
    pub ok: u64,
    /// Quantiles of the last interval, in milliseconds.
    pub p50_ms: f64,
    /// See `p50_ms`.
    pub p95_ms: f64,
    /// See `p50_ms`.
    pub p99_ms: f64,
}

/// Three significant digits in all, two by interval: the figures named in reports are of the former.
fn histogram<T: hdrhistogram::Counter>(digits: u8) -> Histogram<T> {
    let most = LATENCY_MAX.as_micros() as u64;
    #[expect(clippy::expect_used, reason = "the bounds are constants: 1 < most, and at most 3 digits")]
    Histogram::new_with_bounds(1, most, digits).expect("bounds of a histogram")
}

fn sparse<T: hdrhistogram::Counter>(histogram: &Histogram<T>) -> Sparse {
    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_since_last_iteration())).collect()
}

impl Recorder {
    /// Of a run that began then; its intervals have this length.
    #[must_use]
    pub fn new(began: Instant, interval_ms: u64) -> Self {
        let running = || {
            Mutex::new(Running {
                ok: 0,
                failed: BTreeMap::new(),
                told: BTreeMap::new(),
                latency: histogram(3),
                slices: Vec::new(),
            })
        };
        Self { began, interval_ms, running: Op::ALL.iter().map(|_| running()).collect() }
    }

    /// Done; it had been due at this time.
    pub fn ok(&self, op: Op, due: Instant) {
        let now = Instant::now();
        let micros = (now.saturating_duration_since(due).as_micros() as u64).max(1);
        let mut running = self.running[op as usize].lock();
        running.ok += 1;
        running.latency.saturating_record(micros);
        let slice = self.slice(&mut running, now);
        slice.ok += 1;
        slice.latency.saturating_record(micros);
    }

    /// Ended otherwise, for good.
    pub fn failed(&self, op: Op, code: &str) {
        let mut running = self.running[op as usize].lock();
        *running.failed.entry(code.to_owned()).or_default() += 1;
        self.slice(&mut running, Instant::now()).errors += 1;
    }

    /// Told something else on the way.
    pub fn told(&self, op: Op, code: &str) {
        let mut running = self.running[op as usize].lock();
        *running.told.entry(code.to_owned()).or_default() += 1;
        if code != "queued" {
            self.slice(&mut running, Instant::now()).errors += 1;
        }
    }

    fn slice<'a>(&self, running: &'a mut Running, now: Instant) -> &'a mut RunningSlice {
        let passed = now.saturating_duration_since(self.began).as_millis() as u64;
        // What comes long after the end is of the last interval.
        let index = (passed / self.interval_ms).min(2 * INTERVALS_MAX) as usize;
        if running.slices.len() <= index {
            running.slices.resize_with(index + 1, || None);
        }
        running.slices[index].get_or_insert_with(|| Box::new(RunningSlice { ok: 0, errors: 0, latency: histogram(2) }))
    }

    /// What was answered otherwise so far, by code; a place in the queue is none of it.
    #[must_use]
    pub fn codes(&self) -> BTreeMap<String, u64> {
        let mut codes = BTreeMap::new();
        for running in &self.running {
            let running = running.lock();
            add_counts(&mut codes, &running.failed);
            add_counts(&mut codes, &running.told);
        }
        codes.remove("queued");
        codes
    }

    /// How it goes.
    #[must_use]
    pub fn lately(&self, op: Op) -> Lately {
        let running = self.running[op as usize].lock();
        let passed = self.began.elapsed().as_millis() as u64 / self.interval_ms;
        // The interval before this one is whole.
        let slice = (passed as usize).checked_sub(1).and_then(|index| running.slices.get(index)?.as_ref());
        let quantile = |share| slice.map_or(0.0, |slice| slice.latency.value_at_quantile(share) as f64 / 1_000.0);
        Lately { ok: running.ok, p50_ms: quantile(0.5), p95_ms: quantile(0.95), p99_ms: quantile(0.99) }
    }

    /// All of it.
    #[must_use]
    pub fn measured(&self) -> Measured {
        let mut work = BTreeMap::new();
        for op in Op::ALL {
            let running = self.running[op as usize].lock();
            if running.ok == 0 && running.failed.is_empty() && running.told.is_empty() {
                continue;
            }
            let slice = |slice: &Option<Box<RunningSlice>>| {
                slice.as_ref().map_or_else(Slice::default, |slice| Slice {
                    ok: slice.ok,
                    errors: slice.errors,
                    latency: sparse(&slice.latency),
                })
            };
            let done = Work {
                ok: running.ok,
                failed: running.failed.clone(),
                told: running.told.clone(),
                latency: sparse(&running.latency),
                slices: running.slices.iter().map(slice).collect(),
            };
            work.insert(op.name().to_owned(), done);
        }
        Measured { interval_ms: self.interval_ms, work }
    }

    /// Since the run began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn recorded(latencies: impl IntoIterator<Item = u64>) -> Measured {
        let recorder = Recorder::new(Instant::now(), 1_000);
        {
            let mut running = recorder.running[Op::Answer as usize].lock();
            for micros in latencies {
                running.ok += 1;
                running.latency.saturating_record(micros);
                let slice = recorder.slice(&mut running, recorder.began);
                slice.ok += 1;
                slice.latency.saturating_record(micros);
            }
        }
        recorder.failed(Op::Answer, "overloaded");
        recorder.told(Op::Start, "queued");
        recorder.measured()
    }

    #[test]
    fn quantiles_are_those_of_all() {
        let work = recorded((1..=1_000).map(|micros| micros * 1_000)).of(Op::Answer).unwrap().clone();
        assert_eq!(work.ok, 1_000);
        for (share, ms) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            assert!((work.quantile_ms(share) / ms - 1.0).abs() < 0.002, "{share}: {}", work.quantile_ms(share));
        }
        assert_eq!(Work::default().quantile_ms(0.99), 0.0);
    }

    #[test]
    fn parts_add_up_as_if_one_process_had_measured() {
        let whole = recorded((1..=2_000).map(|micros| micros * 100));
        let mut sum = recorded((1..=2_000).filter(|n| n % 2 == 0).map(|micros| micros * 100));
        sum.add(&recorded((1..=2_000).filter(|n| n % 2 == 1).map(|micros| micros * 100)));
        let (one, other) = (whole.of(Op::Answer).unwrap(), sum.of(Op::Answer).unwrap());
        assert_eq!(one.latency, other.latency);
        assert_eq!(one.slices[0].latency, other.slices[0].latency);
        assert_eq!(other.failed["overloaded"], 2);
        assert_eq!(sum.of(Op::Start).unwrap().told["queued"], 2);
    }

    #[test]
    fn a_report_survives_its_json() {
        let measured = recorded([5, 50, 500]);
        let text = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<Measured>(&text).unwrap(), measured);
    }

    #[test]
    fn latency_counts_from_the_time_it_was_due() {
        let recorder = Recorder::new(Instant::now(), 1_000);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        recorder.ok(Op::Answer, long_ago);
        assert!(recorder.measured().of(Op::Answer).unwrap().quantile_ms(0.5) >= 5_000.0);
    }

    #[test]
    fn long_runs_have_longer_intervals() {
        assert_eq!(interval_ms(60), 1_000);
        assert_eq!(interval_ms(6_000), 10_000);
    }
}
