//! `keju bank`: import, export, check.

use super::SiteArgs;
use crate::site::Site;
use anyhow::{Context, bail};
use clap::Subcommand;
use exam_service::ImportRequest;
use exam_store::{BankRow, ItemState};
use question_bank::formats::xlsx::template;
use question_bank::formats::{Format, Language, Report, Status, import};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum BankCommand {
    /// Import a file into a bank, making the bank if there is none; exits 1 if any item is refused
    Import {
        /// The bank's code
        bank: String,
        /// The file
        file: PathBuf,
        /// auto json xlsx csv gift moodle_xml aiken
        #[arg(long, default_value = "auto")]
        format: String,
        /// Report only; nothing is stored
        #[arg(long)]
        dry_run: bool,
        /// The bank's title, if it is made
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Write a bank's ready items to a file
    Export {
        /// The bank's code
        bank: String,
        /// The new file
        file: PathBuf,
        /// json xlsx csv gift moodle_xml aiken
        #[arg(long, default_value = "json")]
        format: String,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Check a file without any site; exits 1 if any item is refused
    Check {
        /// The file
        file: PathBuf,
        /// auto json xlsx csv gift moodle_xml aiken
        #[arg(long, default_value = "auto")]
        format: String,
    },
    /// Write the Excel template
    Template {
        /// The new file
        file: PathBuf,
    },
}

pub(super) async fn run(command: BankCommand) -> anyhow::Result<ExitCode> {
    match command {
        BankCommand::Check { file, format } => check(&file, &format),
        BankCommand::Template { file } => {
            let bytes = template().map_err(|finding| anyhow::anyhow!(finding.message(Language::English)))?;
            write_new(&file, &bytes)?;
            say!("wrote {}", file.display());
            Ok(ExitCode::SUCCESS)
        }
        BankCommand::Import { bank, file, format, dry_run, title, site } => {
            let request = ImportRequest {
                bytes: read(&file)?,
                file_name: file_name(&file),
                format: format_of(&format)?,
                dry_run,
                state: ItemState::Ready,
            };
            let site = Site::open_existing(&site.config()?).await?;
            let done = import_into(&site, &bank, title, request).await;
            site.close().await;
            Ok(print_report(&done?))
        }
        BankCommand::Export { bank, file, format, site } => {
            let format = format_of(&format)?.context("name the format to write")?;
            let site = Site::open_existing(&site.config()?).await?;
            let done = export(&site, &bank, &file, format).await;
            site.close().await;
            done
        }
    }
}

async fn import_into(site: &Site, code: &str, title: Option<String>, request: ImportRequest) -> anyhow::Result<Report> {
    let bank = match site.engine.store().bank_by_code(code).await? {
        Some(bank) => bank,
        None => site.engine.make_bank(None, code.to_owned(), title.unwrap_or_else(|| code.to_owned())).await?,
    };
    match site.engine.import(None, bank.id, request).await {
        Ok(report) => Ok(report),
        Err(exam_service::EngineError::Invalid(faults)) => {
            bail!("{}", faults.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))
        }
        Err(error) => Err(error.into()),
    }
}

async fn export(site: &Site, code: &str, file: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let bank: BankRow =
        site.engine.store().bank_by_code(code).await?.with_context(|| format!("there is no bank {code:?}"))?;
    let written = site.engine.export(None, bank.id, format).await?;
    write_new(file, &written.bytes)?;
    say!("wrote {}", file.display());
    for (code, finding) in &written.omitted {
        say!("{code}: {}", finding.message(Language::English));
    }
    Ok(if written.omitted.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(file: &Path, format: &str) -> anyhow::Result<ExitCode> {
    let bytes = read(file)?;
    let imported = import(&bytes, format_of(format)?, file_name(file).as_deref(), &|_, _| false);
    let imported = imported.map_err(|finding| anyhow::anyhow!(finding.message(Language::English)))?;
    Ok(print_report(&imported.report))
}

fn print_report(report: &Report) -> ExitCode {
    for line in report.lines.iter().filter(|line| line.status != Status::Accepted) {
        let (code, words) = (line.finding.code.name(), line.finding.message(Language::Chinese));
        say!("{}\t{}\t{code}\t{words}", line.place, line.status.name());
    }
    say!(
        "{}: {} accepted, {} with a warning, {} refused, {} duplicates",
        report.format,
        report.accepted,
        report.warned,
        report.refused,
        report.duplicates
    );
    if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Never over a file that is there, and readable by its owner only: it may hold keys or passwords.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut new = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make {}", file.display()))?;
    new.write_all(bytes).and_then(|()| new.sync_all()).with_context(|| format!("cannot write {}", file.display()))
}

fn file_name(file: &Path) -> Option<String> {
    file.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn format_of(name: &str) -> anyhow::Result<Option<Format>> {
    match name {
        "auto" => Ok(None),
        name => match Format::parse(name) {
            Some(format) => Ok(Some(format)),
            None => bail!("format {name:?} is unknown: give one of auto json xlsx csv gift moodle_xml aiken"),
        },
    }
}
