//! What the engine needs kept, as traits: one per noun, one [`Store`] of all of them. Every back end
//! passes the same story (`exam_store::story`).
//!
//! The promises a back end makes:
//! - A returned `Ok` means durable: the acknowledgement follows the commit (P1).
//! - [`Attempts::commit`] is all or nothing, and its unique keys arbitrate between nodes: steps by
//!   `(learner, attempt, seq)` and `(learner, attempt, command)`, one open attempt by
//!   `(learner, exam)`, numbers by `(learner, exam, mode, number)`, hours by `(learner, course, year)`: one grant that
//!   stands; what a counter-entry took back can be granted again, and is taken back once.
//! - [`Lessons::commit_lesson`] likewise: steps by `(learner, lesson, seq)` and `(learner, lesson, command)`,
//!   the active study by `(learner)` (a [`lessons::Fence`]), hours of a lesson by `(learner, lesson, year)`.
//! - [`Certificates::issue_certificate`]: certificates by `(learner, year, issue)` and `(learner, command)`.
//! - One commit that fails never fails another.
//! - After [`StoreError::Unknown`] the caller reloads before it believes anything.

pub mod announcements;
pub mod attempts;
pub mod audit;
pub mod banks;
pub mod certificates;
pub mod courses;
pub mod error;
pub mod exams;
pub mod ledger;
pub mod lessons;
pub mod notebook;
pub mod outbox;
pub mod partners;
pub mod people;
pub mod sessions;
pub mod settings;
#[cfg(feature = "story")]
pub mod story;
pub mod tickets;
pub mod transfer;
pub mod units;

pub use announcements::{Announcement, Announcements, AttemptNews, Heard, Hub, Listener};
pub use attempts::{AttemptRow, AttemptState, Attempts, BeforeStart, CaseMark, Commit, LatestTime, RowChange};
pub use audit::AuditLog;
pub use banks::{BankRow, Banks, ItemRow, ItemState};
pub use certificates::{CertificateRow, Certificates};
pub use courses::{CourseRow, Courses};
pub use error::{CommitError, StoreError};
pub use exams::{Exams, OverrideRow};
pub use ledger::Ledger;
pub use lessons::{Checkpoint, Fence, LessonCommit, LessonRow, Lessons, ProgressRow, ProgressState, StudyRow};
pub use notebook::{Notebook, RemovalRow};
pub use outbox::{Outbox, OutboxCount, OutboxRow};
pub use partners::{PartnerRow, Partners, Webhook};
pub use people::{People, PeopleFilter, PersonChange, PersonRow};
pub use sessions::{SessionRow, Sessions};
pub use settings::Settings;
pub use tickets::Tickets;
pub use units::Units;

/// Everything.
pub trait Store:
    Announcements
    + Attempts
    + AuditLog
    + Banks
    + Certificates
    + Courses
    + Exams
    + Ledger
    + Lessons
    + Notebook
    + Outbox
    + Partners
    + People
    + Sessions
    + Settings
    + Tickets
    + Units
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: Announcements
        + Attempts
        + AuditLog
        + Banks
        + Certificates
        + Courses
        + Exams
        + Ledger
        + Lessons
        + Notebook
        + Outbox
        + Partners
        + People
        + Sessions
        + Settings
        + Tickets
        + Units
        + Send
        + Sync
        + 'static
{
}

/// A page of a list: at most `limit` rows after the one named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// The last row of the page before.
    pub after: Option<K>,
    /// At most this many.
    pub limit: u32,
}
