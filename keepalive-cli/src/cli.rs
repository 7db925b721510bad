//! The words of the command line. What they mean is in `options`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Does HTTP requests through a bounded set of connections that are kept alive and reused.
#[derive(Debug, Parser)]
#[command(name = "keepalive", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArgs),
    Fetch(Box<FetchArgs>),
}

/// Shows what an agent does: the same requests three ways, to an origin inside this program.
///
/// The requests come in waves to an origin on the loopback address; no network is needed. First each
/// request has a socket of its own, then an agent runs them with keep-alive off, then with keep-alive.
#[derive(Debug, Args)]
#[command(after_long_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// How many requests each way does; 1 or more
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = positive)]
    pub(crate) requests: usize,

    /// How many sockets an agent may have open at once; 1 or more
    #[arg(long, value_name = "N", default_value_t = keepalive::DEFAULT_MAX_SOCKETS, value_parser = positive)]
    pub(crate) max_sockets: usize,

    /// Print one JSON object instead of the table [default: the table]
    #[arg(long)]
    pub(crate) json: bool,
}

/// Fetches URLs through one agent; prints a line of JSON for each on standard output.
///
/// The lines come in the order in which the requests end; `id` is the URL's place in the input, from 1.
/// A summary follows on standard error. Redirects are not followed.
#[derive(Debug, Args)]
#[command(after_long_help = FETCH_EXAMPLES)]
pub(crate) struct FetchArgs {
    /// What to fetch; these come before those of --input
    #[arg(value_name = "URL", required_unless_present = "input")]
    pub(crate) urls: Vec<String>,

    /// Read URLs from FILE, one a line, as they are needed; - is standard input. Blank lines and lines that
    /// begin with # are skipped [default: none]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,

    /// How many sockets may be open to one origin; with HTTP/2 one of them carries many requests; 1 or more
    #[arg(short = 'c', long, value_name = "N", default_value_t = keepalive::DEFAULT_MAX_SOCKETS,
          value_parser = positive)]
    pub(crate) max_sockets: usize,

    /// How many requests may be in flight, those that wait for a socket included; 1 or more
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub(crate) concurrency: usize,

    /// The method [default: GET, or POST with --data]
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(crate) request: Option<String>,

    /// A header field 'Name: value', sent as it is; may be repeated [default: none]
    #[arg(short = 'H', long, value_name = "FIELD")]
    pub(crate) header: Vec<String>,

    /// The request body, sent as it is; @FILE reads it from a file. No content-type is added [default: none]
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,

    /// The local address sockets are bound to [default: the system's choice]
    #[arg(long, value_name = "IP")]
    pub(crate) local_address: Option<IpAddr>,

    /// Open a socket for each request and close it after use (Connection: close); --max-sockets still
    /// holds [default: sockets are reused]
    #[arg(long)]
    pub(crate) one_shot: bool,

    /// How long a request may take from its start to the last byte, such as 2.5; waiting for a socket
    /// counts [default: no limit; connecting alone has 10 s]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) timeout: Option<String>,

    /// Trust only the authorities in FILE (PEM), or a server whose own certificate is there [default: those
    /// that the system trusts]
    #[arg(long, value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,

    /// Show a server that asks for one the certificate in FILE (PEM), with the chain behind it; the key may
    /// be there too [default: none]
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,

    /// The key that belongs to --cert (PEM) [default: the one in the file of --cert]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Take any certificate of any server: whoever sits between can read and change everything [default:
    /// certificates are checked]
    #[arg(short = 'k', long)]
    pub(crate) insecure: bool,

    /// Speak HTTP/1.1 only [default: HTTP/2 with https servers that choose it, else HTTP/1.1]
    #[arg(long = "http1.1", group = "http_version")]
    pub(crate) http1: bool,

    /// Speak HTTP/2 with https servers, and fail where they do not; http stays HTTP/1.1 [default: as above]
    #[arg(long, group = "http_version")]
    pub(crate) http2: bool,

    /// Speak HTTP/2 without asking whether the server does, with http servers too [default: as above]
    #[arg(long, group = "http_version")]
    pub(crate) http2_prior_knowledge: bool,

    /// Count a status of 400 and above as failed, and write no file for it [default: a complete response
    /// of any status is a success]
    #[arg(long)]
    pub(crate) fail: bool,

    /// Write the body to FILE; may be repeated, the n-th belongs to the n-th URL [default: bodies are read
    /// and dropped]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    /// Write each body to a file in DIR: 000001.body for the first URL, and so on. DIR is made if it is
    /// missing; its parent must exist [default: bodies are read and dropped]
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(crate) out_dir: Option<PathBuf>,
}

/// A number that may not be 0.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all went well, or the reader of standard output went away
  1    some request failed
  2    the command line makes no sense
  3    input cannot be read, or output cannot be written
  130  stopped by SIGINT (143: by SIGTERM)

Examples:
  keepalive demo
  keepalive fetch -i urls.txt -c 5 --out-dir bodies > results.ndjson

`keepalive COMMAND --help` says more.";

const DEMO_EXAMPLES: &str = "\
Examples:
  keepalive demo
  keepalive demo --requests 1000 --max-sockets 20
  keepalive demo --json | jq '.runs[] | {name, sockets_opened}'";

const FETCH_EXAMPLES: &str = "\
A line on standard output (one line; here it is broken), times in milliseconds, null for what is
not known:
  {\"v\":1,\"id\":1,\"url\":\"http://…\",\"status\":200,\"protocol\":\"HTTP/1.1\",\"reused\":false,\"socket\":1,
  \"attempts\":1,\"bytes\":5,\"timing_ms\":{\"queue\":…,\"dns\":…,\"connect\":…,\"tls\":null,\"send\":…,
  \"wait\":…,\"receive\":…},\"error\":null}

The summary's \"perfect keep-alive\" is the fewest sockets that could have done the same without more
waiting: for each origin the smallest of --max-sockets, --concurrency and the number of its requests
that got a connection, added up. For an origin that spoke HTTP/2 it is one.

A file is written under a temporary name beside it (.keepalive-*.part) and renamed when the body is
complete. A body that was cut short is an error and leaves no file.

Examples:
  keepalive fetch http://localhost:8080/a http://localhost:8080/b
  keepalive fetch -o a.html http://localhost:8080/a
  seq 1000 | sed 's|^|http://localhost:8080/|' | keepalive fetch -i - -c 5 --out-dir bodies
  keepalive fetch -H 'content-type: application/json' -d '{\"x\":1}' http://localhost:8080/
  keepalive fetch --cacert ca.pem --cert me.pem --key me.key https://localhost:8443/
  keepalive fetch -i urls.txt --fail --timeout 10 | jq 'select(.error)'";
