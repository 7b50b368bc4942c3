//! Metrics for Prometheus.

use crate::admission::Class;
use crate::http::problem::Problem;
use crate::queue::Queue;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Labels of a request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    class: &'static str,
    status: u16,
}

/// Labels of a problem.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ProblemLabels {
    code: &'static str,
}

/// Labels of a closed socket.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CloseLabels {
    code: u16,
}

/// See the module.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    problems: Family<ProblemLabels, Counter>,
    seconds: Vec<Histogram>,
    node: Gauge,
    in_work: Gauge,
    cached_attempts: Gauge,
    start_queue: Gauge,
    start_pace: Gauge,
    room_active: Gauge,
    room_cap: Gauge,
    /// Answers since the mean was last taken: how many, and their microseconds.
    answers: (AtomicU64, AtomicU64),
    /// Connections open now.
    pub connections: Gauge,
    /// Sockets of the stream open now.
    pub sockets: Gauge,
    closes: Family<CloseLabels, Counter>,
}

/// From a tenth of a millisecond to ten seconds.
const BUCKETS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

impl Metrics {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keju");
        let requests = Family::<RequestLabels, Counter>::default();
        registry.register("requests", "Requests by class and status", requests.clone());
        let problems = Family::<ProblemLabels, Counter>::default();
        registry.register("problems", "Problems by code", problems.clone());
        let closes = Family::<CloseLabels, Counter>::default();
        registry.register("socket_closes", "Sockets the server closed, by code", closes.clone());
        let seconds = Class::ALL
            .iter()
            .map(|class| {
                let histogram = Histogram::new(BUCKETS);
                registry.register(
                    format!("{}_seconds", class.name()),
                    "Time from the head of a request to the head of its response",
                    histogram.clone(),
                );
                histogram
            })
            .collect();
        let mut gauge = |name: &str, help: &str| {
            let gauge: Gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let node = gauge("node", "The number of the node that tells this");
        let in_work = gauge("requests_in_work", "Requests in work now");
        let cached_attempts = gauge("attempts_cached", "Attempts whose state is in memory");
        let start_queue = gauge("start_queue", "Learners who wait to start");
        let start_pace =
            gauge("start_pace", "Starts a second that are let through: of late while some wait, else at most");
        let room_active = gauge("room_active", "Learners inside: let in or heard from lately, and not done");
        let room_cap = gauge("room_cap", "Learners who may be inside; -1 while no bound is known");
        let connections = gauge("connections", "Connections open now");
        let sockets = gauge("sockets", "Sockets of the stream open now");
        let answers = <(AtomicU64, AtomicU64)>::default();
        Self {
            registry,
            requests,
            problems,
            seconds,
            node,
            in_work,
            cached_attempts,
            start_queue,
            start_pace,
            room_active,
            room_cap,
            answers,
            connections,
            sockets,
            closes,
        }
    }

    /// Counts a request that was answered.
    pub fn request(&self, class: Class, status: u16, problem: Option<&'static str>, took: Duration) {
        self.requests.get_or_create(&RequestLabels { class: class.name(), status }).inc();
        if let Some(histogram) = self.seconds.get(class as usize) {
            histogram.observe(took.as_secs_f64());
        }
        if class == Class::Answer {
            self.answers.0.fetch_add(1, Ordering::Relaxed);
            self.answers.1.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        }
        if let Some(code) = problem {
            self.problems.get_or_create(&ProblemLabels { code }).inc();
        }
    }

    /// How many answers there were since this was last asked, and their mean time.
    pub fn answers_since(&self) -> (u64, Duration) {
        let count = self.answers.0.swap(0, Ordering::Relaxed);
        let micros = self.answers.1.swap(0, Ordering::Relaxed);
        (count, Duration::from_micros(micros.checked_div(count).unwrap_or_default()))
    }

    /// Counts a message of a socket like the request it might have been.
    pub fn message(&self, class: Class, problem: Option<&Problem>, started: Instant) {
        let (status, code) = problem.map_or((200, None), |problem| (problem.status().as_u16(), Some(problem.code())));
        self.request(class, status, code, started.elapsed());
    }

    /// Counts a socket that was closed.
    pub fn socket_closed(&self, code: u16) {
        self.closes.get_or_create(&CloseLabels { code }).inc();
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn text(&self, engine: &exam_service::Engine, in_work: usize, queue: &Queue) -> String {
        self.node.set(i64::from(engine.node()));
        self.in_work.set(in_work as i64);
        let standing = queue.standing();
        self.start_queue.set(standing.waiting as i64);
        self.start_pace.set(standing.starts_per_second as i64);
        self.room_active.set(queue.room().active() as i64);
        self.room_cap.set(i64::try_from(queue.room().cap()).ok().filter(|cap| *cap < i64::MAX).unwrap_or(-1));
        self.cached_attempts.set(engine.cached_attempts() as i64);
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        let engine_text = engine_counters(engine) + &crate::process::figures();
        match text.strip_suffix("# EOF\n") {
            Some(body) => format!("{body}{engine_text}# EOF\n"),
            None => text + &engine_text,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn engine_counters(engine: &exam_service::Engine) -> String {
    let stats = engine.stats();
    // Neither grants nor flags: whoever reads them before and after an act of their own would know the grade
    // before its release, or what the integrity layer made of the act.
    let rows: [(&str, &str, &AtomicU64); 13] = [
        ("starts", "Attempts started", &stats.starts),
        ("answers", "Answers kept", &stats.answers),
        ("answers_refused", "Answers refused", &stats.answers_refused),
        ("submissions", "Attempts submitted", &stats.submissions),
        ("expiries", "Attempts closed by their deadline", &stats.expiries),
        ("studies", "Studies of lessons opened", &stats.studies),
        ("challenges", "Questions asked in lessons", &stats.challenges),
        ("verdicts", "Questions answered in lessons", &stats.verdicts),
        ("completions", "Lessons completed", &stats.completions),
        ("conflicts", "Commits another node forestalled", &stats.conflicts),
        ("commit_failures", "Commits the store could not keep", &stats.failures),
        ("sign_ins", "Sign-ins", &stats.sign_ins),
        ("sign_ins_failed", "Failed sign-ins", &stats.sign_ins_failed),
    ];
    rows.iter().fold(String::new(), |text, (name, help, counter)| {
        let value = counter.load(Ordering::Relaxed);
        format!("{text}# HELP keju_{name} {help}.\n# TYPE keju_{name} counter\nkeju_{name}_total {value}\n")
    })
}
