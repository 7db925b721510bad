//! The origin whose every connection follows a script.
//!
//! The face: builder and handle. What happens on a connection is in `play`, the thread in `server`. Called by
//! tests.

use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;

use crate::listen::{Bind, Place};
use crate::play::{Board, play};
use crate::record::{End, Record};
use crate::script::Script;
use crate::server::Server;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::watched::Watched;

/// An origin server that does on each connection what its script says.
///
/// A cheap handle: when the last clone is dropped, everything is closed. It runs on a thread of its own, with
/// a clock of its own.
///
/// ```
/// use std::io::{Read, Write};
/// use testkit::{Script, ScriptedOrigin, ok};
///
/// let origin = ScriptedOrigin::new(Script::new().request().send(ok("hello")).close());
/// let mut client = std::net::TcpStream::connect(origin.addr())?;
/// client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer)?;
/// assert!(answer.ends_with("hello"));
/// assert_eq!(origin.record().requests()[0].target, "/");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedOrigin {
    server: Arc<Server<Board>>,
}

impl ScriptedOrigin {
    /// Where to listen and which connection does what.
    pub fn builder() -> ScriptedBuilder {
        ScriptedBuilder::default()
    }

    /// Starts an origin on `127.0.0.1` whose every connection follows this script.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[must_use]
    #[track_caller]
    pub fn new(script: Script) -> Self {
        ScriptedBuilder::from(script).start()
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

    /// Gives a signal: every script that waits for it, now or later, goes on.
    pub fn signal(&self, name: &str) {
        self.server.ledger().change(|board| board.signals.insert(name.to_owned()));
    }

    /// Waits until a script reached this name.
    ///
    /// # Panics
    ///
    /// After 10 s of real time, with the record.
    #[track_caller]
    pub fn reached(&self, name: &str) -> impl Future<Output = ()> + Send {
        let (at, name) = (Location::caller(), name.to_owned());
        async move {
            self.server
                .wait(&format!("{name:?} to be reached"), at, |board| board.reached.contains(&name))
                .await;
        }
    }

    /// All that it saw so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.server.ledger().see(|board| board.record.clone())
    }

    /// Waits until the record is as wanted.
    ///
    /// # Panics
    ///
    /// After 10 s of real time, or when the origin is stopped, with the record.
    #[track_caller]
    pub fn wait<'a>(
        &'a self,
        mut condition: impl FnMut(&Record) -> bool + Send + 'a,
    ) -> impl Future<Output = ()> + Send + 'a {
        let at = Location::caller();
        async move { self.server.wait("a record", at, |board| condition(&board.record)).await }
    }

    /// Stops listening and closes all connections, before the last handle is dropped.
    pub fn stop(&self) {
        self.server.stop();
    }

    #[cfg(feature = "case")]
    pub(crate) fn server(&self) -> Arc<Server<Board>> {
        self.server.clone()
    }
}

/// Builds a [`ScriptedOrigin`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ScriptedBuilder {
    bind: Bind,
    connections: Vec<Script>,
    otherwise: Option<Script>,
}

impl ScriptedBuilder {
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

    /// The script of the next connection: the n-th call is for the n-th connection accepted.
    pub fn connection(mut self, script: Script) -> Self {
        self.connections.push(script);
        self
    }

    /// The script of every further connection. Default: closed at once, with [`End::Unexpected`].
    pub fn otherwise(mut self, script: Script) -> Self {
        self.otherwise = Some(script);
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

    /// Starts the origin.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> ScriptedOrigin {
        let Self { bind, connections, otherwise } = self;
        let board = Arc::new(Watched::new(Board::default()));
        let shared = board.clone();
        let serve = move |order: usize, stream| {
            let script = connections.get(order).or(otherwise.as_ref()).cloned();
            let board = shared.clone();
            async move {
                match script {
                    Some(script) => play(script, order, stream, board).await,
                    None => End::Unexpected,
                }
            }
        };
        ScriptedOrigin { server: Arc::new(Server::start(&bind, board, serve)) }
    }
}

impl From<Script> for ScriptedBuilder {
    /// Every connection follows this script.
    fn from(script: Script) -> Self {
        Self::default().otherwise(script)
    }
}
