//! The server of every measurement: one thread, one epoll loop, answers that are ready before they are asked
//! for. It must cost less than any client, or it would be measured instead.
//!
//! It says its ports on stdout, as one line of JSON, and ends when its stdin does.

mod connection;
mod h1;
mod out;
mod stats;

pub(crate) use self::stats::Stats;

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use self::connection::{Connection, Shared};

/// Serves until stdin ends, which ends the process.
pub(crate) fn serve() -> io::Result<Infallible> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", serde_json::json!({ "plain": listener.local_addr()?.port() }));
    io::stdout().flush()?;
    std::thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0)
    });

    let mut connections: Slab<Connection> = Slab::new();
    let mut shared = Shared::new();
    let mut events = Events::with_capacity(1024);
    loop {
        if let Err(error) = poll.poll(&mut events, None) {
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&poll, &listener, &mut connections, &mut shared)?,
                Token(key) => {
                    let Some(connection) = connections.get_mut(key) else { continue };
                    if connection.ready(&mut shared, event.is_read_closed()).is_err() {
                        connections.remove(key);
                        shared.stats.open -= 1;
                    }
                }
            }
        }
    }
}

fn accept(
    poll: &Poll,
    listener: &TcpListener,
    connections: &mut Slab<Connection>,
    shared: &mut Shared,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let entry = connections.vacant_entry();
        poll.registry().register(&mut stream, Token(entry.key()), Interest::READABLE | Interest::WRITABLE)?;
        entry.insert(Connection::new(stream));
        shared.stats.opened();
    }
}

const LISTENER: Token = Token(usize::MAX);
