//! Rosters: people from the rows of a table, every fault of every row at once.

use crate::id_number::IdNumber;
use crate::limits::{PERSON_NAME_CHARS_MAX, USERNAME_CHARS_MAX};
use crate::person::Role;
use std::collections::{BTreeSet, HashMap};

/// The columns, by the names that a header row may call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// For signing in.
    Username,
    /// Shown.
    Name,
    /// The resident identity number.
    IdNumber,
    /// The code of the unit.
    Unit,
    /// One or several roles.
    Roles,
}

impl Column {
    /// All columns, in the order of the template.
    pub const ALL: [Self; 5] = [Self::Username, Self::Name, Self::IdNumber, Self::Unit, Self::Roles];

    /// The name in the template.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Username => "用户名",
            Self::Name => "姓名",
            Self::IdNumber => "身份证号",
            Self::Unit => "单位",
            Self::Roles => "角色",
        }
    }

    const fn other_names(self) -> &'static [&'static str] {
        match self {
            Self::Username => &["username", "账号", "登录名"],
            Self::Name => &["name"],
            Self::IdNumber => &["id_number", "身份证", "身份证号码", "公民身份号码"],
            Self::Unit => &["unit", "单位代码", "单位编码"],
            Self::Roles => &["roles", "role"],
        }
    }

    fn read(head: &str) -> Option<Self> {
        let head = head.trim().to_lowercase();
        Self::ALL.into_iter().find(|column| column.name() == head || column.other_names().contains(&head.as_str()))
    }
}

/// Something wrong with one cell, or with a row as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Which cell.
    pub column: Option<Column>,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// One row as it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RosterRow {
    /// Its number as the spreadsheet shows it.
    pub row: u32,
    /// For signing in.
    pub username: String,
    /// Shown.
    pub name: String,
    /// Checked, if there is one.
    pub id_number: Option<String>,
    /// The code of the unit, if there is one.
    pub unit: Option<String>,
    /// At least one.
    pub roles: Vec<Role>,
    /// Everything wrong with it.
    pub faults: Vec<RowFault>,
}

/// Why there is no roster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// No header row that names the columns needed.
    #[error(
        "首行应为列名，并至少包含：用户名、姓名 / the first row has to name the columns, 用户名 and 姓名 (username, name) among them"
    )]
    NoHeader,
    /// A column of an unknown name: nothing is passed over in silence.
    #[error("不认识的列：{0}；可用的列：用户名、姓名、身份证号、单位、角色 / unknown column: {0}")]
    UnknownColumn(String),
    /// A column that is there twice.
    #[error("列重复：{0} / this column stands twice: {0}")]
    Twice(&'static str),
    /// A header and nothing below it.
    #[error("没有数据行 / there are no rows below the header")]
    Empty,
}

/// Reads the rows of a table, the header first. `units` are those there are; `taken` the usernames somebody has.
///
/// # Errors
/// The table has no header, columns nobody knows, or no rows.
pub fn read(
    rows: &[(u32, Vec<String>)],
    units: &BTreeSet<String>,
    taken: &BTreeSet<String>,
) -> Result<Vec<RosterRow>, RosterError> {
    let ((_, head), below) = rows.split_first().ok_or(RosterError::NoHeader)?;
    let columns = header(head)?;
    if below.is_empty() {
        return Err(RosterError::Empty);
    }
    let mut seen = Seen::default();
    Ok(below.iter().map(|(number, cells)| row(*number, cells, &columns, units, taken, &mut seen)).collect())
}

/// The usernames and unit codes that a table names, to be asked for at once.
#[must_use]
pub fn named(rows: &[(u32, Vec<String>)], column: Column) -> Vec<String> {
    let Some((_, head)) = rows.first() else { return Vec::new() };
    let Some(place) = head.iter().position(|name| Column::read(name) == Some(column)) else { return Vec::new() };
    let cells = rows.iter().skip(1).filter_map(|(_, cells)| cells.get(place)).filter(|text| !text.is_empty());
    cells.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn header(head: &[String]) -> Result<Vec<Option<Column>>, RosterError> {
    let mut columns = Vec::with_capacity(head.len());
    let mut unknown = None;
    for name in head {
        let column = Column::read(name);
        if let Some(column) = column.filter(|column| columns.contains(&Some(*column))) {
            return Err(RosterError::Twice(column.name()));
        }
        if column.is_none() && !name.trim().is_empty() {
            unknown = unknown.or(Some(name.trim().to_owned()));
        }
        columns.push(column);
    }
    // A table of something else is told as one, not by its first column.
    if ![Column::Username, Column::Name].iter().all(|needed| columns.contains(&Some(*needed))) {
        return Err(RosterError::NoHeader);
    }
    unknown.map_or(Ok(columns), |name| Err(RosterError::UnknownColumn(name)))
}

/// In which row a username or an identity number stood first.
#[derive(Default)]
struct Seen {
    usernames: HashMap<String, u32>,
    numbers: HashMap<String, u32>,
}

fn row(
    number: u32,
    cells: &[String],
    columns: &[Option<Column>],
    units: &BTreeSet<String>,
    taken: &BTreeSet<String>,
    seen: &mut Seen,
) -> RosterRow {
    let mut read = RosterRow { row: number, ..RosterRow::default() };
    let cell = |column: Column| {
        let place = columns.iter().position(|known| *known == Some(column));
        place.and_then(|place| cells.get(place)).map(|text| text.trim()).unwrap_or_default()
    };
    let mut faults = Vec::new();
    let mut fault = |column, detail: String| faults.push(RowFault { column: Some(column), detail });
    cell(Column::Username).clone_into(&mut read.username);
    if let Some(detail) = username_fault(&read.username) {
        fault(Column::Username, detail);
    } else if taken.contains(&read.username) {
        fault(Column::Username, "用户名已被占用，请换一个 / this username is taken: give another".to_owned());
    } else if let Some(first) = first_row(&mut seen.usernames, &read.username, number) {
        fault(Column::Username, format!("用户名与第 {first} 行重复 / this username stands in row {first} already"));
    }
    cell(Column::Name).clone_into(&mut read.name);
    if read.name.is_empty() || read.name.chars().count() > PERSON_NAME_CHARS_MAX {
        fault(
            Column::Name,
            format!("请填写 1 至 {PERSON_NAME_CHARS_MAX} 个字 / give 1 to {PERSON_NAME_CHARS_MAX} characters"),
        );
    }
    match identity_number(cell(Column::IdNumber)) {
        Ok(None) => {}
        Ok(Some(text)) => {
            if let Some(first) = first_row(&mut seen.numbers, &text, number) {
                let detail =
                    format!("身份证号与第 {first} 行重复 / this identity number stands in row {first} already");
                fault(Column::IdNumber, detail);
            }
            read.id_number = Some(text);
        }
        Err(detail) => fault(Column::IdNumber, detail),
    }
    let unit = cell(Column::Unit);
    if !unit.is_empty() {
        if !units.contains(unit) {
            fault(
                Column::Unit,
                "没有这个单位代码，请先在单位中添加 / there is no unit of this code: add it first".to_owned(),
            );
        }
        read.unit = Some(unit.to_owned());
    }
    match roles(cell(Column::Roles)) {
        Ok(roles) => read.roles = roles,
        Err(unknown) => {
            let known = Role::ALL.map(Role::name_zh).join("、");
            fault(Column::Roles, format!("不认识的角色“{unknown}”，可用：{known} / unknown role {unknown:?}"));
        }
    }
    read.faults = faults;
    read
}

/// What is wrong with a username.
#[must_use]
pub fn username_fault(username: &str) -> Option<String> {
    let length = username.chars().count();
    let fits =
        (1..=USERNAME_CHARS_MAX).contains(&length) && !username.chars().any(|c| c.is_whitespace() || c.is_control());
    (!fits).then(|| {
        format!("请填写 1 至 {USERNAME_CHARS_MAX} 个不含空白的字符 / give 1 to {USERNAME_CHARS_MAX} characters without blanks")
    })
}

fn first_row(seen: &mut HashMap<String, u32>, text: &str, row: u32) -> Option<u32> {
    let first = *seen.entry(text.to_owned()).or_insert(row);
    (first != row).then_some(first)
}

/// A spreadsheet that took the number for one has rounded it to fifteen digits.
fn identity_number(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let was_number = text.contains(['E', 'e', '.']) || (text.len() == 18 && text.ends_with("000"));
    match IdNumber::parse(text) {
        Ok(number) => Ok(Some(number.as_str().to_owned())),
        Err(error) if was_number => Err(format!(
            "{error}；该单元格可能是数值，请设为文本后重新填写 / the cell may hold a number: make it a text cell and fill it in again"
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// Several roles stand in one cell; none means a learner.
fn roles(text: &str) -> Result<Vec<Role>, String> {
    let separators = |c: char| c.is_whitespace() || matches!(c, '、' | '，' | ',' | ';' | '；' | '/');
    let names = text.split(separators).filter(|name| !name.is_empty());
    let mut roles =
        names.map(|name| Role::parse(name).ok_or_else(|| name.to_owned())).collect::<Result<Vec<_>, _>>()?;
    roles.sort_unstable();
    roles.dedup();
    Ok(if roles.is_empty() { vec![Role::Learner] } else { roles })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn table(rows: &[&[&str]]) -> Vec<(u32, Vec<String>)> {
        (1..).zip(rows).map(|(row, cells)| (row, cells.iter().map(|cell| (*cell).to_owned()).collect())).collect()
    }

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const HEAD: &[&str] = &["用户名", "姓名", "身份证号", "单位", "角色"];

    #[test]
    fn every_fault_of_every_row_is_told_at_once() {
        let rows = table(&[
            HEAD,
            &["zhang3", "张三", "11010519491231002x", "370303", "学员、监考人员"],
            &["zhang3", "", "110105194912310021", "999", "管理员"],
            &["admin", "李四", "11010519491231002X", "", ""],
            &["a b", "王五", "1.10105194912310E+17", "", "learner"],
        ]);
        let read = read(&rows, &set(&["370303"]), &set(&["admin"])).unwrap();
        assert_eq!(read[0].faults, []);
        assert_eq!(read[0].id_number.as_deref(), Some("11010519491231002X"));
        assert_eq!(read[0].roles, [Role::Learner, Role::Proctor]);
        let columns = |row: usize| read[row].faults.iter().filter_map(|fault| fault.column).collect::<Vec<_>>();
        assert_eq!(columns(1), Column::ALL);
        assert_eq!(columns(2), [Column::Username, Column::IdNumber], "taken, and the number of row 2");
        assert!(read[2].faults[1].detail.contains("第 2 行"));
        assert_eq!(read[2].roles, [Role::Learner], "none is a learner");
        assert_eq!(columns(3), [Column::Username, Column::IdNumber]);
        assert!(read[3].faults[1].detail.contains("文本"));
    }

    #[test]
    fn columns_stand_in_any_order_and_unknown_ones_are_told() {
        let none = BTreeSet::new();
        let rows = table(&[&["name", "Username"], &["Zhang", "zhang"]]);
        let one = &read(&rows, &none, &none).unwrap()[0];
        assert_eq!((one.row, one.username.as_str(), one.name.as_str()), (2, "zhang", "Zhang"));
        assert_eq!(named(&rows, Column::Username), ["zhang"]);
        assert_eq!(named(&rows, Column::Unit), Vec::<String>::new());
        let wrong = |rows: &[&[&str]]| read(&table(rows), &none, &none).unwrap_err();
        assert_eq!(wrong(&[]), RosterError::NoHeader);
        assert_eq!(wrong(&[&["题型", "题干"]]), RosterError::NoHeader);
        assert_eq!(wrong(&[HEAD]), RosterError::Empty);
        assert_eq!(wrong(&[&["用户名", "姓名", "密码"], &["a", "b", "c"]]), RosterError::UnknownColumn("密码".into()));
        assert_eq!(wrong(&[&["用户名", "姓名", "username"]]), RosterError::Twice("用户名"));
    }
}
