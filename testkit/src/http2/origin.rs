//! The origin that sends whatever frames a test says.
//!
//! Called by tests. Every connection is an async function of the test's; what came is in a record.
//!
//! Invariants: 1. nothing is sent that the script did not say, but for what [`Peer::rest`] and
//! [`Peer::request`] answer; 2. every frame that the script read is in the record.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use super::frame::Frame;
use crate::listen::Bind;
use crate::record::End;
use crate::server::{Ledger, Server};
use crate::stream::Stream;
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::watched::Watched;

/// An origin whose connections follow a script of frames. A cheap handle: when the last clone is dropped,
/// everything is closed.
#[derive(Clone, Debug)]
pub struct FrameOrigin {
    server: Arc<Server<FrameRecord>>,
}

/// What happened at a [`FrameOrigin`].
#[derive(Clone, Debug, Default)]
pub struct FrameRecord {
    /// The connections in the order of their accepts.
    pub connections: Vec<FrameConnection>,
}

/// One connection of a [`FrameOrigin`].
#[derive(Clone, Debug, Default)]
pub struct FrameConnection {
    /// What was read of it.
    pub frames: Vec<Frame>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

impl FrameRecord {
    /// How many connections have not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        self.connections.iter().filter(|connection| connection.end.is_none()).count()
    }

    /// How many streams were begun, on all connections.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.connections.iter().map(FrameConnection::requests).sum()
    }
}

impl FrameConnection {
    /// How many streams were begun.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.frames.iter().filter(|frame| frame.kind == Frame::HEADERS).count()
    }

    /// The frames of that kind.
    pub fn of(&self, kind: u8) -> impl Iterator<Item = &Frame> {
        self.frames.iter().filter(move |frame| frame.kind == kind)
    }
}

impl Ledger for FrameRecord {
    fn admit(&mut self, _peer: Option<SocketAddr>) -> usize {
        self.connections.push(FrameConnection::default());
        self.connections.len() - 1
    }

    fn end(&mut self, order: usize, end: End) {
        self.connections[order].end.get_or_insert(end);
    }

    #[cfg(feature = "case")]
    fn open(&self) -> usize {
        Self::open(self)
    }
}

type Life = Pin<Box<dyn Future<Output = Result<(), End>> + Send>>;

/// Builds a [`FrameOrigin`].
#[must_use]
pub struct FrameBuilder {
    bind: Bind,
    script: Box<dyn Fn(Peer) -> Life + Send + Sync>,
}

impl FrameBuilder {
    /// Speaks TLS. Default: TCP alone.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: &ServerTls) -> Self {
        self.bind.tls = Some(tls.clone());
        self
    }

    /// Starts the origin.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> FrameOrigin {
        let record = Arc::new(Watched::new(FrameRecord::default()));
        let (script, shared) = (Arc::new(self.script), record.clone());
        let serve = move |order, stream: Arc<Stream>| {
            let peer = Peer { connection: order, stream, record: shared.clone(), bytes: Vec::new() };
            let script = script.clone();
            async move {
                #[cfg(feature = "tls")]
                if let Err(end) = peer.stream.handshake().await {
                    return end;
                }
                let stream = peer.stream.clone();
                let end = script(peer).await;
                stream.say_goodbye();
                end.err().unwrap_or(End::ClosedByScript)
            }
        };
        FrameOrigin { server: Arc::new(Server::start(&self.bind, record, serve)) }
    }
}

impl fmt::Debug for FrameBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuilder").field("bind", &self.bind).finish_non_exhaustive()
    }
}

impl FrameOrigin {
    /// Every connection does this, on the origin's thread, and is closed at its end.
    pub fn script<F>(script: impl Fn(Peer) -> F + Send + Sync + 'static) -> FrameBuilder
    where
        F: Future<Output = Result<(), End>> + Send + 'static,
    {
        FrameBuilder { bind: Bind::default(), script: Box::new(move |peer| Box::pin(script(peer))) }
    }

    /// The URL of this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// What has happened so far.
    #[must_use]
    pub fn record(&self) -> FrameRecord {
        self.server.ledger().see(Clone::clone)
    }

    /// Waits until the record is as wanted.
    ///
    /// # Panics
    ///
    /// After 10 s of real time, or when the origin is stopped, with the record.
    #[track_caller]
    pub fn wait<'a>(
        &'a self,
        condition: impl FnMut(&FrameRecord) -> bool + Send + 'a,
    ) -> impl Future<Output = ()> + Send + 'a {
        let at = Location::caller();
        async move { self.server.wait("frames", at, condition).await }
    }

    #[cfg(feature = "case")]
    pub(crate) fn server(&self) -> Arc<Server<FrameRecord>> {
        self.server.clone()
    }
}

/// The client of one connection, as its script sees it.
#[derive(Debug)]
pub struct Peer {
    /// The place of this connection among all, counted from 0.
    pub connection: usize,
    stream: Arc<Stream>,
    record: Arc<Watched<FrameRecord>>,
    /// Read, and not yet a frame.
    bytes: Vec<u8>,
}

impl Peer {
    /// Reads the client's preface and sends these settings.
    ///
    /// # Errors
    ///
    /// How the connection ended; so with all that follow.
    pub async fn open(&mut self, settings: &[(u16, u32)]) -> Result<(), End> {
        self.preface().await?;
        self.send(&Frame::settings(settings)).await
    }

    /// Reads the client's preface, and says nothing.
    pub async fn preface(&mut self) -> Result<(), End> {
        while self.bytes.len() < PREFACE.len() {
            self.fill().await?;
        }
        if !self.bytes.starts_with(PREFACE) {
            return Err(End::BadRequest("not the preface of HTTP/2".to_owned()));
        }
        self.bytes.drain(..PREFACE.len());
        Ok(())
    }

    /// Sends a frame.
    pub async fn send(&self, frame: &Frame) -> Result<(), End> {
        self.send_bytes(&frame.bytes()).await
    }

    /// Sends any bytes.
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<(), End> {
        self.stream.write_all(bytes).await.map_err(|_| End::ResetByPeer)
    }

    /// Answers with a `200` of this body.
    pub async fn answer(&self, stream: u32, body: &str) -> Result<(), End> {
        self.send(&Frame::head(stream, 200, &[], false)).await?;
        self.send(&Frame::data(stream, body, true)).await
    }

    /// The next frame, whatever it is. Cancel safe.
    pub async fn frame(&mut self) -> Result<Frame, End> {
        loop {
            if let Some(frame) = Frame::take(&mut self.bytes) {
                let order = self.connection;
                self.record.change(|record| record.connections[order].frames.push(frame.clone()));
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    /// The next frame of that kind; on the way there SETTINGS and PINGs are answered.
    pub async fn next(&mut self, kind: u8) -> Result<Frame, End> {
        loop {
            let frame = self.frame().await?;
            self.be_polite(&frame).await?;
            if frame.kind == kind {
                return Ok(frame);
            }
        }
    }

    /// The stream of the next request; on the way there SETTINGS and PINGs are answered.
    pub async fn request(&mut self) -> Result<u32, End> {
        Ok(self.next(Frame::HEADERS).await?.stream)
    }

    /// Answers SETTINGS and PINGs until the client is gone.
    pub async fn rest(&mut self) -> Result<(), End> {
        loop {
            let frame = self.frame().await?;
            self.be_polite(&frame).await?;
        }
    }

    /// Answers every request with `hello`, until the client is gone.
    pub async fn serve(&mut self) -> Result<(), End> {
        loop {
            let stream = self.request().await?;
            self.answer(stream, "hello").await?;
        }
    }

    /// Makes the coming close a reset.
    pub fn reset_on_close(&self) {
        self.stream.reset_on_close();
    }

    async fn be_polite(&self, frame: &Frame) -> Result<(), End> {
        match frame.kind {
            Frame::SETTINGS if !frame.has(Frame::ACK) => self.send(&Frame::settings_ack()).await,
            Frame::PING if !frame.has(Frame::ACK) => {
                self.send(&Frame::new(Frame::PING, Frame::ACK, 0, frame.payload.clone())).await
            }
            _ => Ok(()),
        }
    }

    async fn fill(&mut self) -> Result<(), End> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer).await {
            Ok(0) => Err(End::ClosedByPeer),
            Ok(read) => {
                self.bytes.extend_from_slice(&buffer[..read]);
                Ok(())
            }
            Err(_) => Err(End::ResetByPeer),
        }
    }
}

/// RFC 9113 §3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
