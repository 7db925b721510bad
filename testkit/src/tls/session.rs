//! The origin's end of one TLS connection, without I/O: bytes of the socket in, bytes for the socket out.
//!
//! Called by `stream`, which moves the bytes.
//!
//! Invariants:
//! 1. The lock is held for one step and never across an await.
//! 2. What is for the socket stays in `outbox` until the socket took it.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::{HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};

use crate::record::Handshake;

/// The origin's end of one TLS connection.
pub(crate) struct Session {
    state: Mutex<State>,
}

struct State {
    tls: ServerConnection,
    /// Came from the socket, and was not looked at yet.
    inbox: Vec<u8>,
    /// Waits for the socket.
    outbox: Vec<u8>,
    /// How many more bytes may go to the socket; the rest is thrown away.
    allowed: usize,
    /// Some was thrown away.
    cut: bool,
    ended: bool,
    goodbye: bool,
}

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>) -> Self {
        let mut tls = ServerConnection::new(config).expect("a configuration that works");
        tls.set_buffer_limit(None);
        let (inbox, outbox) = (Vec::new(), Vec::new());
        let state =
            State { tls, inbox, outbox, allowed: usize::MAX, cut: false, ended: false, goodbye: false };
        Self { state: Mutex::new(state) }
    }

    /// Takes bytes that came; none is the peer's end.
    pub(crate) fn feed(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.ended |= bytes.is_empty();
        state.inbox.extend_from_slice(bytes);
    }

    /// How many bytes came that were not looked at.
    pub(crate) fn unread(&self) -> usize {
        self.lock().inbox.len()
    }

    /// Looks at one record's worth of what came. False: there is nothing.
    pub(crate) fn digest(&self) -> io::Result<bool> {
        self.lock().digest()
    }

    /// What the peer said; `None` while more has to come, 0 at its end.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let mut state = self.lock();
        loop {
            match state.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(0)),
                result => return result.map(Some),
            }
            if !state.digest()? {
                return Ok(state.ended.then_some(0));
            }
        }
    }

    /// Puts plaintext into the outbox.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.tls.writer().write_all(bytes).expect("a buffer without limit");
        state.collect();
    }

    pub(crate) fn write_goodbye(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.tls.writer().write_all(bytes).expect("a buffer without limit");
        state.tls.send_close_notify();
        state.collect();
    }

    pub(crate) fn close_notify(&self) {
        let mut state = self.lock();
        state.tls.send_close_notify();
        state.collect();
    }

    /// Changes the key that it sends with, and asks the peer to do the same.
    pub(crate) fn key_update(&self) {
        let mut state = self.lock();
        state.tls.refresh_traffic_keys().expect("a connection of TLS 1.3 that stands");
        state.collect();
    }

    /// What waits for the socket.
    pub(crate) fn outbox(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.collect();
        state.outbox.clone()
    }

    /// The socket took so many of those.
    pub(crate) fn sent(&self, count: usize) {
        self.lock().outbox.drain(..count);
    }

    /// Lets so many bytes more go to the socket.
    pub(crate) fn allow(&self, bytes: usize) {
        self.lock().allowed = bytes;
    }

    /// Whether it wanted to say more than it was allowed to.
    pub(crate) fn is_cut(&self) -> bool {
        self.lock().cut
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.lock().tls.is_handshaking()
    }

    /// Whether the peer said goodbye (`close_notify`).
    pub(crate) fn goodbye(&self) -> bool {
        self.lock().goodbye
    }

    pub(crate) fn handshake(&self) -> Handshake {
        let state = self.lock();
        let tls = &state.tls;
        Handshake {
            tls13: tls.protocol_version() == Some(ProtocolVersion::TLSv1_3),
            alpn: tls.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            server_name: tls.server_name().map(str::to_owned),
            resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
            client_certificates: tls.peer_certificates().map_or(0, <[_]>::len),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn digest(&mut self) -> io::Result<bool> {
        if self.inbox.is_empty() {
            return Ok(false);
        }
        let taken = self.tls.read_tls(&mut &self.inbox[..])?;
        self.inbox.drain(..taken);
        let result = self.tls.process_new_packets();
        self.collect();
        match result {
            Ok(state) => {
                self.goodbye |= state.peer_has_closed();
                Ok(true)
            }
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    fn collect(&mut self) {
        let mut out = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut out).expect("a buffer without limit");
        }
        self.cut |= out.len() > self.allowed;
        out.truncate(self.allowed);
        if self.allowed != usize::MAX {
            self.allowed -= out.len();
        }
        self.outbox.append(&mut out);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
