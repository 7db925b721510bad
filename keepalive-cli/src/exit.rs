//! How the program ends: the exit codes, and the one line that says why it could not go on.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use crate::report;

/// The exit codes. 4 is kept for a limit that stops the program; there is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well, or nobody wants to read the output any more.
    Well = 0,
    /// Some request failed.
    Failed = 1,
    /// The command line makes no sense; clap uses the same code.
    Usage = 2,
    /// Input cannot be read, or output not be written.
    Io = 3,
    /// Stopped by SIGINT: 128 + 2.
    Interrupted = 130,
    /// Stopped by SIGTERM: 128 + 15.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the program cannot go on.
#[derive(Debug)]
pub(crate) struct Fault {
    exit: Exit,
    /// `None` where silence is right.
    text: Option<String>,
}

impl Fault {
    /// The command line asks for what cannot be done.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: Some(text.into()) }
    }

    /// `what` is `cannot read` or the like, `name` a file.
    pub(crate) fn io(what: &str, name: impl Display, error: &io::Error) -> Self {
        Self { exit: Exit::Io, text: Some(format!("{what} {name}: {error}")) }
    }

    /// Standard output did not take what was printed. A reader that went away has all it wants: that is
    /// no failure, and nothing is said.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { exit: Exit::Well, text: None };
        }
        Self::io("cannot write", "standard output", error)
    }

    /// Says it, and gives the exit code.
    pub(crate) fn report(self) -> Exit {
        if let Some(text) = self.text {
            report::complain(&text);
        }
        self.exit
    }
}
