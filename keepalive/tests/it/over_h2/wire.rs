//! As the `wire` of TLS, but HTTP/2 is spoken, with one request at a time on a connection.

use std::sync::LazyLock;

use keepalive::{Agent, AgentBuilder, Protocol, Tls};
use testkit::{Authority, Case, ServerTls};

/// One authority and one certificate for all tests: their keys take longer than the handshakes.
static SERVER: LazyLock<(String, ServerTls)> = LazyLock::new(|| {
    let authority = Authority::new("tests over HTTP/2");
    let names = ["localhost", "::1"].map(str::to_owned).into_iter();
    // Some tests have one server under several addresses.
    let names: Vec<_> = names.chain((1..=20).chain([81]).map(|n| format!("127.0.0.{n}"))).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    (authority.pem(), ServerTls::new(&authority.issue(&names)).alpn(&["h2"]))
});

pub(crate) const SCHEME: &str = "https";

pub(crate) const DEFAULT_PORT: u16 = 443;

/// TLS 1.3: five bytes before the content, its type and 16 bytes of checksum behind it (RFC 8446 §5.2).
pub(crate) const RECORD: u64 = 22;

/// Whether HTTP/2 is spoken: a connection is closed by its task, a moment later, and no body costs it.
pub(crate) const HTTP2: bool = true;

pub(crate) const BUFFERS: bool = true;

pub(crate) fn agent() -> Agent {
    builder().build().unwrap()
}

pub(crate) fn builder() -> AgentBuilder {
    let tls = Tls::builder().builtin_roots(false).add_root_pem(&SERVER.0).build();
    Agent::builder().tls(tls.unwrap()).protocol(Protocol::Http2).max_streams_per_socket(1)
}

pub(crate) fn run(test: impl AsyncFnOnce(&Case)) {
    testkit::run(async |case: &Case| secured(case, test).await);
}

pub(crate) fn run_paused(test: impl AsyncFnOnce(&Case)) {
    testkit::run_paused(async |case: &Case| secured(case, test).await);
}

pub(crate) fn run_threads(workers: usize, test: impl AsyncFnOnce(&Case)) {
    testkit::run_threads(workers, async |case: &Case| secured(case, test).await);
}

async fn secured(case: &Case, test: impl AsyncFnOnce(&Case)) {
    case.speak_tls(&SERVER.1);
    test(case).await;
}
