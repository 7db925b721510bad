//! An accepted socket, TCP or unix, that can be read, written, and asked whether its peer is still there.
//!
//! Not buffered and knows no HTTP. Called by the reader, the script player, the plain origin and the server.
//!
//! Invariants:
//! 1. The looks (`gone`, `is_gone`) take no byte off the socket.
//! 2. A look may clear tokio's readiness although bytes wait in the kernel; `looked` says so, and reads ask
//!    the kernel until it has no more: the reactor tells of new bytes only.

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

/// An accepted socket.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    looked: AtomicBool,
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
        Self { socket: Socket::Tcp(socket), looked: AtomicBool::new(false) }
    }

    #[cfg(unix)]
    pub(crate) fn unix(socket: UnixStream) -> Self {
        Self { socket: Socket::Unix(socket), looked: AtomicBool::new(false) }
    }

    /// Reads some bytes; 0 is the end. Cancel safe.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
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

    /// Writes all bytes.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
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

    /// Closes the sending half.
    pub(crate) fn half_close(&self) {
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

fn would_block<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
