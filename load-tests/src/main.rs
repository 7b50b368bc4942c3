//! `load-tests`: see `load-tests help` and docs/load-testing.md.

use clap::Parser;
use load_tests::cli::{Cli, main as run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load-tests: {error:#}");
            ExitCode::from(1)
        }
    }
}
