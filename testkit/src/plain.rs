//! The origin that answers everything: for load, for tests that only count, and for demonstrations.
//!
//! Records no bytes, and requests only on demand. Called by tests, benches and the program's demo.
//!
//! Invariants: 1. a request is counted, and takes its place at the gate, in one step; 2. what a client does
//! wrong closes its connection and disturbs nobody else.

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::gate::Gate;
use crate::listen::{Bind, Place};
use crate::reader::Reader;
use crate::record::End;
use crate::reply::Reply;
use crate::request::Request;
use crate::server::Server;
use crate::stream::Stream;
use crate::tally::{Stats, Tally};
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::watched::Watched;

/// An origin server that answers every request. A cheap handle: when the last clone is dropped, everything is
/// closed.
#[derive(Clone, Debug)]
pub struct PlainOrigin {
    server: Arc<Server<Tally>>,
}

impl PlainOrigin {
    /// Where to listen and how to answer.
    pub fn builder() -> PlainBuilder {
        PlainBuilder::default()
    }

    /// Starts an origin on `127.0.0.1` that answers `200 OK` with the body `hello`.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[expect(clippy::new_without_default, reason = "it starts a thread and listens: not a default value")]
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        PlainBuilder::default().start()
    }

    /// Its address.
    ///
    /// # Panics
    ///
    /// On a unix socket.
    #[must_use]
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        self.server.address().tcp()
    }

    /// Its port.
    ///
    /// # Panics
    ///
    /// On a unix socket.
    #[must_use]
    #[track_caller]
    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// The URL of this path (`/…`), `https` if it speaks TLS; an IPv6 address is in brackets, the host of a unix socket is `localhost`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.server.ledger().see(|tally| tally.stats)
    }

    /// The requests so far in the order in which they were read, if
    /// [`record_requests`](PlainBuilder::record_requests) was called.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.server.ledger().see(|tally| tally.requests.clone())
    }

    /// Waits until the counts are as wanted.
    ///
    /// # Panics
    ///
    /// After 10 s of real time, or when the origin is stopped, with the counts.
    #[track_caller]
    pub fn wait<'a>(
        &'a self,
        mut condition: impl FnMut(&Stats) -> bool + Send + 'a,
    ) -> impl Future<Output = ()> + Send + 'a {
        let at = Location::caller();
        async move { self.server.wait("counts", at, |tally| condition(&tally.stats)).await }
    }

    /// Stops listening and closes all connections, before the last handle is dropped.
    pub fn stop(&self) {
        self.server.stop();
    }

    #[cfg(feature = "case")]
    pub(crate) fn server(&self) -> Arc<Server<Tally>> {
        self.server.clone()
    }
}

/// Builds a [`PlainOrigin`].
#[must_use]
pub struct PlainBuilder {
    bind: Bind,
    rules: Rules,
}

/// How every connection is served.
pub(crate) struct Rules {
    pub(crate) reply: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
    pub(crate) max_requests: Option<usize>,
    pub(crate) close_after: Option<usize>,
    pub(crate) record: bool,
    /// Speaks HTTP/2 without being asked.
    #[cfg(feature = "http2")]
    http2: bool,
    #[cfg(feature = "http2")]
    pub(crate) max_streams: u32,
    #[cfg(feature = "http2")]
    pub(crate) window: u32,
}

impl PlainBuilder {
    /// Listens on this IP address and port; 0 lets the system choose. Default `127.0.0.1:0`.
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.bind.place = Place::Tcp(address.into());
        self
    }

    /// Listens on a unix socket at this path, which must not exist.
    #[cfg(unix)]
    pub fn bind_unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.bind.place = Place::Unix(path.into());
        self
    }

    /// Speaks TLS. Default: plain HTTP.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: &ServerTls) -> Self {
        self.bind.tls = Some(tls.clone());
        self
    }

    /// Speaks TLS unless it was told how already.
    #[cfg(all(feature = "tls", feature = "case"))]
    pub(crate) fn tls_if_unset(mut self, tls: Option<&ServerTls>) -> Self {
        self.bind.tls = self.bind.tls.or_else(|| tls.cloned());
        self
    }

    /// No client may have more than this many connections open: before one more is counted the kernel is asked
    /// (Linux) whether each of the others is still held by its client, since a FIN can be on its way for long
    /// on a busy machine. Whoever holds more is counted all the same. Default: nobody is asked.
    #[cfg(feature = "case")]
    pub fn at_most(mut self, connections: usize) -> Self {
        self.bind.most = Some(connections);
        self
    }

    /// How many connections the kernel keeps that were not accepted yet. Default 1024.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.bind.backlog = connections;
        self
    }

    /// How to answer a request. Called on the origin's thread. Default: `200 OK` with the body `hello`.
    pub fn reply(mut self, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        self.rules.reply = Box::new(reply);
        self
    }

    /// Holds each answer back this long, by real time. Default: not at all.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.rules.delay = delay;
        self
    }

    /// Answers pass this gate (before the delay). Default: no gate.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.rules.gate = Some(gate.clone());
        self
    }

    /// The n-th answer on a connection says `connection: close`, and the connection is closed. Default: none.
    pub fn max_requests_per_connection(mut self, n: usize) -> Self {
        self.rules.max_requests = Some(n);
        self
    }

    /// The n-th answer on a connection is as all others, but then the connection is closed. Default: none.
    pub fn close_idle_after(mut self, n: usize) -> Self {
        self.rules.close_after = Some(n);
        self
    }

    /// Keeps every request for [`PlainOrigin::requests`]. Default: kept by nobody.
    pub fn record_requests(mut self) -> Self {
        self.rules.record = true;
        self
    }

    /// Speaks HTTP/2 to clients that know it does (h2c). With TLS it is ALPN that decides, and this is not
    /// needed. What closes a connection says GOAWAY first, but for
    /// [`close_idle_after`](Self::close_idle_after). Default: HTTP/1.1.
    #[cfg(feature = "http2")]
    pub fn http2(mut self) -> Self {
        self.rules.http2 = true;
        self
    }

    /// How many streams an HTTP/2 connection may have open. Default: 100.
    #[cfg(feature = "http2")]
    pub fn max_streams(mut self, streams: u32) -> Self {
        self.rules.max_streams = streams;
        self
    }

    /// How many bytes of a request's body an HTTP/2 client may send ahead. Default: 65,535.
    #[cfg(feature = "http2")]
    pub fn window(mut self, bytes: u32) -> Self {
        self.rules.window = bytes;
        self
    }

    /// Starts the origin.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> PlainOrigin {
        let tally = Arc::new(Watched::new(Tally::default()));
        let (rules, shared) = (Arc::new(self.rules), tally.clone());
        let serve = move |order, stream| serve(order, stream, rules.clone(), shared.clone());
        PlainOrigin { server: Arc::new(Server::start(&self.bind, tally, serve)) }
    }
}

impl Default for PlainBuilder {
    fn default() -> Self {
        let rules = Rules {
            reply: Box::new(|_| Reply::ok("hello")),
            delay: Duration::ZERO,
            gate: None,
            max_requests: None,
            close_after: None,
            record: false,
            #[cfg(feature = "http2")]
            http2: false,
            #[cfg(feature = "http2")]
            max_streams: 100,
            #[cfg(feature = "http2")]
            window: 65_535,
        };
        Self { bind: Bind::default(), rules }
    }
}

impl fmt::Debug for PlainBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainBuilder").field("bind", &self.bind).finish_non_exhaustive()
    }
}

async fn serve(connection: usize, stream: Arc<Stream>, rules: Arc<Rules>, tally: Arc<Watched<Tally>>) -> End {
    #[cfg(feature = "tls")]
    if let Err(end) = stream.handshake().await {
        return end;
    }
    #[cfg(feature = "http2")]
    if rules.http2 || stream.speaks_http2() {
        return crate::http2::serve(connection, stream, rules, tally).await;
    }
    let mut reader = Reader::new(stream.clone(), ());
    let mut out = Vec::new();
    let mut answers = 0;
    loop {
        match answer(connection, &stream, &mut reader, &rules, &tally, &mut out, answers + 1).await {
            Ok(()) => answers += 1,
            Err(end) => {
                stream.say_goodbye();
                return end;
            }
        }
    }
}

/// Reads one request and answers it; `nth` counts the answers of this connection from 1.
async fn answer(
    connection: usize,
    stream: &Stream,
    reader: &mut Reader,
    rules: &Rules,
    tally: &Watched<Tally>,
    out: &mut Vec<u8>,
    nth: usize,
) -> Result<(), End> {
    let mut request = reader.head().await?;
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        send(stream, b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let content = reader.body(request.framing().map_err(End::BadRequest)?).await?;
    request.body = content.body;
    request.trailers = content.trailers;
    request.connection = connection;
    let turn = tally.change(|tally| {
        request.order = tally.stats.requests;
        tally.stats.requests += 1;
        if rules.record {
            tally.requests.push(request.clone());
        }
        rules.gate.as_ref().map(Gate::enter)
    });
    if turn.is_some() || !rules.delay.is_zero() {
        let held = async {
            if let Some(turn) = turn {
                turn.come().await;
            }
            tokio::time::sleep(rules.delay).await;
        };
        tokio::select! {
            biased;
            () = held => {}
            end = stream.gone() => return Err(end),
        }
    }
    let mut reply = (rules.reply)(&request);
    reply.close |= request.wants_close() || rules.max_requests.is_some_and(|most| nth >= most);
    out.clear();
    reply.write(request.method == "HEAD", out);
    send(stream, out).await?;
    if reply.close || rules.close_after.is_some_and(|most| nth >= most) {
        return Err(End::ClosedByScript);
    }
    Ok(())
}

async fn send(stream: &Stream, bytes: &[u8]) -> Result<(), End> {
    stream.write_all(bytes).await.map_err(|_| End::ResetByPeer)
}
