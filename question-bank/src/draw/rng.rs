//! Randomness of a draw: the ChaCha20 key stream, our own bounded numbers and our own permutation,
//! written down in `docs/draw.md` and pinned by golden vectors, because library shuffles change.

use super::Seed;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A stream of 32-bit words: ChaCha20 with the seed as key, 64-bit counter and nonce zero; words
/// little-endian, in order.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    pub(crate) fn new(seed: &Seed) -> Self {
        Self(ChaCha20Rng::from_seed(*seed.as_bytes()))
    }

    /// A uniform number below `bound`; zero for a bound of zero.
    ///
    /// Lemire's method on 32 bits: `m = word × bound` in 64 bits; the result is the upper half. If
    /// the lower half is below `(2³² − bound) mod bound`, that word is dropped and the next tried.
    #[inline]
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.0.next_u32()) * u64::from(bound);
        let mut low = product as u32;
        if low < bound {
            let least = bound.wrapping_neg() % bound;
            while low < least {
                product = u64::from(self.0.next_u32()) * u64::from(bound);
                low = product as u32;
            }
        }
        (product >> 32) as u32
    }

    /// Fisher–Yates from the end: for `i` from the last position down to 1, swap `i` with
    /// `below(i + 1)`.
    #[inline]
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            // Lists are papers and options, far below 2³².
            let other = self.below(last as u32 + 1) as usize;
            list.swap(last, other);
        }
    }
}
