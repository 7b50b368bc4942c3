//! Rate limits per account and per address.
//!
//! Failed sign-ins are counted, not successful ones: a hall of people behind one address signs in at
//! once. Whoever has used up the allowance is turned away before any password is hashed.

use crate::config::LimitsConfig;
use crate::limits::{CHECKS_BURST, CHECKS_PER_SECOND};
use exam_core::PersonId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};

/// See the module.
pub struct Rates {
    answers: DefaultKeyedRateLimiter<PersonId>,
    starts: DefaultKeyedRateLimiter<PersonId>,
    requests: DefaultKeyedRateLimiter<PersonId>,
    address_answers: DefaultKeyedRateLimiter<IpAddr>,
    address_starts: DefaultKeyedRateLimiter<IpAddr>,
    address_checks: DefaultKeyedRateLimiter<IpAddr>,
    hellos: DefaultDirectRateLimiter,
    sign_in_places: Semaphore,
    failures: Failures<(String, IpAddr)>,
    account_failures: Failures<String>,
    address_failures: Failures<IpAddr>,
    clock: DefaultClock,
}

/// How long to wait, in milliseconds.
pub type Wait = i64;

impl Rates {
    /// With the configured allowances.
    #[must_use]
    pub fn new(limits: &LimitsConfig) -> Self {
        Self {
            answers: RateLimiter::keyed(quota(limits.answers_per_second, limits.answers_burst)),
            starts: RateLimiter::keyed(quota(limits.starts_per_second, limits.starts_burst)),
            requests: RateLimiter::keyed(quota(limits.requests_per_second, limits.requests_burst)),
            address_answers: RateLimiter::keyed(of_a_hall(limits.answers_per_second, limits.answers_burst)),
            address_starts: RateLimiter::keyed(of_a_hall(limits.starts_per_second, limits.starts_burst)),
            address_checks: RateLimiter::keyed(quota(CHECKS_PER_SECOND, CHECKS_BURST)),
            hellos: RateLimiter::direct(quota(limits.hellos_per_second, limits.hellos_burst)),
            sign_in_places: Semaphore::new(limits.hashes_at_once.max(1)),
            failures: Failures::new(limits.sign_in_failures, 15),
            account_failures: Failures::new(limits.sign_in_failures.saturating_mul(6), 10),
            address_failures: Failures::new(limits.sign_in_failures.saturating_mul(20), 1),
            clock: DefaultClock::default(),
        }
    }

    /// One answer, or one batch.
    ///
    /// # Errors
    /// How long to wait.
    pub fn answer(&self, person: PersonId, address: IpAddr) -> Result<(), Wait> {
        self.check(&self.answers, person)?;
        self.check(&self.address_answers, address)
    }

    /// One start.
    ///
    /// # Errors
    /// How long to wait.
    pub fn start(&self, person: PersonId, address: IpAddr) -> Result<(), Wait> {
        self.check(&self.starts, person)?;
        self.check(&self.address_starts, address)
    }

    /// One request of any other sort.
    ///
    /// # Errors
    /// How long to wait.
    pub fn request(&self, person: PersonId) -> Result<(), Wait> {
        self.check(&self.requests, person)
    }

    /// One look at a certificate by its number, by whoever is at that address.
    ///
    /// # Errors
    /// How long to wait.
    pub fn check_certificate(&self, address: IpAddr) -> Result<(), Wait> {
        self.check(&self.address_checks, address)
    }

    /// One hello of a socket, of all sockets together: a storm of them comes in at a pace the house can bear.
    ///
    /// # Errors
    /// How long to wait.
    pub fn hello(&self) -> Result<(), Wait> {
        self.hellos.check().map_err(|until| until.wait_time_from(self.clock.now()).as_millis() as Wait + 1)
    }

    fn check<K: Hash + Eq + Clone>(&self, limiter: &DefaultKeyedRateLimiter<K>, key: K) -> Result<(), Wait> {
        limiter.check_key(&key).map_err(|until| until.wait_time_from(self.clock.now()).as_millis() as Wait + 1)
    }

    /// Waits for a place to check a password, of which there are as many as are checked at once. Whoever
    /// asks [`Rates::before_sign_in`] within it sees the failures of all who came before: guesses sent all
    /// at once are counted like guesses one after the other. `None` never happens: nobody closes the places.
    pub async fn sign_in_place(&self) -> Option<SemaphorePermit<'_>> {
        self.sign_in_places.acquire().await.ok()
    }

    /// Before a sign-in: whether this account or this address has failed too often lately.
    ///
    /// # Errors
    /// How long to wait.
    pub fn before_sign_in(&self, username: &str, address: IpAddr) -> Result<(), Wait> {
        self.failures.blocked(&(username.to_owned(), address))?;
        self.account_failures.blocked(&username.to_owned())?;
        self.address_failures.blocked(&address)
    }

    /// After a failed sign-in.
    pub fn failed_sign_in(&self, username: &str, address: IpAddr) {
        self.failures.add((username.to_owned(), address));
        self.account_failures.add(username.to_owned());
        self.address_failures.add(address);
    }

    /// Forgets keys that have been quiet; called now and then.
    pub fn tidy(&self) {
        self.answers.retain_recent();
        self.starts.retain_recent();
        self.requests.retain_recent();
        self.address_answers.retain_recent();
        self.address_starts.retain_recent();
        self.address_checks.retain_recent();
        self.failures.tidy();
        self.account_failures.tidy();
        self.address_failures.tidy();
    }
}

/// A hall of people shares an address: a hundred times what one account may.
fn of_a_hall(per_second: u32, burst: u32) -> Quota {
    quota(per_second.saturating_mul(100), burst.saturating_mul(100))
}

fn quota(per_second: u32, burst: u32) -> Quota {
    let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(positive(per_second)).allow_burst(positive(burst))
}

/// Failures of a key: a burst is free, then one every `seconds`; a key over it is blocked until then.
struct Failures<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    blocked: parking_lot::Mutex<std::collections::HashMap<K, Instant>>,
    clock: DefaultClock,
}

impl<K: Hash + Eq + Clone> Failures<K> {
    fn new(burst: u32, seconds: u64) -> Self {
        let period = std::time::Duration::from_secs(seconds.max(1));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        Self {
            limiter: RateLimiter::keyed(quota),
            blocked: parking_lot::Mutex::default(),
            clock: DefaultClock::default(),
        }
    }

    fn add(&self, key: K) {
        // The allowance is over when this failure is its last or beyond it.
        let over = match self.limiter.check_key(&key) {
            Ok(()) => return,
            Err(until) => Instant::now() + until.wait_time_from(self.clock.now()),
        };
        self.blocked.lock().insert(key, over);
    }

    fn blocked(&self, key: &K) -> Result<(), Wait> {
        let now = Instant::now();
        let until = self.blocked.lock().get(key).copied();
        match until {
            Some(until) if until > now => Err(until.duration_since(now).as_millis() as Wait + 1),
            _ => Ok(()),
        }
    }

    fn tidy(&self) {
        self.limiter.retain_recent();
        let now = Instant::now();
        self.blocked.lock().retain(|_, until| *until > now);
    }
}
