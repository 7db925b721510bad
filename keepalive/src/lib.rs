//! Node's `http.Agent` for Rust: bounded, reused, accountable HTTP connections.

mod agent;
mod body;
mod clock;
mod close_reason;
mod connect;
mod error;
mod exchange;
mod h1;
mod io;
mod options;
mod origin;
mod pool;
mod request;
mod timer;

pub use agent::{Agent, AgentBuilder, OriginStatus, ResponseFuture, Status, Totals};
pub use body::{Body, Upgraded};
pub use close_reason::CloseReason;
pub use error::{Error, Phase};
pub use exchange::{ConnectionInfo, Timings};
pub use options::{
    DEFAULT_BODY_TIMEOUT, DEFAULT_CONNECT_TIMEOUT, DEFAULT_EXPECT_CONTINUE_TIMEOUT,
    DEFAULT_FREE_SOCKET_TIMEOUT, DEFAULT_MAX_FREE_SOCKETS, DEFAULT_MAX_SOCKETS, DEFAULT_MAX_TOTAL_SOCKETS,
    DEFAULT_QUEUE_TIMEOUT, DEFAULT_RESPONSE_TIMEOUT, DEFAULT_TCP_KEEPALIVE, RequestOptions, Scheduling,
};
pub use origin::Origin;
pub use request::{IntoUrl, RequestBuilder, Response};

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
