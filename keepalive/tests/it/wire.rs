//! What lies between client and origin in the modules that run twice: here plain TCP.
//!
//! Such a module takes its runner, its agents and its URLs from `super::wire`; `over_tls` includes it a
//! second time beside a `wire` of its own.

use keepalive::{Agent, AgentBuilder};
pub(crate) use testkit::{run, run_paused, run_threads};

/// What URLs begin with.
pub(crate) const SCHEME: &str = "http";

pub(crate) const DEFAULT_PORT: u16 = 80;

/// What a write takes on the socket beside its bytes.
pub(crate) const RECORD: u64 = 0;

/// Whether HTTP/2 is spoken: a connection is closed by its task, a moment later, and no body costs it.
pub(crate) const HTTP2: bool = false;

/// Whether bytes may wait between the request and the socket.
pub(crate) const BUFFERS: bool = false;

/// An agent with nothing but defaults.
pub(crate) fn agent() -> Agent {
    Agent::new()
}

pub(crate) fn builder() -> AgentBuilder {
    Agent::builder()
}
