//! The demo site's tree: a city, its eleven districts, two units in each.

use exam_core::unit::{Level, Unit};
use exam_service::{Engine, Identity};

/// The city.
pub(super) const CITY: &str = "3703";
/// The district of the account `district`.
pub(super) const DISTRICT: &str = "370303";

const DISTRICTS: [(&str, &str); 11] = [
    (DISTRICT, "张店区"),
    ("370302", "淄川区"),
    ("370304", "博山区"),
    ("370306", "周村区"),
    ("370305", "临淄区"),
    ("370321", "桓台县"),
    ("370322", "高青县"),
    ("370323", "沂源县"),
    ("370371", "高新区"),
    ("370372", "经开区"),
    ("370373", "文昌湖区"),
];
const UNITS: [(&str, &str); 2] = [("01", "第一中学"), ("02", "中心医院")];

/// The code of a learner's unit, by the learner's number from one: each unit in turn.
pub(super) fn unit_of(learner: u32) -> String {
    let place = (learner.saturating_sub(1) as usize) % (DISTRICTS.len() * UNITS.len());
    let (district, unit) = (DISTRICTS[place % DISTRICTS.len()].0, UNITS[place / DISTRICTS.len()].0);
    format!("{district}-{unit}")
}

pub(super) async fn create(engine: &Engine, admin: &Identity) -> anyhow::Result<()> {
    let unit = |code: &str, name: &str, level, parent: Option<&str>| Unit {
        code: code.to_owned(),
        name: name.to_owned(),
        level,
        parent: parent.map(str::to_owned),
    };
    let mut tree = vec![unit(CITY, "淄博市", Level::City, None)];
    for (district, name) in DISTRICTS {
        tree.push(unit(district, name, Level::District, Some(CITY)));
        for (number, kind) in UNITS {
            let code = format!("{district}-{number}");
            tree.push(unit(&code, &format!("{name}{kind}"), Level::Unit, Some(district)));
        }
    }
    engine.put_units(admin, tree).await?;
    Ok(())
}
