//! What is tortured: waves of requests, each wave at once, one wave after the other.

use std::sync::LazyLock;
use std::time::Duration;

use testkit::{Authority, PlainBuilder, ServerTls};

use super::choice::torture;
use super::plan::Caps;
use super::request::{Kind, Kind::*, origin};
#[cfg(feature = "tls")]
use crate::Tls;
use crate::{Agent, Protocol};

pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) waves: &'static [&'static [Kind]],
    pub(super) max_sockets: usize,
    pub(super) protocol: Protocol,
    pub(super) tls: bool,
    pub(super) caps: Caps,
    /// Its origin closes each connection after an answer, without a word, and nobody looks.
    pub(super) stale: bool,
    /// How many of its requests fail though nothing goes wrong.
    pub(super) failures: usize,
}

/// Heads of some 60 bytes and answers of some 100 are read and written in pieces.
const SMALL: Caps = Caps { read: 40, write: 48 };
/// A TLS handshake of some 1,000 bytes takes a few.
#[cfg(feature = "tls")]
const RECORDS: Caps = Caps { read: 100, write: 80 };
/// For answers of 20 KiB.
#[cfg(feature = "tls")]
const LARGE: Caps = Caps { read: 4096, write: 300 };

const PLAIN: Workload = Workload {
    name: "",
    waves: &[],
    max_sockets: 2,
    protocol: Protocol::Http1,
    tls: false,
    caps: SMALL,
    stale: false,
    failures: 0,
};

#[test]
fn reuse() {
    torture(&Workload { name: "reuse", waves: &[&[Get], &[Get], &[Post], &[Get]], ..PLAIN });
}

#[test]
fn queue() {
    torture(&Workload { name: "queue", waves: &[&[Get, Post, Get, Keyed, Get, Get]], ..PLAIN });
}

/// Whoever waits for a socket that stalls waits in vain.
#[test]
fn line() {
    torture(&Workload { name: "line", waves: &[&[Get, Post, Get]], max_sockets: 1, ..PLAIN });
}

#[test]
fn uploads() {
    let waves: &[&[_]] = &[&[Upload], &[Expect], &[Put, Upload, Keyed]];
    torture(&Workload { name: "uploads", waves, ..PLAIN });
}

#[test]
fn chunked() {
    torture(&Workload { name: "chunked", waves: &[&[Chunked], &[Dropped, Chunked], &[Chunked]], ..PLAIN });
}

/// Each but the first finds a stale socket. The POST may have been executed, and fails.
#[test]
fn retry() {
    let waves: &[&[_]] = &[&[Get], &[Get], &[Keyed], &[Put], &[Post], &[Get]];
    torture(&Workload { name: "retry", waves, stale: true, failures: 1, ..PLAIN });
}

#[cfg(feature = "tls")]
#[test]
fn tls() {
    let waves: &[&[_]] = &[&[Get], &[Post], &[Put], &[Get, Chunked]];
    torture(&Workload { name: "tls", waves, tls: true, caps: RECORDS, ..PLAIN });
}

/// An answer of more than one record.
#[cfg(feature = "tls")]
#[test]
fn tls_long() {
    torture(&Workload { name: "tls_long", waves: &[&[Long], &[Long]], tls: true, caps: LARGE, ..PLAIN });
}

#[cfg(feature = "http2")]
#[test]
fn http2() {
    let waves: &[&[_]] = &[&[Get], &[Get, Post, Chunked, Upload, Dropped], &[Keyed]];
    torture(&Workload { name: "http2", waves, protocol: Protocol::Http2PriorKnowledge, ..PLAIN });
}

#[cfg(all(feature = "http2", feature = "tls"))]
#[test]
fn http2_over_tls() {
    let waves: &[&[_]] = &[&[Get, Post], &[Get, Upload]];
    let protocol = Protocol::Auto;
    torture(&Workload { name: "http2_over_tls", waves, protocol, tls: true, caps: RECORDS, ..PLAIN });
}

#[cfg(all(feature = "http2", feature = "tls"))]
#[test]
fn http2_long() {
    let (waves, protocol): (&[&[_]], _) = (&[&[Long, Long], &[Long]], Protocol::Auto);
    torture(&Workload { name: "http2_long", waves, protocol, tls: true, caps: LARGE, ..PLAIN });
}

impl Workload {
    pub(super) fn origin(&self) -> PlainBuilder {
        let origin = origin();
        let origin = if self.stale { origin.close_idle_after(1) } else { origin };
        let origin = if self.is_http2() && !self.tls { origin.http2() } else { origin };
        match (self.tls, self.is_http2()) {
            (false, _) => origin,
            (true, false) => origin.tls(&SERVER.1),
            (true, true) => origin.tls(&SERVER.1.clone().alpn(&["h2"])),
        }
    }

    /// Its limits are far above what a run without a stall takes, as the clock stands still then.
    pub(super) fn agent(&self) -> Agent {
        let seconds = Duration::from_secs;
        let agent = Agent::builder()
            .max_sockets(self.max_sockets)
            .protocol(self.protocol)
            // `localhost` may have an IPv6 address too, and nobody listens there.
            .local_address(std::net::IpAddr::from([127, 0, 0, 1]))
            .connect_timeout(seconds(3))
            .response_timeout(seconds(6))
            .body_timeout(seconds(6))
            .queue_timeout(seconds(5));
        #[cfg(feature = "http2")]
        let agent = agent.ping_interval(seconds(4)).ping_timeout(seconds(1));
        #[cfg(feature = "tls")]
        let agent = {
            // Made anew, as an agent that knows a session of another run begins otherwise.
            let tls = Tls::builder().builtin_roots(false).add_root_pem(&SERVER.0).build().unwrap();
            agent.tls(tls).tls_timeout(seconds(3))
        };
        agent.build().unwrap()
    }

    pub(super) fn is_http2(&self) -> bool {
        self.protocol != Protocol::Http1
    }
}

/// One authority and one certificate for all runs: their keys take longer than the handshakes.
static SERVER: LazyLock<(String, ServerTls)> = LazyLock::new(|| {
    let authority = Authority::new("torture");
    (authority.pem(), ServerTls::new(&authority.issue(&["localhost"])).tickets(1))
});
