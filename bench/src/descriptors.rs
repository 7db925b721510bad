//! The limit of descriptors: 10,000 idle sockets need as many, in the client and in the server.

use rustix::process::{Resource, getrlimit, setrlimit};

/// As many as the system lets the process have.
pub(crate) fn raise_limit() -> std::io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
