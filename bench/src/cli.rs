//! The command line.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{Args, Parser, Subcommand};

use crate::clients;
use crate::work::WORKS;

/// keepalive beside raw sockets and its rivals: CPU time for a request, requests a second, and more.
///
/// Prints Markdown on stdout. A whole run writes its figures to bench/results and into BENCHMARKS.md and
/// README.md; one of --quick, --work or --client writes bench/results/partial.json and partial/*.svg alone.
#[derive(Debug, Parser)]
#[command(name = "keepalive-bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Ends in 2 minutes: shorter runs, fewer rounds, no idle sockets unless named
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these works (see --list)
    #[arg(long, value_name = "NAME", num_args = 1.., hide_possible_values = true, value_parser = work_names())]
    pub(crate) work: Vec<String>,
    /// Only these clients (see --list); without the limit of a work there is no ratio to it
    #[arg(long, value_name = "NAME", num_args = 1.., hide_possible_values = true, value_parser = client_names())]
    pub(crate) client: Vec<String>,
    /// How often each client does each work
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub(crate) rounds: Option<u32>,
    /// Lists works and clients, and what each client can do here
    #[arg(long)]
    pub(crate) list: bool,
}

/// The processes that the bench starts.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// The server; says where it listens, ends with its stdin
    Serve {
        /// The directory for its authority's certificate
        #[arg(default_value_os_t = std::env::temp_dir())]
        scratch: PathBuf,
    },
    /// One run of a client in Rust; prints what it did
    Client {
        name: String,
        /// What to do, as JSON
        job: String,
    },
}

fn work_names() -> PossibleValuesParser {
    PossibleValuesParser::new(WORKS.iter().map(|work| work.name))
}

fn client_names() -> PossibleValuesParser {
    PossibleValuesParser::new(clients::names())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["keepalive-bench"], arguments].concat())
    }

    #[test]
    fn names_follow_an_option_in_any_number() {
        let cli = parse(&["--work", "get_8m_4_1t", "cold_100", "--client", "go", "--rounds", "3"]).unwrap();
        assert_eq!(cli.options.work, ["get_8m_4_1t", "cold_100"]);
        assert_eq!(
            (cli.options.client.as_slice(), cli.options.rounds),
            (["go".to_owned()].as_slice(), Some(3))
        );
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        for (option, good) in [("--work", "get_small_64_1t"), ("--client", "hyper-util")] {
            let error = parse(&[option, "nonsense"]).unwrap_err().to_string();
            assert!(error.contains("nonsense") && error.contains(good), "{error}");
        }
        assert!(parse(&["--rounds", "0"]).is_err());
    }
}
