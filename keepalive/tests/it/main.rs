//! The library against real sockets, one module per topic.
#![allow(clippy::disallowed_methods, reason = "tests spawn tasks of their own")]

mod address;
mod cancel;
mod caps;
mod close_rules;
mod dial;
mod early;
mod errors;
mod events;
mod expect;
mod face;
mod full_queue;
mod idle;
mod keep_alive_off;
mod kit;
mod lifecycle;
mod malformed;
mod nested;
mod order;
mod regress;
mod reuse;
mod runtimes;
mod sending;
mod silence;
mod sockets;
mod total_cap;
mod traces;
mod unread;
mod upgrade;
