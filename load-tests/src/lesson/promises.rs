//! What the server promised to one learner of a lesson: credit that was earned, verdicts that stand, hours
//! once and only for the whole of it.

use super::player::Player;
use crate::api::Caller;
use crate::promises::{Record, Wrong};
use crate::run::Context;
use crate::scenario::LessonSpec;
use crate::setup::{HOURS, YEAR};
use crate::verify::Checked;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// What clocks of two machines and rounding may differ by.
pub(super) const GRACE_MS: i64 = 100;

/// What is known of one learner's lesson.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Studied {
    /// For `resume`: the study.
    pub session: Option<String>,
    /// The last numbered message that came.
    pub seq: u64,
    /// What was last credited, less what a rewind took.
    pub covered_ms: i64,
    /// What the player has played.
    pub played_ms: i64,
    /// From the first hello to the last word.
    pub present_ms: i64,
    /// By challenge, whether the answer was right.
    pub verdicts: BTreeMap<String, bool>,
    /// Answers that were sent and not judged.
    pub unjudged: u32,
    /// What `complete` said it granted.
    pub completed: Option<f64>,
}

impl Studied {
    /// Takes the number of a message in; what is wrong with it.
    pub fn number(&mut self, seq: u64) -> Option<String> {
        let gap = seq > self.seq + 1;
        let told = gap.then(|| format!("message {seq} came after message {}", self.seq));
        self.seq = self.seq.max(seq);
        told
    }

    /// Takes a credit in; what is wrong with it.
    pub fn credit(&mut self, covered_ms: i64, player: &Player, began: Instant, rate: f64) -> Option<String> {
        self.covered_ms = covered_ms;
        let now = Instant::now();
        let elapsed_ms = (now.saturating_duration_since(began).as_millis() as f64 * rate) as i64;
        let played_ms = player.played(now);
        (covered_ms > elapsed_ms.min(played_ms) + GRACE_MS).then(|| {
            format!(
                "{covered_ms} ms are credited, {played_ms} ms were played, {elapsed_ms} ms are possible by the rate"
            )
        })
    }

    /// How many challenges may have been passed at most.
    fn passed_at_most(&self) -> u32 {
        self.verdicts.values().filter(|correct| **correct).count() as u32 + self.unjudged
    }
}

/// What a lesson asks for before it grants anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// So much covered.
    pub covered_ms: i64,
    /// So many challenges passed.
    pub passed: u32,
    /// Progress that is not durable yet: a beat's worth at most.
    pub soft_ms: i64,
}

impl Demand {
    /// Of a lesson, with the server's defaults where its policy says nothing.
    #[must_use]
    pub fn of(spec: &LessonSpec) -> Self {
        let policy = |name: &str, default: i64| spec.policy.get(name).map_or(Some(default), toml::Value::as_integer);
        let duration_ms = spec.duration_ms();
        let percent = policy("coverage_min_percent", 100).unwrap_or(100);
        let slack_ms = policy("end_slack_ms", 2_000).unwrap_or(2_000).min(duration_ms / 20);
        let passed = policy("challenges_min", 1).and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let soft_ms = policy("heartbeat_ms", 10_000).unwrap_or(10_000);
        Self { covered_ms: duration_ms.saturating_mul(percent) / 100 - slack_ms, passed, soft_ms }
    }
}

/// Holds what a learner sees at the end, and what the log of the lesson says, against what was promised.
#[must_use]
pub fn faults(studied: &Studied, demand: Demand, seen: &Seen) -> Vec<(Wrong, String)> {
    let mut faults = Vec::new();
    let mut find = |wrong: Wrong, detail: String| faults.push((wrong, detail));
    let kept_ms = seen.covered_ms + demand.soft_ms;
    if studied.completed.is_none() && kept_ms < studied.covered_ms && studied.unjudged == 0 {
        find(Wrong::CreditWrong, format!("{} ms were credited, {} ms are kept", studied.covered_ms, seen.covered_ms));
    }
    if seen.covered_ms > studied.played_ms + GRACE_MS {
        find(Wrong::CreditWrong, format!("{} ms are kept, {} ms were played", seen.covered_ms, studied.played_ms));
    }
    if studied.completed.is_some() && !seen.completed {
        find(Wrong::CreditWrong, "completion was told, and the lesson is not completed".to_owned());
    }
    if let Some(granted) = studied.completed
        && (granted - HOURS).abs() > 1e-9
    {
        find(Wrong::HoursWrong, format!("completion told of {granted} hours, and the lesson brings {HOURS}"));
    }
    let entitled = studied.played_ms + GRACE_MS >= demand.covered_ms && studied.passed_at_most() >= demand.passed;
    if (seen.completed || seen.entries > 0) && !entitled {
        let passed = studied.passed_at_most();
        let detail = format!("completed after {} ms played and {passed} challenges passed", studied.played_ms);
        find(Wrong::HoursWrong, detail);
    }
    let (entries, hours) = if seen.completed { (1, HOURS) } else { (0, 0.0) };
    if seen.entries != entries || (seen.hours - hours).abs() > 1e-9 {
        let detail =
            format!("{} entries of {} hours in all, and completed is {}", seen.entries, seen.hours, seen.completed);
        find(Wrong::HoursWrong, detail);
    }
    for (challenge, correct) in &studied.verdicts {
        match seen.answered.get(challenge) {
            Some(kept) if kept == correct => {}
            Some(kept) => find(Wrong::VerdictLost, format!("{challenge}: told {correct}, and the log says {kept}")),
            None => find(Wrong::VerdictLost, format!("{challenge}: told {correct}, and not in the log")),
        }
    }
    faults
}

/// What is there at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// To the learner.
    pub covered_ms: i64,
    /// To the learner.
    pub completed: bool,
    /// Of the learner's hours, for this course.
    pub entries: usize,
    /// Their sum.
    pub hours: f64,
    /// By challenge, in the log.
    pub answered: BTreeMap<String, bool>,
}

impl Seen {
    /// Reads all three.
    async fn read(context: &Context, learner: usize, caller: &mut Caller) -> anyhow::Result<Self> {
        let ground = &context.ground;
        let lesson = caller.get(&format!("/lessons/{}", ground.lesson)).await?;
        let year = caller.get(&format!("/me/hours?year={YEAR}")).await?;
        let entries = year["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours: Vec<&Value> = entries.iter().filter(|entry| entry["course"] == ground.course.as_str()).collect();
        let mut proctor = Caller::with_token(&context.staff, learner, "keju-load-tests", &ground.proctor_token);
        let person = &ground.people[learner].id;
        let timeline = proctor.get(&format!("/people/{person}/lessons/{}/timeline", ground.lesson)).await?;
        let events = timeline["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let answered = events.iter().map(|row| &row["event"]).filter(|event| event["t"] == "answered");
        Ok(Self {
            covered_ms: lesson["covered_ms"].as_i64().unwrap_or(0),
            completed: lesson["state"] == "completed",
            entries: ours.len(),
            hours: ours.iter().filter_map(|entry| entry["hours"].as_f64()).sum(),
            answered: answered
                .filter_map(|event| Some((event["challenge"].as_str()?.to_owned(), event["correct"].as_bool()?)))
                .collect(),
        })
    }
}

/// Reads a lesson back.
///
/// # Errors
/// It could not be read.
pub(crate) async fn read_back(
    context: &Context,
    record: &mut Record,
    caller: &mut Caller,
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let (Some(studied), Some(spec)) = (record.studied.clone(), &context.scenario.lesson) else { return Ok(()) };
    let seen = Seen::read(context, record.learner, caller).await?;
    for (wrong, detail) in faults(&studied, Demand::of(spec), &seen) {
        record.find(wrong, detail);
    }
    checked.lessons += 1;
    checked.hours += 1;
    checked.verdicts += studied.verdicts.len() as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMAND: Demand = Demand { covered_ms: 58_000, passed: 1, soft_ms: 5_000 };

    fn whole() -> (Studied, Seen) {
        let verdicts = BTreeMap::from([("a".to_owned(), true), ("b".to_owned(), false)]);
        let studied = Studied {
            covered_ms: 60_000,
            played_ms: 65_000,
            present_ms: 70_000,
            verdicts: verdicts.clone(),
            completed: Some(HOURS),
            ..Studied::default()
        };
        let seen = Seen { covered_ms: 60_000, completed: true, entries: 1, hours: HOURS, answered: verdicts };
        (studied, seen)
    }

    fn found(change: impl FnOnce(&mut Studied, &mut Seen)) -> Vec<Wrong> {
        let (mut studied, mut seen) = whole();
        change(&mut studied, &mut seen);
        faults(&studied, DEMAND, &seen).into_iter().map(|(wrong, _)| wrong).collect()
    }

    #[test]
    fn a_whole_lesson_is_in_order() {
        assert!(found(|_, _| {}).is_empty());
        // Cut off before the word came: what is there may be more than what was told.
        assert!(found(|studied, _| studied.completed = None).is_empty());
        assert!(
            found(|studied, seen| {
                (studied.completed, seen.completed, seen.entries, seen.hours) = (None, false, 0, 0.0);
            })
            .is_empty()
        );
    }

    #[test]
    fn every_broken_promise_is_found() {
        assert_eq!(found(|_, seen| seen.entries = 2), [Wrong::HoursWrong]);
        assert_eq!(found(|_, seen| (seen.entries, seen.hours) = (0, 0.0)), [Wrong::HoursWrong]);
        assert_eq!(found(|_, seen| seen.hours = 9.0), [Wrong::HoursWrong]);
        assert_eq!(found(|studied, _| studied.completed = Some(1.0)), [Wrong::HoursWrong]);
        assert_eq!(found(|studied, _| _ = studied.verdicts.remove("a")), [Wrong::HoursWrong], "nothing was passed");
        assert_eq!(found(|_, seen| _ = seen.answered.remove("b")), [Wrong::VerdictLost]);
        assert_eq!(found(|_, seen| _ = seen.answered.insert("b".to_owned(), true)), [Wrong::VerdictLost]);
        let early = found(|studied, _| studied.played_ms = 30_000);
        assert_eq!(early, [Wrong::CreditWrong, Wrong::HoursWrong]);
        let forgotten = found(|_, seen| (seen.completed, seen.entries, seen.hours) = (false, 0, 0.0));
        assert_eq!(forgotten, [Wrong::CreditWrong]);
        let shrunk = found(|studied, seen| {
            studied.completed = None;
            (seen.completed, seen.entries, seen.hours, seen.covered_ms) = (false, 0, 0.0, 50_000);
        });
        assert_eq!(shrunk, [Wrong::CreditWrong]);
    }

    #[test]
    fn credit_is_bound_by_the_clock_and_by_what_was_played() {
        let began = Instant::now();
        let mut player = Player::new(60_000, began);
        let mut studied = Studied::default();
        assert!(studied.credit(50, &player, began, 1.0).is_none());
        assert!(studied.credit(5_000, &player, began, 1.0).is_some_and(|fault| fault.starts_with("5000 ms")));
        let long_ago = began.checked_sub(std::time::Duration::from_secs(20)).unwrap_or(began);
        assert!(studied.credit(5_000, &player, long_ago, 1.0).is_some(), "time passed and nothing was played");
        player.play_from(0, long_ago);
        assert!(studied.credit(5_000, &player, long_ago, 1.0).is_none());
    }

    #[test]
    fn numbers_have_no_gap() {
        let mut studied = Studied { seq: 3, ..Studied::default() };
        assert_eq!(studied.number(4), None);
        assert_eq!(studied.number(4), None, "told again");
        assert_eq!(studied.number(6).as_deref(), Some("message 6 came after message 4"));
        assert_eq!(studied.seq, 6);
    }

    #[test]
    fn demands_are_those_of_the_policy() {
        let spec = |policy: &str| LessonSpec {
            duration_s: 60,
            policy: toml::from_str(policy).unwrap_or_default(),
            think: crate::schedule::Lasting::Constant { ms: 1 },
            cuts_at_s: Vec::new(),
            back_within_ms: 0,
        };
        assert_eq!(Demand::of(&spec("")), Demand { covered_ms: 58_000, passed: 1, soft_ms: 10_000 });
        let strict = spec("coverage_min_percent = 90\nend_slack_ms = 0\nchallenges_min = 3");
        assert_eq!(Demand::of(&strict), Demand { covered_ms: 54_000, passed: 3, soft_ms: 10_000 });
    }
}
