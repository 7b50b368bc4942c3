//! A course player as a load sees it: a video that plays in real time, and what it reports of itself.
//!
//! Credit runs from one report to the next, so a player reports at once whenever it begins to play, and
//! goes back to where the server's credit ends when it has got too far ahead of it.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How far ahead of the server's credit a player may report from and still earn, by default of the policy.
const AHEAD_MS: i64 = 2_000;

/// See the module.
#[derive(Clone, Debug)]
pub struct Player {
    end_ms: i64,
    /// Where it was at `since`.
    position_ms: i64,
    playing: bool,
    since: Instant,
    /// What it has played in all, whatever of it was rewound.
    played_ms: i64,
    every: Duration,
    next_beat: Instant,
    /// Counts over all sockets of a study.
    n: u64,
    /// Beats without an answer on this socket: when each was due, and the place it told.
    waiting: BTreeMap<u64, (Instant, i64)>,
}

impl Player {
    /// At the beginning of a lesson of this length, and paused.
    #[must_use]
    pub const fn new(end_ms: i64, now: Instant) -> Self {
        Self {
            end_ms,
            position_ms: 0,
            playing: false,
            since: now,
            played_ms: 0,
            every: Duration::from_secs(10),
            next_beat: now,
            n: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// On a new socket: nothing that was said on the old one is answered any more.
    pub fn connected(&mut self, heartbeat: Duration, now: Instant) {
        self.every = heartbeat.max(Duration::from_millis(100));
        self.waiting.clear();
        self.next_beat = now + self.every;
    }

    /// Where it is.
    #[must_use]
    pub fn position(&self, now: Instant) -> i64 {
        let passed = if self.playing { now.saturating_duration_since(self.since).as_millis() as i64 } else { 0 };
        (self.position_ms + passed).min(self.end_ms)
    }

    /// What it has played in all: no server can have good reason to credit more.
    #[must_use]
    pub fn played(&self, now: Instant) -> i64 {
        self.played_ms + self.position(now) - self.position_ms
    }

    /// So long somebody else played for the same learner.
    pub fn played_otherwise(&mut self, time: Duration) {
        self.played_ms += time.as_millis() as i64;
    }

    /// Plays from there on; the next beat is due at once.
    pub fn play_from(&mut self, position_ms: i64, now: Instant) {
        self.set(position_ms, true, now);
        self.next_beat = now;
    }

    /// Plays on where it is.
    pub fn play(&mut self, now: Instant) {
        self.play_from(self.position(now), now);
    }

    /// Stops where it is, or elsewhere.
    pub fn pause(&mut self, position_ms: Option<i64>, now: Instant) {
        let position_ms = position_ms.unwrap_or_else(|| self.position(now));
        self.set(position_ms, false, now);
    }

    fn set(&mut self, position_ms: i64, playing: bool, now: Instant) {
        self.played_ms = self.played(now);
        self.position_ms = position_ms.clamp(0, self.end_ms);
        self.playing = playing;
        self.since = now;
    }

    /// When the next beat is due: by the plan, or earlier when the video ends before.
    #[must_use]
    pub fn beat_at(&self) -> Instant {
        let left = u64::try_from(self.end_ms - self.position_ms).unwrap_or(0);
        let ends = self.since + Duration::from_millis(left);
        if self.playing && left > 0 && ends < self.next_beat { ends } else { self.next_beat }
    }

    /// The beat that is due, to be sent now.
    pub fn beat(&mut self, now: Instant) -> Value {
        let due = self.beat_at();
        self.n += 1;
        let position_ms = self.position(now);
        self.waiting.insert(self.n, (due, position_ms));
        if position_ms >= self.end_ms {
            self.set(position_ms, self.playing, now);
        }
        // By the plan and not by when this one went out; after a long delay, not all of them at once.
        self.next_beat = (due + self.every).max(now);
        json!({"t": "beat", "n": self.n, "position_ms": position_ms, "playing": self.playing, "rate": 1.0})
    }

    /// A beat was credited; returns when it had been due. Goes back if it is too far ahead to earn anything.
    pub fn credited(&mut self, n: u64, furthest_ms: i64, now: Instant) -> Option<Instant> {
        let (due, position_ms) = self.waiting.remove(&n)?;
        let ended = position_ms >= self.end_ms && furthest_ms < self.end_ms;
        if self.playing && (ended || position_ms > furthest_ms + AHEAD_MS) {
            self.play_from(furthest_ms, now);
        }
        Some(due)
    }

    /// When the oldest beat was due that has no answer.
    #[must_use]
    pub fn unanswered_since(&self) -> Option<Instant> {
        self.waiting.values().next().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn after(begun: Instant, ms: u64) -> Instant {
        begun + Duration::from_millis(ms)
    }

    fn player() -> (Player, Instant) {
        let begun = Instant::now();
        let mut player = Player::new(60_000, begun);
        player.connected(Duration::from_secs(5), begun);
        (player, begun)
    }

    #[test]
    fn it_reports_at_once_when_it_begins_to_play_and_by_the_plan_afterwards() {
        let (mut player, begun) = player();
        player.play_from(0, begun);
        assert_eq!(player.beat_at(), begun);
        let beat = player.beat(begun);
        assert_eq!(beat, json!({"t": "beat", "n": 1, "position_ms": 0, "playing": true, "rate": 1.0}));
        assert_eq!(player.beat_at(), after(begun, 5_000));
        // A late one does not move those that follow.
        assert_eq!(player.beat(after(begun, 5_400))["position_ms"], 5_400);
        assert_eq!(player.beat_at(), after(begun, 10_000));
        player.pause(None, after(begun, 6_000));
        player.play(after(begun, 9_000));
        assert_eq!((player.beat_at(), player.position(after(begun, 9_500))), (after(begun, 9_000), 6_500));
    }

    #[test]
    fn the_end_is_reported_when_it_comes() {
        let (mut player, begun) = player();
        player.play_from(58_000, begun);
        player.beat(begun);
        assert_eq!(player.beat_at(), after(begun, 2_000));
        assert_eq!(player.beat(after(begun, 2_001))["position_ms"], 60_000);
        assert_eq!(player.beat_at(), after(begun, 7_000));
        // Something in the middle was not credited: it is watched again.
        assert_eq!(player.credited(2, 57_000, after(begun, 2_010)), Some(after(begun, 2_000)));
        assert_eq!((player.position(after(begun, 2_010)), player.beat_at()), (57_000, after(begun, 2_010)));
    }

    #[test]
    fn whoever_is_too_far_ahead_of_the_credit_goes_back() {
        let (mut player, begun) = player();
        player.play_from(0, begun);
        player.beat(begun);
        player.beat(after(begun, 5_000));
        player.credited(1, 0, after(begun, 5_001)).unwrap();
        assert_eq!(player.position(after(begun, 5_001)), 5_001);
        player.credited(2, 1_000, after(begun, 5_002)).unwrap();
        assert_eq!(player.position(after(begun, 5_002)), 1_000);
        assert_eq!(player.credited(2, 1_000, begun), None, "an answer that was not asked for");
    }

    #[test]
    fn what_was_played_counts_once_whatever_was_rewound() {
        let (mut player, begun) = player();
        player.play_from(0, begun);
        player.pause(Some(1_000), after(begun, 4_000));
        assert_eq!(player.played(after(begun, 9_000)), 4_000);
        player.play(after(begun, 9_000));
        assert_eq!((player.played(after(begun, 10_000)), player.position(after(begun, 10_000))), (5_000, 2_000));
        player.connected(Duration::from_secs(5), after(begun, 10_000));
        assert_eq!(player.unanswered_since(), None);
    }
}
