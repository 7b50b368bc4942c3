//! The room: how many learners are inside, and how many may be.
//!
//! Inside is whoever was let in to start or gave an answer, until the attempt is closed or nothing was heard
//! for [`ROOM_SILENCE`]. Whoever is let in counts from that moment, long before the answers come that make
//! the load: that is why starts are bounded by who is inside, and not by their rate alone.
//!
//! It is looked at with every answer, so it is a table of a fixed size without a lock: a learner has the seat
//! that the id falls on, and a seat holds when its learner was last heard. Two who share a seat count as one.
//! With ten thousand inside that are two of a hundred; the count is only ever compared with itself.

use crate::limits::{ROOM_SEATS, ROOM_SILENCE};
use exam_core::{PersonId, Timestamp};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// See the module.
#[derive(Debug)]
pub struct Room {
    /// The second in which the learner of a seat was last heard; 0 where nobody sits.
    seats: Box<[AtomicU32]>,
    taken: AtomicUsize,
    cap: AtomicUsize,
}

impl Room {
    /// Empty and without a bound.
    #[must_use]
    pub fn new() -> Self {
        let seats = (0..ROOM_SEATS).map(|_| AtomicU32::new(0)).collect();
        Self { seats, taken: AtomicUsize::new(0), cap: AtomicUsize::new(usize::MAX) }
    }

    /// The learner is here.
    pub fn seen(&self, person: PersonId, now: Timestamp) {
        let (seat, second) = (self.seat(person), second(now));
        // Most were heard in this second already: then nothing is written that other cores would have to read.
        if seat.load(Ordering::Relaxed) != second && seat.swap(second, Ordering::Relaxed) == 0 {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The learner has handed in, or is here no more for another reason.
    pub fn gone(&self, person: PersonId) {
        if self.seat(person).swap(0, Ordering::Relaxed) != 0 {
            self.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Forgets who was silent for too long.
    pub fn sweep(&self, now: Timestamp) {
        let oldest = second(now).saturating_sub(ROOM_SILENCE.as_secs() as u32);
        for seat in &self.seats {
            let heard = seat.load(Ordering::Relaxed);
            let silent = heard != 0 && heard < oldest;
            if silent && seat.compare_exchange(heard, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                self.taken.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// How many are inside.
    #[must_use]
    pub fn active(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many may be; `usize::MAX` while no bound is known.
    #[must_use]
    pub fn cap(&self) -> usize {
        self.cap.load(Ordering::Relaxed)
    }

    /// From now on so many may be inside. Nobody is sent away.
    pub fn set_cap(&self, cap: usize) {
        self.cap.store(cap, Ordering::Relaxed);
    }

    /// How many may still come in.
    #[must_use]
    pub fn free(&self) -> usize {
        self.cap().saturating_sub(self.active())
    }

    /// Ids are given by the server, and the last half of them is random.
    fn seat(&self, person: PersonId) -> &AtomicU32 {
        let [.., a, b, c, d, e, f, g, h] = person.bytes();
        let random = u64::from_be_bytes([a, b, c, d, e, f, g, h]).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.seats[(random >> 32) as usize % ROOM_SEATS]
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

/// Never 0, and good for more than a century.
fn second(now: Timestamp) -> u32 {
    (now.ms() / 1_000).clamp(1, i64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000 + second * 1_000)
    }

    fn person(number: u128) -> PersonId {
        PersonId(Uuid::from_u128(number))
    }

    #[test]
    fn each_counts_once_and_until_they_leave() {
        let room = Room::new();
        for second in 0..5 {
            room.seen(person(1), at(second));
            room.seen(person(2), at(second));
        }
        assert_eq!(room.active(), 2);
        room.gone(person(1));
        room.gone(person(1));
        room.gone(person(3));
        assert_eq!(room.active(), 1);
        room.seen(person(1), at(9));
        assert_eq!(room.active(), 2);
    }

    #[test]
    fn the_silent_are_forgotten() {
        let room = Room::new();
        let silence = ROOM_SILENCE.as_secs() as i64;
        room.seen(person(1), at(0));
        room.seen(person(2), at(10));
        room.sweep(at(silence));
        assert_eq!(room.active(), 2);
        room.sweep(at(silence + 1));
        assert_eq!(room.active(), 1, "one was heard ten seconds later");
        room.sweep(at(silence + 11));
        assert_eq!(room.active(), 0);
    }

    #[test]
    fn seats_are_shared_by_few() {
        let room = Room::new();
        for number in 0..10_000 {
            room.seen(person(number), at(0));
        }
        assert!(room.active() > 9_700, "{}", room.active());
    }

    #[test]
    fn a_bound_bounds_who_comes_and_sends_nobody_away() {
        let room = Room::new();
        assert_eq!(room.free(), usize::MAX);
        for number in 0..5 {
            room.seen(person(number), at(0));
        }
        room.set_cap(7);
        assert_eq!(room.free(), 2);
        room.set_cap(3);
        assert_eq!((room.free(), room.active()), (0, 5));
    }
}
