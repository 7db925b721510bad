//! What a client process is told to do, and what it says it did: one JSON object each way, so that a client
//! can be written in any language.

use serde::{Deserialize, Serialize};

/// The client's only argument.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Of the server; over TLS its host is `localhost`.
    pub(crate) url: String,
    pub(crate) method: String,
    /// Bytes of the request's body, 0 for none.
    pub(crate) upload: usize,
    /// How many sockets the pool may have open, and keep idle.
    pub(crate) sockets: usize,
    /// How many requests are under way at once.
    pub(crate) tasks: usize,
    pub(crate) threads: usize,
    /// Until the measurement begins.
    pub(crate) warm_ms: u64,
    pub(crate) run_ms: u64,
    /// A PEM file: the one authority to trust.
    pub(crate) ca: Option<String>,
    /// Whether each request's time is to be recorded, and its turns.
    pub(crate) latency: bool,
    /// HTTP/2, with prior knowledge where there is no TLS.
    pub(crate) http2: bool,
    /// Instead of a time: so many requests, all at once, by a client that has no sockets yet.
    pub(crate) requests: Option<usize>,
    /// Instead of both: so many sockets that rest, to be weighed.
    #[serde(default)]
    pub(crate) idle: Option<usize>,
}

/// The only line that the client prints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) body_bytes: u64,
    pub(crate) errors: u64,
    pub(crate) wall_s: f64,
    /// Of the whole process, user and system.
    pub(crate) cpu_s: f64,
    pub(crate) latency_us: Option<Latency>,
    #[serde(default)]
    pub(crate) turns: Option<Turns>,
    #[serde(default)]
    pub(crate) allocs_per_req: Option<f64>,
    #[serde(default)]
    pub(crate) idle: Option<Idle>,
}

/// From a request's start to the end of its response's body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// How many other requests were done between a request's start and its end. The machine's speed is no part
/// of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Turns {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// What idle sockets cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Idle {
    /// Bytes of heap for each.
    pub(crate) heap_per_socket: f64,
    /// How often the process was woken while nothing happened.
    pub(crate) wakeups: u64,
    pub(crate) sockets: u64,
}
