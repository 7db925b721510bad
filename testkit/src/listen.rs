//! Where an origin listens: the address asked for, the listener, the address it got.
//!
//! Knows nothing of HTTP. Called by the builders and the server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::stream::Stream;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;

/// Listeners keep this many connections that were not accepted yet, unless told otherwise.
const BACKLOG: u32 = 1024;

/// Where an origin shall listen.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    pub(crate) place: Place,
    pub(crate) backlog: u32,
    /// More connections than this are counted only if their clients still hold them.
    #[cfg(feature = "case")]
    pub(crate) most: Option<usize>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
}

/// An address as the test wrote it.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Tcp(String),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Default for Bind {
    fn default() -> Self {
        Self {
            place: Place::Tcp("127.0.0.1:0".to_owned()),
            backlog: BACKLOG,
            #[cfg(feature = "case")]
            most: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Bind {
    /// A bound socket that listens, and its address.
    pub(crate) fn listen(&self) -> io::Result<(Socket, Address)> {
        let (socket, wanted) = match &self.place {
            Place::Tcp(text) => {
                let wanted: SocketAddr =
                    text.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                let socket = Socket::new(Domain::for_address(wanted), Type::STREAM, None)?;
                #[cfg(unix)]
                socket.set_reuse_address(true)?;
                if wanted.is_ipv6() {
                    socket.set_only_v6(true)?;
                }
                (socket, SockAddr::from(wanted))
            }
            #[cfg(unix)]
            Place::Unix(path) => (Socket::new(Domain::UNIX, Type::STREAM, None)?, SockAddr::unix(path)?),
        };
        socket.bind(&wanted)?;
        socket.listen(i32::try_from(self.backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        let address = match &self.place {
            Place::Tcp(_) => Address::Tcp(
                socket
                    .local_addr()?
                    .as_socket()
                    .ok_or_else(|| io::Error::other("a TCP socket without address"))?,
            ),
            #[cfg(unix)]
            Place::Unix(path) => Address::Unix(path.clone()),
        };
        Ok((socket, address))
    }
}

impl Bind {
    /// What the URLs of the origin begin with.
    pub(crate) fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return "https";
        }
        "http"
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(text) => f.write_str(text),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Where an origin listens.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Address {
    /// # Panics
    ///
    /// On a unix socket.
    #[track_caller]
    pub(crate) fn tcp(&self) -> SocketAddr {
        match self {
            Self::Tcp(address) => *address,
            #[cfg(unix)]
            Self::Unix(path) => panic!("the origin listens on the unix socket {}", path.display()),
        }
    }

    #[cfg(feature = "case")]
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(address) => Some(address.port()),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// `scheme://address/path`; the host of a unix socket is `localhost`.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        match self {
            Self::Tcp(address) => format!("{scheme}://{address}{path}"),
            #[cfg(unix)]
            Self::Unix(_) => format!("{scheme}://localhost{path}"),
        }
    }

    /// Removes what the listener leaves in the file system.
    pub(crate) fn remove(&self) {
        match self {
            Self::Tcp(_) => {}
            #[cfg(unix)]
            Self::Unix(path) => {
                // The test may have removed it, with its directory.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A listener inside the server's runtime.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    /// Takes over a listening socket. Must be called inside a runtime.
    pub(crate) fn new(socket: Socket, address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(_) => TcpListener::from_std(socket.into()).map(Self::Tcp),
            #[cfg(unix)]
            Address::Unix(_) => UnixListener::from_std(socket.into()).map(Self::Unix),
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Stream::tcp(socket), Some(peer)))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok((Stream::unix(listener.accept().await?.0), None)),
        }
    }
}
