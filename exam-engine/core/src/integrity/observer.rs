//! The running state of one attempt's integrity layer. Folded from steps, so that every node and every
//! replay sees the same; constant in size and in cost per answer, but for the slots already answered.

use super::{Flag, FlagKind, INTEGRITY_VERSION, ItemTiming, Origin};
use crate::Timestamp;
use crate::attempt::{ClientSignal, SignalKind, StepBody};
use crate::limits::FLAGS_PER_KIND_MAX;
use std::sync::Arc;

const RHYTHM_ANSWERS_MIN: u32 = 10;
const RHYTHM_VARIATION_MAX: f64 = 0.10;
const FOCUS_LOSSES_FREE: u32 = 2;
const TELEMETRY_ANSWERS_MIN: u32 = 10;
const BURST_CHANGES: usize = 7;
const BURST_MS: i64 = 30_000;
const INTERLEAVE_SWITCHES: u32 = 3;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Observer {
    last_answer: Timestamp,
    intervals: Spread,
    away_since: Option<Timestamp>,
    focus_losses: u32,
    signals: u32,
    answered: SlotSet,
    changes: [Timestamp; BURST_CHANGES],
    /// Shared: every command begins with a copy of the observer.
    origin: Option<Arc<Origin>>,
    former_device: Option<String>,
    switches_back: u32,
    flags: [u16; FlagKind::COUNT],
    score: u32,
}

impl Observer {
    /// At the start of an attempt, and from where it was started.
    #[must_use]
    pub fn new(started_at: Timestamp, origin: Option<Origin>) -> Self {
        Self {
            last_answer: started_at,
            intervals: Spread::default(),
            away_since: None,
            focus_losses: 0,
            signals: 0,
            answered: SlotSet::default(),
            changes: [Timestamp::from_ms(i64::MIN); BURST_CHANGES],
            origin: origin.map(Arc::new),
            former_device: None,
            switches_back: 0,
            flags: [0; FlagKind::COUNT],
            score: 0,
        }
    }

    /// The sum of the flags' weights.
    #[must_use]
    pub const fn score(&self) -> u32 {
        self.score
    }

    /// How many flags there are.
    #[must_use]
    pub fn flag_count(&self) -> u32 {
        self.flags.iter().map(|count| u32::from(*count)).sum()
    }

    /// How many signals the client sent.
    #[must_use]
    pub const fn signals(&self) -> u32 {
        self.signals
    }

    /// How often the client reported a loss of focus.
    #[must_use]
    pub const fn focus_losses(&self) -> u32 {
        self.focus_losses
    }

    /// When the last answer was given; before the first one, when the attempt started.
    #[must_use]
    pub const fn last_answer_at(&self) -> Timestamp {
        self.last_answer
    }

    /// Where the last command came from.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    /// Whether commands came from elsewhere until now.
    #[must_use]
    pub fn is_new_origin(&self, origin: &Origin) -> bool {
        self.origin.as_deref() != Some(origin)
    }

    /// Judges an answer before it is applied.
    #[must_use]
    pub fn judge_answer(&self, slot: u32, now: Timestamp, offline: bool, timing: &ItemTiming) -> Vec<Flag> {
        let mut flags = Vec::new();
        // What waited at the client arrives at once: its times say nothing.
        if offline {
            return flags;
        }
        let taken = now.since(self.last_answer);
        let first = !self.answered.contains(slot);
        if first && taken < timing.floor_ms() {
            self.raise(&mut flags, FlagKind::TooFast, Some(slot), || {
                format!("距上一次作答仅 {0:.1} 秒 / answered {0:.1} s after the last answer", taken as f64 / 1_000.0)
            });
        }
        if let Some(since) = self.away_since {
            self.raise(&mut flags, FlagKind::AnsweredWhileAway, Some(slot), || {
                let seconds = now.since(since) as f64 / 1_000.0;
                format!(
                    "页面离开视线 {seconds:.0} 秒时作答 / answered while the page was out of sight for {seconds:.0} s"
                )
            });
        }
        let rhythm = self.intervals.with(taken as f64);
        if rhythm.count >= RHYTHM_ANSWERS_MIN
            && rhythm.count.is_multiple_of(RHYTHM_ANSWERS_MIN)
            && rhythm.variation() < RHYTHM_VARIATION_MAX
        {
            self.raise(&mut flags, FlagKind::RegularRhythm, None, || {
                format!(
                    "{0} 次作答间隔均为 {1:.1} 秒，波动仅 {2:.1} % / {0} answers every {1:.1} s, varying by {2:.1} %",
                    rhythm.count,
                    rhythm.mean / 1_000.0,
                    rhythm.variation() * 100.0
                )
            });
        }
        // The oldest of the last seven changes, this one included, lies within the half minute.
        if !first && now.since(self.changes[1]) <= BURST_MS {
            self.raise(&mut flags, FlagKind::ChangeBurst, Some(slot), || {
                let seconds = BURST_MS / 1_000;
                format!(
                    "{seconds} 秒内更改了 {BURST_CHANGES} 个答案 / {BURST_CHANGES} answers changed within {seconds} s"
                )
            });
        }
        flags
    }

    /// Judges a client's observation before it is applied.
    #[must_use]
    pub fn judge_signal(&self, signal: &ClientSignal) -> Vec<Flag> {
        let mut flags = Vec::new();
        match signal.kind {
            SignalKind::Blur | SignalKind::Hidden if self.away_since.is_none() => {
                let losses = self.focus_losses + 1;
                if losses > FOCUS_LOSSES_FREE {
                    self.raise(&mut flags, FlagKind::FocusLost, None, || {
                        format!("第 {losses} 次离开页面 / left the page, time {losses}")
                    });
                }
            }
            SignalKind::Copy
            | SignalKind::Paste
            | SignalKind::Devtools
            | SignalKind::FullscreenExit
            | SignalKind::MultiScreen => {
                self.raise(&mut flags, FlagKind::SuspiciousAct, None, || {
                    format!("客户端报告 {0:?} / the client reports {0:?}", signal.kind)
                });
            }
            _ => {}
        }
        flags
    }

    /// Judges a change of origin before it is applied.
    #[must_use]
    pub fn judge_origin(&self, origin: &Origin, _now: Timestamp) -> Vec<Flag> {
        let mut flags = Vec::new();
        let Some(last) = &self.origin else { return flags };
        if last.device != origin.device {
            let back = self.former_device.as_ref() == Some(&origin.device);
            if back && self.switches_back + 1 >= INTERLEAVE_SWITCHES {
                let turns = self.switches_back + 1;
                self.raise(&mut flags, FlagKind::DevicesInterleaved, None, || {
                    format!("两处登录轮流作答 {turns} 次 / two sign-ins took turns {turns} times")
                });
            } else {
                self.raise(&mut flags, FlagKind::DeviceChanged, None, || {
                    "由另一处登录继续作答 / another sign-in goes on with the attempt".into()
                });
            }
        }
        if last.address != origin.address {
            self.raise(&mut flags, FlagKind::AddressChanged, None, || {
                "网络地址改变 / the network address changed".into()
            });
        }
        if last.agent != origin.agent {
            self.raise(&mut flags, FlagKind::AgentChanged, None, || "浏览器改变 / the browser changed".into());
        }
        flags
    }

    /// Judges the attempt as a whole when it closes.
    #[must_use]
    pub fn judge_close(&self, answers: u32) -> Vec<Flag> {
        let mut flags = Vec::new();
        if answers >= TELEMETRY_ANSWERS_MIN && self.signals == 0 {
            self.raise(&mut flags, FlagKind::TelemetryMissing, None, || {
                format!("{answers} 次作答而客户端没有任何信号 / {answers} answers and not one signal of the client")
            });
        }
        flags
    }

    /// Words are put together only for a flag that is raised: most that could be are beyond their limit.
    fn raise(&self, flags: &mut Vec<Flag>, kind: FlagKind, slot: Option<u32>, reason: impl FnOnce() -> String) {
        if self.flags[kind as usize] < FLAGS_PER_KIND_MAX {
            let reason = reason();
            flags.push(Flag { kind, weight: kind.weight(), version: INTEGRITY_VERSION.to_owned(), reason, slot });
        }
    }

    /// Folds a step.
    pub fn apply(&mut self, body: &StepBody, at: Timestamp) {
        match body {
            StepBody::Answered { slot, offline, .. } => self.apply_answer(*slot, *offline, at),
            StepBody::Signalled(signal) => self.apply_signal(signal.kind, at),
            StepBody::Origin(origin) => self.apply_origin(origin),
            StepBody::Flagged(flag) => {
                self.flags[flag.kind as usize] = self.flags[flag.kind as usize].saturating_add(1);
                self.score = self.score.saturating_add(flag.weight);
            }
            _ => {}
        }
    }

    fn apply_answer(&mut self, slot: u32, offline: bool, at: Timestamp) {
        if !offline {
            self.intervals = self.intervals.with(at.since(self.last_answer) as f64);
        }
        self.last_answer = at;
        if !self.answered.insert(slot) {
            self.changes.rotate_left(1);
            self.changes[BURST_CHANGES - 1] = at;
        }
    }

    fn apply_signal(&mut self, kind: SignalKind, at: Timestamp) {
        self.signals = self.signals.saturating_add(1);
        match kind {
            SignalKind::Blur | SignalKind::Hidden if self.away_since.is_none() => {
                self.away_since = Some(at);
                self.focus_losses = self.focus_losses.saturating_add(1);
            }
            SignalKind::Focus | SignalKind::Visible => self.away_since = None,
            _ => {}
        }
    }

    fn apply_origin(&mut self, origin: &Origin) {
        if let Some(last) = &self.origin
            && last.device != origin.device
        {
            if self.former_device.as_ref() == Some(&origin.device) {
                self.switches_back += 1;
            }
            self.former_device = Some(last.device.clone());
        }
        self.origin = Some(Arc::new(origin.clone()));
    }
}

/// Mean and spread of a stream of numbers (Welford).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spread {
    count: u32,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn with(self, value: f64) -> Self {
        let count = self.count + 1;
        let delta = value - self.mean;
        let mean = self.mean + delta / f64::from(count);
        Self { count, mean, squares: self.squares + delta * (value - mean) }
    }

    /// Standard deviation over mean.
    fn variation(self) -> f64 {
        if self.count < 2 || self.mean <= 0.0 {
            return f64::INFINITY;
        }
        (self.squares / f64::from(self.count - 1)).sqrt() / self.mean
    }
}

/// The slots that hold an answer, as bits.
#[derive(Clone, Debug, Default, PartialEq)]
struct SlotSet(Vec<u64>);

impl SlotSet {
    fn contains(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|word| word & (1 << (slot % 64)) != 0)
    }

    /// Whether it was not there before.
    fn insert(&mut self, slot: u32) -> bool {
        let index = slot as usize / 64;
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        let bit = 1 << (slot % 64);
        let fresh = self.0[index] & bit == 0;
        self.0[index] |= bit;
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_ms((seconds * 1_000.0) as i64)
    }

    fn answer(slot: u32) -> StepBody {
        StepBody::Answered { slot, response: None, answered_at: None, offline: false }
    }

    fn kinds(flags: &[Flag]) -> Vec<FlagKind> {
        flags.iter().map(|flag| flag.kind).collect()
    }

    fn signal(kind: SignalKind) -> ClientSignal {
        ClientSignal { kind, at: at(0.0), detail: None }
    }

    fn origin(address: &str, device: &str) -> Origin {
        Origin { address: address.into(), agent: "a".into(), device: device.into() }
    }

    #[test]
    fn an_answer_below_the_common_floor_is_too_fast_but_a_late_change_is_not() {
        let mut observer = Observer::new(at(0.0), None);
        assert_eq!(kinds(&observer.judge_answer(1, at(2.9), false, &ItemTiming::default())), [FlagKind::TooFast]);
        assert!(observer.judge_answer(1, at(3.0), false, &ItemTiming::default()).is_empty());
        assert!(observer.judge_answer(1, at(0.1), true, &ItemTiming::default()).is_empty(), "kept while offline");
        observer.apply(&answer(1), at(3.0));
        assert!(observer.judge_answer(1, at(3.5), false, &ItemTiming::default()).is_empty(), "a second thought");
    }

    #[test]
    fn the_floor_follows_what_others_take_once_enough_is_known() {
        let known = ItemTiming { count: 100, mean_ln: 30f32.ln(), sd_ln: 0.5 };
        assert_eq!(known.floor_ms(), 6_693);
        assert_eq!(ItemTiming { count: 29, ..known }.floor_ms(), 3_000);
        assert_eq!(ItemTiming { mean_ln: 2f32.ln(), ..known }.floor_ms(), 3_000);
    }

    #[test]
    fn a_metronome_is_noticed_and_a_person_is_not() {
        for (jitter, noticed) in [(0.05, true), (2.5, false)] {
            let mut observer = Observer::new(at(0.0), None);
            let mut now = 0.0;
            let mut found = Vec::new();
            for slot in 1..=10 {
                now += 10.0 + if slot % 2 == 0 { jitter } else { -jitter };
                found.extend(observer.judge_answer(slot, at(now), false, &ItemTiming::default()));
                observer.apply(&answer(slot), at(now));
            }
            assert_eq!(kinds(&found).contains(&FlagKind::RegularRhythm), noticed, "{jitter}");
        }
    }

    #[test]
    fn absence_counts_from_the_third_loss_and_answers_during_it_at_once() {
        let mut observer = Observer::new(at(0.0), None);
        for loss in 1..=3 {
            let flags = observer.judge_signal(&signal(SignalKind::Blur));
            assert_eq!(!flags.is_empty(), loss == 3, "{loss}");
            observer.apply(&StepBody::Signalled(signal(SignalKind::Blur)), at(10.0));
            let during = observer.judge_answer(1, at(30.0), false, &ItemTiming::default());
            assert_eq!(kinds(&during), [FlagKind::AnsweredWhileAway]);
            observer.apply(&StepBody::Signalled(signal(SignalKind::Focus)), at(31.0));
            assert!(observer.judge_answer(1, at(40.0), false, &ItemTiming::default()).is_empty());
        }
    }

    #[test]
    fn a_change_of_device_is_one_thing_and_taking_turns_another() {
        let mut observer = Observer::new(at(0.0), Some(origin("1", "a")));
        let mut found = Vec::new();
        for (index, device) in ["b", "a", "b", "a"].into_iter().enumerate() {
            let next = origin("1", device);
            found.extend(kinds(&observer.judge_origin(&next, at(index as f64))));
            observer.apply(&StepBody::Origin(next), at(index as f64));
        }
        use FlagKind::{DeviceChanged, DevicesInterleaved};
        assert_eq!(found, [DeviceChanged, DeviceChanged, DeviceChanged, DevicesInterleaved]);
        assert_eq!(kinds(&observer.judge_origin(&origin("2", "a"), at(9.0))), [FlagKind::AddressChanged]);
    }

    #[test]
    fn seven_changes_within_half_a_minute_are_a_burst() {
        let mut observer = Observer::new(at(0.0), None);
        observer.apply(&answer(1), at(10.0));
        for change in 1..=7 {
            let now = at(20.0 + f64::from(change) * 4.0);
            let burst = kinds(&observer.judge_answer(1, now, false, &ItemTiming::default()));
            assert_eq!(burst.contains(&FlagKind::ChangeBurst), change == 7, "{change}");
            observer.apply(&answer(1), now);
        }
    }

    #[test]
    fn flags_of_one_kind_end_at_their_limit() {
        let mut observer = Observer::new(at(0.0), None);
        let mut raised = 0;
        for slot in 1..=100 {
            for flag in observer.judge_answer(slot, at(0.5), false, &ItemTiming::default()) {
                raised += u16::from(flag.kind == FlagKind::TooFast);
                observer.apply(&StepBody::Flagged(flag), at(0.5));
            }
        }
        assert_eq!(raised, FLAGS_PER_KIND_MAX);
        assert_eq!(observer.judge_close(10).len(), 1, "no telemetry at all");
    }
}
