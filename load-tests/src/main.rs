//! `load-tests`: see `load-tests help` and docs/load-testing.md.

use clap::Parser;
use load_tests::cli::{Cli, main as run};
use std::process::ExitCode;

/// What the generator takes of a machine that it shares with the server, the server does not have.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load-tests: {error:#}");
            ExitCode::from(1)
        }
    }
}
