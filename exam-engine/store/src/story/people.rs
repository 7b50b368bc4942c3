//! People and their sessions.

use super::kit::{act, at, new_id, new_learner, person};
use crate::{Page, PeopleFilter, PersonChange, PersonRow, SessionRow, Store, StoreError};
use exam_core::PersonId;
use exam_core::person::{Person, Role};
use std::sync::Arc;

pub(super) async fn people_come_and_go(store: &Arc<dyn Store>) {
    assert!(!store.any_person().await.unwrap());
    let many: Vec<PersonRow> = (0..2_000).map(|number| person(&format!("p{number:04}"))).collect();
    assert_eq!(store.create_people(many.clone(), act("people.import")).await.unwrap(), Vec::<usize>::new());
    assert!(store.any_person().await.unwrap());
    assert_eq!(store.person(many[3].person.id).await.unwrap().as_ref(), Some(&many[3]));
    assert_eq!(store.person_by_username("p0007").await.unwrap().as_ref(), Some(&many[7]));
    assert_eq!(store.person(PersonId(new_id())).await.unwrap(), None);
    assert_eq!(store.person_by_username("P0007").await.unwrap(), None);

    taken_usernames_add_nobody(store).await;
    pages_hold_everybody(store, &many).await;
    people_are_found(store).await;
    a_password_ends_other_sessions(store, &many[0]).await;
    disabling_ends_all_sessions(store, &many[1]).await;
    a_change_ends_no_session(store, &many[2]).await;
}

async fn taken_usernames_add_nobody(store: &Arc<dyn Store>) {
    let mixed = vec![person("new-a"), person("p0001"), person("new-b"), person("new-a")];
    assert_eq!(store.create_people(mixed, act("people.import")).await.unwrap(), [1, 3]);
    assert_eq!(store.person_by_username("new-a").await.unwrap(), None);
    assert_eq!(store.person_by_username("new-b").await.unwrap(), None);
}

async fn pages_hold_everybody(store: &Arc<dyn Store>, many: &[PersonRow]) {
    let mut all = Vec::new();
    let mut page = Page { after: None, limit: 700 };
    loop {
        let people = store.people(PeopleFilter::default(), page.clone()).await.unwrap();
        assert!(people.len() <= 700);
        let Some(last) = people.last() else { break };
        page.after = Some(last.username.clone());
        all.extend(people);
    }
    let expected: Vec<_> = many.iter().map(|row| row.person.clone()).collect();
    assert_eq!(all, expected, "by username");

    let ids = vec![many[9].person.id, PersonId(new_id()), many[4].person.id];
    let mut found = store.people_by_ids(ids).await.unwrap();
    found.sort_by(|left, right| left.username.cmp(&right.username));
    assert_eq!(found, [many[4].person.clone(), many[9].person.clone()]);
    let all = many.iter().map(|row| row.person.id).collect();
    assert_eq!(store.people_by_ids(all).await.unwrap().len(), many.len());
    assert_eq!(store.people_by_ids(Vec::new()).await.unwrap(), []);
}

/// By what is in their names, within units, in pages; and which usernames are taken.
async fn people_are_found(store: &Arc<dyn Store>) {
    let of = |username: &str, name: &str, unit: Option<&str>| {
        let mut row = person(username);
        (row.person.name, row.person.unit) = (name.to_owned(), unit.map(str::to_owned));
        row
    };
    let rows = vec![of("find-a", "王50%", Some("u1")), of("find-b", "李_四", Some("u2")), of("find-c", "王五", None)];
    assert_eq!(store.create_people(rows.clone(), act("people.import")).await.unwrap(), Vec::<usize>::new());
    let found = async |units: Option<&[&str]>, text: Option<&str>, limit| {
        let units = units.map(|units| units.iter().map(|unit| (*unit).to_owned()).collect());
        let filter = PeopleFilter { units, text: text.map(str::to_owned) };
        let people = store.people(filter, Page { after: None, limit }).await.unwrap();
        people.into_iter().map(|person| person.username).collect::<Vec<_>>()
    };
    assert_eq!(found(None, Some("find-"), 10).await, ["find-a", "find-b", "find-c"]);
    assert_eq!(found(None, Some("王"), 10).await, ["find-a", "find-c"]);
    assert_eq!(found(None, Some("_"), 10).await, ["find-b"], "no wildcards");
    assert_eq!(found(None, Some("%"), 10).await, ["find-a"], "no wildcards");
    assert_eq!(found(Some(&["u1", "u2"]), None, 10).await, ["find-a", "find-b"]);
    assert_eq!(found(Some(&["u1", "u2"]), None, 1).await, ["find-a"]);
    assert_eq!(found(Some(&["u2"]), Some("王"), 10).await, Vec::<String>::new());
    assert_eq!(found(Some(&[]), None, 10).await, Vec::<String>::new());
    let after = Page { after: Some("find-a".to_owned()), limit: 10 };
    let filter = PeopleFilter { units: Some(vec!["u1".to_owned(), "u2".to_owned()]), text: None };
    assert_eq!(store.people(filter, after).await.unwrap(), [rows[1].person.clone()]);
    let asked = vec!["find-b".to_owned(), "nobody-at-all".to_owned()];
    assert_eq!(store.usernames_taken(asked).await.unwrap(), ["find-b"]);
    assert_eq!(store.usernames_taken(Vec::new()).await.unwrap(), Vec::<String>::new());
}

async fn a_password_ends_other_sessions(store: &Arc<dyn Store>, row: &PersonRow) {
    let person = row.person.id;
    let (kept, ended) = (session(person, 1), session(person, 2));
    store.create_session(kept.clone()).await.unwrap();
    store.create_session(ended.clone()).await.unwrap();
    let hash = "new hash".to_owned();
    store.set_password(person, hash.clone(), false, Some(kept.token_hash), act("password")).await.unwrap();
    assert_eq!(signed_in(store, kept.token_hash).await, Some(kept.clone()));
    assert_eq!(signed_in(store, ended.token_hash).await, None);
    let read = store.person(person).await.unwrap().unwrap();
    assert_eq!((read.password_hash, read.person.must_change_password), (Some(hash.clone()), false));
    store.set_password(person, hash.clone(), true, None, act("password")).await.unwrap();
    assert_eq!(signed_in(store, kept.token_hash).await, None);
    let nobody = store.set_password(PersonId(new_id()), hash, true, None, act("password")).await;
    assert_eq!(nobody, Err(StoreError::NotFound));
}

async fn disabling_ends_all_sessions(store: &Arc<dyn Store>, row: &PersonRow) {
    let person = row.person.id;
    let session = session(person, 3);
    store.create_session(session.clone()).await.unwrap();
    store.set_disabled(person, true, act("disable")).await.unwrap();
    assert_eq!(signed_in(store, session.token_hash).await, None);
    assert!(store.person(person).await.unwrap().unwrap().person.disabled);
    store.set_disabled(person, false, act("enable")).await.unwrap();
    assert!(!store.person(person).await.unwrap().unwrap().person.disabled);
    assert_eq!(store.set_disabled(PersonId(new_id()), true, act("disable")).await, Err(StoreError::NotFound));
}

async fn a_change_ends_no_session(store: &Arc<dyn Store>, row: &PersonRow) {
    let person = row.person.id;
    let session = session(person, 4);
    store.create_session(session.clone()).await.unwrap();
    let roles = [Role::Proctor, Role::UnitAdmin].into_iter().collect();
    let change = PersonChange { name: "新名".to_owned(), roles, unit: Some("u9".to_owned()) };
    store.change_person(person, change.clone(), act("person.change")).await.unwrap();
    let expected = Person { name: change.name.clone(), roles, unit: change.unit.clone(), ..row.person.clone() };
    assert_eq!(store.person(person).await.unwrap().unwrap(), PersonRow { person: expected.clone(), ..row.clone() });
    let (kept, now) = store.session(session.token_hash).await.unwrap().unwrap();
    assert_eq!((&kept, now.person), (&session, expected));
    store.delete_session(person, session.token_hash).await.unwrap();
    let none = PersonChange { unit: None, ..change };
    store.change_person(person, none.clone(), act("person.change")).await.unwrap();
    assert_eq!(store.person(person).await.unwrap().unwrap().person.unit, None);
    let nobody = store.change_person(PersonId(new_id()), none, act("person.change")).await;
    assert_eq!(nobody, Err(StoreError::NotFound));
}

pub(super) async fn sessions_end(store: &Arc<dyn Store>) {
    let learner = new_learner(store).await;
    let (early, late) = (session(learner, 11), SessionRow { expires_at: at(20_000), ..session(learner, 12) });
    store.create_session(early.clone()).await.unwrap();
    store.create_session(late.clone()).await.unwrap();
    assert_eq!(signed_in(store, early.token_hash).await, Some(early.clone()));
    assert_eq!(signed_in(store, [99; 32]).await, None);
    assert_eq!(store.delete_expired_sessions(at(15_000)).await.unwrap(), 1);
    assert_eq!(signed_in(store, early.token_hash).await, None);
    assert_eq!(signed_in(store, late.token_hash).await, Some(late.clone()));
    store.delete_session(learner, late.token_hash).await.unwrap();
    assert_eq!(signed_in(store, late.token_hash).await, None);
    store.delete_session(learner, late.token_hash).await.unwrap();
}

async fn signed_in(store: &Arc<dyn Store>, token_hash: [u8; 32]) -> Option<SessionRow> {
    let (session, row) = store.session(token_hash).await.unwrap()?;
    assert_eq!(store.person(session.person).await.unwrap(), Some(row));
    Some(session)
}

fn session(person: PersonId, token: u8) -> SessionRow {
    SessionRow { token_hash: [token; 32], person, created_at: at(0), expires_at: at(10_000) }
}
