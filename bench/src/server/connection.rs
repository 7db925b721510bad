//! One connection of the server.

use std::io::{self, Read};

use mio::net::TcpStream;

use super::out::Out;
use super::protocol::Protocol;
use super::site::Site;
use super::tls::Session;

pub(super) struct Connection {
    stream: TcpStream,
    session: Option<Box<Session>>,
    protocol: Protocol,
    out: Out,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, session: Option<Session>) -> Self {
        Self { stream, session: session.map(Box::new), protocol: Protocol::default(), out: Out::default() }
    }

    /// Reads and writes until the socket has and takes no more; an error is the end. `ended`: the client
    /// writes no more, so that an end follows what is there. `buffer` is what all read into in turn.
    pub(super) fn ready(&mut self, site: &mut Site, buffer: &mut [u8], ended: bool) -> io::Result<()> {
        loop {
            if !self.write()? {
                return Ok(());
            }
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.receive(&buffer[..count], site)?;
                    // A read that was not filled has emptied the socket; epoll tells of what comes after it.
                    if count < buffer.len() && !ended && self.write()? {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers the request that waited at the gate.
    pub(super) fn release(&mut self, site: &mut Site) -> io::Result<()> {
        self.out.extend(site.replies.at_the_gate());
        self.write().map(drop)
    }

    fn receive(&mut self, bytes: &[u8], site: &mut Site) -> io::Result<()> {
        let Self { session, protocol, out, .. } = self;
        match session {
            None => protocol.receive(bytes, site, out),
            Some(session) => session.receive(bytes, site, |plain, site| protocol.receive(plain, site, out)),
        }
    }

    fn write(&mut self) -> io::Result<bool> {
        match &mut self.session {
            None => self.out.write_to(&mut self.stream),
            Some(session) => session.write(&mut self.out, &mut self.stream),
        }
    }
}
