//! Admission: under overload the least important work is shed first, and answers last.
//!
//! One counter of requests in work for the whole process. Each class is let in while the counter is
//! below its share, so that what lies above the shares of the others is reserved for answers and submissions. There are places
//! for as many of those as come in a second: whoever is inside has one answer under way, and when nothing got on
//! for a moment all of them come at once. In a line that is served in its order they wait for that moment; sent away they would
//! come back later than that, and be work once more.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Classes of work, most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Answers.
    Answer,
    /// Submissions.
    Submit,
    /// Beats of lessons.
    Heartbeat,
    /// Coming back to an attempt or a stream.
    Resume,
    /// Starts and sign-ins.
    Start,
    /// Signals and receipts.
    Telemetry,
    /// Everything else.
    Report,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Answer, Self::Submit, Self::Heartbeat, Self::Resume, Self::Start, Self::Telemetry, Self::Report];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Submit => "submit",
            Self::Heartbeat => "heartbeat",
            Self::Resume => "resume",
            Self::Start => "start",
            Self::Telemetry => "telemetry",
            Self::Report => "report",
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Admission {
    places: usize,
    answers: usize,
    taken: AtomicUsize,
}

/// A place in the house; given back when dropped.
#[derive(Debug)]
pub struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// A house of so many places, and of so many while what comes are answers.
    #[must_use]
    pub const fn new(places: usize, answers: usize) -> Self {
        Self { places, answers, taken: AtomicUsize::new(0) }
    }

    /// In how full a house this class is still let in.
    const fn share(&self, class: Class) -> usize {
        match class {
            Class::Answer => self.answers,
            Class::Submit => self.answers * 90 / 100,
            Class::Heartbeat => self.places * 85 / 100,
            Class::Resume => self.places * 80 / 100,
            Class::Start => self.places * 65 / 100,
            Class::Telemetry => self.places * 50 / 100,
            Class::Report => self.places * 35 / 100,
        }
    }

    /// Lets a request of this class in, if there is room for it.
    pub fn enter(&self, class: Class) -> Option<Place<'_>> {
        let place = Place(&self.taken);
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        (before < self.share(class)).then_some(place)
    }

    /// Places taken now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_places_are_for_answers() {
        let house = Admission::new(100, 400);
        let mut inside = Vec::new();
        for (class, room) in [
            (Class::Report, 35),
            (Class::Telemetry, 50),
            (Class::Start, 65),
            (Class::Resume, 80),
            (Class::Heartbeat, 85),
            (Class::Submit, 360),
            (Class::Answer, 400),
        ] {
            while let Some(place) = house.enter(class) {
                inside.push(place);
            }
            assert_eq!(inside.len(), room, "{class:?}");
        }
        inside.clear();
        assert_eq!(house.taken(), 0);
        assert!(house.enter(Class::Report).is_some());
    }
}
