//! Scenarios: what a run does, as data.

use crate::schedule::{Arrivals, Lasting};
use crate::thresholds::Threshold;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The scenarios that come with the tool: name and text.
pub const LIBRARY: &[(&str, &str)] = &[
    ("rehearsal", include_str!("../scenarios/rehearsal.toml")),
    ("deadline-rush", include_str!("../scenarios/deadline-rush.toml")),
    ("thundering-start", include_str!("../scenarios/thundering-start.toml")),
    ("lesson-evening", include_str!("../scenarios/lesson-evening.toml")),
    ("reconnect-storm", include_str!("../scenarios/reconnect-storm.toml")),
    ("cheaters", include_str!("../scenarios/cheaters.toml")),
    ("lesson-cheaters", include_str!("../scenarios/lesson-cheaters.toml")),
    ("soak", include_str!("../scenarios/soak.toml")),
    ("overload-3x", include_str!("../scenarios/overload-3x.toml")),
];

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A short name; files are named after it.
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// The same seed is the same plan.
    #[serde(default = "one")]
    pub seed: u64,
    /// One after the other.
    pub phases: Vec<Phase>,
    /// The paper.
    #[serde(default)]
    pub exam: ExamSpec,
    /// What learners do.
    #[serde(default)]
    pub learner: LearnerSpec,
    /// The lesson; with it learners study instead of taking the exam.
    #[serde(default)]
    pub lesson: Option<LessonSpec>,
    /// What has to hold, beside that nothing is lost.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
}

/// A stretch of time with arrivals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Such as `rush`.
    pub name: String,
    /// How long.
    pub seconds: u64,
    /// Who comes.
    pub arrivals: Arrivals,
}

/// The exam that is set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExamSpec {
    /// Items of each kind in the bank.
    pub items_per_kind: u32,
    /// True/false questions of a paper.
    pub true_false: u32,
    /// Single choice questions.
    pub single_choice: u32,
    /// Multiple choice questions.
    pub multiple_choice: u32,
    /// Numeric questions.
    pub numeric: u32,
    /// Short text questions.
    pub short_text: u32,
    /// How long an attempt lasts.
    pub duration_s: u64,
    /// How long after the deadline answers count.
    pub grace_s: u64,
    /// The exam closes this long after the run began: every attempt's deadline is then at the latest.
    pub closes_after_s: Option<u64>,
}

/// How learners behave. Shares are from 0 to 1 and independent of each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearnerSpec {
    /// Between the paper and the first answer, and between two answers.
    pub think: Lasting,
    /// Of the answers: right ones.
    pub right_share: f64,
    /// Of the answers: changed once more.
    pub change_share: f64,
    /// Of the answers: the response is taken for lost and the same command sent again.
    pub repeat_share: f64,
    /// Of the learners: lose the network for some answers and send them in one batch afterwards.
    pub offline_share: f64,
    /// How many answers they keep meanwhile.
    pub offline_answers: u32,
    /// Of the learners: their phone sleeps once; they come back on a new connection and read the attempt.
    pub sleep_share: f64,
    /// How long it sleeps.
    pub sleep: Lasting,
    /// Of the learners: lose focus now and then, and the page tells.
    pub signals_share: f64,
    /// Of the learners: hand in (the others leave it to the deadline).
    pub submit_share: f64,
    /// Of the learners: try the known attacks on the way.
    pub cheat_share: f64,
    /// How long a learner waits in the queue before giving up.
    pub patience_s: u64,
}

/// The lesson that is set up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LessonSpec {
    /// How long it plays.
    pub duration_s: u64,
    /// The policy as the server takes it: `gap_min_ms`, `challenges_min` and so on.
    #[serde(default)]
    pub policy: toml::Table,
    /// Between a challenge and its answer.
    pub think: Lasting,
    /// When all sockets are cut, in seconds from the beginning.
    #[serde(default)]
    pub cuts_at_s: Vec<u64>,
    /// Learners come back within this long of a cut, evenly spread.
    #[serde(default)]
    pub back_within_ms: u64,
}

const fn one() -> u64 {
    1
}

impl Default for ExamSpec {
    fn default() -> Self {
        Self {
            items_per_kind: 200,
            true_false: 4,
            single_choice: 3,
            multiple_choice: 1,
            numeric: 1,
            short_text: 1,
            duration_s: 5_400,
            grace_s: 10,
            closes_after_s: None,
        }
    }
}

impl Default for LearnerSpec {
    fn default() -> Self {
        Self {
            think: Lasting::LogNormal { median_ms: 4_000, sigma: 0.6 },
            right_share: 0.8,
            change_share: 0.1,
            repeat_share: 0.02,
            offline_share: 0.05,
            offline_answers: 3,
            sleep_share: 0.05,
            sleep: Lasting::Uniform { from_ms: 2_000, to_ms: 15_000 },
            signals_share: 0.2,
            submit_share: 1.0,
            cheat_share: 0.0,
            patience_s: 1_800,
        }
    }
}

impl LessonSpec {
    /// How long it plays.
    #[must_use]
    pub fn duration_ms(&self) -> i64 {
        i64::try_from(self.duration_s).map_or(i64::MAX, |seconds| seconds.saturating_mul(1_000))
    }
}

impl ExamSpec {
    /// Questions of a paper.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        self.true_false + self.single_choice + self.multiple_choice + self.numeric + self.short_text
    }
}

impl Scenario {
    /// From the library by name, or from a file.
    ///
    /// # Errors
    /// There is no such scenario, or something in it is wrong.
    pub fn load(name: &str) -> anyhow::Result<Self> {
        let of_library = LIBRARY.iter().find(|(known, _)| *known == name.trim_end_matches(".toml"));
        let text = match of_library {
            Some((_, text)) if !Path::new(name).exists() => (*text).to_owned(),
            _ => std::fs::read_to_string(name)
                .with_context(|| format!("there is no file {name} and no scenario of that name; `list` shows them"))?,
        };
        Self::parse(&text).with_context(|| format!("in {name}"))
    }

    /// From its text.
    ///
    /// # Errors
    /// Something in it is wrong; all of it is named.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let scenario: Self = toml::from_str(text)?;
        let faults = scenario.faults();
        if !faults.is_empty() {
            bail!("{}", faults.join("; "));
        }
        Ok(scenario)
    }

    /// Its length without what learners finish afterwards.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut wrong = |holds: bool, what: &str| {
            if !holds {
                faults.push(what.to_owned());
            }
        };
        let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        wrong(!self.name.is_empty() && self.name.chars().all(name), "name: letters, digits, - and _ only");
        wrong(!self.phases.is_empty(), "phases: at least one");
        if let Some(lesson) = &self.lesson {
            wrong((10..=43_200).contains(&lesson.duration_s), "lesson: duration_s from 10 to 43200");
            wrong(lesson.back_within_ms <= 600_000, "lesson: back_within_ms at most 600000");
        }
        wrong(self.phases.iter().all(|phase| phase.seconds > 0), "phases: seconds must be positive");
        let exam = &self.exam;
        wrong((1..=100).contains(&exam.slots()), "exam: 1 to 100 questions");
        let counts = [exam.true_false, exam.single_choice, exam.multiple_choice, exam.numeric, exam.short_text];
        wrong(counts.iter().all(|count| *count <= exam.items_per_kind), "exam: items_per_kind is less than a count");
        wrong((1..=5_000).contains(&exam.items_per_kind), "exam: items_per_kind from 1 to 5000");
        wrong((1..=86_400).contains(&exam.duration_s), "exam: duration_s from 1 to 86400");
        let learner = &self.learner;
        let shares = [
            learner.right_share,
            learner.change_share,
            learner.repeat_share,
            learner.offline_share,
            learner.sleep_share,
            learner.signals_share,
            learner.submit_share,
            learner.cheat_share,
        ];
        wrong(shares.iter().all(|share| (0.0..=1.0).contains(share)), "learner: shares are from 0 to 1");
        for phase in &self.phases {
            faults.extend(phase.arrivals.fault().map(|fault| format!("phase {}: {fault}", phase.name)));
        }
        faults.extend(self.thresholds.iter().filter_map(Threshold::fault));
        faults
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_library_is_readable() {
        for (name, text) in LIBRARY {
            let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert_eq!(scenario.name, *name);
            assert!(!scenario.thresholds.is_empty(), "{name} has thresholds");
            assert_eq!(Scenario::load(name).unwrap(), scenario);
        }
    }

    #[test]
    fn all_that_is_wrong_is_named() {
        let text = "name = 'a b'\nabout = ''\nphases = []\n[exam]\nitems_per_kind = 0\n[learner]\nright_share = 2.0\n";
        let error = format!("{:#}", Scenario::parse(text).unwrap_err());
        for part in ["name:", "phases:", "items_per_kind", "shares"] {
            assert!(error.contains(part), "{part} in {error}");
        }
        assert!(Scenario::parse("nam = 'x'").is_err(), "unknown names are refused");
    }

    #[test]
    fn a_lesson_has_a_length_that_the_server_takes() {
        let text = |seconds: u32| {
            format!("{}\n[lesson]\nduration_s = {seconds}\nthink = {{ kind = \"constant\", ms = 1 }}\n", LIBRARY[0].1)
        };
        assert_eq!(Scenario::parse(&text(60)).unwrap().lesson.unwrap().duration_ms(), 60_000);
        assert!(Scenario::parse(&text(5)).is_err());
    }
}
