//! The report of a run: JSON for machines and for `compare` and `merge`, HTML for people.

pub mod compare;
pub mod course;
pub mod html;
pub mod plots;

use crate::capacity;
use crate::limits::FINDINGS_LISTED_MAX;
use crate::measure::Measured;
use crate::promises::Finding;
use crate::scenario::Scenario;
use crate::scrape::Sample;
use crate::thresholds::Outcome;
use crate::verify::{Checked, equal_papers};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The form of the JSON.
pub const FORM: u32 = 1;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORM`].
    pub form: u32,
    /// What was run; absent only in an empty report.
    pub scenario: Option<Scenario>,
    /// By which its learners were multiplied.
    pub scale: f64,
    /// The server.
    pub server: String,
    /// When the load began.
    pub began: String,
    /// How long the load lasted, with what learners finished after the last phase.
    pub seconds: f64,
    /// Generator processes.
    pub processes: usize,
    /// Ended by Ctrl-C, or by the patience with those who were late.
    pub interrupted: bool,
    /// Learners who came.
    pub learners: u64,
    /// How long it took to make and sign in everybody before the load, and of that the signing in.
    pub people_seconds: f64,
    /// See `people_seconds`.
    pub sign_in_seconds: f64,
    /// Latencies and counts.
    pub measured: Measured,
    /// The server's own figures over time.
    pub samples: Vec<Sample>,
    /// Bytes received, bytes sent, connections opened.
    pub traffic: [u64; 3],
    /// How much was read back.
    pub checked: Checked,
    /// What is wrong, by kind, all of it.
    pub wrong: BTreeMap<String, u64>,
    /// The first of them in words.
    pub findings: Vec<Finding>,
    /// Of the papers, by learner; only in the part of one process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<(usize, u64)>,
    /// From the end of the phase `overload` until answers were well again.
    pub recovery_s: Option<f64>,
    /// Answers a second during the phase `overload`, as a share of the peak.
    #[serde(default)]
    pub goodput_percent: Option<f64>,
    /// What became of the scenario's demands.
    pub thresholds: Vec<Outcome>,
    /// The estimate.
    pub capacity: Vec<String>,
}

impl Report {
    /// Adds another process's part of the same run.
    pub fn add(&mut self, other: Self) {
        self.processes += other.processes;
        self.seconds = self.seconds.max(other.seconds);
        self.interrupted |= other.interrupted;
        self.learners += other.learners;
        self.measured.add(&other.measured);
        // The server is one: the first process's look at it is enough, with the generators' own added.
        for (sample, more) in self.samples.iter_mut().zip(&other.samples) {
            sample.present += more.present;
            sample.queued += more.queued;
            sample.connected += more.connected;
        }
        for (sum, more) in self.traffic.iter_mut().zip(other.traffic) {
            *sum += more;
        }
        self.checked.add(&other.checked);
        for (wrong, count) in other.wrong {
            *self.wrong.entry(wrong).or_default() += count;
        }
        self.findings.extend(other.findings);
        self.findings.truncate(FINDINGS_LISTED_MAX);
        self.papers.extend(other.papers);
    }

    /// Takes findings in.
    pub fn find(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            *self.wrong.entry(finding.wrong.name()).or_default() += 1;
            if self.findings.len() < FINDINGS_LISTED_MAX {
                self.findings.push(finding);
            }
        }
    }

    /// When all parts are in: papers are compared, demands held against the figures, the estimate made.
    pub fn conclude(&mut self) {
        let papers = std::mem::take(&mut self.papers);
        self.find(equal_papers(&papers));
        self.recovery_s = course::recovery_s(self);
        self.goodput_percent = course::goodput_percent(self);
        self.capacity = capacity::words(self);
        let thresholds = self.scenario.as_ref().map(|scenario| scenario.thresholds.clone()).unwrap_or_default();
        self.thresholds = thresholds.iter().map(|threshold| threshold.hold(self)).collect();
    }

    /// Whether every promise was kept.
    #[must_use]
    pub fn nothing_lost(&self) -> bool {
        self.wrong.values().all(|count| *count == 0)
    }

    /// Whether the exit code is 0.
    #[must_use]
    pub fn good(&self) -> bool {
        self.nothing_lost() && !self.interrupted && self.thresholds.iter().all(|outcome| outcome.holds)
    }

    /// What is said at the end of a run.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut lines = Vec::new();
        lines.push(format!(
            "{:<10} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}  {}",
            "", "done", "per s", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms", "failed"
        ));
        for (name, work) in &self.measured.work {
            let failed: Vec<String> = work.failed.iter().map(|(code, count)| format!("{code} {count}")).collect();
            lines.push(format!(
                "{name:<10} {:>9} {:>8.1} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.2}  {}",
                work.ok,
                work.ok as f64 / self.seconds.max(0.001),
                work.quantile_ms(0.5),
                work.quantile_ms(0.95),
                work.quantile_ms(0.99),
                work.quantile_ms(0.999),
                work.max_ms(),
                failed.join(", "),
            ));
        }
        for (name, work) in &self.measured.work {
            if !work.told.is_empty() {
                let told: Vec<String> = work.told.iter().map(|(code, count)| format!("{code} {count}")).collect();
                lines.push(format!("{name}: on the way {}", told.join(", ")));
            }
        }
        lines.extend(self.capacity.iter().cloned());
        if let Some(recovery) = self.recovery_s {
            lines.push(format!("well again {recovery:.0} s after the overload"));
        }
        if let Some(goodput) = self.goodput_percent {
            lines.push(format!("during the overload {goodput:.0} % of the peak's answers a second"));
        }
        for outcome in &self.thresholds {
            let value = outcome.value.map_or("not measured".to_owned(), |value| format!("{value:.3}"));
            let bound = bound(outcome);
            let verdict = if outcome.holds { "holds" } else { "DOES NOT HOLD" };
            lines.push(format!("{} {bound}: {value}: {verdict}", outcome.threshold.figure));
        }
        if self.interrupted {
            lines.push("ENDED EARLY: not everybody finished".to_owned());
        }
        lines.push(self.verdict());
        lines.extend(self.findings.iter().take(20).map(|finding| {
            format!("  {} learner {} {}: {}", finding.wrong.name(), finding.learner, finding.subject, finding.detail)
        }));
        lines.join("\n")
    }

    /// `nothing lost`, or what was.
    #[must_use]
    pub fn verdict(&self) -> String {
        let checked = &self.checked;
        if self.nothing_lost() {
            return format!(
                "nothing lost: {} attempts, {} acknowledged answers, {} results, {} ledgers, {} lessons, \
                 {} verdicts read back; no key in {} bytes received",
                checked.attempts,
                checked.answers,
                checked.results,
                checked.hours,
                checked.lessons,
                checked.verdicts,
                self.traffic[0]
            );
        }
        let wrong: Vec<String> = self.wrong.iter().map(|(wrong, count)| format!("{wrong} {count}")).collect();
        format!("PROMISES BROKEN: {}", wrong.join(", "))
    }

    /// Reads one.
    ///
    /// # Errors
    /// There is none, or it has another form.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let report: Self = serde_json::from_str(&text).with_context(|| format!("{} is no report", path.display()))?;
        anyhow::ensure!(report.form == FORM, "{} is a report of form {}, not {FORM}", path.display(), report.form);
        Ok(report)
    }

    /// Writes `PATH.json` and `PATH.html`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<[PathBuf; 2]> {
        let files = [path.with_extension("json"), path.with_extension("html")];
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let texts = [serde_json::to_string(self)?, html::page(self)?];
        for (file, text) in files.iter().zip(texts) {
            std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(files)
    }
}

/// A demand's bounds in words.
#[must_use]
pub fn bound(outcome: &Outcome) -> String {
    let part = |sign: &str, value: Option<f64>| value.map(|value| format!("{sign} {value}"));
    let parts = [part("≥", outcome.threshold.least), part("≤", outcome.threshold.most)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::measure::{Slice, Work};
    use crate::promises::Wrong;

    pub(super) fn sample() -> Report {
        let slice = |ok, micros| Slice { ok, errors: 0, latency: vec![(micros, ok)] };
        let answer = Work {
            ok: 40,
            latency: vec![(2_000, 30), (9_000, 10)],
            slices: vec![slice(10, 2_000), slice(10, 900_000), slice(10, 900_000), slice(10, 9_000)],
            ..Work::default()
        };
        let mut scenario = Scenario::load("rehearsal").unwrap();
        scenario.about = "<script>alert(1)</script>".into();
        let mut report = Report {
            form: FORM,
            scenario: Some(scenario),
            scale: 1.0,
            server: "127.0.0.1:1".into(),
            seconds: 4.0,
            processes: 1,
            learners: 4,
            ..Report::default()
        };
        report.measured.interval_ms = 1_000;
        report.measured.work.insert("answer".into(), answer);
        report.samples = (0..4).map(|at| Sample { at_ms: at * 1_000, present: at, ..Sample::default() }).collect();
        report
    }

    fn lost() -> Finding {
        Finding { wrong: Wrong::AnswerLost, learner: 1, subject: "x".into(), detail: "slot 1".into() }
    }

    #[test]
    fn a_finding_breaks_the_verdict() {
        let mut report = sample();
        report.scenario = None;
        report.conclude();
        assert!(report.good() && report.verdict().starts_with("nothing lost"));
        report.find(vec![lost()]);
        assert!(!report.good());
        assert!(report.verdict().contains("answer_lost 1"), "{}", report.verdict());
    }

    #[test]
    fn whoever_reads_the_end_learns_that_it_came_early() {
        let mut report = sample();
        assert!(report.good() && !report.summary().contains("ENDED EARLY"), "{}", report.summary());
        report.interrupted = true;
        assert!(!report.good() && report.summary().contains("ENDED EARLY"), "{}", report.summary());
    }

    #[test]
    fn parts_of_several_processes_become_one_report() {
        let (mut one, mut other) = (sample(), sample());
        one.papers = vec![(0, 7), (2, 8)];
        other.papers = vec![(1, 9), (3, 7)];
        other.find(vec![lost()]);
        one.add(other);
        one.conclude();
        assert_eq!((one.processes, one.learners, one.measured.work["answer"].ok), (2, 8, 80));
        assert_eq!(one.samples[3].present, 6);
        assert_eq!((one.wrong["answer_lost"], one.wrong["papers_equal"]), (1, 1));
    }

    #[test]
    fn it_is_written_and_read_again() {
        let folder = std::env::temp_dir().join(format!("keju-load-report-{}", std::process::id()));
        let mut report = sample();
        report.find(vec![lost()]);
        report.conclude();
        let [json, html] = report.write(&folder.join("run")).unwrap();
        assert_eq!(Report::read(&json).unwrap(), report);
        let page = std::fs::read_to_string(html).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(page.contains("<svg") && page.contains("answer_lost"));
        assert!(!page.contains("<script"), "texts are escaped, and there is no script");
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            let found = page.replace("http://www.w3.org/2000/svg", "").contains(outside);
            assert!(!found, "{outside}: the page needs nothing from elsewhere");
        }
        assert!(Report::read(Path::new("/nowhere")).is_err());
    }
}
