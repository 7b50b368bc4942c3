//! Adding people.

use crate::identity::check_password;
use crate::limits::{NAME_CHARS_MAX, PEOPLE_BATCH_MAX};

use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::audit::{AuditRecord, NewAudit};
use exam_core::id_number::IdNumber;
use exam_core::ids::PersonId;
use exam_core::person::{Person, Role, Roles};
use exam_store::{Page, PersonRow};
use std::collections::HashSet;

/// A person to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPerson {
    /// For signing in, unique.
    pub username: String,
    /// Shown.
    pub name: String,
    /// Absent: one is made, and has to be changed at the first sign-in.
    pub password: Option<String>,
    /// At least one.
    pub roles: Vec<Role>,
    /// The code of their unit.
    pub unit: Option<String>,
    /// The identity number.
    pub id_number: Option<String>,
}

/// A person that was added.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatedPerson {
    /// The id.
    pub id: PersonId,
    /// As given.
    pub username: String,
    /// The password that was made; shown once, here.
    pub password: Option<String>,
}

/// A person that was not added.
#[derive(Clone, Debug, PartialEq)]
pub struct RefusedPerson {
    /// Which of the list, from zero.
    pub index: usize,
    /// As given.
    pub username: String,
    /// Everything wrong with it.
    pub faults: Vec<FieldFault>,
}

impl Engine {
    /// Adds people on behalf of an administrator; the wrong ones are refused, the others added.
    ///
    /// # Errors
    /// The caller is no administrator, or the list is too long.
    pub async fn add_people(
        &self,
        identity: &Identity,
        people: Vec<NewPerson>,
    ) -> Result<(Vec<CreatedPerson>, Vec<RefusedPerson>), EngineError> {
        identity.may(Act::ManagePeople)?;
        self.create_people(Some(identity.id()), people).await
    }

    /// Adds people on behalf of the command line or the demo.
    ///
    /// # Errors
    /// The list is too long, or the store does not answer.
    pub async fn create_people(
        &self,
        by: Option<PersonId>,
        people: Vec<NewPerson>,
    ) -> Result<(Vec<CreatedPerson>, Vec<RefusedPerson>), EngineError> {
        if people.len() > PEOPLE_BATCH_MAX {
            return Err(EngineError::invalid(
                "/people",
                format!("一次最多 {PEOPLE_BATCH_MAX} 人 / give at most {PEOPLE_BATCH_MAX} people at once"),
            ));
        }
        let (good, mut refused) = sort_out(people);
        let taken = self.taken(&good).await?;
        let detail = format!("{{\"count\":{}}}", good.len());
        let audit = NewAudit { at: self.now(), actor: by, act: "person.create", subject: String::new(), detail };
        let mut rows = Vec::new();
        let mut created = Vec::new();
        let mut known: Option<(String, String)> = None;
        for (index, person) in good {
            if taken.contains(&person.username) {
                refused.push(RefusedPerson {
                    index,
                    username: person.username,
                    faults: vec![FieldFault::new(
                        format!("/people/{index}/username"),
                        "用户名已被占用，请换一个 / this username is taken: give another",
                    )],
                });
                continue;
            }
            let generated = person.password.is_none().then(crate::password::generate);
            let password = person.password.clone().or_else(|| generated.clone()).unwrap_or_default();
            // People who are given one and the same password share its hash as well: it is no secret
            // among them, and a class of two thousand would take a minute to hash one by one.
            let hash = match &known {
                Some((same, hash)) if *same == password => hash.clone(),
                _ => self.passwords.hash(password.clone()).await?,
            };
            known = Some((password, hash.clone()));
            let row = person_row(person, hash, generated.is_some());
            created.push(CreatedPerson {
                id: row.person.id,
                username: row.person.username.clone(),
                password: generated,
            });
            rows.push(row);
        }
        if !rows.is_empty() && !self.store.create_people(rows, audit).await?.is_empty() {
            return Err(EngineError::Taken("username"));
        }
        refused.sort_by_key(|person| person.index);
        Ok((created, refused))
    }

    async fn taken(&self, people: &[(usize, NewPerson)]) -> Result<HashSet<String>, EngineError> {
        let mut taken = HashSet::new();
        for (_, person) in people {
            if self.store.person_by_username(&person.username).await?.is_some() {
                taken.insert(person.username.clone());
            }
        }
        Ok(taken)
    }

    /// All people, by username.
    ///
    /// # Errors
    /// The caller is no administrator.
    pub async fn people(&self, identity: &Identity, page: Page<String>) -> Result<Vec<Person>, EngineError> {
        identity.may(Act::ManagePeople)?;
        Ok(self.store.people(page).await?)
    }

    /// The site's audit log.
    ///
    /// # Errors
    /// The caller may not read it.
    pub async fn audit_log(&self, identity: &Identity, page: Page<i64>) -> Result<Vec<AuditRecord>, EngineError> {
        identity.may(Act::ReadAudit)?;
        Ok(self.store.audit_records(page).await?)
    }

    /// Whether anybody can sign in at all.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn anybody(&self) -> Result<bool, EngineError> {
        Ok(self.store.any_person().await?)
    }
}

fn person_row(person: NewPerson, hash: String, must_change_password: bool) -> PersonRow {
    PersonRow {
        person: Person {
            id: PersonId(uuid::Uuid::now_v7()),
            username: person.username,
            name: person.name,
            roles: person.roles.into_iter().collect::<Roles>(),
            unit: person.unit,
            id_number: person.id_number,
            must_change_password,
            disabled: false,
        },
        password_hash: Some(hash),
    }
}

type Indexed = Vec<(usize, NewPerson)>;

/// Checks everybody; all faults of each at once.
fn sort_out(people: Vec<NewPerson>) -> (Indexed, Vec<RefusedPerson>) {
    let mut seen = HashSet::new();
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for (index, mut person) in people.into_iter().enumerate() {
        person.username = person.username.trim().to_owned();
        let mut faults = faults_of(index, &mut person);
        if !seen.insert(person.username.clone()) {
            faults.push(FieldFault::new(
                format!("/people/{index}/username"),
                "名单中用户名重复 / this username stands twice in the list",
            ));
        }
        if faults.is_empty() {
            good.push((index, person));
        } else {
            refused.push(RefusedPerson { index, username: person.username, faults });
        }
    }
    (good, refused)
}

fn faults_of(index: usize, person: &mut NewPerson) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut fault =
        |field: &str, detail: String| faults.push(FieldFault::new(format!("/people/{index}/{field}"), detail));
    let length = person.username.chars().count();
    if !(1..=64).contains(&length) || person.username.chars().any(|c| c.is_whitespace() || c.is_control()) {
        fault("username", "请填写 1 至 64 个不含空白的字符 / give 1 to 64 characters without blanks".into());
    }
    if person.name.trim().is_empty() || person.name.chars().count() > NAME_CHARS_MAX {
        fault("name", format!("请填写 1 至 {NAME_CHARS_MAX} 个字 / give 1 to {NAME_CHARS_MAX} characters"));
    }
    if person.roles.is_empty() {
        fault("roles", "请至少给出一个角色 / give at least one role".into());
    }
    if let Some(number) = person.id_number.take() {
        match IdNumber::parse(&number) {
            Ok(number) => person.id_number = Some(number.as_str().to_owned()),
            Err(error) => fault("id_number", error.to_string()),
        }
    }
    if let Some(password) = &person.password
        && let Err(EngineError::Invalid(more)) = check_password(&format!("/people/{index}/password"), password)
    {
        faults.extend(more);
    }
    faults
}
