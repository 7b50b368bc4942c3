//! People from a table: looked over first, then added exactly as they were shown.
//!
//! Nothing is kept between the two: the second upload has to read the same, row by row and fault by fault, as the
//! first did. So it works on any node, and whatever changed meanwhile is shown before it is done.

use crate::limits::ROSTER_ROWS_MAX;
use crate::loaded::blocking;
use crate::{CreatedPerson, Engine, EngineError, Identity, NewPerson};
use exam_core::access::Act;
use exam_core::roster::{self, Column, RosterRow};
use question_bank::formats::grid::{self, Row};
use question_bank::formats::{Finding, Language};
use std::collections::BTreeSet;

/// A table as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct RosterPreview {
    /// Every row, good and bad.
    pub rows: Vec<RosterRow>,
    /// Of all of it: what the commit has to name.
    pub digest: String,
}

impl Engine {
    /// Reads a table of people and says what is wrong with each row; nothing is kept.
    ///
    /// # Errors
    /// The caller is no administrator, or the file is no such table.
    pub async fn preview_people(&self, identity: &Identity, file: Vec<u8>) -> Result<RosterPreview, EngineError> {
        identity.may(Act::ManagePeople)?;
        let rows = blocking(move || grid::read(&file, ROSTER_ROWS_MAX + 1)).await?.map_err(|error| unread(&error))?;
        let units = self.store.units_by_codes(roster::named(&rows, Column::Unit)).await?;
        let units = units.into_iter().map(|unit| unit.code).collect();
        let taken = self.store.usernames_taken(roster::named(&rows, Column::Username)).await?;
        read(&rows, &units, &taken.into_iter().collect())
    }

    /// Adds the rows that are without fault, if the table reads as it did when `digest` was told.
    ///
    /// # Errors
    /// As [`Engine::preview_people`], or it reads otherwise by now; then nobody is added.
    pub async fn import_people(
        &self,
        identity: &Identity,
        file: Vec<u8>,
        digest: &str,
    ) -> Result<Vec<CreatedPerson>, EngineError> {
        let preview = self.preview_people(identity, file).await?;
        if preview.digest != digest {
            return Err(EngineError::WrongState(
                "文件或现有人员已经变化，请重新检查 / the file or the people have changed: check it again",
            ));
        }
        let good = preview.rows.into_iter().filter(|row| row.faults.is_empty());
        self.keep_people(Some(identity.id()), good.map(new_person).collect()).await
    }
}

fn read(rows: &[Row], units: &BTreeSet<String>, taken: &BTreeSet<String>) -> Result<RosterPreview, EngineError> {
    let rows = roster::read(rows, units, taken).map_err(|error| EngineError::invalid("/file", error.to_string()))?;
    // The rows hold all that is added and all that is told; their debug form leaves nothing out.
    let digest = blake3::hash(format!("{rows:?}").as_bytes()).to_hex().to_string();
    Ok(RosterPreview { rows, digest })
}

fn unread(finding: &Finding) -> EngineError {
    let words = [Language::Chinese, Language::English].map(|language| finding.message(language));
    EngineError::invalid("/file", words.join(" / "))
}

fn new_person(row: RosterRow) -> NewPerson {
    NewPerson {
        username: row.username,
        name: row.name,
        password: None,
        roles: row.roles,
        unit: row.unit,
        id_number: row.id_number,
    }
}
