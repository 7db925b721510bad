//! `keepalive` beside raw sockets and its rivals.

mod cli;
mod client;
mod clients;
mod descriptors;
mod figures;
mod foreign;
mod heap;
mod job;
mod machine;
mod report;
mod rounds;
mod run;
mod server;
mod work;

use std::process::ExitCode;

use clap::Parser;

use self::cli::{Cli, Part};
use self::client::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.part {
        Some(Part::Serve { scratch }) => {
            server::serve(&scratch).map_err(Failure::from).map(|never| match never {})
        }
        Some(Part::Client { name, job }) => client(&name, &job),
        None => run::run(&cli.options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("keepalive-bench: {error}");
        ExitCode::FAILURE
    })
}

fn client(name: &str, job: &str) -> Result<ExitCode, Failure> {
    let outcome = client::run(name, &serde_json::from_str(job)?)?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(ExitCode::SUCCESS)
}
