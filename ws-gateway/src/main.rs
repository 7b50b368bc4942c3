//! `keju`: see [`ws_gateway::cli`].

use clap::Parser;
use std::process::ExitCode;
use ws_gateway::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Wrong usage ends here, with 2.
    let cli = Cli::parse();
    match cli::run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("keju: {error:#}");
            ExitCode::FAILURE
        }
    }
}
