//! People.

use crate::PostgresStore;
use crate::connect::{Param, Session, read_all, read_first};
use crate::convert::{get, limit};
use crate::failure::store_error;
use crate::pool::Transaction;
use crate::{announcements, audit};
use async_trait::async_trait;
use exam_core::PersonId;
use exam_core::audit::NewAudit;
use exam_core::person::{Person, Roles};
use exam_store::{Announcement, Page, People, PeopleFilter, PersonChange, PersonRow, StoreError};
use std::collections::HashSet;
use tokio_postgres::Row;
use uuid::Uuid;

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
impl People for PostgresStore {
    async fn create_people(&self, people: Vec<PersonRow>, audit: NewAudit) -> Result<Vec<usize>, StoreError> {
        loop {
            let transaction = self.writers.begin().await?;
            let clashes = clashes(&transaction, &people).await?;
            if !clashes.is_empty() {
                return Ok(clashes);
            }
            if insert(&transaction, &people).await? < people.len() as u64 {
                // Another node was faster, and is committed by now: this time it is seen.
                continue;
            }
            audit::append(&transaction, self.node, &audit).await?;
            transaction.commit().await?;
            return Ok(Vec::new());
        }
    }

    async fn person(&self, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
        read_first(&self.lines.read(people!("WHERE id = $1"), &[&id.0]).await?, person_row)
    }

    async fn person_by_username(&self, username: &str) -> Result<Option<PersonRow>, StoreError> {
        read_first(&self.lines.read(people!("WHERE username = $1"), &[&username]).await?, person_row)
    }

    async fn people(&self, filter: PeopleFilter, page: Page<String>) -> Result<Vec<Person>, StoreError> {
        let sql = people!(
            "WHERE username >= coalesce($1::text, '') AND username IS DISTINCT FROM $1 \
             AND ($2::text IS NULL OR strpos(username, $2) > 0 OR strpos(name, $2) > 0) \
             AND ($3::text[] IS NULL OR unit = ANY($3)) ORDER BY username LIMIT $4"
        );
        let params: [Param<'_>; 4] = [&page.after, &filter.text, &filter.units, &limit(page.limit)];
        read_all(&self.readers.read(sql, &params).await?, person)
    }

    async fn people_by_ids(&self, ids: Vec<PersonId>) -> Result<Vec<Person>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        read_all(&self.readers.read(people!("WHERE id = ANY($1)"), &[&ids]).await?, person)
    }

    async fn usernames_taken(&self, usernames: Vec<String>) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT username FROM people WHERE username = ANY($1)";
        read_all(&self.readers.read(sql, &[&usernames]).await?, |row| get(row, 0))
    }

    async fn any_person(&self) -> Result<bool, StoreError> {
        Ok(!self.readers.read("SELECT 1 FROM people LIMIT 1", &[]).await?.is_empty())
    }

    async fn set_password(
        &self,
        id: PersonId,
        hash: String,
        must_change: bool,
        keep_session: Option<[u8; 32]>,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE people SET password_hash = $1, must_change_password = $2 WHERE id = $3";
        let transaction = self.writers.begin().await?;
        let changed = transaction.execute(sql, &[&hash, &must_change, &id.0]).await;
        found(changed.map_err(|error| store_error(&error))?)?;
        end_sessions(&transaction, id, keep_session).await?;
        self.told(transaction, Announcement::PersonEnded { person: id, but: keep_session }, &audit).await
    }

    async fn change_person(&self, id: PersonId, change: PersonChange, audit: NewAudit) -> Result<(), StoreError> {
        let sql = "UPDATE people SET name = $1, roles = $2, unit = $3 WHERE id = $4";
        let transaction = self.writers.begin().await?;
        let params: [Param<'_>; 4] = [&change.name, &i32::from(change.roles.bits()), &change.unit, &id.0];
        found(transaction.execute(sql, &params).await.map_err(|error| store_error(&error))?)?;
        self.told(transaction, Announcement::PersonChanged { person: id }, &audit).await
    }

    async fn set_disabled(&self, id: PersonId, disabled: bool, audit: NewAudit) -> Result<(), StoreError> {
        let transaction = self.writers.begin().await?;
        let changed = transaction.execute("UPDATE people SET disabled = $1 WHERE id = $2", &[&disabled, &id.0]).await;
        found(changed.map_err(|error| store_error(&error))?)?;
        if disabled {
            end_sessions(&transaction, id, None).await?;
        }
        self.told(transaction, Announcement::PersonEnded { person: id, but: None }, &audit).await
    }
}

impl PostgresStore {
    /// Ends a transaction that sessions have to know of.
    async fn told(&self, transaction: Transaction, said: Announcement, audit: &NewAudit) -> Result<(), StoreError> {
        announcements::send(&transaction, &[said]).await.map_err(|error| store_error(&error))?;
        audit::append(&transaction, self.node, audit).await?;
        transaction.commit().await
    }
}

/// Indexes whose username somebody has, or somebody earlier in the list.
async fn clashes(session: &Session, people: &[PersonRow]) -> Result<Vec<usize>, StoreError> {
    let names: Vec<&str> = people.iter().map(|row| row.person.username.as_str()).collect();
    let rows = session.rows("SELECT username FROM people WHERE username = ANY($1)", &[&names]).await?;
    let mut seen: HashSet<&str> = rows.iter().map(|row| get(row, 0)).collect::<Result<_, _>>()?;
    Ok(names.iter().enumerate().filter_map(|(index, name)| (!seen.insert(name)).then_some(index)).collect())
}

/// Inserts those whose username nobody has; how many they are.
async fn insert(session: &Session, people: &[PersonRow]) -> Result<u64, StoreError> {
    fn column<'a, T>(people: &'a [PersonRow], of: impl Fn(&'a PersonRow) -> T) -> Vec<T> {
        people.iter().map(of).collect()
    }
    let sql = "INSERT INTO people (id, username, name, roles, unit, id_number, must_change_password, disabled, \
               password_hash) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::text[], \
               $6::text[], $7::boolean[], $8::boolean[], $9::text[]) \
               ON CONFLICT (username) DO NOTHING RETURNING id";
    let params: [Param<'_>; 9] = [
        &column(people, |row| row.person.id.0),
        &column(people, |row| &row.person.username),
        &column(people, |row| &row.person.name),
        &column(people, |row| i32::from(row.person.roles.bits())),
        &column(people, |row| &row.person.unit),
        &column(people, |row| &row.person.id_number),
        &column(people, |row| row.person.must_change_password),
        &column(people, |row| row.person.disabled),
        &column(people, |row| &row.password_hash),
    ];
    session.execute(sql, &params).await.map_err(|error| store_error(&error))
}

async fn end_sessions(session: &Session, person: PersonId, keep: Option<[u8; 32]>) -> Result<(), StoreError> {
    let sql = "DELETE FROM sessions WHERE person = $1 AND token_hash IS DISTINCT FROM $2";
    let keep = keep.as_ref().map(|keep| &keep[..]);
    session.rows(sql, &[&person.0, &keep]).await.map(drop)
}

/// An update that met no row.
pub(crate) fn found(changed: u64) -> Result<(), StoreError> {
    if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

fn person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: PersonId(get(row, 0)?),
        username: get(row, 1)?,
        name: get(row, 2)?,
        // Bits beyond the roles there are would be dropped all the same.
        roles: Roles::from_bits(u16::try_from(get::<i32>(row, 3)?).unwrap_or(0)),
        unit: get(row, 4)?,
        id_number: get(row, 5)?,
        must_change_password: get(row, 6)?,
        disabled: get(row, 7)?,
    })
}

/// A person with the hash of the password, from the first columns of a row.
pub(crate) fn person_row(row: &Row) -> Result<PersonRow, StoreError> {
    Ok(PersonRow { person: person(row)?, password_hash: get(row, 8)? })
}
