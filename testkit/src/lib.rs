//! Origin servers that do exactly what a test says, and the fixture that runs the test.
//!
//! - [`ScriptedOrigin`]: every connection follows a [`Script`] of steps (read a request, send these bytes,
//!   wait for a signal, reset …) and all that happened is in a [`Record`].
//! - [`PlainOrigin`]: answers every request, for load and for demonstrations; a [`Gate`] holds answers back.
//! - [`run`], [`run_paused`], [`run_threads`]: a client's runtime, a time limit, and a check that the test
//!   left neither a socket nor a task behind.
//! - `ServerTls`, `Authority` (feature `tls`): either origin speaks TLS, with certificates made on the spot.
//! - [`PlainOrigin`] over HTTP/2, and `FrameOrigin`, whose connections send any frames (feature `http2`).
//!
//! Not an HTTP server for production: it trusts nobody to be well and makes no effort to help a bad client.
//! It speaks raw TCP, TLS and unix sockets, uses no HTTP library but for a plain origin's HTTP/2, and never
//! depends on `keepalive`.
//!
//! Invariants:
//! 1. Each origin runs on a thread and a runtime of its own: the test's clock and scheduler do not touch it.
//! 2. Nothing polls with sleeps: whoever waits is woken by the change it waits for.
//! 3. Every wait is bounded by real time and panics with what was seen so far.

#[cfg(feature = "case")]
mod case;
mod gate;
#[cfg(feature = "case")]
mod held;
#[cfg(feature = "http2")]
mod http2;
mod listen;
mod plain;
mod play;
mod reader;
mod record;
mod reply;
mod request;
mod script;
mod scripted;
mod server;
mod stream;
mod tally;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "case")]
mod watchdog;
mod watched;

#[cfg(feature = "case")]
pub use case::{Case, run, run_paused, run_threads};
pub use gate::Gate;
#[cfg(feature = "http2")]
pub use http2::{Frame, FrameBuilder, FrameConnection, FrameOrigin, FrameRecord, Peer, block};
pub use plain::{PlainBuilder, PlainOrigin};
pub use record::{Connection, End, Handshake, Record};
pub use reply::{Reply, ok, response};
pub use request::Request;
pub use script::Script;
pub use scripted::{ScriptedBuilder, ScriptedOrigin};
pub use tally::Stats;
#[cfg(feature = "tls")]
pub use tls::{Authority, Identity, ServerTls};
