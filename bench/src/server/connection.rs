//! One connection of the server.

use std::io::{self, Read};

use mio::net::TcpStream;

use super::h1::{Reader, Replies};
use super::out::Out;
use super::stats::Stats;

pub(super) struct Connection {
    stream: TcpStream,
    reader: Reader,
    out: Out,
}

/// What all connections use in turn.
pub(super) struct Shared {
    pub(super) stats: Stats,
    replies: Replies,
    buffer: Box<[u8]>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { stats: Stats::default(), replies: Replies::default(), buffer: vec![0; READ].into() }
    }
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, reader: Reader::default(), out: Out::default() }
    }

    /// Reads and writes until the socket has and takes no more; an error is the end. `ended`: the client
    /// writes no more, so that an end follows what is there.
    pub(super) fn ready(&mut self, shared: &mut Shared, ended: bool) -> io::Result<()> {
        let Shared { stats, replies, buffer } = shared;
        loop {
            if !self.out.write_to(&mut self.stream)? {
                return Ok(());
            }
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.reader.receive(&buffer[..count], replies, stats, &mut self.out)?;
                    // A read that was not filled has emptied the socket; epoll tells of what comes after it.
                    if count < buffer.len() && !ended && self.out.write_to(&mut self.stream)? {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

const READ: usize = 256 * 1024;
