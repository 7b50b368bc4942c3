//! Hours (学时): a ledger per person and credit year, append-only.

use crate::{AttemptId, CourseId, EntryId, LessonId, PersonId, Timestamp};
use question_bank::Points;
use serde::{Deserialize, Serialize};

/// The kind of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// 公需科目.
    Public,
    /// 专业科目.
    Professional,
}

/// Whether a course must be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obligation {
    /// 必修.
    Compulsory,
    /// 选修.
    Elective,
}

/// Where hours count; nothing spills from one into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bucket {
    /// Public or professional.
    pub subject: Subject,
    /// Compulsory or elective.
    pub bucket: Obligation,
}

impl Bucket {
    /// All four, in the order of the notice.
    pub const ALL: [Self; 4] = [
        Self { subject: Subject::Public, bucket: Obligation::Compulsory },
        Self { subject: Subject::Public, bucket: Obligation::Elective },
        Self { subject: Subject::Professional, bucket: Obligation::Compulsory },
        Self { subject: Subject::Professional, bucket: Obligation::Elective },
    ];
}

/// What earned an entry. Every hour traces to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GrantSource {
    /// A passed exam attempt.
    Exam {
        /// Which.
        attempt: AttemptId,
    },
    /// A wholly covered lesson with hours of its own: once per (learner, lesson, year).
    Lesson {
        /// Which.
        lesson: LessonId,
    },
    /// All lessons of a course: once per (learner, course, year), as by an exam.
    Lessons {
        /// The one that was completed last.
        lesson: LessonId,
    },
    /// A decided case: a counter-entry to what its attempt granted.
    Review {
        /// The attempt.
        attempt: AttemptId,
        /// The entry that is taken back.
        takes_back: EntryId,
        /// Who decided.
        by: PersonId,
    },
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Its id.
    pub id: EntryId,
    /// Whose.
    pub learner: PersonId,
    /// For which course.
    pub course: CourseId,
    /// The year it counts for.
    pub credit_year: i16,
    /// Where it counts.
    #[serde(flatten)]
    pub bucket: Bucket,
    /// How many, in hundredths; a counter-entry is negative.
    pub hours: Points,
    /// What earned it.
    pub source: GrantSource,
    /// When.
    pub at: Timestamp,
}

impl LedgerEntry {
    /// The lesson whose own hours these are; `None`: the hours of the course.
    #[must_use]
    pub const fn lesson(&self) -> Option<LessonId> {
        match self.source {
            GrantSource::Lesson { lesson } => Some(lesson),
            GrantSource::Exam { .. } | GrantSource::Lessons { .. } | GrantSource::Review { .. } => None,
        }
    }

    /// The entry that this one counters; `None`: it grants.
    #[must_use]
    pub const fn takes_back(&self) -> Option<EntryId> {
        match self.source {
            GrantSource::Review { takes_back, .. } => Some(takes_back),
            GrantSource::Exam { .. } | GrantSource::Lesson { .. } | GrantSource::Lessons { .. } => None,
        }
    }
}

/// What a year asks of a person, as data per year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearQuota {
    /// All subjects together.
    pub total: Points,
    /// Public subject together.
    pub public: Points,
    /// Professional subject together.
    pub professional: Points,
    /// Compulsory hours of the public subject.
    pub public_compulsory: Points,
    /// Compulsory hours of the professional subject.
    pub professional_compulsory: Points,
}

impl Default for YearQuota {
    /// The notice of 2023: 90 = public 30 (compulsory 20, elective 10) + professional 60 (20, 40).
    fn default() -> Self {
        Self {
            total: Points::whole(90),
            public: Points::whole(30),
            professional: Points::whole(60),
            public_compulsory: Points::whole(20),
            professional_compulsory: Points::whole(20),
        }
    }
}

/// The year of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YearSummary {
    /// Earned in each of [`Bucket::ALL`].
    pub earned: [Points; 4],
    /// Required in each of [`Bucket::ALL`]: compulsory as it stands, elective what the subject leaves over.
    pub required: [Points; 4],
    /// Whether the year is fulfilled.
    pub qualified: bool,
}

/// Sums a year.
#[must_use]
pub fn summarize<'a>(quota: &YearQuota, entries: impl IntoIterator<Item = &'a LedgerEntry>) -> YearSummary {
    let mut earned = [Points::ZERO; 4];
    for entry in entries {
        for (sum, bucket) in earned.iter_mut().zip(Bucket::ALL) {
            if bucket == entry.bucket {
                *sum += entry.hours;
            }
        }
    }
    let required = [
        quota.public_compulsory,
        quota.public - quota.public_compulsory,
        quota.professional_compulsory,
        quota.professional - quota.professional_compulsory,
    ];
    let [public_c, public_e, professional_c, professional_e] = earned;
    // Compulsory hours beyond their minimum do not count as elective ones: no spill between buckets.
    let qualified = earned.iter().zip(&required).all(|(have, need)| have >= need)
        && public_c + public_e >= quota.public
        && professional_c + professional_e >= quota.professional
        && earned.iter().copied().sum::<Points>() >= quota.total;
    YearSummary { earned, required, qualified }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(hours: [i64; 4]) -> bool {
        let id = uuid::Uuid::nil();
        let entries: Vec<LedgerEntry> = Bucket::ALL
            .into_iter()
            .zip(hours)
            .map(|(bucket, hours)| LedgerEntry {
                id: EntryId(id),
                learner: PersonId(id),
                course: CourseId(id),
                credit_year: 2023,
                bucket,
                hours: Points::whole(hours),
                source: GrantSource::Exam { attempt: AttemptId(id) },
                at: Timestamp::from_ms(0),
            })
            .collect();
        summarize(&YearQuota::default(), &entries).qualified
    }

    #[test]
    fn a_year_needs_thirty_public_and_sixty_professional_hours() {
        assert!(year([20, 10, 20, 40]));
        assert!(!year([19, 10, 20, 41]), "29 + 61");
        assert!(!year([20, 10, 20, 39]), "30 + 59");
        assert!(!year([0, 30, 20, 40]), "elective hours do not replace compulsory ones");
        assert!(!year([30, 0, 20, 40]), "compulsory hours do not replace elective ones");
    }
}
