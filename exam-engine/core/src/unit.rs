//! Units: the tree city → district → unit, and what of it somebody's roles oversee.

use crate::limits::{UNIT_CODE_CHARS_MAX, UNIT_NAME_CHARS_MAX};
use crate::person::{Person, Role};
use serde::{Deserialize, Serialize};

/// Where in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 市: the top.
    City,
    /// 区县 or a department, below a city.
    District,
    /// 单位, below a district or directly below the city.
    Unit,
}

impl Level {
    /// All levels, from the top.
    pub const ALL: [Self; 3] = [Self::City, Self::District, Self::Unit];

    /// The name in JSON and in rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Unit => "unit",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// A node of the tree. Its level never changes, so that the tree can have no circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Unique; what stands in a person's `unit`.
    pub code: String,
    /// Shown.
    pub name: String,
    /// Where it stands.
    pub level: Level,
    /// The code of the node above; absent for a city only.
    pub parent: Option<String>,
}

impl Unit {
    /// Everything wrong with it by itself, as field and remedy; `parent` is the node above, if there is one.
    #[must_use]
    pub fn faults(&self, parent: Option<&Self>) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let length = self.code.chars().count();
        if length == 0 || length > UNIT_CODE_CHARS_MAX || self.code.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            let detail = format!(
                "请填写 1 至 {UNIT_CODE_CHARS_MAX} 个不含空白的字符 / give 1 to {UNIT_CODE_CHARS_MAX} characters without blanks"
            );
            faults.push(("code", detail));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > UNIT_NAME_CHARS_MAX {
            let detail = format!("请填写 1 至 {UNIT_NAME_CHARS_MAX} 个字 / give 1 to {UNIT_NAME_CHARS_MAX} characters");
            faults.push(("name", detail));
        }
        let fits = match (self.level, parent) {
            (Level::City, None) => self.parent.is_none(),
            (level, Some(parent)) => parent.level < level,
            _ => false,
        };
        if !fits {
            let detail = "市没有上级，区县的上级是市，单位的上级是区县或市 / a city has no parent, that of a district is a city, that of a unit a district or a city";
            faults.push(("parent", detail.to_owned()));
        }
        faults
    }
}

/// Which units somebody's roles oversee, before the tree is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oversight {
    /// Everybody on the site.
    Everybody,
    /// The node with all below it, if it is of that level.
    Below {
        /// The node.
        code: String,
        /// What it has to be.
        level: Level,
    },
    /// People of this very unit.
    Own(String),
    /// Nobody.
    Nobody,
}

/// What a person oversees: each role by the person's own unit.
#[must_use]
pub fn oversight(person: &Person) -> Vec<Oversight> {
    if person.roles.has(Role::Admin) {
        return vec![Oversight::Everybody];
    }
    let Some(code) = &person.unit else { return vec![Oversight::Nobody] };
    let mut found = Vec::new();
    for (role, level) in [(Role::CityAdmin, Level::City), (Role::DistrictAdmin, Level::District)] {
        if person.roles.has(role) {
            found.push(Oversight::Below { code: code.clone(), level });
        }
    }
    if person.roles.has(Role::UnitAdmin) {
        found.push(Oversight::Own(code.clone()));
    }
    if found.is_empty() { vec![Oversight::Nobody] } else { found }
}

/// The people somebody may see: of everybody, or of these units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody, those without a unit too.
    Everybody,
    /// People of units of these codes; none where there is no code.
    Units(Vec<String>),
}

impl Scope {
    /// Whether a person of this unit is in it.
    #[must_use]
    pub fn holds(&self, unit: Option<&str>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Units(codes) => unit.is_some_and(|unit| codes.iter().any(|code| code == unit)),
        }
    }

    /// The codes, unless it is everybody.
    #[must_use]
    pub fn codes(&self) -> Option<&[String]> {
        match self {
            Self::Everybody => None,
            Self::Units(codes) => Some(codes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PersonId;

    fn unit(level: Level, parent: Option<&str>) -> Unit {
        Unit { code: "370303".into(), name: "张店区".into(), level, parent: parent.map(str::to_owned) }
    }

    fn person(roles: &[Role], unit: Option<&str>) -> Person {
        Person {
            id: PersonId(uuid::Uuid::from_u128(1)),
            username: "x".into(),
            name: "x".into(),
            roles: roles.iter().copied().collect(),
            unit: unit.map(str::to_owned),
            id_number: None,
            must_change_password: false,
            disabled: false,
        }
    }

    #[test]
    fn parents_stand_above_their_children() {
        let city = unit(Level::City, None);
        let district = unit(Level::District, Some("3703"));
        assert!(city.faults(None).is_empty());
        assert!(district.faults(Some(&city)).is_empty());
        assert!(unit(Level::Unit, Some("x")).faults(Some(&district)).is_empty());
        assert!(unit(Level::Unit, Some("x")).faults(Some(&city)).is_empty());
        assert!(!district.faults(None).is_empty(), "an unknown parent");
        assert!(!district.faults(Some(&district)).is_empty());
        assert!(!unit(Level::City, Some("x")).faults(Some(&city)).is_empty());
        let nameless = Unit { code: "a b".into(), name: " ".into(), ..city };
        assert_eq!(nameless.faults(None).len(), 2);
    }

    #[test]
    fn roles_oversee_by_their_own_unit() {
        let below = |level| Oversight::Below { code: "u".into(), level };
        assert_eq!(oversight(&person(&[Role::Admin, Role::UnitAdmin], None)), [Oversight::Everybody]);
        assert_eq!(oversight(&person(&[Role::CityAdmin], Some("u"))), [below(Level::City)]);
        assert_eq!(
            oversight(&person(&[Role::UnitAdmin, Role::DistrictAdmin], Some("u"))),
            [below(Level::District), Oversight::Own("u".into())]
        );
        for nobody in [person(&[Role::UnitAdmin], None), person(&[Role::Learner, Role::Proctor], Some("u"))] {
            assert_eq!(oversight(&nobody), [Oversight::Nobody]);
        }
    }

    #[test]
    fn a_scope_holds_its_units_alone() {
        let scope = Scope::Units(vec!["a".into(), "b".into()]);
        assert!(scope.holds(Some("b")) && !scope.holds(Some("c")) && !scope.holds(None));
        assert!(Scope::Everybody.holds(None) && !Scope::Units(Vec::new()).holds(Some("a")));
    }
}
