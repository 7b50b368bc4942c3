//! The tree of units.

use super::kit::{act, person};
use crate::{Page, Store, StoreError};
use exam_core::unit::{Level, Unit};
use std::sync::Arc;

fn unit(code: &str, level: Level, parent: Option<&str>) -> Unit {
    Unit { code: code.to_owned(), name: format!("名{code}"), level, parent: parent.map(str::to_owned) }
}

pub(super) async fn units_make_a_tree(store: &Arc<dyn Store>) {
    assert_eq!(store.units(Page { after: None, limit: 10 }).await.unwrap(), []);
    let tree = vec![
        unit("37", Level::City, None),
        unit("37-1", Level::District, Some("37")),
        unit("37-2", Level::District, Some("37")),
        unit("37-1-a", Level::Unit, Some("37-1")),
        unit("37-b", Level::Unit, Some("37")),
    ];
    store.put_units(tree.clone(), act("unit.put")).await.unwrap();
    let mut sorted = tree.clone();
    sorted.sort_by(|one, other| one.code.cmp(&other.code));
    assert_eq!(store.units(Page { after: None, limit: 10 }).await.unwrap(), sorted);
    let after = Page { after: Some("37-1".to_owned()), limit: 2 };
    assert_eq!(store.units(after).await.unwrap(), sorted[2..4]);
    let asked = vec!["37-b".to_owned(), "none".to_owned(), "37".to_owned()];
    assert_eq!(store.units_by_codes(asked).await.unwrap(), [tree[0].clone(), tree[4].clone()]);

    let below = async |code: &str, level| store.codes_below(code, level).await.unwrap();
    assert_eq!(below("37", Level::City).await, ["37", "37-1", "37-1-a", "37-2", "37-b"]);
    assert_eq!(below("37-1", Level::District).await, ["37-1", "37-1-a"]);
    assert_eq!(below("37-1-a", Level::Unit).await, ["37-1-a"]);
    assert_eq!(below("37", Level::District).await, Vec::<String>::new(), "it is a city");
    assert_eq!(below("none", Level::City).await, Vec::<String>::new());

    let moved = Unit { name: "新名".to_owned(), ..unit("37-1-a", Level::Unit, Some("37-2")) };
    store.put_units(vec![moved.clone()], act("unit.put")).await.unwrap();
    assert_eq!(store.units_by_codes(vec!["37-1-a".to_owned()]).await.unwrap(), [moved]);
    assert_eq!(below("37-2", Level::District).await, ["37-1-a", "37-2"]);

    let orphan = vec![unit("38", Level::City, None), unit("38-1", Level::District, Some("none"))];
    assert!(store.put_units(orphan, act("unit.put")).await.is_err());
    assert_eq!(below("38", Level::City).await, Vec::<String>::new(), "all or none");

    let mut member = person("of-a-unit");
    member.person.unit = Some("37-b".to_owned());
    store.create_people(vec![member.clone()], act("person.create")).await.unwrap();
    let gone = async |code: &str| store.delete_unit(code, act("unit.delete")).await;
    assert_eq!(gone("37").await, Ok(false), "there are others below it");
    assert_eq!(gone("37-b").await, Ok(false), "somebody belongs to it");
    assert_eq!(below("37", Level::City).await.len(), 5);
    assert_eq!(gone("37-1").await, Ok(true));
    assert_eq!(gone("37-1").await, Err(StoreError::NotFound));
    assert_eq!(below("37", Level::City).await, ["37", "37-1-a", "37-2", "37-b"]);
}
