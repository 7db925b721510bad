//! The program `keepalive`: `demo` shows what an agent does, `fetch` does many requests through one.
//!
//! argv → `cli` (words) → `options` (values that are known to be good) → `demo` or `fetch` (the work) →
//! `report` (what is printed). Data goes to standard output, everything else to standard error.

mod cli;
mod demo;
mod exit;
mod fetch;
mod options;
mod report;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use self::cli::Cli;
use self::exit::Fault;
use self::options::Options;

fn main() -> ExitCode {
    let done = Options::new(Cli::parse()).and_then(|options| match options {
        Options::Demo(options) => demo::run(&options),
        Options::Fetch(options) => fetch::run(*options),
    });
    done.unwrap_or_else(Fault::report).into()
}
