//! The server of every measurement: one thread, one epoll loop, answers that are ready before they are asked
//! for. It must cost less than any client, or it would be measured instead.
//!
//! It says on stdout where it listens, one object of JSON, and ends when its stdin does.

mod connection;
mod h1;
mod h2;
mod out;
mod protocol;
mod site;
mod stats;
mod tls;

pub(crate) use self::stats::Stats;

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};
use slab::Slab;

use self::connection::Connection;
use self::site::Site;
use self::tls::Session;

/// What the server says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Listening {
    /// The port for HTTP/1.1 and, with prior knowledge, HTTP/2.
    pub(crate) plain: u16,
    /// The port for both over TLS, as `localhost`.
    pub(crate) tls: u16,
    /// A PEM file: the authority behind the certificate. The server takes it away when it ends.
    pub(crate) ca: PathBuf,
}

/// Serves until stdin ends, which ends the process. What must be on disk goes to `scratch`.
pub(crate) fn serve(scratch: &Path) -> io::Result<Infallible> {
    crate::descriptors::raise_limit()?;
    let ca = scratch.join(format!("keepalive-bench-{}.pem", std::process::id()));
    let mut server = Server {
        poll: Poll::new()?,
        plain: listen()?,
        tls: listen()?,
        config: tls::config(&ca)?,
        connections: Slab::new(),
        site: Site::default(),
    };
    server.poll.registry().register(&mut server.plain, PLAIN, Interest::READABLE)?;
    server.poll.registry().register(&mut server.tls, TLS, Interest::READABLE)?;
    let [plain, tls] = [server.plain.local_addr()?.port(), server.tls.local_addr()?.port()];
    println!("{}", serde_json::to_string(&Listening { plain, tls, ca: ca.clone() })?);
    io::stdout().flush()?;
    std::thread::spawn(move || {
        let _ = io::stdin().read(&mut [0]);
        let _ = std::fs::remove_file(ca);
        std::process::exit(0)
    });
    server.run()
}

struct Server {
    poll: Poll,
    plain: TcpListener,
    tls: TcpListener,
    config: Arc<ServerConfig>,
    connections: Slab<Connection>,
    site: Site,
}

impl Server {
    fn run(&mut self) -> io::Result<Infallible> {
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; READ];
        loop {
            // Whoever wakes a sleeping server pays for it in its own send(2), and a slow client would do so more
            // often: on a core of its own the server stays awake.
            let patience = self.site.stays_awake.then_some(Duration::ZERO);
            if let Err(error) = self.poll.poll(&mut events, patience) {
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                return Err(error);
            }
            for event in &events {
                match event.token() {
                    PLAIN | TLS => self.accept(event.token())?,
                    Token(key) => {
                        let Some(connection) = self.connections.get_mut(key) else { continue };
                        self.site.key = key;
                        let result = connection.ready(&mut self.site, &mut buffer, event.is_read_closed());
                        self.close_if(key, result);
                    }
                }
            }
            while let Some(key) = self.site.gate.next_released() {
                let result = self.connections[key].release(&mut self.site);
                self.close_if(key, result);
            }
        }
    }

    fn accept(&mut self, listener: Token) -> io::Result<()> {
        loop {
            let accepted = if listener == TLS { self.tls.accept() } else { self.plain.accept() };
            let mut stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let session = if listener == TLS { Some(Session::new(&self.config)?) } else { None };
            let entry = self.connections.vacant_entry();
            let token = Token(entry.key());
            self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            entry.insert(Connection::new(stream, session));
            self.site.stats.opened();
        }
    }

    fn close_if(&mut self, key: usize, result: io::Result<()>) {
        if result.is_err() {
            self.connections.remove(key);
            self.site.gate.leave(key);
            self.site.stats.open -= 1;
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

const PLAIN: Token = Token(usize::MAX);
const TLS: Token = Token(usize::MAX - 1);

/// How much is read at once.
const READ: usize = 256 * 1024;
