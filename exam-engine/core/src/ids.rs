//! Identifiers: opaque to clients, time-ordered UUIDs (v7) inside, one type per noun.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads what [`fmt::Display`] wrote; anything else is no id of ours.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                // Only the hyphenated lower-case form, so that one thing has one name.
                let id = Uuid::try_parse(text).ok()?;
                (text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase())).then_some(Self(id))
            }

            /// The sixteen bytes.
            #[must_use]
            pub fn bytes(self) -> [u8; 16] {
                *self.0.as_bytes()
            }

            /// From sixteen bytes.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    )*};
}

ids! {
    /// A person: learner, author, proctor, administrator.
    PersonId;
    /// A question bank.
    BankId;
    /// A course.
    CourseId;
    /// An exam.
    ExamId;
    /// One attempt at an exam or a practice.
    AttemptId;
    /// One entry of the hours ledger.
    EntryId;
    /// A lesson.
    LessonId;
    /// One person's study of one lesson, from its hello until a newer one takes over.
    StudyId;
    /// One question asked within a lesson.
    ChallengeId;
    /// A partner system.
    PartnerId;
}
