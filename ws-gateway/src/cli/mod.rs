//! The command line. Exit codes: 0 fine, 1 refused or failed with a message, 2 wrong usage.

mod bank;
mod exam;
mod migrate;
mod partner;
mod serve;
mod user;

use crate::config::{Config, Database, LogFormat};
use crate::runtime;
use crate::site::Site;
use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Keju 科举: online examinations.
#[derive(Debug, Parser)]
#[command(name = "keju", version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

/// How to serve, and where the data is.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Address and port to listen at; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "KEJU_LISTEN")]
    pub listen: Option<String>,
    /// Where the data is kept, such as sqlite:keju.db or postgres://keju@host/keju [default: sqlite:keju.db]
    #[arg(long, env = "KEJU_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Configuration file [default: keju.toml, if there is one]
    #[arg(long, env = "KEJU_CONFIG")]
    pub config: Option<PathBuf>,
    /// How log lines look [default: text]
    #[arg(long, env = "KEJU_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Serve a demo site on loopback, with a bank, courses, exams and people of every role
    #[arg(long)]
    pub demo: bool,
    /// Print the configuration as it would be used, and end
    #[arg(long)]
    pub print_config: bool,
}

/// Where the data is, for commands beside the server.
#[derive(Clone, Debug, Args)]
pub struct SiteArgs {
    /// Where the data is kept [default: sqlite:keju.db]
    #[arg(long, env = "KEJU_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Configuration file [default: keju.toml, if there is one]
    #[arg(long, env = "KEJU_CONFIG")]
    config: Option<PathBuf>,
}

impl SiteArgs {
    fn config(&self) -> anyhow::Result<Config> {
        let flags = ServeArgs { database: self.database.clone(), ..ServeArgs::default() };
        Config::load(self.config.as_deref(), &flags)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default)
    Serve(ServeArgs),
    /// Serve a demo site; the same as --demo
    Demo(ServeArgs),
    /// Banks: import, export, check a file
    #[command(subcommand)]
    Bank(bank::BankCommand),
    /// Exams: publish, verify papers, regrade, results
    #[command(subcommand)]
    Exam(exam::ExamCommand),
    /// The logs
    #[command(subcommand)]
    Audit(AuditCommand),
    /// People: add, import, set a password
    #[command(subcommand)]
    User(user::UserCommand),
    /// Partner systems: add
    #[command(subcommand)]
    Partner(partner::PartnerCommand),
    /// Move a site from a SQLite file into an empty PostgreSQL database
    Migrate(migrate::MigrateArgs),
    /// Copy a SQLite database into a new file, also while the site is running
    Backup {
        /// The new file
        to: PathBuf,
        #[command(flatten)]
        site: SiteArgs,
    },
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check the hash chains of the site's log, of every attempt and of every learner's lesson
    Verify {
        #[command(flatten)]
        site: SiteArgs,
    },
}

/// Runs the command line.
///
/// # Errors
/// What went wrong, in words for the person at the terminal.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Demo(args)) => serve::run(ServeArgs { demo: true, ..args }),
        Some(Command::Bank(command)) => block_on(bank::run(command)),
        Some(Command::Exam(command)) => block_on(exam::run(command)),
        Some(Command::User(command)) => block_on(user::run(command)),
        Some(Command::Partner(command)) => block_on(partner::run(command)),
        Some(Command::Audit(AuditCommand::Verify { site })) => block_on(verify_logs(site)),
        Some(Command::Migrate(args)) => block_on(migrate::run(args)),
        Some(Command::Backup { to, site }) => backup(&site, &to),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    runtime::start(None).context("cannot start the runtime")?.block_on(work)
}

async fn verify_logs(site: SiteArgs) -> anyhow::Result<ExitCode> {
    let site = Site::open_existing(&site.config()?).await?;
    let report = site.engine.verify_logs().await?;
    site.close().await;
    say!("{} records of the site, {} steps of {} attempts", report.records, report.steps, report.attempts);
    say!("{} steps of {} lessons", report.lesson_steps, report.lessons);
    for fault in &report.faults {
        say!("FAULT {fault}");
    }
    if report.faults.is_empty() {
        say!("all chains hold");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn backup(site: &SiteArgs, to: &std::path::Path) -> anyhow::Result<ExitCode> {
    let from = match site.config()?.database()? {
        Database::Sqlite(path) => path,
        Database::Postgres(_) => bail!(
            "a PostgreSQL database is copied by its own tools, also while the site is running: \
             `pg_dump --format=custom --file={} ADDRESS` for a copy, pg_basebackup with archived logs for going back \
             to any moment (docs/operations.md)",
            to.display()
        ),
    };
    exam_store_sqlite::copy_database(&from, to)?;
    say!("copied {} to {}", from.display(), to.display());
    Ok(ExitCode::SUCCESS)
}
