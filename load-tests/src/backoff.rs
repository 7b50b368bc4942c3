//! How long to wait before the same is tried again.

use crate::limits::RETRY_PAUSE;
use std::time::Duration;

/// Pauses that double up to a longest one, with full jitter.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Up to this long.
    #[must_use]
    pub const fn up_to(longest: Duration) -> Self {
        Self { next: RETRY_PAUSE, longest }
    }

    /// The next pause, by dice between 0 and 1.
    pub fn pause(&mut self, dice: f64) -> Duration {
        let pause = self.next.mul_f64(dice);
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause
    }

    /// It went well: short pauses again.
    pub const fn reset(&mut self) {
        self.next = RETRY_PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::up_to(Duration::from_millis(1_000));
        let mut in_ms = |dice| backoff.pause(dice).as_millis();
        assert_eq!([in_ms(1.0), in_ms(1.0), in_ms(0.5), in_ms(1.0), in_ms(1.0)], [200, 400, 400, 1_000, 1_000]);
        assert_eq!(in_ms(0.0), 0, "the dice say when within the pause");
        backoff.reset();
        assert_eq!(backoff.pause(1.0), RETRY_PAUSE);
    }
}
