//! The library against real sockets, one module per topic.
#![allow(clippy::disallowed_methods, reason = "tests spawn tasks of their own")]
#![allow(clippy::duplicate_mod, reason = "`over_tls` and `over_h2` run modules again")]

mod address;
mod cancel;
mod caps;
mod close_rules;
#[cfg(unix)]
mod descriptors;
mod dial;
mod early;
mod errors;
mod events;
mod expect;
mod face;
mod full_queue;
mod global;
#[cfg(feature = "http2")]
mod http2;
mod idle;
mod integrity;
mod keep_alive_off;
mod keeper;
mod kit;
mod lifecycle;
mod live_limits;
mod malformed;
mod many_origins;
mod nested;
mod node_defects;
mod order;
#[cfg(all(feature = "http2", feature = "tls"))]
mod over_h2;
#[cfg(feature = "tls")]
mod over_tls;
mod regress;
mod retry;
mod reuse;
mod runtimes;
mod sending;
mod silence;
mod sockets;
mod timings;
#[cfg(feature = "tls")]
mod tls;
mod total_cap;
mod traces;
mod turns;
mod unread;
mod upgrade;
mod wire;
