//! People and their roles.

use crate::PersonId;
use serde::{Deserialize, Serialize};

/// What a person may be. A person may hold several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 专业技术人员: studies and takes exams.
    Learner,
    /// Writes banks and exams.
    Author,
    /// Watches exams and acts on attempts.
    Proctor,
    /// 单位管理员: sees its own unit.
    UnitAdmin,
    /// 区县: sees its district.
    DistrictAdmin,
    /// 市: sees the city.
    CityAdmin,
    /// Runs the site: people, exams, overrides, audit.
    Admin,
    /// Runs the service: metrics, backups, load tests.
    Operator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 8] = [
        Self::Learner,
        Self::Author,
        Self::Proctor,
        Self::UnitAdmin,
        Self::DistrictAdmin,
        Self::CityAdmin,
        Self::Admin,
        Self::Operator,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// The name in Chinese tables.
    #[must_use]
    pub const fn name_zh(self) -> &'static str {
        match self {
            Self::Learner => "学员",
            Self::Author => "命题人员",
            Self::Proctor => "监考人员",
            Self::UnitAdmin => "单位管理员",
            Self::DistrictAdmin => "区县管理员",
            Self::CityAdmin => "市级管理员",
            Self::Admin => "系统管理员",
            Self::Operator => "运维人员",
        }
    }

    /// Reads either name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name || role.name_zh() == name)
    }

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Learner => "learner",
            Self::Author => "author",
            Self::Proctor => "proctor",
            Self::UnitAdmin => "unit_admin",
            Self::DistrictAdmin => "district_admin",
            Self::CityAdmin => "city_admin",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u16);

impl Roles {
    /// Whether the role is in the set.
    #[must_use]
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether any of the roles is in the set.
    #[must_use]
    pub fn has_any(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.has(*role))
    }

    /// The roles, in their order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.has(*role))
    }

    /// For storage.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From storage; unknown bits are dropped.
    #[must_use]
    pub fn from_bits(bits: u16) -> Self {
        Role::ALL.into_iter().filter(|role| bits & role.bit() != 0).collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |bits, role| bits | role.bit()))
    }
}

impl Serialize for Roles {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Role>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// A person as the service knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The id.
    pub id: PersonId,
    /// For signing in, unique.
    pub username: String,
    /// Shown.
    pub name: String,
    /// What they may be.
    pub roles: Roles,
    /// The code of the unit they belong to.
    pub unit: Option<String>,
    /// The identity number; shown masked only.
    pub id_number: Option<String>,
    /// Whether the next sign-in has to set a new password.
    pub must_change_password: bool,
    /// Whether they may not sign in.
    pub disabled: bool,
}
