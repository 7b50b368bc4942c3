//! The tree of units, and the people whom somebody oversees by it. Asked of the store on every request: a tree that
//! changes, or a person that moves, changes what is seen at once on every node.

use crate::limits::UNITS_BATCH_MAX;
use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::unit::{Oversight, Scope, Unit, oversight};
use exam_store::Page;
use std::collections::HashMap;

impl Engine {
    /// The people whom the caller oversees.
    ///
    /// # Errors
    /// The caller oversees nobody by any role.
    pub async fn scope(&self, identity: &Identity) -> Result<Scope, EngineError> {
        identity.may(Act::Oversee)?;
        let mut codes = Vec::new();
        for part in oversight(&identity.person) {
            match part {
                Oversight::Everybody => return Ok(Scope::Everybody),
                Oversight::Below { code, level } => codes.extend(self.store.codes_below(&code, level).await?),
                Oversight::Own(code) => codes.push(code),
                Oversight::Nobody => {}
            }
        }
        codes.sort_unstable();
        codes.dedup();
        Ok(Scope::Units(codes))
    }

    /// The units that the caller oversees, by code.
    ///
    /// # Errors
    /// The caller oversees nobody.
    pub async fn units(&self, identity: &Identity, page: Page<String>) -> Result<Vec<Unit>, EngineError> {
        match self.scope(identity).await? {
            Scope::Everybody => Ok(self.store.units(page).await?),
            Scope::Units(codes) => {
                let mut units = self.store.units_by_codes(codes).await?;
                units.retain(|unit| page.after.as_ref().is_none_or(|after| unit.code > *after));
                units.truncate(page.limit as usize);
                Ok(units)
            }
        }
    }

    /// The names of units, by code; of units that are not in the tree there are none.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn unit_names(
        &self,
        codes: impl IntoIterator<Item = &str>,
    ) -> Result<HashMap<String, String>, EngineError> {
        let mut codes: Vec<String> = codes.into_iter().map(str::to_owned).collect();
        codes.sort_unstable();
        codes.dedup();
        let units = self.store.units_by_codes(codes).await?;
        Ok(units.into_iter().map(|unit| (unit.code, unit.name)).collect())
    }

    /// Adds units, and changes names and parents of those that are there.
    ///
    /// # Errors
    /// The caller is no administrator, or something is wrong with one; all faults at once, nothing is kept.
    pub async fn put_units(&self, identity: &Identity, units: Vec<Unit>) -> Result<(), EngineError> {
        identity.may(Act::ManagePeople)?;
        if units.is_empty() || units.len() > UNITS_BATCH_MAX {
            let detail = format!("请给出 1 至 {UNITS_BATCH_MAX} 个单位 / give 1 to {UNITS_BATCH_MAX} units");
            return Err(EngineError::invalid("/units", detail));
        }
        let named = units.iter().flat_map(|unit| unit.parent.iter().chain([&unit.code])).cloned();
        let known = self.store.units_by_codes(named.collect()).await?;
        let faults = faults(&units, known);
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        self.store.put_units(units, self.audit(Some(identity.id()), "unit.put", String::new())).await?;
        Ok(())
    }

    /// Removes a unit that nothing belongs to.
    ///
    /// # Errors
    /// The caller is no administrator, there is no such unit, or somebody or another unit belongs to it.
    pub async fn delete_unit(&self, identity: &Identity, code: &str) -> Result<(), EngineError> {
        identity.may(Act::ManagePeople)?;
        if code.contains('\0') {
            return Err(EngineError::NotFound);
        }
        let audit = self.audit(Some(identity.id()), "unit.delete", code.to_owned());
        if self.store.delete_unit(code, audit).await? {
            return Ok(());
        }
        Err(EngineError::WrongState(
            "单位下还有人员或下级单位，请先移走 / people or other units belong to it: move them first",
        ))
    }
}

/// Everything wrong with a list whose parents are in the store or earlier in the list.
fn faults(units: &[Unit], known: Vec<Unit>) -> Vec<FieldFault> {
    let mut known: HashMap<String, Unit> = known.into_iter().map(|unit| (unit.code.clone(), unit)).collect();
    let mut faults = Vec::new();
    for (index, unit) in units.iter().enumerate() {
        let parent = unit.parent.as_ref().and_then(|code| known.get(code));
        let own = unit.faults(parent).into_iter();
        faults.extend(own.map(|(field, detail)| FieldFault::new(format!("/units/{index}/{field}"), detail)));
        if known.get(&unit.code).is_some_and(|before| before.level != unit.level) {
            let detail = "层级不能改变，请另建一个 / a level does not change: make another unit";
            faults.push(FieldFault::new(format!("/units/{index}/level"), detail));
        }
        known.insert(unit.code.clone(), unit.clone());
    }
    faults
}
