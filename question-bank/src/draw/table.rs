//! A small set of numbers.

/// Open addressing with linear probing, at most half full.
pub(super) struct Table {
    /// Number + 1; zero is free. A power of two long.
    places: Vec<u32>,
    shift: u32,
    len: usize,
}

impl Table {
    /// Room for `expected` numbers below `u32::MAX` without growing.
    pub(super) fn new(expected: usize) -> Self {
        let places = (2 * expected).next_power_of_two().max(16);
        Self { places: vec![0; places], shift: 32 - places.trailing_zeros(), len: 0 }
    }

    /// The place of a number, or the free one where it would be.
    #[inline]
    fn find(&self, number: u32) -> usize {
        // Fibonacci hashing: the upper bits of the product are well mixed.
        let mask = self.places.len() - 1;
        let mut place = (number.wrapping_mul(0x9E37_79B9) >> self.shift) as usize & mask;
        while self.places[place] != 0 && self.places[place] != number + 1 {
            place = (place + 1) & mask;
        }
        place
    }

    #[inline]
    pub(super) fn contains(&self, number: u32) -> bool {
        self.places[self.find(number)] != 0
    }

    #[inline]
    pub(super) fn insert(&mut self, number: u32) {
        let place = self.find(number);
        if self.places[place] == 0 {
            self.places[place] = number + 1;
            self.len += 1;
            if 2 * self.len > self.places.len() {
                self.grow();
            }
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mut larger = Self::new(self.places.len());
        for place in self.places.iter().filter(|&&place| place != 0) {
            larger.insert(place - 1);
        }
        *self = larger;
    }

    pub(super) fn clear(&mut self) {
        self.places.fill(0);
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_table_is_a_set(numbers in prop::collection::vec(0_u32..200, 0..300), expected in 0_usize..100) {
            let mut table = Table::new(expected);
            let mut set = BTreeSet::new();
            for number in numbers {
                table.insert(number);
                set.insert(number);
            }
            for number in 0..200 {
                prop_assert_eq!(table.contains(number), set.contains(&number));
            }
            table.clear();
            prop_assert!((0..200).all(|number| !table.contains(number)));
        }
    }
}
