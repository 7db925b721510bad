//! Node's `http.Agent` for Rust: bounded, reused, accountable HTTP connections.
//!
//! An [`Agent`] owns the connections of a program to its HTTP servers. It caps how many are open to each
//! [`Origin`] and in all, keeps them alive between requests, lets the requests that must wait stand in one
//! fair queue, and shows what it is doing: its counts ([`Agent::status`]), its sockets ([`Agent::sockets`]),
//! and what happens as it happens ([`Agent::subscribe`], and `tracing` events with the target `keepalive`).
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let origin = testkit::PlainOrigin::new();
//! # let url = origin.url("/");
//! let agent = keepalive::Agent::builder().max_sockets(8).build()?;
//! let response = agent.get(&url).header("accept", "text/plain").send().await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.text().await?, "hello");
//! # Ok::<(), keepalive::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Agent::request`] takes any `http::Request` and gives an `http::Response<`[`Body`]`>`; an agent is also
//! a `tower_service::Service`. Redirects, cookies and compression are layers above it, never done silently.
//!
//! Requests and bodies must be polled inside a tokio runtime with I/O and time enabled (`enable_all`); where
//! a part is missing they fail with an error that says which. An
//! agent can be used from several runtimes; what is begun for a request (a dial, reading off a dropped
//! body) runs on that request's runtime.
//!
//! Features: `tls` (a default: `https` URLs, `Tls`), `webpki-roots` (Mozilla's list of authorities, compiled
//! in, can be trusted instead of the system's), `json` (bodies from and to JSON), `serde` (`Status`,
//! `SocketInfo` and `Event` can be serialized). `unstable` is for this project's own benches and fuzzers; no
//! promise.

mod agent;
mod body;
mod clock;
mod close_reason;
mod connect;
mod descriptors;
mod error;
mod event;
mod exchange;
mod h1;
#[cfg(feature = "http2")]
mod http2;
mod io;
mod lacking;
#[cfg(feature = "http2")]
mod mux;
mod options;
mod origin;
mod pool;
mod request;
mod socket_info;
mod timer;
#[cfg(feature = "tls")]
mod tls;
#[cfg(test)]
mod torture;
mod trace;
#[cfg(feature = "unstable")]
#[doc(hidden)]
pub mod unstable;

pub use agent::{Agent, AgentBuilder, OriginStatus, ResponseFuture, Status, Totals};
pub use body::{Body, Upgraded};
pub use close_reason::CloseReason;
pub use descriptors::{FdLimit, default_max_total_sockets, raise_fd_limit};
pub use error::{Error, Phase};
pub use event::{Event, Unserved};
pub use exchange::{ConnectionInfo, Timings};
#[cfg(feature = "tls")]
pub use options::DEFAULT_TLS_TIMEOUT;
pub use options::{
    DEFAULT_BODY_TIMEOUT, DEFAULT_CONNECT_TIMEOUT, DEFAULT_EXPECT_CONTINUE_TIMEOUT,
    DEFAULT_FREE_SOCKET_TIMEOUT, DEFAULT_MAX_FREE_SOCKETS, DEFAULT_MAX_SOCKETS, DEFAULT_MAX_TOTAL_SOCKETS,
    DEFAULT_QUEUE_TIMEOUT, DEFAULT_RESPONSE_TIMEOUT, DEFAULT_TCP_KEEPALIVE, Protocol, RequestOptions,
    Scheduling,
};
#[cfg(feature = "http2")]
pub use options::{DEFAULT_MAX_STREAMS_PER_SOCKET, DEFAULT_PING_INTERVAL, DEFAULT_PING_TIMEOUT};
pub use origin::Origin;
pub use pool::{EVENTS_KEPT, Events};
pub use request::{IntoUrl, RequestBuilder, Response};
pub use socket_info::{SocketInfo, SocketState};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsBuilder, TlsVersion};

/// Begins a GET request of the [global agent](Agent::global) (Node: `http.get`).
///
/// ```no_run
/// # async fn f() -> Result<(), keepalive::Error> {
/// let text = keepalive::get("http://127.0.0.1:8080/").send().await?.text().await?;
/// # Ok(())
/// # }
/// ```
pub fn get(url: impl IntoUrl) -> RequestBuilder {
    Agent::global().get(url)
}

#[cfg(all(doctest, feature = "tls", feature = "http2"))]
#[doc = include_str!("../../README.md")]
struct Readme;
