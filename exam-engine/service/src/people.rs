//! Adding people, finding them.

use crate::events::Event;
use crate::identity::check_password;
use crate::limits::{NAME_CHARS_MAX, PEOPLE_BATCH_MAX};

use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::audit::{AuditRecord, NewAudit};
use exam_core::id_number::IdNumber;
use exam_core::ids::PersonId;
use exam_core::person::{Person, Role, Roles};
use exam_core::roster::username_fault;
use exam_store::{Page, PeopleFilter, PersonChange, PersonRow};
use std::collections::{HashMap, HashSet};

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
    /// As given.
    pub name: String,
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
        let (late, good): (Indexed, Indexed) =
            good.into_iter().partition(|(_, person)| taken.contains(&person.username));
        refused.extend(late.into_iter().map(|(index, person)| {
            let detail = "用户名已被占用，请换一个 / this username is taken: give another";
            let faults = vec![FieldFault::new(format!("/people/{index}/username"), detail)];
            RefusedPerson { index, username: person.username, faults }
        }));
        refused.sort_by_key(|person| person.index);
        let created = self.keep_people(by, good.into_iter().map(|(_, person)| person).collect()).await?;
        Ok((created, refused))
    }

    /// Keeps people who were checked, all or none.
    pub(crate) async fn keep_people(
        &self,
        by: Option<PersonId>,
        people: Vec<NewPerson>,
    ) -> Result<Vec<CreatedPerson>, EngineError> {
        let detail = format!("{{\"count\":{}}}", people.len());
        let audit = NewAudit { at: self.now(), actor: by, act: "person.create", subject: String::new(), detail };
        let mut rows = Vec::with_capacity(people.len());
        let mut created = Vec::with_capacity(people.len());
        let mut known: Option<(String, String)> = None;
        for person in people {
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
                name: row.person.name.clone(),
                password: generated,
            });
            rows.push(row);
        }
        if !rows.is_empty() && !self.store.create_people(rows, audit).await?.is_empty() {
            return Err(EngineError::Taken("username"));
        }
        Ok(created)
    }

    /// Changes name, roles and unit of a person. Their sessions go on, as what they are from now on, on every node.
    ///
    /// # Errors
    /// The caller is no administrator, nobody has that id, or something is wrong with the change: all faults at once.
    pub async fn change_person(
        &self,
        by: &Identity,
        person: PersonId,
        mut change: PersonChange,
    ) -> Result<(), EngineError> {
        by.may(Act::ManagePeople)?;
        change.name = change.name.trim().to_owned();
        change.unit = change.unit.map(|unit| unit.trim().to_owned()).filter(|unit| !unit.is_empty());
        let before = self.store.person(person).await?.ok_or(EngineError::NotFound)?.person;
        let faults = self.change_faults(by, &before, &change).await?;
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let (was, is) = ((&before.roles, &before.unit), (&change.roles, &change.unit));
        let detail = serde_json::json!({
            "before": {"roles": was.0, "unit": was.1}, "roles": is.0, "unit": is.1, "renamed": before.name != change.name,
        });
        let audit = self.audit(Some(by.id()), "person.change", person.to_string());
        self.store.change_person(person, change, NewAudit { detail: detail.to_string(), ..audit }).await?;
        self.sessions.forget_person(person);
        self.events().tell(&Event::PersonChanged { person });
        Ok(())
    }

    /// Everything wrong with a change. Whoever manages people oversees everybody: no role is above their own.
    async fn change_faults(
        &self,
        by: &Identity,
        before: &Person,
        change: &PersonChange,
    ) -> Result<Vec<FieldFault>, EngineError> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, detail: String| faults.push(FieldFault::new(format!("/{field}"), detail));
        if let Some(detail) = name_fault(&change.name) {
            fault("name", detail);
        }
        if change.roles == Roles::default() {
            fault("roles", "请至少给出一个角色 / give at least one role".into());
        }
        if before.id == by.id() && before.roles.has(Role::Admin) && !change.roles.has(Role::Admin) {
            let detail = "不能取消自己的系统管理员角色，请由另一位管理员操作 / you cannot take your own administrator role away: let another administrator do it";
            fault("roles", detail.into());
        }
        if let Some(unit) = change.unit.as_ref().filter(|unit| before.unit.as_ref() != Some(unit)) {
            let known =
                if unit.contains('\0') { None } else { self.store.units_by_codes(vec![unit.clone()]).await?.pop() };
            if known.is_none() {
                fault(
                    "unit",
                    "没有这个单位代码，请先在单位中添加 / there is no unit of this code: add it to the units first"
                        .into(),
                );
            }
        }
        Ok(faults)
    }

    /// All of them are asked for at once.
    async fn taken(&self, people: &[(usize, NewPerson)]) -> Result<HashSet<String>, EngineError> {
        let usernames = people.iter().map(|(_, person)| person.username.clone()).collect();
        Ok(self.store.usernames_taken(usernames).await?.into_iter().collect())
    }

    /// The people whom the caller oversees, by username; with `text`, those who have it in username or name.
    ///
    /// # Errors
    /// The caller oversees nobody.
    pub async fn people(
        &self,
        identity: &Identity,
        text: Option<String>,
        page: Page<String>,
    ) -> Result<Vec<Person>, EngineError> {
        let scope = self.scope(identity).await?;
        Ok(self.store.people(PeopleFilter { units: scope.codes().map(<[_]>::to_vec), text }, page).await?)
    }

    /// A person whom the caller oversees.
    ///
    /// # Errors
    /// There is none of that id within what the caller oversees.
    pub async fn overseen(&self, identity: &Identity, person: PersonId) -> Result<Person, EngineError> {
        let scope = self.scope(identity).await?;
        let found = self.store.people_by_ids(vec![person]).await?.pop();
        let within = found.as_ref().is_some_and(|person| scope.holds(person.unit.as_deref()));
        identity.may(Act::OverseePerson { within })?;
        found.ok_or(EngineError::NotFound)
    }

    /// The site's audit log from its beginning, or from its end backwards; with the names of who acted.
    ///
    /// # Errors
    /// The caller may not read it.
    pub async fn audit_log(
        &self,
        identity: &Identity,
        newest_first: bool,
        page: Page<i64>,
    ) -> Result<(Vec<AuditRecord>, HashMap<PersonId, String>), EngineError> {
        identity.may(Act::ReadAudit)?;
        let records = if newest_first {
            self.store.latest_audit_records(page).await?
        } else {
            self.store.audit_records(page).await?
        };
        // Whoever did it, and whoever it was done to where that is a person.
        let actors = records.iter().filter_map(|record| record.actor);
        let names = self.names(actors.chain(records.iter().filter_map(subject_person))).await?;
        Ok((records, names))
    }

    /// Keeps in the site's log that personal data left it as a file, and through whom.
    ///
    /// # Errors
    /// The store does not answer; then nothing may be given out.
    pub async fn note_export(&self, identity: &Identity, act: &'static str, subject: &str) -> Result<(), EngineError> {
        self.store.append_audit(self.audit(Some(identity.id()), act, subject.to_owned())).await?;
        Ok(())
    }

    /// Whether anybody can sign in at all.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn anybody(&self) -> Result<bool, EngineError> {
        Ok(self.store.any_person().await?)
    }
}

/// The person a record is about, if its subject is one: ids of one kind are never those of another.
#[must_use]
pub fn subject_person(record: &AuditRecord) -> Option<PersonId> {
    PersonId::parse(&record.subject)
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

const NO_NUL: &str = "不能包含空字符 / a NUL character cannot be kept: leave it out";

fn name_fault(name: &str) -> Option<String> {
    if name.contains('\0') {
        return Some(NO_NUL.to_owned());
    }
    let fits = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    (!fits).then(|| format!("请填写 1 至 {NAME_CHARS_MAX} 个字 / give 1 to {NAME_CHARS_MAX} characters"))
}

fn faults_of(index: usize, person: &mut NewPerson) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut fault =
        |field: &str, detail: String| faults.push(FieldFault::new(format!("/people/{index}/{field}"), detail));
    if let Some(detail) = username_fault(&person.username) {
        fault("username", detail);
    }
    if let Some(detail) = name_fault(&person.name) {
        fault("name", detail);
    }
    if person.unit.as_ref().is_some_and(|unit| unit.contains('\0')) {
        fault("unit", NO_NUL.into());
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
