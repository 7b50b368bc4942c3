//! People.

use crate::{Page, StoreError};
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::NewAudit;
use exam_core::person::{Person, Roles};

/// A person with the hash of their password (PHC string); none means no sign-in by password.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRow {
    /// The person.
    pub person: Person,
    /// The hash.
    pub password_hash: Option<String>,
}

/// What of a person is changed after they were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonChange {
    /// Shown.
    pub name: String,
    /// All they may be from now on.
    pub roles: Roles,
    /// The code of the unit they belong to from now on.
    pub unit: Option<String>,
}

/// Which people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleFilter {
    /// Of these units alone; absent: of all, and of none.
    pub units: Option<Vec<String>>,
    /// Whose username or name has this text in it.
    pub text: Option<String>,
}

/// People.
#[async_trait]
pub trait People {
    /// Adds people, all or none of them; returns the indexes whose username is taken (then none was added).
    async fn create_people(&self, people: Vec<PersonRow>, audit: NewAudit) -> Result<Vec<usize>, StoreError>;

    /// By id.
    async fn person(&self, id: PersonId) -> Result<Option<PersonRow>, StoreError>;

    /// By username.
    async fn person_by_username(&self, username: &str) -> Result<Option<PersonRow>, StoreError>;

    /// By username.
    async fn people(&self, filter: PeopleFilter, page: Page<String>) -> Result<Vec<Person>, StoreError>;

    /// Several at once, in any order; unknown ids are left out.
    async fn people_by_ids(&self, ids: Vec<PersonId>) -> Result<Vec<Person>, StoreError>;

    /// Which of these usernames somebody has, in any order.
    async fn usernames_taken(&self, usernames: Vec<String>) -> Result<Vec<String>, StoreError>;

    /// Whether there is anybody at all.
    async fn any_person(&self) -> Result<bool, StoreError>;

    /// Sets the password and ends every session of the person but the one named, in one transaction.
    async fn set_password(
        &self,
        id: PersonId,
        hash: String,
        must_change: bool,
        keep_session: Option<[u8; 32]>,
        audit: NewAudit,
    ) -> Result<(), StoreError>;

    /// Changes what a person is; their sessions go on as what they are from now on.
    async fn change_person(&self, id: PersonId, change: PersonChange, audit: NewAudit) -> Result<(), StoreError>;

    /// Lets the person sign in or not; disabling ends all their sessions.
    async fn set_disabled(&self, id: PersonId, disabled: bool, audit: NewAudit) -> Result<(), StoreError>;
}
