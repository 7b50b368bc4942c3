//! The server program: HTTP, limits, metrics, the command line.

/// Says a line on standard output. A reader that has gone away ends a pipe, not the program.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// The same without an end of line.
macro_rules! say_as_is {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stdout(), $($words)*);
    }};
}

pub mod admission;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod http;
pub mod limits;
pub mod messages;
pub mod metrics;
pub mod pace;
pub mod process;
pub mod queue;
pub mod rates;
pub mod room;
pub mod runtime;
pub mod server;
pub mod site;
pub mod socket;
pub mod stall;
pub mod stream;
pub mod transfer;
pub mod webhook;
