//! The queue of starts: first come, first served, as far as there is room.
//!
//! A start that finds room goes through at once. Otherwise its learner gets a place in the line and is told
//! `queued` with the position and when to ask again; the exam's clock starts with the paper and not in the
//! line. There is room for a start while fewer learners are inside than may be (see [`crate::pace`]), and
//! for no more starts a second than is configured. Where there is no room for long, one comes in all the same
//! every now and then.
//!
//! Whoever is called comes in when they next ask. As many of the front of the line are called as there is
//! room for; those who are not expected for a while, or should have asked and did not, take no room from
//! others by being called. Many in a line have left without a word, and nobody knows who. So where there is
//! room and those who were called do not take it, more and more are called.
//!
//! A place is a time, in the server's own microseconds, and stands in a signed ticket together with the
//! person it is for. On the same server the ticket is not even needed: the line knows its people. At
//! another node, or after a restart, whoever shows the ticket stands where its time belongs. A ticket
//! that is forged, another person's, too old or used up is no ticket: its bearer joins at the end.
//!
//! Nothing here grows without bound: the line has a greatest length and a longest wait, beyond which
//! starts are refused as `overloaded`, and whoever stays away is forgotten.

use crate::limits::{
    QUEUE_CALL_INTERVAL, QUEUE_LATE, QUEUE_LENGTH_MAX, QUEUE_NEAR, QUEUE_REACH_MAX, QUEUE_RETRY_MAX, QUEUE_RETRY_MIN,
    QUEUE_SILENCE_MAX, QUEUE_TICKET_AGE_MAX, QUEUE_TRICKLE, QUEUE_WAIT_MAX, STARTS_IN_WORK_MAX,
};
use crate::room::Room;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exam_core::{PersonId, Timestamp};
use moka::sync::Cache;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
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

/// A start that may go on; held while it is in work. Its learner is inside; dropped, it is as if they had not come.
#[derive(Debug)]
pub struct StartPlace<'a> {
    queue: &'a Queue,
    person: PersonId,
    place: i64,
    stays: bool,
}

impl StartPlace<'_> {
    /// The attempt has started: its learner stays inside.
    pub fn started(mut self) {
        self.stays = true;
    }

    /// The start failed through no fault of the learner's: the place is kept for the next try.
    pub fn give_back(self, now: Timestamp) {
        self.queue.line.lock().put_back(self.person, self.place, now.ms());
        self.queue.spent.invalidate(&self.person);
    }
}

impl Drop for StartPlace<'_> {
    fn drop(&mut self) {
        if !self.stays {
            self.queue.room.gone(self.person);
        }
        self.queue.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How things stand in the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// How many wait.
    pub waiting: usize,
    /// Starts a second that are let through: of late while some wait, else at most.
    pub starts_per_second: f64,
}

/// See the module.
#[derive(Debug)]
pub struct Queue {
    line: Mutex<Line>,
    room: Arc<Room>,
    in_work: AtomicUsize,
    /// Up to which place a person's tickets are used up.
    spent: Cache<PersonId, i64>,
    key: OnceLock<[u8; 32]>,
}

/// A place and whose it is, as the line is ordered by.
type Key = (i64, PersonId);

/// One of the line.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    /// When the person has been told to ask again.
    due_ms: i64,
}

impl Entry {
    /// Whether the person may ask at any moment.
    fn near(&self, now_ms: i64) -> bool {
        self.due_ms - millis(QUEUE_NEAR) <= now_ms && now_ms <= self.due_ms + millis(QUEUE_LATE)
    }
}

#[derive(Debug)]
struct Line {
    /// In the order of their places.
    waiting: VecDeque<Entry>,
    places: HashMap<PersonId, i64>,
    last_place: i64,
    called: Called,
    /// Starts a second at most, and how many may go through now by that.
    most: f64,
    allowance: f64,
    /// The start that is let in now and then although there is no room.
    trickle: f64,
    /// How many times as many are called as there is room for.
    reach: f64,
    /// How many places the line gets on a second, in the mean of late; estimates are made with it.
    speed: f64,
    /// Places passed since the mean was last taken, and when that was.
    passed: f64,
    passed_ms: i64,
    refilled_ms: i64,
    tidied_ms: i64,
}

/// Who is called.
#[derive(Clone, Copy, Debug, Default)]
struct Called {
    /// Everybody up to here.
    last: Option<Key>,
    /// How many these were.
    count: usize,
    /// And so many who do not stand in the line.
    strangers: usize,
    at_ms: i64,
}

impl Called {
    fn has(&self, key: Key) -> bool {
        self.last.is_some_and(|last| key <= last)
    }
}

impl Queue {
    /// An empty line and an empty room, for so many starts a second at most.
    #[must_use]
    pub fn new(starts_per_second: u32) -> Self {
        let spent =
            Cache::builder().max_capacity(2 * QUEUE_LENGTH_MAX as u64).time_to_live(QUEUE_TICKET_AGE_MAX).build();
        let line = Mutex::new(Line::new(f64::from(starts_per_second.max(1))));
        Self { line, room: Arc::new(Room::new()), in_work: AtomicUsize::new(0), spent, key: OnceLock::new() }
    }

    /// Who is inside.
    #[must_use]
    pub const fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Signs tickets by a key that other nodes share and that outlasts a restart. Without it, or when it comes
    /// after the first ticket, they are signed by a key of this process.
    pub fn sign_with(&self, key: [u8; 32]) {
        let _ = self.key.set(key);
    }

    /// Lets a start through if its person was called, or if nobody waits for the room there is.
    pub fn enter(&self, person: PersonId, now: Timestamp) -> Option<StartPlace<'_>> {
        if self.in_work.fetch_add(1, Ordering::Relaxed) >= STARTS_IN_WORK_MAX {
            self.in_work.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let mut line = self.line.lock();
        let Some(place) = line.enter(person, &self.room, now.ms()) else {
            self.in_work.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        // Before the next one finds the room as it was.
        self.room.seen(person, now);
        drop(line);
        self.spent.insert(person, place);
        Some(StartPlace { queue: self, person, place, stays: false })
    }

    /// Whether this person has a place already.
    #[must_use]
    pub fn stands(&self, person: PersonId) -> bool {
        self.line.lock().places.contains_key(&person)
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
        self.line.lock().call(&self.room, now.ms());
    }

    /// How things stand.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let line = self.line.lock();
        Standing { waiting: line.waiting.len(), starts_per_second: line.speed }
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
    fn new(most: f64) -> Self {
        Self {
            waiting: VecDeque::new(),
            places: HashMap::new(),
            last_place: 0,
            called: Called::default(),
            most,
            allowance: most,
            trickle: 1.0,
            reach: 1.0,
            speed: most,
            passed: 0.0,
            passed_ms: i64::MIN,
            refilled_ms: i64::MIN,
            tidied_ms: 0,
        }
    }

    /// The place that was taken; up to it the person's tickets are used up.
    fn enter(&mut self, person: PersonId, room: &Room, now_ms: i64) -> Option<i64> {
        self.call(room, now_ms);
        let waits = self.places.get(&person).copied();
        let called = match waits {
            Some(place) => self.called.has((place, person)),
            None => self.waiting.is_empty() || self.called.strangers > 0,
        };
        if !called || self.free(room) < 1.0 {
            return None;
        }
        self.allowance -= 1.0;
        if room.free() == 0 {
            self.trickle -= 1.0;
        }
        self.passed += 1.0;
        match waits {
            Some(place) => {
                self.leave(person);
                Some(place)
            }
            None => {
                self.called.strangers = self.called.strangers.saturating_sub(1);
                Some(self.next_place(now_ms))
            }
        }
    }

    fn wait(&mut self, person: PersonId, ticket: Option<i64>, now_ms: i64) -> Result<(i64, usize, i64), Full> {
        let place = match self.places.get(&person) {
            Some(place) => *place,
            None => self.join(person, ticket, now_ms)?,
        };
        let index = self.index((place, person)).unwrap_or(self.waiting.len());
        let position = (index + 1).saturating_sub(self.called.count).max(1);
        // Halfway, because it is an estimate; and where nobody comes in, that may change at any moment.
        let soonest_ms = (position as f64 / self.most * 20_000.0) as i64;
        let retry_after_ms =
            (self.estimate_ms(position).min(soonest_ms) / 2).clamp(millis(QUEUE_RETRY_MIN), millis(QUEUE_RETRY_MAX));
        let retry_after_ms = spread(retry_after_ms, person, now_ms);
        if let Some(entry) = self.waiting.get_mut(index) {
            entry.due_ms = now_ms + retry_after_ms;
        }
        Ok((place, position, retry_after_ms))
    }

    fn join(&mut self, person: PersonId, ticket: Option<i64>, now_ms: i64) -> Result<i64, Full> {
        // Who waited already is not turned away for how long the wait has become.
        let too_long = ticket.is_none() && self.estimate_ms(self.waiting.len()) > millis(QUEUE_WAIT_MAX);
        if too_long || self.waiting.len() >= QUEUE_LENGTH_MAX {
            return Err(Full { retry_after_ms: millis(QUEUE_RETRY_MAX) });
        }
        let place = ticket.unwrap_or_else(|| self.next_place(now_ms));
        self.insert((place, person), now_ms);
        Ok(place)
    }

    fn insert(&mut self, key: Key, now_ms: i64) {
        let index = self.waiting.partition_point(|entry| entry.key < key);
        self.waiting.insert(index, Entry { key, due_ms: now_ms + millis(QUEUE_RETRY_MIN) });
        self.places.insert(key.1, key.0);
    }

    fn index(&self, key: Key) -> Option<usize> {
        self.waiting.binary_search_by_key(&key, |entry| entry.key).ok()
    }

    fn leave(&mut self, person: PersonId) {
        if let Some(place) = self.places.remove(&person)
            && let Some(index) = self.index((place, person))
        {
            self.waiting.remove(index);
            if self.called.has((place, person)) {
                self.called.count = self.called.count.saturating_sub(1);
            }
        }
    }

    fn put_back(&mut self, person: PersonId, place: i64, now_ms: i64) {
        // From another device there may be a later place meanwhile.
        self.leave(person);
        self.insert((place, person), now_ms);
        self.allowance = (self.allowance + 1.0).min(self.most);
        self.passed -= 1.0;
        self.called.at_ms = i64::MIN;
    }

    /// Later than every place before it, even within a microsecond.
    fn next_place(&mut self, now_ms: i64) -> i64 {
        self.last_place = (self.last_place + 1).max(now_ms * 1_000);
        self.last_place
    }

    fn estimate_ms(&self, position: usize) -> i64 {
        (position as f64 / self.speed.max(0.1) * 1_000.0) as i64
    }

    /// For how many there is room now.
    fn free(&self, room: &Room) -> f64 {
        match room.free() {
            0 => self.trickle.min(self.allowance),
            free => self.allowance.min(free as f64),
        }
        .floor()
    }

    fn call(&mut self, room: &Room, now_ms: i64) {
        self.tidy(now_ms);
        if now_ms < self.called.at_ms.saturating_add(millis(QUEUE_CALL_INTERVAL)) {
            return;
        }
        self.refill(now_ms);
        let free = self.free(room);
        self.stretch(free, now_ms);
        let mut called = Called { at_ms: now_ms, ..Called::default() };
        let (wanted, mut near) = ((free * self.reach) as usize, 0);
        for entry in &self.waiting {
            if near >= wanted {
                break;
            }
            called.last = Some(entry.key);
            called.count += 1;
            near += usize::from(entry.near(now_ms));
        }
        if called.count == self.waiting.len() {
            called.strangers = (free as usize).saturating_sub(near);
        }
        self.called = called;
    }

    /// Calls more while there is room that nobody takes, and soon fewer again when somebody does.
    fn stretch(&mut self, free: f64, now_ms: i64) {
        let passed_s = now_ms.saturating_sub(self.called.at_ms).clamp(0, 1_000) as f64 / 1_000.0;
        let unused = !self.waiting.is_empty() && free > (self.speed / 5.0).max(2.0);
        let doubled = if unused { passed_s / 2.0 } else { -2.0 * passed_s };
        self.reach = (self.reach * doubled.exp2()).clamp(1.0, QUEUE_REACH_MAX);
    }

    /// At most a second's worth is saved up.
    fn refill(&mut self, now_ms: i64) {
        let passed_s = now_ms.saturating_sub(self.refilled_ms).clamp(0, 1_000) as f64 / 1_000.0;
        self.allowance = (self.allowance + self.most * passed_s).min(self.most.max(1.0));
        self.trickle = (self.trickle + passed_s / QUEUE_TRICKLE.as_secs_f64()).min(1.0);
        self.refilled_ms = self.refilled_ms.max(now_ms);
    }

    /// Forgets who stayed away, and finds out how fast the line gets on.
    fn tidy(&mut self, now_ms: i64) {
        if now_ms < self.tidied_ms + 1_000 {
            return;
        }
        self.tidied_ms = now_ms;
        let (before, oldest) = (self.waiting.len(), now_ms - millis(QUEUE_SILENCE_MAX));
        let places = &mut self.places;
        self.waiting.retain(|entry| {
            let stays = entry.due_ms >= oldest;
            if !stays {
                places.remove(&entry.key.1);
            }
            stays
        });
        self.passed += (before - self.waiting.len()) as f64;
        let passed_s = now_ms.saturating_sub(self.passed_ms).clamp(1_000, 60_000) as f64 / 1_000.0;
        if self.waiting.is_empty() {
            self.speed = self.most;
        } else {
            // The mean of some ten seconds.
            self.speed += (self.passed / passed_s - self.speed) * (1.0 - (-passed_s / 10.0).exp());
        }
        self.passed = 0.0;
        self.passed_ms = now_ms;
    }
}

/// Up to a fifth more, so that nobody comes back in step. The line has to know how much, and need not keep it secret:
/// it is made of whose it is and when.
fn spread(ms: i64, person: PersonId, now_ms: i64) -> i64 {
    let [.., a, b, c, d] = person.bytes();
    let mixed =
        (u64::from(u32::from_be_bytes([a, b, c, d])) ^ (now_ms as u64) << 7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ms + (ms / 5 * (mixed >> 54) as i64) / 1_024
}

const fn millis(duration: Duration) -> i64 {
    duration.as_millis() as i64
}

#[cfg(test)]
mod tests;
