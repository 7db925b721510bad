//! An accepted socket, TCP or unix, with or without TLS above it, that can be read, written, and asked whether
//! its peer is still there.
//!
//! Knows no HTTP. Not buffered, but for what TLS has to keep. Called by the reader, the script player, the plain origin and the server.
//!
//! Invariants:
//! 1. The looks (`gone`, `is_gone`) take no byte off the socket.
//! 2. A look may clear tokio's readiness although bytes wait in the kernel; `looked` says so, and reads ask
//!    the kernel until it has no more: the reactor tells of new bytes only.
//! 3. The looks are below TLS: a peer that said goodbye and is still there is not gone.

use std::future::Future;
use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::record::End;
#[cfg(feature = "tls")]
use crate::tls::{ServerTls, Session};

/// An accepted socket.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    looked: AtomicBool,
    #[cfg(feature = "tls")]
    session: Option<Session>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Does the same with either kind of socket.
macro_rules! either {
    ($stream:expr, $socket:ident => $action:expr) => {
        match &$stream.socket {
            Socket::Tcp($socket) => $action,
            #[cfg(unix)]
            Socket::Unix($socket) => $action,
        }
    };
}

impl Stream {
    /// Without Nagle's delay, so that separate writes become separate segments.
    pub(crate) fn tcp(socket: TcpStream) -> Self {
        // Fails only on a socket that is gone already, which the first read will tell.
        let _ = socket.set_nodelay(true);
        Self::new(Socket::Tcp(socket))
    }

    #[cfg(unix)]
    pub(crate) fn unix(socket: UnixStream) -> Self {
        Self::new(Socket::Unix(socket))
    }

    fn new(socket: Socket) -> Self {
        Self {
            socket,
            looked: AtomicBool::new(false),
            #[cfg(feature = "tls")]
            session: None,
        }
    }

    /// Reads some bytes; 0 is the end. Cancel safe.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if let Some(session) = &self.session {
            return self.read_tls(session, buffer).await;
        }
        self.read_below(buffer).await
    }

    /// Writes all bytes.
    pub(crate) async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(session) = &self.session {
            session.write(bytes);
            return self.flush(session).await;
        }
        self.write_below(bytes).await
    }

    /// Reads some bytes of the socket itself; 0 is the end. Cancel safe.
    pub(crate) async fn read_below(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let looked = self.looked.load(Ordering::Relaxed);
            let result = if looked {
                either!(self, socket => (&*SockRef::from(socket)).read(buffer))
            } else {
                self.ready(Interest::READABLE).await?;
                either!(self, socket => socket.try_read(buffer))
            };
            if looked && would_block(&result) {
                self.looked.store(false, Ordering::Relaxed);
            }
            if !would_block(&result) {
                return result;
            }
        }
    }

    /// Writes all bytes to the socket itself.
    pub(crate) async fn write_below(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.ready(Interest::WRITABLE).await?;
            match either!(self, socket => socket.try_write(bytes)) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says goodbye, where that is done (`close_notify`) and the socket takes it at once.
    pub(crate) fn say_goodbye(&self) {
        #[cfg(feature = "tls")]
        if let Some(session) = self.session.as_ref().filter(|session| !session.is_handshaking()) {
            session.close_notify();
            let bytes = session.outbox();
            if let Ok(sent) = either!(self, socket => socket.try_write(&bytes)) {
                session.sent(sent);
            }
        }
    }

    /// Closes the sending half.
    pub(crate) fn half_close(&self) {
        self.say_goodbye();
        // Fails only where the connection is gone already.
        let _ = either!(self, socket => SockRef::from(socket).shutdown(Shutdown::Write));
    }

    /// Makes the coming close a reset (TCP only).
    pub(crate) fn reset_on_close(&self) {
        let _ = either!(self, socket => SockRef::from(socket).set_linger(Some(Duration::ZERO)));
    }

    /// Waits until the peer closed its sending half or reset the connection. Cancel safe.
    pub(crate) async fn gone(&self) -> End {
        loop {
            let Ok(ready) = self.ready(Interest::READABLE).await else {
                return End::ResetByPeer;
            };
            self.looked.store(true, Ordering::Relaxed);
            // "Would block" clears the readiness, so that the next round waits for something new.
            let look = || self.peek(ready).ok_or_else(|| io::ErrorKind::WouldBlock.into());
            if let Ok(end) = either!(self, socket => socket.try_io(Interest::READABLE, look)) {
                return end;
            }
        }
    }

    /// Whether the peer is known to be gone, now.
    ///
    /// The kernel's peek cannot see an end behind unread bytes; there the reactor's flag has to tell, which
    /// is as fresh as the runtime's last turn.
    pub(crate) fn is_gone(&self) -> Option<End> {
        let readable = tokio::task::unconstrained(self.ready(Interest::READABLE));
        let ready = match pin!(readable).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(ready)) => ready,
            Poll::Ready(Err(_)) | Poll::Pending => Ready::EMPTY,
        };
        self.peek(ready)
    }

    fn peek(&self, ready: Ready) -> Option<End> {
        match either!(self, socket => SockRef::from(socket).peek(&mut [MaybeUninit::uninit()])) {
            Ok(0) => Some(End::ClosedByPeer),
            Ok(_) => ready.is_read_closed().then_some(End::ClosedByPeer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(_) => Some(End::ResetByPeer),
        }
    }

    async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, socket => socket.ready(interest).await)
    }
}

/// Without TLS nobody can have chosen it.
#[cfg(all(feature = "http2", not(feature = "tls")))]
impl Stream {
    #[expect(clippy::unused_self, reason = "as with TLS")]
    pub(crate) fn speaks_http2(&self) -> bool {
        false
    }
}

/// With TLS.
#[cfg(feature = "tls")]
impl Stream {
    /// Nothing is said yet.
    pub(crate) fn secure(&mut self, tls: &ServerTls) {
        self.session = Some(tls.session());
    }

    /// Whether that is what TLS chose (ALPN).
    #[cfg(feature = "http2")]
    pub(crate) fn speaks_http2(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.handshake().alpn.as_deref() == Some("h2"))
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The handshake, to its end or until no more may be said; the text is for a peer that did it wrong.
    pub(crate) async fn handshake(&self) -> Result<(), End> {
        let Some(session) = &self.session else { return Ok(()) };
        while session.is_handshaking() && !session.is_cut() {
            self.step(session).await?;
        }
        // What only the end of it made it say.
        self.flush(session).await.map_err(|_| End::ResetByPeer)
    }

    /// The handshake up to the server's first words.
    pub(crate) async fn half_handshake(&self) -> Result<(), End> {
        let Some(session) = &self.session else { return Ok(()) };
        while session.outbox().is_empty() {
            if !session.digest().map_err(|error| End::BadTls(error.to_string()))? {
                self.hear(session).await?;
            }
        }
        self.flush(session).await.map_err(|_| End::ResetByPeer)
    }

    /// Takes in what comes, until that is so many bytes or more.
    pub(crate) async fn hear_at_least(&self, bytes: usize) -> Result<(), End> {
        let Some(session) = &self.session else { return Ok(()) };
        while session.unread() < bytes {
            self.hear(session).await?;
        }
        Ok(())
    }

    async fn step(&self, session: &Session) -> Result<(), End> {
        match session.digest() {
            Ok(true) => return self.flush(session).await.map_err(|_| End::ResetByPeer),
            Ok(false) => {}
            Err(error) => {
                // The alert that says why, if the peer still listens.
                let _ = self.flush(session).await;
                return Err(End::BadTls(error.to_string()));
            }
        }
        self.hear(session).await
    }

    async fn hear(&self, session: &Session) -> Result<(), End> {
        match self.fill(session).await {
            Ok(0) => Err(End::ClosedByPeer),
            Ok(_) => Ok(()),
            Err(_) => Err(End::ResetByPeer),
        }
    }

    async fn read_tls(&self, session: &Session, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let result = session.read(buffer);
            // An answer to what came: an alert, a key update.
            self.flush(session).await?;
            if let Some(read) = result? {
                return Ok(read);
            }
            self.fill(session).await?;
        }
    }

    async fn fill(&self, session: &Session) -> io::Result<usize> {
        let mut bytes = vec![0; 16 * 1024];
        let read = self.read_below(&mut bytes).await?;
        session.feed(&bytes[..read]);
        Ok(read)
    }

    /// Writes what is to be said. Cancel safe.
    pub(crate) async fn flush(&self, session: &Session) -> io::Result<()> {
        loop {
            if session.outbox().is_empty() {
                return Ok(());
            }
            self.ready(Interest::WRITABLE).await?;
            // Looked at again: a reader may have sent it meanwhile.
            let bytes = session.outbox();
            match either!(self, socket => socket.try_write(&bytes)) {
                Ok(written) => session.sent(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
