//! TLS over a TCP connection.
//!
//! What arrives on an idle connection need not be meant for its user: session tickets and key updates are
//! digested here and change nothing; `close_notify` is a close; anything else is what it would be without
//! TLS. So neither the peek at checkout nor the look while idle can take a ticket for garbage.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};

use rustls::ClientConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::{Io, Probe, RawSocket, TcpIo};
use crate::tls::explain_later;

/// How many records in a row may come on an idle connection without a byte for its user. A server sends
/// a few tickets; one that does not stop is none to keep.
const MOST_RECORDS: usize = 32;

pub(crate) struct TlsIo {
    stream: TlsStream<TcpIo>,
    /// What was wrong with what came while nobody read.
    fault: Option<rustls::Error>,
}

impl TlsIo {
    pub(crate) fn new(stream: TlsStream<TcpIo>) -> Self {
        Self { stream, fault: None }
    }
}

impl Io for TlsIo {
    fn raw(&self) -> Weak<RawSocket> {
        self.stream.get_ref().0.raw()
    }

    fn sent(&self) -> u64 {
        self.stream.get_ref().0.sent()
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Probe> {
        let (tcp, tls) = self.stream.get_mut();
        match held(tls, &mut self.fault) {
            Probe::Alive => tcp.poll_idle_with(cx, |tcp| digest(tcp, tls, &mut self.fault)),
            found => Poll::Ready(found),
        }
    }

    fn probe(&mut self) -> Probe {
        let (tcp, tls) = self.stream.get_mut();
        tcp.rested();
        match held(tls, &mut self.fault) {
            Probe::Alive => digest(tcp, tls, &mut self.fault),
            found => found,
        }
    }

    fn glance(&mut self) -> Probe {
        let (tcp, tls) = self.stream.get_mut();
        match held(tls, &mut self.fault) {
            Probe::Alive => tcp.if_stirred(|tcp| digest(tcp, tls, &mut self.fault)),
            found => found,
        }
    }

    fn complaint(&self) -> Option<String> {
        self.fault.as_ref().map(explain_later)
    }

    fn rehome(&mut self) -> io::Result<()> {
        self.stream.get_mut().0.rehome()
    }
}

/// Reads what the kernel has, and says what it means for whoever uses the connection next.
fn digest(tcp: &TcpIo, tls: &mut ClientConnection, fault: &mut Option<rustls::Error>) -> Probe {
    for _ in 0..MOST_RECORDS {
        match tls.read_tls(&mut Now(tcp)) {
            Ok(0) => return Probe::Eof,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Probe::Alive,
            Err(_) => return Probe::Eof,
        }
        match held(tls, fault) {
            Probe::Alive => {}
            found => return found,
        }
    }
    Probe::Bytes
}

/// What was read with the last response's bytes, or behind them, and is still here: the kernel does not know it.
fn held(tls: &mut ClientConnection, fault: &mut Option<rustls::Error>) -> Probe {
    match tls.process_new_packets() {
        // In the order in which they came: an answer that nobody asked for, then the goodbye.
        Ok(state) if state.plaintext_bytes_to_read() > 0 => Probe::Bytes,
        Ok(state) if state.peer_has_closed() => Probe::Eof,
        Ok(_) => Probe::Alive,
        Err(error) => {
            let alert = matches!(error, rustls::Error::AlertReceived(_));
            *fault = Some(error);
            if alert { Probe::Eof } else { Probe::Bytes }
        }
    }
}

/// The socket without waiting, whatever the reactor knows.
struct Now<'a>(&'a TcpIo);

impl Read for Now<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_now(buf)
    }
}

impl Write for Now<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_now(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TlsIo {
    /// Says goodbye, if the socket takes it at once: so the server knows that nothing was cut off.
    fn drop(&mut self) {
        let (tcp, tls) = self.stream.get_mut();
        if tls.wants_write() {
            // A request that was given up before the socket took it all, and its sender knows how much it took.
            return;
        }
        tls.send_close_notify();
        let mut tcp = Now(tcp);
        while tls.wants_write() {
            if !matches!(tls.write_tls(&mut tcp), Ok(1..)) {
                break;
            }
        }
    }
}

impl AsyncRead for TlsIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
