//! Who is connected: told what happens, looked after by one wheel, sent away when the server stops.

use super::close::Close;
use super::mailbox::{Letter, Mark};
use super::peer::{About, Known, Peer};
use super::proctor::Rooms;
use super::wheel::{Due, SocketId, TICK_MS, Wheel};
use crate::config::StreamConfig;
use crate::limits::{CHECK_SPREAD_MS, DRAIN_SPREAD, RECONNECTS_PER_SECOND};
use exam_core::Timestamp;
use exam_core::ids::PersonId;
use exam_service::events::{Event, Listener};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// See the module.
pub struct Hub {
    settings: StreamConfig,
    sockets: Mutex<HashMap<SocketId, Arc<Peer>>>,
    people: Mutex<HashMap<PersonId, Vec<Arc<Peer>>>>,
    addresses: Mutex<HashMap<IpAddr, u32>>,
    wheel: Wheel,
    last: AtomicU64,
    /// As many as there may be; what is left of the house is for HTTP.
    places: AtomicUsize,
    draining: AtomicBool,
    /// The proctors' rooms, one per watched exam.
    pub rooms: Rooms,
}

/// A socket's entry; it leaves the hub when this is dropped.
pub struct Entry {
    hub: Arc<Hub>,
    /// The socket.
    pub peer: Arc<Peer>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.hub.leave(&self.peer);
    }
}

impl Hub {
    /// Empty.
    #[must_use]
    pub fn new(settings: StreamConfig, places: usize) -> Arc<Self> {
        Arc::new(Self {
            settings,
            sockets: Mutex::default(),
            people: Mutex::default(),
            addresses: Mutex::default(),
            wheel: Wheel::new(),
            last: AtomicU64::new(0),
            places: AtomicUsize::new(places),
            draining: AtomicBool::new(false),
            rooms: Rooms::default(),
        })
    }

    /// Sockets open now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sockets.lock().len()
    }

    /// Whether one more fits in.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.count() < self.places.load(Ordering::Relaxed) && !self.draining.load(Ordering::Relaxed)
    }

    /// Lets a socket in and starts its time for hello.
    ///
    /// # Errors
    /// Its address has as many as it may.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Entry, Close> {
        {
            let mut addresses = self.addresses.lock();
            let count = addresses.entry(address).or_insert(0);
            if *count >= self.settings.sockets_per_address {
                return Err(Close::TOO_MANY);
            }
            *count += 1;
        }
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let peer = Arc::new(Peer::new(id, address, self.wheel.now()));
        self.sockets.lock().insert(id, Arc::clone(&peer));
        self.wheel.arm(id, Due::Hello, self.settings.hello_ms);
        self.wheel.arm(id, Due::Sweep, self.sweep_ms());
        if self.draining.load(Ordering::Relaxed) {
            peer.mailbox.close(Close::RESTART);
        }
        Ok(Entry { hub: Arc::clone(self), peer })
    }

    /// Keeps who said hello. What ends the person's session from now on ends the socket.
    ///
    /// # Errors
    /// The person has as many sockets as they may, or said hello before.
    pub fn introduce(&self, peer: &Arc<Peer>, known: Known) -> Result<(), Close> {
        let mut people = self.people.lock();
        let theirs = people.entry(known.person).or_default();
        if theirs.len() >= self.settings.sockets_per_person as usize {
            return Err(Close::TOO_MANY);
        }
        peer.introduce(known);
        theirs.push(Arc::clone(peer));
        Ok(())
    }

    /// Forgets who said hello: it has to be said again.
    pub fn forget(&self, peer: &Arc<Peer>) {
        self.forget_person(peer);
        peer.forget_study();
        self.wheel.arm(peer.id, Due::Hello, self.settings.hello_ms);
    }

    /// The socket has the learner's study of this epoch from now on; whatever other socket had it, or an older one,
    /// ends. If a newer one began meanwhile, this one does.
    pub fn claim_study(&self, peer: &Arc<Peer>, epoch: u64) {
        let Some(known) = peer.known() else { return };
        peer.claim_study(epoch);
        self.each_of(known.person, |other, _| {
            if other.id != peer.id && other.has_study(epoch) {
                other.mailbox.close(Close::TAKEN_OVER);
            } else {
                other.overtake(epoch);
            }
        });
    }

    fn forget_person(&self, peer: &Arc<Peer>) {
        let Some(known) = peer.forget() else { return };
        let mut people = self.people.lock();
        if let Some(theirs) = people.get_mut(&known.person) {
            theirs.retain(|other| other.id != peer.id);
            if theirs.is_empty() {
                people.remove(&known.person);
            }
        }
    }

    fn leave(&self, peer: &Arc<Peer>) {
        self.sockets.lock().remove(&peer.id);
        self.forget_person(peer);
        let mut addresses = self.addresses.lock();
        if let Some(count) = addresses.get_mut(&peer.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&peer.address);
            }
        }
    }

    /// Something was heard of a socket.
    pub fn heard(&self, peer: &Peer) {
        peer.hear(self.wheel.now());
    }

    /// Lets a socket's lesson be looked at in so long.
    pub fn wake_in(&self, peer: &Peer, ms: u64) {
        self.wheel.arm(peer.id, Due::Wake, ms);
    }

    /// Lets a socket be looked at again, at some moment soon, so that not all ask the database at once.
    pub fn check_again(&self, peer: &Peer) {
        self.check(peer.id);
    }

    fn check(&self, id: SocketId) {
        self.wheel.arm(id, Due::Check, rand::random_range(0..CHECK_SPREAD_MS));
    }

    /// Lets a socket be told the time from now on.
    pub fn tell_time(&self, peer: &Peer) {
        self.wheel.arm(peer.id, Due::Clock, self.settings.clock_ms);
    }

    /// Does something with all sockets of a person.
    fn each_of(&self, person: PersonId, act: impl Fn(&Peer, &Known)) {
        let people = self.people.lock();
        for peer in people.get(&person).into_iter().flatten() {
            if let Some(known) = peer.known() {
                act(peer, &known);
            }
        }
    }

    const fn sweep_ms(&self) -> u64 {
        self.settings.ping_ms / 2
    }

    /// Turns the wheel until the task is dropped. `now` reads the engine's clock, for sessions that end.
    pub async fn run(self: Arc<Self>, now: impl Fn() -> Timestamp) {
        let mut every = tokio::time::interval(Duration::from_millis(TICK_MS));
        loop {
            every.tick().await;
            self.turn(now());
        }
    }

    fn turn(&self, now: Timestamp) {
        for (id, due) in self.wheel.turn() {
            let Some(peer) = self.sockets.lock().get(&id).cloned() else { continue };
            self.fire(&peer, due, now);
        }
    }

    fn fire(&self, peer: &Peer, due: Due, now: Timestamp) {
        match due {
            Due::Hello if peer.known().is_none() => peer.mailbox.close(Close::NO_HELLO),
            Due::Hello => {}
            Due::Expire => peer.mailbox.close(Close::SIGNED_OUT),
            Due::Wake => peer.mailbox.mark(Mark::Wake),
            Due::Check => peer.mailbox.mark(Mark::Check),
            Due::Clock => {
                peer.mailbox.mark(Mark::Clock);
                self.tell_time(peer);
            }
            Due::Sweep => self.sweep(peer, now),
        }
    }

    /// Whoever says nothing is asked, and let go when there is no answer. Whose session ends soon, ends with it.
    fn sweep(&self, peer: &Peer, now: Timestamp) {
        let silent_ms = (self.wheel.now() - peer.heard()) * TICK_MS;
        if silent_ms >= self.settings.silent_ms {
            peer.mailbox.close(Close::SILENT);
            return;
        }
        if silent_ms >= self.settings.ping_ms {
            peer.mailbox.mark(Mark::Ping);
        }
        if let Some(left) = peer.known().map(|known| known.until.since(now).max(0) as u64)
            && left <= self.sweep_ms()
        {
            self.wheel.arm(peer.id, Due::Expire, left);
        }
        self.wheel.arm(peer.id, Due::Sweep, self.sweep_ms());
    }

    /// How long whoever is sent away now should stay away, so that they do not all come back at once.
    #[must_use]
    pub fn come_back_ms(&self) -> i64 {
        let spread = (self.count() as u64 * 1_000 / RECONNECTS_PER_SECOND).max(1_000);
        rand::random_range(0..spread) as i64
    }

    /// Sends everybody away, spread over a moment, and lets nobody in from now on.
    pub async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        let peers: Vec<Arc<Peer>> = self.sockets.lock().values().cloned().collect();
        let parts = (DRAIN_SPREAD.as_millis() as usize / TICK_MS as usize).max(1);
        let mut every = tokio::time::interval(Duration::from_millis(TICK_MS));
        for part in peers.chunks(peers.len().div_ceil(parts).max(1)) {
            every.tick().await;
            for peer in part {
                peer.mailbox.close(Close::RESTART);
            }
        }
    }
}

impl Listener for Hub {
    fn told(&self, event: &Event) {
        match event {
            Event::SessionEnded { person, session } => self.each_of(*person, |peer, known| {
                if known.session == Some(*session) {
                    peer.mailbox.close(Close::SIGNED_OUT);
                }
            }),
            Event::PersonEnded { person, but } => self.each_of(*person, |peer, known| {
                if known.session.is_none() || known.session != *but {
                    peer.mailbox.close(Close::SIGNED_OUT);
                }
            }),
            // Learners' sockets ask who they are with every message; whoever only watches is let in anew, or not.
            Event::PersonChanged { person } => self.each_of(*person, |peer, known| {
                if known.about == About::Exam {
                    peer.mailbox.close(Close::CHANGED);
                }
            }),
            Event::Attempt(event) => self.each_of(event.learner, |peer, known| {
                if known.about == About::Attempt(event.attempt) {
                    peer.mailbox.put(Letter::Attempt(Box::new(event.clone())));
                }
            }),
            Event::StudyTaken { learner, epoch } => self.each_of(*learner, |peer, _| peer.overtake(*epoch)),
            Event::StudyResumed { learner, epoch, claim } => {
                self.each_of(*learner, |peer, _| peer.hear_claim(*epoch, *claim));
            }
            Event::PartnerEnded { partner } => {
                for peer in self.sockets.lock().values() {
                    if peer.known().is_some_and(|known| known.partner == Some(*partner)) {
                        peer.mailbox.close(Close::NOT_ALLOWED);
                    }
                }
            }
            Event::Missed => {
                for id in self.sockets.lock().keys() {
                    self.check(*id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::stream::mailbox::Post;
    use exam_core::ids::AttemptId;
    use uuid::Uuid;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn hub() -> Arc<Hub> {
        let settings = StreamConfig { sockets_per_address: 3, sockets_per_person: 2, ..StreamConfig::default() };
        Hub::new(settings, 10)
    }

    fn known(person: u128, session: u8) -> Known {
        let until = Timestamp::from_ms(1_000_000);
        let about = About::Attempt(AttemptId(Uuid::from_u128(9)));
        let person = PersonId(Uuid::from_u128(person));
        Known { person, session: Some([session; 32]), partner: None, until, about }
    }

    fn turns(hub: &Hub, ms: u64, now: Timestamp) {
        for _ in 0..ms.div_ceil(TICK_MS) + 2 {
            hub.turn(now);
        }
    }

    #[test]
    fn without_a_hello_a_socket_ends() {
        let hub = hub();
        let (silent, greeted) = (hub.enter(HOME).unwrap(), hub.enter(HOME).unwrap());
        hub.introduce(&greeted.peer, known(1, 1)).unwrap();
        turns(&hub, hub.settings.hello_ms, Timestamp::from_ms(0));
        assert_eq!(silent.peer.mailbox.closing(), Some(Close::NO_HELLO));
        assert_eq!(greeted.peer.mailbox.closing(), None);
    }

    #[test]
    fn whoever_is_silent_is_asked_and_then_let_go_within_a_minute() {
        let hub = hub();
        let (dead, alive) = (hub.enter(HOME).unwrap(), hub.enter(HOME).unwrap());
        for entry in [&dead, &alive] {
            hub.introduce(&entry.peer, known(1, 1)).unwrap();
        }
        for _ in 0..60_000 / TICK_MS {
            hub.turn(Timestamp::from_ms(0));
            if alive.peer.mailbox.take() == Some(Post::Mark(Mark::Ping)) {
                hub.heard(&alive.peer);
            }
        }
        assert_eq!(dead.peer.mailbox.closing(), Some(Close::SILENT));
        assert_eq!(alive.peer.mailbox.closing(), None);
    }

    #[test]
    fn a_socket_ends_with_its_session() {
        let hub = hub();
        let entries: Vec<Entry> = (1..=2).map(|_| hub.enter(HOME).unwrap()).collect();
        for (entry, session) in entries.iter().zip(1..) {
            hub.introduce(&entry.peer, known(1, session)).unwrap();
        }
        let person = PersonId(Uuid::from_u128(1));
        hub.told(&Event::SessionEnded { person, session: [1; 32] });
        assert_eq!(entries[0].peer.mailbox.closing(), Some(Close::SIGNED_OUT));
        assert_eq!(entries[1].peer.mailbox.closing(), None);
        hub.told(&Event::PersonEnded { person, but: Some([2; 32]) });
        assert_eq!(entries[1].peer.mailbox.closing(), None);
        // Twelve hours later by the clock, whatever the wheel thinks.
        turns(&hub, 2 * hub.sweep_ms(), Timestamp::from_ms(999_900));
        assert_eq!(entries[1].peer.mailbox.closing(), Some(Close::SIGNED_OUT));
    }

    #[test]
    fn sockets_of_a_person_and_an_address_are_counted() {
        let hub = hub();
        let entries: Vec<Entry> = (0..3).map(|_| hub.enter(HOME).unwrap()).collect();
        assert_eq!(hub.enter(HOME).err(), Some(Close::TOO_MANY));
        hub.introduce(&entries[0].peer, known(1, 1)).unwrap();
        hub.introduce(&entries[1].peer, known(1, 1)).unwrap();
        assert_eq!(hub.introduce(&entries[2].peer, known(1, 1)), Err(Close::TOO_MANY));
        hub.introduce(&entries[2].peer, known(2, 1)).unwrap();
        assert_eq!(hub.count(), 3);
        drop(entries);
        assert_eq!(hub.count(), 0);
        assert!(hub.people.lock().is_empty() && hub.addresses.lock().is_empty());
    }

    #[test]
    fn a_newer_study_ends_older_ones_in_whatever_order_it_is_heard_of() {
        let hub = hub();
        let entries: Vec<Entry> = (0..2).map(|_| hub.enter(HOME).unwrap()).collect();
        let (one, two) = (&entries[0].peer, &entries[1].peer);
        for peer in [one, two] {
            hub.introduce(peer, Known { about: About::Lesson, ..known(1, 1) }).unwrap();
        }
        let learner = PersonId(Uuid::from_u128(1));
        hub.told(&Event::StudyTaken { learner, epoch: 5 });
        hub.claim_study(one, 5);
        assert_eq!((one.mailbox.closing(), two.mailbox.closing()), (None, None));
        // The same study resumed on another socket.
        hub.claim_study(two, 5);
        assert_eq!((one.mailbox.closing(), two.mailbox.closing()), (Some(Close::TAKEN_OVER), None));
        // Taken over before it could be claimed.
        let third = hub.enter(HOME).unwrap();
        drop(entries);
        hub.introduce(&third.peer, Known { about: About::Lesson, ..known(1, 1) }).unwrap();
        hub.told(&Event::StudyTaken { learner, epoch: 7 });
        hub.claim_study(&third.peer, 6);
        assert_eq!(third.peer.mailbox.closing(), Some(Close::TAKEN_OVER));
    }

    #[tokio::test]
    async fn a_drain_sends_everybody_away_and_lets_nobody_in() {
        let hub = hub();
        let entries: Vec<Entry> = (0..3).map(|_| hub.enter(HOME).unwrap()).collect();
        hub.drain().await;
        assert!(entries.iter().all(|entry| entry.peer.mailbox.closing() == Some(Close::RESTART)));
        assert!(!hub.has_room());
        drop(entries);
        assert_eq!(hub.enter(HOME).unwrap().peer.mailbox.closing(), Some(Close::RESTART));
    }

    #[test]
    fn a_study_that_is_resumed_at_another_node_ends_here_in_the_order_of_the_claims() {
        let hub = hub();
        let (learner, elsewhere) = (PersonId(Uuid::from_u128(1)), 77);
        let resumed = |claim| Event::StudyResumed { learner, epoch: 5, claim };
        let enter = || {
            let entry = hub.enter(HOME).unwrap();
            hub.introduce(&entry.peer, Known { about: About::Lesson, ..known(1, 1) }).unwrap();
            entry
        };
        let begun = enter();
        hub.claim_study(&begun.peer, 5);
        hub.told(&Event::StudyResumed { learner, epoch: 4, claim: elsewhere });
        assert_eq!(begun.peer.mailbox.closing(), None, "of an older study");
        hub.told(&resumed(elsewhere));
        assert_eq!(begun.peer.mailbox.closing(), Some(Close::TAKEN_OVER));
        drop(begun);
        // What was claimed before its own claim is heard late, and ends nothing.
        let back = enter();
        back.peer.make_claim(4);
        hub.claim_study(&back.peer, 5);
        for claim in [elsewhere, 4, 4] {
            hub.told(&resumed(claim));
        }
        assert_eq!(back.peer.mailbox.closing(), None);
        hub.told(&resumed(elsewhere));
        assert_eq!(back.peer.mailbox.closing(), Some(Close::TAKEN_OVER));
        drop(back);
        // Another one was faster than its welcome.
        let slow = enter();
        slow.peer.make_claim(6);
        hub.told(&resumed(6));
        hub.told(&resumed(elsewhere));
        hub.claim_study(&slow.peer, 5);
        assert_eq!(slow.peer.mailbox.closing(), Some(Close::TAKEN_OVER));
    }
}
