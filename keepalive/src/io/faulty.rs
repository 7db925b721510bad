//! A TCP connection on which the operations go wrong that the test's plan names: in tests it stands in the
//! place of [`TcpIo`], below TLS and HTTP/2, and without a plan it is the same.
//!
//! Invariants:
//! 1. What goes wrong stays wrong: a connection that broke or ended once does so each time it is asked.
//! 2. A stall loses nothing: when it is over, the connection goes on where it stood.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tcp::TcpIo;
use super::{Io, Permit, Probe, RawSocket};
use crate::torture::{Op, Plan, Stalled, Way, Wired, current};

#[derive(Debug)]
pub(crate) struct FaultyIo {
    tcp: TcpIo,
    plan: Option<Wired>,
    reads: Fate,
    writes: Fate,
}

/// What became of one direction.
#[derive(Debug, Default)]
enum Fate {
    #[default]
    Well,
    Stalled {
        _counted: Stalled,
    },
    /// As that, and for ever.
    Stuck,
    /// The peer said that nothing more comes.
    Ended,
    /// The peer has reset it.
    Broken,
}

impl FaultyIo {
    pub(crate) fn new(stream: TcpStream, permit: Permit) -> Self {
        let (tcp, plan) = (TcpIo::new(stream, permit), current().map(Wired::new));
        Self { tcp, plan, reads: Fate::Well, writes: Fate::Well }
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.tcp.local_addr()
    }

    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        self.tcp.peer_addr()
    }

    fn plan(&self) -> Option<Arc<Plan>> {
        self.plan.as_ref().map(|wired| Arc::clone(&wired.0))
    }

    /// What a look at an idle connection finds before the kernel is asked.
    fn known(&self) -> Option<Probe> {
        let plan = &self.plan.as_ref()?.0;
        match self.reads {
            Fate::Ended | Fate::Broken => Some(Probe::Eof),
            Fate::Stalled { .. } | Fate::Stuck => Some(Probe::Alive),
            Fate::Well => plan.blind.then_some(Probe::Alive),
        }
    }

    /// As [`known`](Self::known), and what is to go wrong.
    fn look(&mut self) -> Option<Probe> {
        let plan = self.plan()?;
        let way = plan.begin(Op::Look);
        plan.end(Op::Look);
        match way {
            Some(Way::Surplus) => Some(Probe::Bytes),
            Some(_) => {
                self.reads = Fate::Ended;
                Some(Probe::Eof)
            }
            None => self.known(),
        }
    }

    /// Waits with whoever waits for an idle connection on which nothing will be seen.
    fn poll_known(&self, cx: &mut Context<'_>) -> Option<Poll<Probe>> {
        Some(match (self.known()?, &self.plan) {
            (Probe::Alive, Some(wired)) => wired.0.poll_healed(cx).map(|()| Probe::Alive),
            (found, _) => Poll::Ready(found),
        })
    }

    /// How much the next write may take; the connection may be none to write to.
    fn poll_allowed(&mut self, cx: &mut Context<'_>, plan: &Arc<Plan>) -> Poll<io::Result<(usize, bool)>> {
        ready!(self.writes.poll(cx, plan))?;
        Poll::Ready(match plan.begin(Op::Write) {
            Some(Way::Stall) => {
                self.writes = Fate::stalled(plan);
                return self.writes.poll(cx, plan).map_ok(|()| (0, false));
            }
            Some(Way::Short) => Ok((1, false)),
            Some(Way::Cut) => Ok((1, true)),
            Some(_) => {
                plan.end(Op::Write);
                Err(self.broken())
            }
            None => Ok((plan.caps.write, false)),
        })
    }

    fn broken(&mut self) -> io::Error {
        (self.reads, self.writes) = (Fate::Broken, Fate::Broken);
        ErrorKind::ConnectionReset.into()
    }

    /// Flushes and shutdowns.
    fn poll_aside(&mut self, cx: &mut Context<'_>, op: Op) -> Poll<io::Result<()>> {
        let Some(plan) = self.plan() else { return Poll::Ready(Ok(())) };
        ready!(self.writes.poll(cx, &plan))?;
        let way = plan.begin(op);
        plan.end(op);
        match way {
            None => Poll::Ready(Ok(())),
            // The end of a connection is bounded by its owner.
            Some(Way::Stall) if op == Op::Shutdown => {
                self.writes = Fate::Stuck;
                Poll::Pending
            }
            Some(Way::Stall) => {
                self.writes = Fate::stalled(&plan);
                self.writes.poll(cx, &plan)
            }
            Some(_) => Poll::Ready(Err(self.broken())),
        }
    }
}

impl Fate {
    fn stalled(plan: &Arc<Plan>) -> Self {
        Self::Stalled { _counted: Stalled::new(plan) }
    }

    /// Whether there is anything to be done at all.
    fn poll(&mut self, cx: &mut Context<'_>, plan: &Plan) -> Poll<io::Result<()>> {
        match self {
            Self::Well | Self::Ended => Poll::Ready(Ok(())),
            Self::Broken => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
            Self::Stuck => Poll::Pending,
            Self::Stalled { .. } => {
                ready!(plan.poll_healed(cx));
                *self = Self::Well;
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// For TLS, which looks for itself.
#[cfg(feature = "tls")]
impl FaultyIo {
    pub(super) fn poll_idle_with(
        &self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&Self) -> Probe,
    ) -> Poll<Probe> {
        self.poll_known(cx).unwrap_or_else(|| self.tcp.poll_idle_with(cx, |_| look(self)))
    }

    pub(super) fn if_stirred(&self, look: impl FnOnce(&Self) -> Probe) -> Probe {
        self.known().unwrap_or_else(|| self.tcp.if_stirred(|_| look(self)))
    }

    pub(super) fn rested(&mut self) {
        self.tcp.rested();
    }

    pub(super) fn read_now(&self, buf: &mut [u8]) -> io::Result<usize> {
        let way = self.plan.as_ref().and_then(|wired| {
            let way = wired.0.begin(Op::Look);
            wired.0.end(Op::Look);
            way
        });
        match (way, self.known()) {
            // It stays so: whoever is told is done with the connection.
            (Some(Way::End), _) | (_, Some(Probe::Eof)) => Ok(0),
            (Some(_), _) => Err(ErrorKind::ConnectionReset.into()),
            (None, Some(_)) => Err(ErrorKind::WouldBlock.into()),
            (None, None) => self.tcp.read_now(buf),
        }
    }

    pub(super) fn write_now(&self, buf: &[u8]) -> io::Result<usize> {
        let Some(wired) = &self.plan else { return self.tcp.write_now(buf) };
        match self.writes {
            Fate::Well | Fate::Ended => {}
            Fate::Stalled { .. } | Fate::Stuck => return Err(ErrorKind::WouldBlock.into()),
            Fate::Broken => return Err(ErrorKind::ConnectionReset.into()),
        }
        let way = wired.0.begin(Op::Write);
        wired.0.end(Op::Write);
        match way {
            None => self.tcp.write_now(buf),
            Some(Way::Short | Way::Cut) => self.tcp.write_now(&buf[..1.min(buf.len())]),
            Some(Way::Stall) => Err(ErrorKind::WouldBlock.into()),
            Some(_) => Err(ErrorKind::ConnectionReset.into()),
        }
    }
}

impl Io for FaultyIo {
    fn raw(&self) -> Weak<RawSocket> {
        self.tcp.raw()
    }

    fn sent(&self) -> u64 {
        self.tcp.sent()
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Probe> {
        self.poll_known(cx).unwrap_or_else(|| self.tcp.poll_idle(cx))
    }

    fn probe(&mut self) -> Probe {
        self.look().unwrap_or_else(|| self.tcp.probe())
    }

    fn glance(&mut self) -> Probe {
        self.look().unwrap_or_else(|| self.tcp.glance())
    }

    fn rehome(&mut self) -> io::Result<()> {
        self.tcp.rehome()
    }
}

impl AsyncRead for FaultyIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(plan) = self.plan() else { return Pin::new(&mut self.tcp).poll_read(cx, buf) };
        let this = &mut *self;
        ready!(this.reads.poll(cx, &plan))?;
        if matches!(this.reads, Fate::Ended) {
            return Poll::Ready(Ok(()));
        }
        let way = plan.next(Op::Read);
        match way {
            Some(Way::Stall) => {
                plan.begin(Op::Read);
                this.reads = Fate::stalled(&plan);
                return this.reads.poll(cx, &plan);
            }
            Some(Way::Early) => {
                plan.begin(Op::Read);
                plan.end(Op::Read);
                return Poll::Ready(Err(this.broken()));
            }
            _ => {}
        }
        let most = if matches!(way, Some(Way::Short | Way::Cut)) { 1 } else { plan.caps.read };
        let mut bytes = vec![0; most.min(buf.remaining())];
        let mut some = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut this.tcp).poll_read(cx, &mut some))?;
        plan.begin(Op::Read);
        match way {
            Some(Way::Fail) => {
                plan.end(Op::Read);
                return Poll::Ready(Err(this.broken()));
            }
            Some(Way::End) => this.reads = Fate::Ended,
            Some(Way::Cut) => {
                buf.put_slice(some.filled());
                this.reads = Fate::Ended;
            }
            _ => buf.put_slice(some.filled()),
        }
        plan.end(Op::Read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FaultyIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Some(plan) = self.plan() else { return Pin::new(&mut self.tcp).poll_write(cx, buf) };
        let this = &mut *self;
        let (most, cut) = ready!(this.poll_allowed(cx, &plan))?;
        let count = ready!(Pin::new(&mut this.tcp).poll_write(cx, &buf[..most.min(buf.len())]))?;
        if cut {
            this.broken();
        }
        plan.end(Op::Write);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.plan.is_none() {
            return Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty());
        self.poll_write(cx, first.map_or(&[], |buf| buf))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_aside(cx, Op::Flush))?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_aside(cx, Op::Shutdown))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
