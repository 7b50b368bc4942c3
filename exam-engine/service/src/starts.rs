//! Who is starting something on this node right now, so that whoever is alone need not look twice.
//!
//! A start whose caller hangs up may leave a commit under way that nobody waits for; the person is then never
//! alone again, as long as the server runs.

use exam_core::PersonId;
use parking_lot::Mutex;
use std::collections::HashMap;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Starts(Mutex<HashMap<PersonId, UnderWay>>);

#[derive(Debug, Default)]
struct UnderWay {
    count: u32,
    /// How many began since there was none.
    begun: u64,
}

/// A start under way, until it is ended.
#[derive(Debug)]
#[must_use]
pub(crate) struct Start<'a> {
    starts: &'a Starts,
    person: PersonId,
    begun: u64,
}

impl Starts {
    /// A person begins to start something.
    pub(crate) fn begin(&self, person: PersonId) -> Start<'_> {
        let mut starts = self.0.lock();
        let under_way = starts.entry(person).or_default();
        under_way.count += 1;
        under_way.begun += 1;
        Start { starts: self, person, begun: under_way.begun }
    }
}

impl Start<'_> {
    /// Whether no other start of the person was under way here at any moment of this one.
    pub(crate) fn is_alone(&self) -> bool {
        self.starts.0.lock().get(&self.person).is_some_and(|under_way| self.begun == 1 && under_way.begun == 1)
    }

    /// Nothing of it is under way any more.
    pub(crate) fn end(self) {
        let mut starts = self.starts.0.lock();
        if let Some(under_way) = starts.get_mut(&self.person) {
            under_way.count -= 1;
            if under_way.count == 0 {
                starts.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn alone_is_who_met_nobody_from_begin_to_end() {
        let starts = Starts::default();
        let (one, other) = (PersonId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(2)));
        let first = starts.begin(one);
        let elsewhere = starts.begin(other);
        assert!(first.is_alone() && elsewhere.is_alone());
        let second = starts.begin(one);
        assert!(!first.is_alone() && !second.is_alone());
        first.end();
        assert!(!second.is_alone(), "it met one that has ended");
        let third = starts.begin(one);
        assert!(!third.is_alone());
        second.end();
        third.end();
        let later = starts.begin(one);
        assert!(later.is_alone(), "all of those have ended");
        drop(later);
        assert!(!starts.begin(one).is_alone(), "one of them was never heard of again");
        elsewhere.end();
        assert_eq!(starts.0.lock().len(), 1);
    }
}
