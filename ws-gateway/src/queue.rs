//! The queue of starts: first come, first served, at the pace the server can keep.
//!
//! A start that finds the way free goes through at once. Otherwise its learner gets a place in the line
//! and is told `queued` with the position and when to ask again; the exam's clock starts with the paper
//! and not in the line. Places are called in their order, as many a second as [`crate::pace`] allows.
//!
//! A place is a time, in the server's own microseconds, and stands in a signed ticket together with the
//! person it is for. On the same server the ticket is not even needed: the line knows its people. At
//! another node, or after a restart, whoever shows the ticket stands where its time belongs. A ticket
//! that is forged, another person's, too old or used up is no ticket: its bearer joins at the end.
//!
//! Nothing here grows without bound: the line has a greatest length and a longest wait, beyond which
//! starts are refused as `overloaded`; whoever stays away loses the place; places that were called and
//! are not taken run out.

use crate::limits::{
    QUEUE_CALL_HOLD, QUEUE_LENGTH_MAX, QUEUE_RETRY_MAX, QUEUE_RETRY_MIN, QUEUE_SILENCE_MAX, QUEUE_TICKET_AGE_MAX,
    QUEUE_WAIT_MAX, STARTS_IN_WORK_MAX,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exam_core::{PersonId, Timestamp};
use moka::sync::Cache;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a waiting learner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// From one.
    pub position: usize,
    /// When to ask again.
    pub retry_after_ms: i64,
    /// To be shown when asking again.
    pub ticket: String,
}

/// The line is as long as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// When to try again.
    pub retry_after_ms: i64,
}

/// A start that may go on; held while it is in work.
#[derive(Debug)]
pub struct StartPlace<'a> {
    queue: &'a Queue,
    person: PersonId,
    place: i64,
}

impl StartPlace<'_> {
    /// The start failed through no fault of the learner's: the place is kept for the next try.
    pub fn give_back(self, now: Timestamp) {
        self.queue.line.lock().call_again(self.person, self.place, now.ms());
        self.queue.spent.invalidate(&self.person);
    }
}

impl Drop for StartPlace<'_> {
    fn drop(&mut self) {
        self.queue.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    line: Mutex<Line>,
    in_work: AtomicUsize,
    /// Up to which place a person's tickets are used up.
    spent: Cache<PersonId, i64>,
    key: OnceLock<[u8; 32]>,
}

/// Where somebody stands.
#[derive(Clone, Copy, Debug)]
enum Standing {
    Waiting { place: i64 },
    Called { place: i64, until_ms: i64 },
}

/// One of the line.
#[derive(Clone, Copy, Debug)]
struct Entry {
    place: i64,
    person: PersonId,
    /// By when the person has been told to ask again.
    due_ms: i64,
}

#[derive(Debug)]
struct Line {
    /// In the order of their places.
    waiting: VecDeque<Entry>,
    standing: HashMap<PersonId, Standing>,
    last_place: i64,
    /// Starts a second, and its mean of late, which estimates are made with.
    pace: f64,
    mean_pace: f64,
    /// Starts that may go through now.
    allowance: f64,
    refilled_ms: i64,
    tidied_ms: i64,
}

impl Queue {
    /// A line that calls so many a second until it is told otherwise.
    #[must_use]
    pub fn new(starts_per_second: u32) -> Self {
        let pace = f64::from(starts_per_second.max(1));
        let spent =
            Cache::builder().max_capacity(2 * QUEUE_LENGTH_MAX as u64).time_to_live(QUEUE_TICKET_AGE_MAX).build();
        let line = Line {
            waiting: VecDeque::new(),
            standing: HashMap::new(),
            last_place: 0,
            pace,
            mean_pace: pace,
            allowance: pace,
            refilled_ms: i64::MIN,
            tidied_ms: 0,
        };
        Self { line: Mutex::new(line), in_work: AtomicUsize::new(0), spent, key: OnceLock::new() }
    }

    /// Signs tickets by a key that other nodes share and that outlasts a restart. Without it, or when it comes
    /// after the first ticket, they are signed by a key of this process.
    pub fn sign_with(&self, key: [u8; 32]) {
        let _ = self.key.set(key);
    }

    /// Lets a start through if its person was called, or if nobody waits and the pace allows it.
    pub fn enter(&self, person: PersonId, now: Timestamp) -> Option<StartPlace<'_>> {
        if self.in_work.fetch_add(1, Ordering::Relaxed) >= STARTS_IN_WORK_MAX {
            self.in_work.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let entered = self.line.lock().enter(person, now.ms());
        let Some((place, used)) = entered else {
            self.in_work.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        self.spent.insert(person, used);
        Some(StartPlace { queue: self, person, place })
    }

    /// Whether this person has a place already.
    #[must_use]
    pub fn stands(&self, person: PersonId) -> bool {
        self.line.lock().standing.contains_key(&person)
    }

    /// A place in the line, the one the person has already or the ticket's.
    ///
    /// # Errors
    /// The line is too long, or the wait would be.
    pub fn wait(&self, person: PersonId, ticket: Option<&str>, now: Timestamp) -> Result<Wait, Full> {
        let ticket = ticket.and_then(|ticket| self.read(person, ticket, now));
        let (place, position, retry_after_ms) = self.line.lock().wait(person, ticket, now.ms())?;
        Ok(Wait { position, retry_after_ms, ticket: self.sign(person, place) })
    }

    /// Gives up the person's place: there is nothing to start.
    pub fn leave(&self, person: PersonId) {
        self.line.lock().leave(person);
    }

    /// Calls whose turn it is, and forgets who stayed away.
    pub fn call(&self, now: Timestamp) {
        self.line.lock().call(now.ms());
    }

    /// From now on so many a second.
    pub fn set_pace(&self, starts_per_second: f64) {
        self.line.lock().set_pace(starts_per_second);
    }

    /// How many wait, and how many a second are called.
    #[must_use]
    pub fn state(&self) -> (usize, f64) {
        let line = self.line.lock();
        (line.waiting.len(), line.pace)
    }

    fn signature(&self, person: PersonId, place: [u8; 8]) -> [u8; 16] {
        let key = self.key.get_or_init(rand::random);
        let mut text = [0; 24];
        text[..16].copy_from_slice(&person.bytes());
        text[16..].copy_from_slice(&place);
        let mut signature = [0; 16];
        signature.copy_from_slice(&blake3::keyed_hash(key, &text).as_bytes()[..16]);
        signature
    }

    fn sign(&self, person: PersonId, place: i64) -> String {
        let place = place.to_be_bytes();
        let mut ticket = [0; 24];
        ticket[..8].copy_from_slice(&place);
        ticket[8..].copy_from_slice(&self.signature(person, place));
        URL_SAFE_NO_PAD.encode(ticket)
    }

    /// The place of a ticket that is this person's, fresh and not used up.
    fn read(&self, person: PersonId, ticket: &str, now: Timestamp) -> Option<i64> {
        let ticket: [u8; 24] = URL_SAFE_NO_PAD.decode(ticket).ok()?.try_into().ok()?;
        let (place, signature) = ticket.split_first_chunk::<8>()?;
        // Compared as hashes are: in the same time wherever they differ.
        let expected = blake3::hash(&self.signature(person, *place));
        if blake3::hash(signature) != expected {
            return None;
        }
        let place = i64::from_be_bytes(*place);
        let age_ms = now.ms() - place / 1_000;
        let fresh = age_ms <= millis(QUEUE_TICKET_AGE_MAX);
        (fresh && self.spent.get(&person).is_none_or(|spent| spent < place)).then_some(place)
    }
}

impl Line {
    /// The place that was taken and up to which place tickets are used up by it.
    fn enter(&mut self, person: PersonId, now_ms: i64) -> Option<(i64, i64)> {
        self.call(now_ms);
        match self.standing.get(&person) {
            Some(Standing::Called { place, .. }) => {
                let place = *place;
                self.standing.remove(&person);
                Some((place, place))
            }
            Some(Standing::Waiting { .. }) => None,
            None if self.waiting.is_empty() && self.allowance >= 1.0 => {
                self.allowance -= 1.0;
                let place = self.next_place(now_ms);
                Some((place, place))
            }
            None => None,
        }
    }

    fn wait(&mut self, person: PersonId, ticket: Option<i64>, now_ms: i64) -> Result<(i64, usize, i64), Full> {
        let place = match self.standing.get(&person) {
            // Called, but more starts are in work than may be: very soon.
            Some(Standing::Called { place, .. }) => return Ok((*place, 1, millis(QUEUE_RETRY_MIN))),
            Some(Standing::Waiting { place }) => *place,
            None => self.join(person, ticket, now_ms)?,
        };
        let index = self.index(place, person).unwrap_or(self.waiting.len());
        let retry_after_ms = self.estimate_ms(index + 1).clamp(millis(QUEUE_RETRY_MIN), millis(QUEUE_RETRY_MAX));
        if let Some(entry) = self.waiting.get_mut(index) {
            // A fifth is added at random before it is sent.
            entry.due_ms = now_ms + retry_after_ms + retry_after_ms / 5;
        }
        Ok((place, index + 1, retry_after_ms))
    }

    fn join(&mut self, person: PersonId, ticket: Option<i64>, now_ms: i64) -> Result<i64, Full> {
        // Who waited already is not turned away for how long the wait has become.
        let too_long = ticket.is_none() && self.estimate_ms(self.waiting.len()) > millis(QUEUE_WAIT_MAX);
        if too_long || self.waiting.len() >= QUEUE_LENGTH_MAX {
            return Err(Full { retry_after_ms: millis(QUEUE_RETRY_MAX) });
        }
        let place = ticket.unwrap_or_else(|| self.next_place(now_ms));
        let index = self.waiting.partition_point(|entry| (entry.place, entry.person) < (place, person));
        self.waiting.insert(index, Entry { place, person, due_ms: now_ms });
        self.standing.insert(person, Standing::Waiting { place });
        Ok(place)
    }

    fn index(&self, place: i64, person: PersonId) -> Option<usize> {
        self.waiting.binary_search_by_key(&(place, person), |entry| (entry.place, entry.person)).ok()
    }

    fn leave(&mut self, person: PersonId) {
        if let Some(Standing::Waiting { place }) = self.standing.remove(&person)
            && let Some(index) = self.index(place, person)
        {
            self.waiting.remove(index);
        }
    }

    /// Later than every place before it, even within a microsecond.
    fn next_place(&mut self, now_ms: i64) -> i64 {
        self.last_place = (self.last_place + 1).max(now_ms * 1_000);
        self.last_place
    }

    fn estimate_ms(&self, position: usize) -> i64 {
        (position as f64 / self.mean_pace.max(0.1) * 1_000.0) as i64
    }

    fn call(&mut self, now_ms: i64) {
        self.refill(now_ms);
        while let Some(first) = self.waiting.front().copied() {
            let away = first.due_ms + millis(QUEUE_SILENCE_MAX) < now_ms;
            if !away && self.allowance < 1.0 {
                break;
            }
            self.waiting.pop_front();
            if away {
                self.standing.remove(&first.person);
                continue;
            }
            self.allowance -= 1.0;
            let until_ms = first.due_ms.max(now_ms) + millis(QUEUE_CALL_HOLD);
            self.standing.insert(first.person, Standing::Called { place: first.place, until_ms });
        }
        if now_ms - self.tidied_ms >= 1_000 {
            self.tidied_ms = now_ms;
            self.standing.retain(|_, standing| match standing {
                Standing::Waiting { .. } => true,
                Standing::Called { until_ms, .. } => *until_ms >= now_ms,
            });
        }
    }

    fn call_again(&mut self, person: PersonId, place: i64, now_ms: i64) {
        let until_ms = now_ms + millis(QUEUE_CALL_HOLD);
        self.standing.insert(person, Standing::Called { place, until_ms });
    }

    /// At most a second's worth is saved up.
    fn refill(&mut self, now_ms: i64) {
        let most = self.pace.max(1.0);
        let passed_ms = now_ms.saturating_sub(self.refilled_ms).clamp(0, 1_000);
        self.allowance = (self.allowance + self.pace * passed_ms as f64 / 1_000.0).min(most);
        self.refilled_ms = self.refilled_ms.max(now_ms);
    }

    fn set_pace(&mut self, pace: f64) {
        self.pace = pace;
        // Told ten times a second: the mean of some five seconds.
        self.mean_pace += (pace - self.mean_pace) / 50.0;
    }
}

const fn millis(duration: Duration) -> i64 {
    duration.as_millis() as i64
}

#[cfg(test)]
mod tests;
