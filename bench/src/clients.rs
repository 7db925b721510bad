//! Who is measured: the clients in Rust and those outside it, how each is started, and what it can do.

use std::path::Path;
use std::process::Command;

use crate::client::{About, CLIENTS};
use crate::foreign::{self, Program};
use crate::work::{Kind, Work};

/// A client that can run here.
#[derive(Debug)]
pub(crate) struct Contestant {
    pub(crate) about: &'static About,
    start: Start,
}

#[derive(Debug)]
enum Start {
    /// By this program's subcommand `client`.
    Here,
    Foreign(Program),
}

/// A client that cannot run here, and how that could be changed.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Skipped {
    pub(crate) client: &'static str,
    pub(crate) why: String,
}

/// All clients that `wanted` lets through; the foreign ones are looked for only if they are wanted.
pub(crate) fn gather(
    bench: &Path,
    scratch: &Path,
    wanted: impl Fn(&str) -> bool,
) -> (Vec<Contestant>, Vec<Skipped>) {
    let rust = CLIENTS.iter().map(|(about, _)| about).filter(|about| wanted(about.name));
    let mut contestants: Vec<_> = rust.map(|about| Contestant { about, start: Start::Here }).collect();
    let mut skipped = Vec::new();
    let root = bench.parent().map_or_else(String::new, |root| format!("{}/", root.display()));
    if FOREIGN.iter().any(|about| wanted(about.name)) {
        for (client, found) in foreign::find(bench, scratch) {
            let about = FOREIGN.iter().find(|about| about.name == client).expect("it stands in the table");
            match found {
                _ if !wanted(client) => {}
                Ok(program) => contestants.push(Contestant { about, start: Start::Foreign(program) }),
                // It goes into pages that others read: as seen from the repository's root.
                Err(why) => skipped.push(Skipped { client, why: why.replace(&root, "") }),
            }
        }
    }
    (contestants, skipped)
}

/// The names of all clients, whether they can run here or not.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CLIENTS.iter().map(|(about, _)| about).chain(&FOREIGN).map(|about| about.name)
}

impl Contestant {
    pub(crate) fn name(&self) -> &'static str {
        self.about.name
    }

    /// A start of the client; what is missing is its last argument, the job.
    pub(crate) fn command(&self, this_program: &Path) -> Command {
        match &self.start {
            Start::Here => {
                let mut command = Command::new(this_program);
                command.args(["client", self.about.name]);
                command
            }
            Start::Foreign(program) => program.command(),
        }
    }

    /// Whether its code is compiled while it runs, which takes it a while.
    pub(crate) fn warms_up_slowly(&self) -> bool {
        matches!(self.about.name, "node-agent" | "undici")
    }

    pub(crate) fn can(&self, work: &Work) -> bool {
        let About { name, http1, http2, tls, two_threads, pool, cap, idle, .. } = *self.about;
        (if work.http2 { http2 } else { http1 })
            && (tls || !work.tls)
            && (two_threads || work.threads == 1)
            // It parses nothing, and so does not know where such a body ends.
            && !(name == "raw" && matches!(work.ask, crate::work::Ask::Chunked(_)))
            && match work.kind {
                Kind::Steady => true,
                Kind::Queue | Kind::Cold => pool,
                Kind::ColdCapped => cap,
                Kind::Idle => idle,
            }
    }
}

const FOREIGN: [About; 3] = [
    About { two_threads: false, ..foreign_pool("node-agent") },
    About { two_threads: false, ..foreign_pool("undici") },
    foreign_pool("go"),
];

const fn foreign_pool(name: &'static str) -> About {
    About {
        name,
        http1: true,
        http2: false,
        tls: true,
        two_threads: true,
        pool: true,
        cap: true,
        idle: false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_clients_share_a_name() {
        let distinct: HashSet<_> = names().collect();
        assert_eq!(distinct.len(), names().count());
    }
}
