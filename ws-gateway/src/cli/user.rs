//! `keju user`: add, import, passwd.

use super::SiteArgs;
use super::exam::csv_field;
use crate::site::Site;
use anyhow::{Context, bail};
use clap::Subcommand;
use exam_core::person::Role;
use exam_service::{EngineError, NewPerson, RefusedPerson};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a person; a one-time password is made and printed
    Add {
        /// For signing in
        username: String,
        /// Shown
        #[arg(long)]
        name: String,
        /// learner author proctor unit_admin district_admin city_admin admin operator; may be repeated
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
        /// The code of their unit
        #[arg(long)]
        unit: Option<String>,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Import people from CSV (username,name,roles,unit,id_number; roles separated by blanks); one-time passwords go to a new file
    Import {
        /// The file
        file: PathBuf,
        /// The new file with usernames and one-time passwords
        #[arg(long)]
        passwords: PathBuf,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Set a person's password: a one-time password is made and printed, or the new one is read from standard input
    Passwd {
        /// Whose
        username: String,
        /// Read the new password from standard input
        #[arg(long)]
        stdin: bool,
        #[command(flatten)]
        site: SiteArgs,
    },
}

pub(super) async fn run(command: UserCommand) -> anyhow::Result<ExitCode> {
    let (UserCommand::Add { site, .. } | UserCommand::Import { site, .. } | UserCommand::Passwd { site, .. }) =
        &command;
    let site = Site::open_existing(&site.config()?).await?;
    let done = on_site(&site, command).await;
    site.close().await;
    done
}

async fn on_site(site: &Site, command: UserCommand) -> anyhow::Result<ExitCode> {
    match command {
        UserCommand::Add { username, name, roles, unit, .. } => {
            let roles = roles.iter().map(|role| role_of(role)).collect::<anyhow::Result<_>>()?;
            let person = NewPerson { username, name, password: None, roles, unit, id_number: None };
            let (created, refused) = site.engine.create_people(None, vec![person]).await?;
            for person in created {
                say!("{} {}", person.username, person.password.unwrap_or_default());
            }
            Ok(print_refused(&refused))
        }
        UserCommand::Import { file, passwords, .. } => import(site, &file, &passwords).await,
        UserCommand::Passwd { username, stdin, .. } => {
            let given = stdin.then(read_password).transpose()?;
            let silent = given.is_some();
            match site.engine.reset_password(None, &username, given).await {
                Ok(password) if !silent => say!("{username} {password}"),
                Ok(_) => say!("changed; it has to be changed again at the next sign-in"),
                Err(EngineError::NotFound) => bail!("nobody has the username {username:?}"),
                Err(EngineError::Invalid(faults)) => {
                    bail!("{}", faults.first().map(|fault| fault.detail.clone()).unwrap_or_default())
                }
                Err(error) => return Err(error.into()),
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn role_of(name: &str) -> anyhow::Result<Role> {
    let role = Role::ALL.into_iter().find(|role| role.name() == name);
    role.with_context(|| format!("role {name:?} is unknown: give one of {}", Role::ALL.map(Role::name).join(" ")))
}

async fn import(site: &Site, file: &Path, passwords: &Path) -> anyhow::Result<ExitCode> {
    if passwords.exists() {
        bail!("{} is there already: name a new file for the passwords", passwords.display());
    }
    let people = read_people(file)?;
    let (created, refused) = site.engine.create_people(None, people).await?;
    let mut csv = String::from("\u{feff}username,password\r\n");
    for person in &created {
        let fields = [person.username.as_str(), person.password.as_deref().unwrap_or_default()];
        csv.push_str(&fields.map(csv_field).join(","));
        csv.push_str("\r\n");
    }
    super::bank::write_new(passwords, csv.as_bytes())?;
    say!("{} added, {} refused; passwords in {}", created.len(), refused.len(), passwords.display());
    Ok(print_refused(&refused))
}

fn read_people(file: &Path) -> anyhow::Result<Vec<NewPerson>> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        username: String,
        name: String,
        roles: String,
        unit: Option<String>,
        id_number: Option<String>,
    }
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let text = question_bank::formats::encoding::decode_text(&bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let (mut people, mut faults) = (Vec::new(), Vec::new());
    for (index, row) in reader.deserialize::<Row>().enumerate() {
        let read = row.map_err(anyhow::Error::from).and_then(|row| {
            let roles = row.roles.split_whitespace().map(role_of).collect::<anyhow::Result<_>>()?;
            let given = |text: Option<String>| text.filter(|text| !text.is_empty());
            Ok(NewPerson {
                username: row.username,
                name: row.name,
                password: None,
                roles,
                unit: given(row.unit),
                id_number: given(row.id_number),
            })
        });
        match read {
            Ok(person) => people.push(person),
            Err(error) => faults.push(format!("row {}: {error}", index + 2)),
        }
    }
    if faults.is_empty() { Ok(people) } else { bail!("nothing was added:\n{}", faults.join("\n")) }
}

fn print_refused(refused: &[RefusedPerson]) -> ExitCode {
    for person in refused {
        for fault in &person.faults {
            say!("{}\t{}\t{}", fault.pointer, person.username, fault.detail);
        }
    }
    if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
