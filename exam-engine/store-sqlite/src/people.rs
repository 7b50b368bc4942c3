//! People.

use crate::SqliteStore;
use crate::audit;
use crate::convert::{execute, limit, row, rows, to_json};
use crate::failure::{Failure, taken};
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::NewAudit;
use exam_core::person::{Person, Roles};
use exam_store::{Announcement, Page, People, PeopleFilter, PersonChange, PersonRow, StoreError};
use rusqlite::{Connection, Row, params};
use std::collections::HashSet;

macro_rules! people {
    ($rest:literal) => {
        concat!(
            "SELECT id, username, name, roles, unit, id_number, must_change_password, disabled, password_hash \
             FROM people ",
            $rest
        )
    };
}

#[async_trait]
impl People for SqliteStore {
    async fn create_people(&self, people: Vec<PersonRow>, audit: NewAudit) -> Result<Vec<usize>, StoreError> {
        self.writer
            .write(move |connection| {
                let clashes = clashes(connection, &people)?;
                if clashes.is_empty() {
                    for row in &people {
                        insert(connection, row)?;
                    }
                    audit::append(connection, &audit)?;
                }
                Ok(clashes)
            })
            .await
    }

    async fn person(&self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        self.readers.read(move |connection| person_row(connection, id)).await
    }

    async fn person_by_username(&self, username: &str) -> Result<Option<PersonRow>, StoreError> {
        let sql = people!("WHERE username = ?");
        let username = username.to_owned();
        self.readers.read(move |connection| row(connection, sql, [username], read_person)).await
    }

    async fn people(&self, filter: PeopleFilter, page: Page<String>) -> Result<Vec<Person>, StoreError> {
        let of_all = people!(
            "WHERE username >= ?1 AND username IS NOT ?2 AND (?3 IS NULL OR instr(username, ?3) OR instr(name, ?3)) \
             AND ?4 IS NULL ORDER BY username LIMIT ?5"
        );
        let of_units = people!(
            "WHERE unit IN (SELECT value FROM json_each(?4)) AND username >= ?1 AND username IS NOT ?2 \
             AND (?3 IS NULL OR instr(username, ?3) OR instr(name, ?3)) ORDER BY username LIMIT ?5"
        );
        let sql = if filter.units.is_some() { of_units } else { of_all };
        let units = filter.units.as_ref().map(to_json).transpose()?;
        let from = page.after.clone().unwrap_or_default();
        let key = (from, page.after, filter.text, units, limit(page.limit));
        self.readers.read(move |connection| rows(connection, sql, key, person)).await
    }

    async fn people_by_ids(&self, ids: Vec<PersonId>) -> Result<Vec<Person>, StoreError> {
        let sql = people!("WHERE id IN (SELECT unhex(value) FROM json_each(?))");
        let ids: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
        let ids = to_json(&ids)?;
        self.readers.read(move |connection| rows(connection, sql, [ids], person)).await
    }

    async fn usernames_taken(&self, usernames: Vec<String>) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT username FROM people WHERE username IN (SELECT value FROM json_each(?))";
        let usernames = to_json(&usernames)?;
        self.readers.read(move |connection| rows(connection, sql, [usernames], |row| row.get(0))).await
    }

    async fn any_person(&self) -> Result<bool, StoreError> {
        let found =
            self.readers.read(|connection| row(connection, "SELECT 1 FROM people LIMIT 1", [], |_| Ok(()))).await?;
        Ok(found.is_some())
    }

    async fn set_password(
        &self,
        id: PersonId,
        hash: String,
        must_change: bool,
        keep_session: Option<[u8; 32]>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE people SET password_hash = ?, must_change_password = ? WHERE id = ?";
        let work = move |connection: &Connection| {
            found(execute(connection, sql, params![hash, must_change, id.bytes()])?)?;
            end_sessions(connection, id, keep_session)?;
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, vec![Announcement::PersonEnded { person: id, but: keep_session }]).await
    }

    async fn change_person(&self, id: PersonId, change: PersonChange, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "UPDATE people SET name = ?, roles = ?, unit = ? WHERE id = ?";
        let work = move |connection: &Connection| {
            let key = params![change.name, change.roles.bits(), change.unit, id.bytes()];
            found(execute(connection, sql, key)?)?;
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, vec![Announcement::PersonChanged { person: id }]).await
    }

    async fn set_disabled(&self, id: PersonId, disabled: bool, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "UPDATE people SET disabled = ? WHERE id = ?";
        let work = move |connection: &Connection| {
            found(execute(connection, sql, params![disabled, id.bytes()])?)?;
            if disabled {
                end_sessions(connection, id, None)?;
            }
            audit::append(connection, &audit)?;
            Ok(())
        };
        self.writer.write_and_say(work, vec![Announcement::PersonEnded { person: id, but: None }]).await
    }
}

/// Indexes whose username somebody has, or somebody earlier in the list.
fn clashes(connection: &Connection, people: &[PersonRow]) -> rusqlite::Result<Vec<usize>> {
    let mut seen = HashSet::with_capacity(people.len());
    let mut clashes = Vec::new();
    for (index, row) in people.iter().enumerate() {
        let username = row.person.username.as_str();
        let sql = "SELECT 1 FROM people WHERE username = ?";
        if !seen.insert(username) || crate::convert::row(connection, sql, [username], |_| Ok(()))?.is_some() {
            clashes.push(index);
        }
    }
    Ok(clashes)
}

fn insert(connection: &Connection, row: &PersonRow) -> Result<(), Failure> {
    let person = &row.person;
    execute(
        connection,
        "INSERT INTO people (id, username, name, roles, unit, id_number, must_change_password, disabled, \
         password_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            person.id.bytes(),
            person.username,
            person.name,
            person.roles.bits(),
            person.unit,
            person.id_number,
            person.must_change_password,
            person.disabled,
            row.password_hash
        ],
    )
    .map(drop)
    .map_err(|error| taken(error, "username"))
}

fn end_sessions(connection: &Connection, person: PersonId, keep: Option<[u8; 32]>) -> rusqlite::Result<()> {
    let sql = "DELETE FROM sessions WHERE person = ? AND token_hash IS NOT ?";
    execute(connection, sql, params![person.bytes(), keep]).map(drop)
}

/// An update that met no row.
pub(crate) fn found(changed: usize) -> Result<(), StoreError> {
    if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        id: PersonId::from_bytes(row.get(0)?),
        username: row.get(1)?,
        name: row.get(2)?,
        roles: Roles::from_bits(row.get(3)?),
        unit: row.get(4)?,
        id_number: row.get(5)?,
        must_change_password: row.get(6)?,
        disabled: row.get(7)?,
    })
}

/// A person, if there is one of this id.
pub(crate) fn person_row(connection: &Connection, id: PersonId) -> rusqlite::Result<Option<PersonRow>> {
    row(connection, people!("WHERE id = ?"), [id.bytes()], read_person)
}

fn read_person(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow { person: person(row)?, password_hash: row.get(8)? })
}
