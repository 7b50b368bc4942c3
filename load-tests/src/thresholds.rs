//! Thresholds: what a scenario demands of the figures, for the exit code.

use crate::measure::Op;
use crate::report::{Report, course};
use serde::{Deserialize, Serialize};

/// One demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// A figure of the report: `OP.p50_ms OP.p95_ms OP.p99_ms OP.p999_ms OP.max_ms OP.count OP.per_second
    /// OP.failed_percent OP.acknowledged_percent`, such as `answer.p99_ms`; or one of the whole run:
    /// `recovery_s goodput_percent server.memory_max_mb server.memory_growth_percent
    /// server.descriptors_growth_percent`.
    pub figure: String,
    /// Not more than this.
    #[serde(default)]
    pub most: Option<f64>,
    /// Not less than this.
    #[serde(default)]
    pub least: Option<f64>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The demand.
    pub threshold: Threshold,
    /// The figure; absent if there was nothing to measure.
    pub value: Option<f64>,
    /// Whether it holds.
    pub holds: bool,
}

/// The figures of a kind of work.
pub const FIGURES: [&str; 9] = [
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "p999_ms",
    "max_ms",
    "count",
    "per_second",
    "failed_percent",
    "acknowledged_percent",
];

/// The figures of a whole run.
pub const OF_THE_RUN: [&str; 5] = [
    "recovery_s",
    "goodput_percent",
    "server.memory_max_mb",
    "server.memory_growth_percent",
    "server.descriptors_growth_percent",
];

const MEMORY: &str = "process_resident_memory_bytes";
const DESCRIPTORS: &str = "process_open_fds";

impl Threshold {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let known = OF_THE_RUN.contains(&self.figure.as_str())
            || self.figure.split_once('.').is_some_and(|(op, figure)| {
                Op::ALL.iter().any(|known| known.name() == op) && FIGURES.contains(&figure)
            });
        if !known {
            return Some(format!("thresholds: there is no figure {:?}", self.figure));
        }
        (self.most.is_none() && self.least.is_none())
            .then(|| format!("thresholds: {}: give most or least", self.figure))
    }

    /// Holds it against a report. What was not measured does not hold.
    #[must_use]
    pub fn hold(&self, report: &Report) -> Outcome {
        let value = figure(report, &self.figure);
        let holds = value.is_some_and(|value| {
            self.most.is_none_or(|most| value <= most) && self.least.is_none_or(|least| value >= least)
        });
        Outcome { threshold: self.clone(), value, holds }
    }
}

/// A figure of a report by its name.
#[must_use]
pub fn figure(report: &Report, name: &str) -> Option<f64> {
    match name {
        "recovery_s" => return report.recovery_s,
        "goodput_percent" => return report.goodput_percent,
        "server.memory_max_mb" => return course::most(report, MEMORY).map(|bytes| bytes / 1e6),
        "server.memory_growth_percent" => return course::growth_percent(report, MEMORY),
        "server.descriptors_growth_percent" => return course::growth_percent(report, DESCRIPTORS),
        _ => {}
    }
    let (op, figure) = name.split_once('.')?;
    let work = report.measured.work.get(op)?;
    let failures = work.failures() as f64;
    let all = work.ok as f64 + failures;
    Some(match figure {
        "p50_ms" => work.quantile_ms(0.5),
        "p95_ms" => work.quantile_ms(0.95),
        "p99_ms" => work.quantile_ms(0.99),
        "p999_ms" => work.quantile_ms(0.999),
        "max_ms" => work.max_ms(),
        "count" => work.ok as f64,
        "per_second" => work.ok as f64 / report.seconds.max(0.001),
        "failed_percent" if all > 0.0 => failures / all * 100.0,
        "acknowledged_percent" if all > 0.0 => work.ok as f64 / all * 100.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Work;

    fn report() -> Report {
        let mut report = Report { seconds: 10.0, ..Report::default() };
        let mut work = Work { ok: 990, latency: vec![(1_000, 900), (200_000, 90)], ..Work::default() };
        work.failed.insert("given_up".into(), 10);
        report.measured.work.insert("answer".into(), work);
        report
    }

    fn demand(figure: &str, most: Option<f64>, least: Option<f64>) -> Threshold {
        Threshold { figure: figure.into(), most, least }
    }

    #[test]
    fn figures_are_held_against_their_bounds() {
        let report = report();
        for (figure, most, least, holds) in [
            ("answer.p50_ms", Some(1.0), None, true),
            ("answer.p99_ms", Some(199.0), None, false),
            ("answer.max_ms", Some(200.0), None, true),
            ("answer.acknowledged_percent", None, Some(99.0), true),
            ("answer.acknowledged_percent", None, Some(99.1), false),
            ("answer.failed_percent", Some(1.0), None, true),
            ("answer.per_second", Some(99.0), Some(99.0), true),
            ("start.p99_ms", Some(1e9), None, false),
            ("recovery_s", Some(10.0), None, false),
        ] {
            assert_eq!(demand(figure, most, least).hold(&report).holds, holds, "{figure}");
        }
    }

    #[test]
    fn unknown_figures_are_refused() {
        assert!(demand("answer.p99_ms", Some(1.0), None).fault().is_none());
        assert!(demand("answer.p98_ms", Some(1.0), None).fault().is_some());
        assert!(demand("answers.p99_ms", Some(1.0), None).fault().is_some());
        assert!(demand("answer.p99_ms", None, None).fault().is_some());
    }
}
