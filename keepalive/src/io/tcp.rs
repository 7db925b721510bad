//! A TCP connection whose descriptor the pool can reach while a request uses it.

use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::{Io, Permit, Probe};
use crate::lacking::or_lacking;

/// A descriptor and the permit that it takes up. The order of the fields is the order of the drops:
/// the permit is free when close(2) has returned.
#[derive(Debug)]
pub(crate) struct RawSocket {
    stream: TcpStream,
    permit: Permit,
}

impl RawSocket {
    /// Whether the connection has ended and nothing is left to read.
    #[cfg(feature = "http2")]
    pub(crate) fn is_ended(&self) -> bool {
        let peeked = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        let waits =
            |error: &io::Error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
        peeked.map_or_else(|error| !waits(&error), |count| count == 0)
    }

    /// Ends the connection at once in both directions; its owner's next poll says so.
    pub(crate) fn shutdown_now(&self) {
        // Fails only if the connection is already gone.
        let _ = SockRef::from(&self.stream).shutdown(Shutdown::Both);
    }
}

/// The owner's end. Everything works through `&TcpStream`, as the pool holds a [`Weak`] of the socket.
#[derive(Debug)]
pub(crate) struct TcpIo {
    /// `None` only after [`Io::rehome`] failed; then every operation says "not connected".
    raw: Option<Arc<RawSocket>>,
    /// Holds the slot while the socket moves, and after it failed to: the owner has to announce the
    /// close before the slot comes free.
    moving: Option<Permit>,
    sent: u64,
    /// It was read from since it was written to, and not probed after: the next write is made without asking
    /// the reactor, which nearly always says yes.
    has_read: bool,
}

impl TcpIo {
    pub(crate) fn new(stream: TcpStream, permit: Permit) -> Self {
        Self { raw: Some(Arc::new(RawSocket { stream, permit })), moving: None, sent: 0, has_read: false }
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.stream().ok()?.local_addr().ok()
    }

    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        self.stream().ok()?.peer_addr().ok()
    }

    /// As [`Io::poll_idle`], for a layer above that has to look for itself what came.
    pub(super) fn poll_idle_with(
        &self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&Self) -> Probe,
    ) -> Poll<Probe> {
        let Ok(stream) = self.stream() else { return Poll::Ready(Probe::Eof) };
        loop {
            if ready!(stream.poll_read_ready(cx)).is_err() {
                // The runtime it belongs to is gone; the next user moves it to another.
                return Poll::Ready(look(self));
            }
            let found = stream.try_io(Interest::READABLE, || match look(self) {
                Probe::Alive => Err(ErrorKind::WouldBlock.into()),
                probe => Ok(probe),
            });
            match found {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                found => return Poll::Ready(found.unwrap_or(Probe::Eof)),
            }
        }
    }

    /// What a `look` finds, if the reactor has seen something.
    pub(super) fn if_stirred(&self, look: impl FnOnce(&Self) -> Probe) -> Probe {
        let Ok(stream) = self.stream() else { return Probe::Eof };
        let found = stream.try_io(Interest::READABLE, || match look(self) {
            Probe::Alive => Err(ErrorKind::WouldBlock.into()),
            probe => Ok(probe),
        });
        match found {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Probe::Alive,
            found => found.unwrap_or(Probe::Eof),
        }
    }

    /// It may have rested for long: what is written next is written only if its reactor still runs, without
    /// which the answer could not be read.
    pub(super) fn rested(&mut self) {
        self.has_read = false;
    }

    /// Reads at once or not at all, whatever the reactor knows.
    #[cfg(feature = "tls")]
    pub(super) fn read_now(&self, buf: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut &*SockRef::from(self.stream()?), buf)
    }

    /// Writes at once or not at all.
    #[cfg(feature = "tls")]
    pub(super) fn write_now(&self, buf: &[u8]) -> io::Result<usize> {
        self.stream()?.try_write(buf)
    }

    fn stream(&self) -> io::Result<&TcpStream> {
        self.raw.as_ref().map(|raw| &raw.stream).ok_or_else(|| ErrorKind::NotConnected.into())
    }

    /// Asks the kernel what the next read would find. It sees a FIN that the reactor has not.
    fn look(&self) -> Probe {
        let peek = || SockRef::from(self.stream()?).peek(&mut [MaybeUninit::uninit()]);
        match peek().map_err(|error| error.kind()) {
            Ok(1..) => Probe::Bytes,
            Err(ErrorKind::WouldBlock | ErrorKind::Interrupted) => Probe::Alive,
            Ok(0) | Err(_) => Probe::Eof,
        }
    }
}

impl Io for TcpIo {
    fn raw(&self) -> Weak<RawSocket> {
        self.raw.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Probe> {
        self.poll_idle_with(cx, Self::look)
    }

    fn probe(&mut self) -> Probe {
        self.rested();
        self.look()
    }

    fn glance(&mut self) -> Probe {
        self.if_stirred(Self::look)
    }

    fn rehome(&mut self) -> io::Result<()> {
        // A duplicate would be a second descriptor for one slot, so the socket itself moves. That works
        // unless somebody is shutting it down right now.
        let raw = self.raw.take().ok_or(ErrorKind::NotConnected)?;
        self.moving = Some(raw.permit.clone());
        let RawSocket { stream, permit } = Arc::into_inner(raw).ok_or(ErrorKind::NotConnected)?;
        let stream = stream.into_std()?;
        let stream = or_lacking(|| TcpStream::from_std(stream)).map_err(io::Error::other)??;
        self.raw = Some(Arc::new(RawSocket { stream, permit }));
        self.moving = None;
        Ok(())
    }
}

impl AsyncRead for TcpIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.has_read = true;
        let stream = self.stream()?;
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let mut outcome = Err(ErrorKind::WouldBlock.into());
            let _ = stream.try_io(Interest::READABLE, || {
                outcome = match buf.initialized().len() == buf.capacity() {
                    // The reactor was asked already.
                    true => io::Read::read(&mut &*SockRef::from(stream), buf.initialize_unfilled())
                        .inspect(|&count| buf.advance(count)),
                    false => stream.try_read_buf(buf),
                };
                match &outcome {
                    // A short read has emptied the socket: forget that it was readable, and the next
                    // read need not ask the kernel to learn it. Only where readiness is edge-triggered.
                    Ok(1..) if EDGE_TRIGGERED && buf.remaining() > 0 => Err(ErrorKind::WouldBlock.into()),
                    Ok(_) => Ok(()),
                    Err(error) => Err(error.kind().into()),
                }
            });
            match outcome {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome.map(drop)),
            }
        }
    }
}

impl AsyncWrite for TcpIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write_with(cx, |stream| stream.try_write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_with(cx, |stream| stream.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.stream().and_then(|stream| SockRef::from(stream).shutdown(Shutdown::Write)))
    }
}

impl TcpIo {
    fn write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        // No more than once: each write is part of the task's turn.
        let mut at_once = std::mem::take(&mut self.has_read);
        let stream = self.stream()?;
        loop {
            if !std::mem::take(&mut at_once) {
                ready!(stream.poll_write_ready(cx))?;
            }
            match write(stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    self.sent += count as u64;
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }
}

/// Whether tokio's reactor reports readiness once per change (epoll, kqueue).
const EDGE_TRIGGERED: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "ios",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
));

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::net::TcpListener;
    use std::pin::pin;

    use tokio::task::coop::{consume_budget, has_budget_remaining};

    use super::*;

    #[tokio::test]
    async fn each_write_but_the_first_after_a_read_is_part_of_the_tasks_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut io = TcpIo::new(stream, Permit::new(Arc::new(())));
        poll_fn(|cx| {
            while has_budget_remaining() {
                assert!(pin!(consume_budget()).poll(cx).is_ready());
            }
            assert!(Pin::new(&mut io).poll_write(cx, b"new").is_pending());
            for _ in 0..2 {
                assert!(Pin::new(&mut io).poll_read(cx, &mut ReadBuf::new(&mut [0])).is_pending());
                assert!(Pin::new(&mut io).poll_write(cx, b"a").is_ready());
                assert!(Pin::new(&mut io).poll_write(cx, b"b").is_pending());
            }
            Poll::Ready(())
        })
        .await;
        assert_eq!(io.sent(), 2);
    }

    /// On one thread the reactor looks only when nobody else runs.
    #[tokio::test]
    async fn a_glance_asks_the_kernel_only_if_the_reactor_has_seen_something() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().unwrap();
        let mut io = TcpIo::new(stream, Permit::new(Arc::new(())));
        assert!(io.poll_idle(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
        assert_eq!((io.glance(), io.probe()), (Probe::Alive, Probe::Alive));
        drop(peer);
        while io.probe() == Probe::Alive {
            std::thread::yield_now();
        }
        assert_eq!((io.glance(), io.probe()), (Probe::Alive, Probe::Eof));
        assert_eq!(poll_fn(|cx| io.poll_idle(cx)).await, Probe::Eof);
        assert_eq!(io.glance(), Probe::Eof);
    }
}
