//! The server's process, and what is asked of it between the runs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cores::Cores;
use super::process::{kill, wait_at_most};
use crate::client::Failure;
use crate::server::{Listening, Stats};
use crate::work::Work;

/// The server, for as long as this lives.
pub(super) struct Origin {
    child: Child,
    place: Listening,
    /// The one connection that is not a client's.
    control: BufReader<TcpStream>,
}

impl Origin {
    pub(super) fn start(this_program: &Path, cores: &Cores) -> Result<Self, Failure> {
        cores.pin_for_server()?;
        let mut child =
            Command::new(this_program).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line)?;
        let place: Listening =
            serde_json::from_str(&line).map_err(|error| format!("the server said {line:?}: {error}"))?;
        let control = TcpStream::connect((Ipv4Addr::LOCALHOST, place.plain))?;
        control.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { child, place, control: BufReader::new(control) })
    }

    /// The URL of a work and, over TLS, the file with the one authority to trust.
    pub(super) fn url(&self, work: &Work) -> (String, Option<String>) {
        let Listening { plain, tls, ca } = &self.place;
        let path = work.ask.path();
        if work.tls {
            (format!("https://localhost:{tls}{path}"), Some(ca.display().to_string()))
        } else {
            (format!("http://127.0.0.1:{plain}{path}"), None)
        }
    }

    /// Begins to count anew, once the sockets of the client before are gone.
    pub(super) fn reset(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let open = self.stats()?.open - 1;
            if open == 0 {
                break;
            }
            if Instant::now() > deadline {
                return Err(format!("the server still has {open} sockets of the client before").into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.ask("/reset").map(drop)
    }

    /// Whether it spins while it has nothing to do.
    pub(super) fn stay_awake(&mut self, awake: bool) -> Result<(), Failure> {
        self.ask(if awake { "/awake" } else { "/asleep" }).map(drop)
    }

    /// What it has counted; only `open` and `most_open` hold this program's own connection too.
    pub(super) fn stats(&mut self) -> Result<Stats, Failure> {
        Ok(serde_json::from_slice(&self.ask("/stats")?)?)
    }

    /// The time that its one loop has spent on a core, where the kernel tells it.
    pub(super) fn cpu(&self) -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    }

    fn ask(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        let gone = |error: io::Error| format!("the server does not answer: {error}");
        write!(self.control.get_mut(), "GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").map_err(gone)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.control.read_line(&mut line).map_err(gone)? == 0 {
                return Err("the server has gone".into());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse()?;
            }
        }
        let mut body = vec![0; length];
        self.control.read_exact(&mut body).map_err(gone)?;
        Ok(body)
    }
}

impl Drop for Origin {
    /// The end of its stdin is its end; only a server that does not heed it is killed.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if !matches!(wait_at_most(&mut self.child, PATIENCE), Ok(Some(_))) {
            let _ = kill(&mut self.child);
        }
    }
}

/// For what takes the server no time.
const PATIENCE: Duration = Duration::from_secs(5);
