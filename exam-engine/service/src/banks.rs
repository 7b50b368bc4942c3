//! Banks: making them, filling them, reading them.

use crate::exams::name_faults;
use crate::loaded::blocking;
use crate::{Engine, EngineError, FieldFault, Identity};
use exam_core::access::Act;
use exam_core::audit::NewAudit;
use exam_core::ids::{BankId, PersonId};
use exam_store::{BankRow, ItemRow, ItemState, Page};
use question_bank::formats::{Finding, Format, Import, Language, Report, Written, export, import};
use question_bank::{ContentHash, Difficulty, Item, ItemKind, TopicPath, content_hash};
use std::collections::{BTreeMap, HashSet};

/// A file to be imported.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its name, a hint only.
    pub file_name: Option<String>,
    /// Its format; `None` looks at the content.
    pub format: Option<Format>,
    /// Report only; nothing is stored.
    pub dry_run: bool,
    /// What the items become.
    pub state: ItemState,
}

/// An item that its author wrote by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenItem {
    /// Its code, given or made from its content.
    pub code: String,
    /// What was changed in it or is worth a look.
    pub warnings: Vec<Finding>,
}

/// Ready items of exactly one topic, difficulty and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stratum {
    /// The topic.
    pub topic: TopicPath,
    /// How hard.
    pub difficulty: Difficulty,
    /// The kind.
    pub kind: ItemKind,
    /// How many.
    pub count: u32,
}

impl Engine {
    /// Makes a bank.
    ///
    /// # Errors
    /// The caller is no author, or the code is taken.
    pub async fn create_bank(&self, identity: &Identity, code: String, title: String) -> Result<BankRow, EngineError> {
        identity.may(Act::WriteBanks)?;
        self.make_bank(Some(identity.id()), code, title).await
    }

    /// Makes a bank on behalf of `by`; the command line has nobody.
    ///
    /// # Errors
    /// The code is taken.
    pub async fn make_bank(&self, by: Option<PersonId>, code: String, title: String) -> Result<BankRow, EngineError> {
        let faults = name_faults(&code, &title);
        if !faults.is_empty() {
            return Err(EngineError::Invalid(faults));
        }
        let bank = BankRow { id: BankId(uuid::Uuid::now_v7()), code, title, revision: 0 };
        self.store.create_bank(bank.clone(), self.audit(by, "bank.create", bank.id.to_string())).await?;
        Ok(bank)
    }

    /// Keeps one item, written as in the bank's JSON. A new one must differ from all the bank holds; with `again` it is
    /// the next version of the item of its code.
    ///
    /// # Errors
    /// The caller is no author, there is no such bank, or something is wrong with the item: all faults at once.
    pub async fn write_item(
        &self,
        identity: &Identity,
        bank: BankId,
        item: serde_json::Value,
        again: bool,
    ) -> Result<WrittenItem, EngineError> {
        identity.may(Act::WriteBanks)?;
        self.store.bank(bank).await?.ok_or(EngineError::NotFound)?;
        if again && item["code"].as_str().is_none_or(|code| code.trim().is_empty()) {
            return Err(EngineError::invalid("/code", "请填写试题编号 / give the code of the item"));
        }
        let known: HashSet<[u8; 32]> = self.store.content_hashes(bank).await?.into_iter().collect();
        let file = serde_json::json!({"format": "keju-bank/1", "items": [item]}).to_string();
        let exists = move |_: &Item, hash: &ContentHash| !again && known.contains(&hash.0);
        let read = blocking(move || import(file.as_bytes(), Some(Format::Json), None, &exists)).await?;
        let Import { mut items, report, .. } = read.map_err(|finding| EngineError::invalid("", words(&finding)))?;
        let findings: Vec<Finding> = report.lines.into_iter().map(|line| line.finding).collect();
        let Some(item) = items.pop() else {
            let fault = |finding: &Finding| FieldFault::new("", words(finding));
            return Err(EngineError::Invalid(findings.iter().map(fault).collect()));
        };
        let (code, hash) = (item.code.clone(), content_hash(&item).0);
        let audit = self.audit(Some(identity.id()), "bank.item", bank.to_string());
        self.store.put_items(bank, vec![(item, hash)], ItemState::Ready, self.now(), audit).await?;
        let warnings = if report.warned > 0 { findings } else { Vec::new() };
        Ok(WrittenItem { code, warnings })
    }

    /// Imports a file into a bank.
    ///
    /// # Errors
    /// The caller is no author, there is no such bank, or the file as a whole cannot be read.
    pub async fn import_items(
        &self,
        identity: &Identity,
        bank: BankId,
        request: ImportRequest,
    ) -> Result<Report, EngineError> {
        identity.may(Act::WriteBanks)?;
        self.import(Some(identity.id()), bank, request).await
    }

    /// Imports on behalf of `by`; the command line has nobody.
    ///
    /// # Errors
    /// As [`Engine::import_items`].
    pub async fn import(
        &self,
        by: Option<PersonId>,
        bank: BankId,
        request: ImportRequest,
    ) -> Result<Report, EngineError> {
        self.store.bank(bank).await?.ok_or(EngineError::NotFound)?;
        let known: HashSet<[u8; 32]> = self.store.content_hashes(bank).await?.into_iter().collect();
        let (dry_run, state) = (request.dry_run, request.state);
        let imported = blocking(move || {
            let ImportRequest { bytes, file_name, format, .. } = request;
            let exists = |_: &Item, hash: &ContentHash| known.contains(&hash.0);
            import(&bytes, format, file_name.as_deref(), &exists).map(|imported| {
                let hashed = |item: Item| (content_hash(&item).0, item);
                let items: Vec<_> = imported.items.into_iter().map(hashed).map(|(hash, item)| (item, hash)).collect();
                (items, imported.report)
            })
        })
        .await?;
        let (items, report) = imported.map_err(|finding| {
            EngineError::invalid("/file", finding.message(question_bank::formats::Language::Chinese))
        })?;
        if !dry_run && !items.is_empty() {
            let detail = format!("{{\"items\":{}}}", items.len());
            let audit = NewAudit { at: self.now(), actor: by, act: "bank.import", subject: bank.to_string(), detail };
            self.store.put_items(bank, items, state, self.now(), audit).await?;
        }
        Ok(report)
    }

    /// A page of a bank's items, keys included.
    ///
    /// # Errors
    /// The caller is no author, or there is no such bank.
    pub async fn bank_items(
        &self,
        identity: &Identity,
        bank: BankId,
        page: Page<String>,
    ) -> Result<Vec<ItemRow>, EngineError> {
        identity.may(Act::WriteBanks)?;
        self.store.bank(bank).await?.ok_or(EngineError::NotFound)?;
        Ok(self.store.items(bank, page).await?)
    }

    /// How many ready items each stratum of a bank holds now: what a blueprint can ask for.
    ///
    /// # Errors
    /// The caller is no author, or there is no such bank.
    pub async fn strata(&self, identity: &Identity, bank: BankId) -> Result<Vec<Stratum>, EngineError> {
        identity.may(Act::WriteBanks)?;
        let row = self.store.bank(bank).await?.ok_or(EngineError::NotFound)?;
        let items = self.store.items_at(bank, row.revision).await?;
        blocking(move || {
            let mut counts: BTreeMap<(&TopicPath, Difficulty, ItemKind), u32> = BTreeMap::new();
            for item in &items {
                *counts.entry((&item.topic, item.difficulty, item.kind())).or_default() += 1;
            }
            let stratum = |((topic, difficulty, kind), count): ((&TopicPath, _, _), _)| Stratum {
                topic: topic.clone(),
                difficulty,
                kind,
                count,
            };
            counts.into_iter().map(stratum).collect()
        })
        .await
    }

    /// The banks.
    ///
    /// # Errors
    /// The caller is no author.
    pub async fn banks(&self, identity: &Identity, page: Page<String>) -> Result<Vec<BankRow>, EngineError> {
        identity.may(Act::WriteBanks)?;
        Ok(self.store.banks(page).await?)
    }

    /// Writes a bank's ready items to a file.
    ///
    /// # Errors
    /// The caller is no author, or there is no such bank.
    pub async fn export_bank(&self, identity: &Identity, bank: BankId, format: Format) -> Result<Written, EngineError> {
        identity.may(Act::WriteBanks)?;
        self.export(Some(identity.id()), bank, format).await
    }

    /// Exports on behalf of `by`; the command line has nobody. Keys leave the house: it is audited.
    ///
    /// # Errors
    /// There is no such bank.
    pub async fn export(&self, by: Option<PersonId>, bank: BankId, format: Format) -> Result<Written, EngineError> {
        let row = self.store.bank(bank).await?.ok_or(EngineError::NotFound)?;
        let items = self.store.items_at(bank, row.revision).await?;
        self.store.append_audit(self.audit(by, "bank.export", bank.to_string())).await?;
        blocking(move || {
            let items: Vec<_> = items.iter().collect();
            export(&items, format)
        })
        .await?
        .map_err(|finding| EngineError::Internal(finding.message(question_bank::formats::Language::English)))
    }

    /// Changes the state of items.
    ///
    /// # Errors
    /// The caller is no author, or there is no such bank or item.
    pub async fn set_item_state(
        &self,
        identity: &Identity,
        bank: BankId,
        codes: Vec<String>,
        state: ItemState,
    ) -> Result<i64, EngineError> {
        identity.may(Act::WriteBanks)?;
        let audit = self.audit(Some(identity.id()), "bank.item_state", bank.to_string());
        Ok(self.store.set_item_state(bank, codes, state, self.now(), audit).await?)
    }
}

/// In Chinese with English beside.
fn words(finding: &Finding) -> String {
    format!("{} / {}", finding.message(Language::Chinese), finding.message(Language::English))
}
