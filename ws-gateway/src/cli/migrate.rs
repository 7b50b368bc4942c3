//! `keju migrate`: moves a site from a file into a PostgreSQL database.

use super::ServeArgs;
use crate::config::{Config, Database, masked};
use crate::transfer::{bring_over, compare, read_only};
use anyhow::Context;
use clap::Args;
use exam_store_postgres::{Arrival, Options};
use exam_store_sqlite::Departure;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to move, and where to.
#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// The site to be moved, such as sqlite:keju.db; its server has to be stopped
    #[arg(long)]
    from: String,
    /// Where to, such as postgres://keju@host/keju: a database without a site in it
    #[arg(long, hide_env_values = true)]
    to: String,
    /// Move and check everything, and then take it back; the server may be running
    #[arg(long, conflicts_with = "verify")]
    dry_run: bool,
    /// Compare what was moved before, and move nothing
    #[arg(long)]
    verify: bool,
    /// Configuration file, for how to reach the database [default: keju.toml, if there is one]
    #[arg(long, env = "KEJU_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) async fn run(args: MigrateArgs) -> anyhow::Result<ExitCode> {
    let (Ok(Database::Sqlite(from)), Ok(Database::Postgres(to))) =
        (Database::parse(&args.from), Database::parse(&args.to))
    else {
        eprintln!("keju: a site moves --from sqlite:PATH --to postgres://user@host/name");
        return Ok(ExitCode::from(2));
    };
    let flags = ServeArgs { database: Some(args.to.clone()), ..ServeArgs::default() };
    let config = Config::load(args.config.as_deref(), &flags)?;
    let options = crate::site::postgres_options(&config)?;
    let shown = masked(&args.to);
    let opened = Departure::open(&from, !args.dry_run && !args.verify);
    let departure = opened.with_context(|| format!("cannot open {}", from.display()))?;
    if args.verify {
        return verify(departure, &to, &options, &shown).await;
    }
    let arrival = Arrival::begin(&to, &options).await.with_context(|| format!("cannot open {shown}"))?;
    let nothing = || format!("nothing was moved, {shown} is as it was");
    // Held until the commit: no server starts on it meanwhile.
    let (departure, sent) = bring_over(departure, &arrival, tell).await.with_context(nothing)?;
    let faults = compare(&sent, &arrival, tell).await.with_context(nothing)?;
    if !told(&faults) {
        say!("{}", nothing());
        return Ok(ExitCode::FAILURE);
    }
    if args.dry_run {
        say!("everything fits and all chains hold; {}", nothing());
        return Ok(ExitCode::SUCCESS);
    }
    arrival.commit().await.with_context(
        || "the last step failed; if its outcome is unknown, the same command with --verify tells whether all is there",
    )?;
    drop(departure);
    say!("moved to {shown}; all chains hold");
    say!("keep {} as a copy and start no server on it any more: the site is in one place", from.display());
    Ok(ExitCode::SUCCESS)
}

async fn verify(departure: Departure, to: &str, options: &Options, shown: &str) -> anyhow::Result<ExitCode> {
    let arrival = Arrival::look(to, options).await.with_context(|| format!("cannot open {shown}"))?;
    let sent = read_only(departure, &arrival, tell).await?;
    if told(&compare(&sent, &arrival, tell).await?) {
        say!("{shown} holds what the file holds; all chains hold");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn tell(words: &str) {
    say!("{words}");
}

/// Prints faults; whether there are none.
fn told(faults: &[String]) -> bool {
    for fault in faults {
        say!("FAULT {fault}");
    }
    faults.is_empty()
}
