//! The seam between a connection and whatever carries it: TCP, and TLS above it.
//!
//! Not here: who owns a connection (`pool`) and what is said on it (`h1`).

#[cfg(test)]
mod faulty;
mod tcp;
#[cfg(feature = "tls")]
mod tls;

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(test)]
pub(crate) use self::faulty::FaultyIo as TcpIo;
pub(crate) use self::tcp::RawSocket;
#[cfg(not(test))]
pub(crate) use self::tcp::TcpIo;
#[cfg(feature = "tls")]
pub(crate) use self::tls::TlsIo;

/// A byte stream that can tell, while nobody uses it, whether it is still good.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {
    /// The socket underneath, for [`RawSocket::shutdown_now`] by somebody who does not own the stream.
    fn raw(&self) -> Weak<RawSocket>;

    /// How many bytes the socket took so far, all that is below the stream included.
    fn sent(&self) -> u64;

    /// Waits for something to happen on an idle stream and says what it was, or nothing to worry about
    /// ([`Probe::Alive`], and the caller asks again). Wakes the context's waker without a task.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Probe> {
        let mut byte = [0];
        let mut buf = ReadBuf::new(&mut byte);
        Pin::new(self).poll_read(cx, &mut buf).map(|read| match read {
            Ok(()) if !buf.filled().is_empty() => Probe::Bytes,
            _ => Probe::Eof,
        })
    }

    /// Asks now, without waiting and whatever the reactor knows.
    fn probe(&mut self) -> Probe {
        Probe::Unknown
    }

    /// As [`probe`](Self::probe), but the kernel is not asked unless the reactor has seen something.
    fn glance(&mut self) -> Probe {
        self.probe()
    }

    /// Why the stream is no good, in words, if the layer that found it so knows more than a [`Probe`] says.
    fn complaint(&self) -> Option<String> {
        None
    }

    /// Moves an idle stream to the runtime that the caller runs on.
    fn rehome(&mut self) -> std::io::Result<()>;
}

/// What is known of an idle stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Open, and nothing came.
    Alive,
    /// Closed or reset by the peer.
    Eof,
    /// Bytes came that nobody asked for.
    Bytes,
    /// The stream cannot tell.
    Unknown,
}

/// Something that must outlive a socket's descriptor: dropped right after close(2).
#[derive(Clone)]
pub(crate) struct Permit(Arc<dyn Any + Send + Sync>);

impl Permit {
    pub(crate) fn new(held: Arc<dyn Any + Send + Sync>) -> Self {
        Self(held)
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({})", Arc::strong_count(&self.0))
    }
}
