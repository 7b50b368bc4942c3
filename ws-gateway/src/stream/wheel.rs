//! One clock for all sockets: a wheel of slots, a tenth of a second each. A timer per socket would cost more than
//! the socket itself.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Length of a slot.
pub const TICK_MS: u64 = 100;
/// Slots; what is due later than a turn of the wheel stays for another turn.
const SLOTS: u64 = 512;

/// What is due for a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It should have said hello by now.
    Hello,
    /// Look whether it is still there.
    Sweep,
    /// Its session ends now.
    Expire,
    /// Tell it the time.
    Clock,
    /// Something of its lesson comes due now.
    Wake,
    /// Look whether it still may be.
    Check,
}

/// The name of a socket within this process.
pub type SocketId = u64;

/// See the module.
#[derive(Debug)]
pub struct Wheel {
    slots: Vec<Mutex<Vec<Entry>>>,
    tick: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tick: u64,
    socket: SocketId,
    due: Due,
}

impl Wheel {
    /// At rest.
    #[must_use]
    pub fn new() -> Self {
        Self { slots: (0..SLOTS).map(|_| Mutex::default()).collect(), tick: AtomicU64::new(0) }
    }

    /// Ticks since the start.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    /// Lets something come due in `ms`, not before and a tick late at most.
    pub fn arm(&self, socket: SocketId, due: Due, ms: u64) {
        // One more: the running tick is partly over.
        let tick = self.now() + ms.div_ceil(TICK_MS) + 1;
        if let Some(slot) = self.slots.get((tick % SLOTS) as usize) {
            slot.lock().push(Entry { tick, socket, due });
        }
    }

    /// Goes on by one tick and gives what is due.
    pub fn turn(&self) -> Vec<(SocketId, Due)> {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        let Some(slot) = self.slots.get((now % SLOTS) as usize) else { return Vec::new() };
        let mut slot = slot.lock();
        let due = slot.iter().filter(|entry| entry.tick <= now).map(|entry| (entry.socket, entry.due)).collect();
        slot.retain(|entry| entry.tick > now);
        // A crowd that came due at once must not hold its memory for ever.
        if slot.capacity() > 64 && slot.len() < slot.capacity() / 4 {
            slot.shrink_to_fit();
        }
        due
    }
}

impl Default for Wheel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_due_once_and_never_early() {
        let wheel = Wheel::new();
        for _ in 0..777 {
            wheel.turn();
        }
        let start = wheel.now();
        let waits: Vec<u64> = (0..3_000).map(|number| number * 37 % 120_000).collect();
        for (socket, ms) in (0..).zip(&waits) {
            wheel.arm(socket, Due::Sweep, *ms);
        }
        let mut fired = vec![0; waits.len()];
        for _ in 0..1_300 {
            for (socket, due) in wheel.turn() {
                let (ms, after) = (waits[socket as usize], (wheel.now() - start) * TICK_MS);
                assert_eq!(due, Due::Sweep);
                // Some time of the first tick was over when it was armed.
                assert!(after - TICK_MS >= ms && after <= ms + 2 * TICK_MS, "{ms} came due after {after}");
                fired[socket as usize] += 1;
            }
        }
        assert!(fired.iter().all(|times| *times == 1));
    }
}
