//! Performs a script on one connection and writes down what happens.
//!
//! Called by the scripted origin's server, once per connection.
//!
//! Invariant: nothing here ends without saying how the connection ended.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::reader::{Reader, Tap};
use crate::record::{End, Record};
use crate::request::Framing;
#[cfg(feature = "tls")]
use crate::script::TlsStep;
use crate::script::{Script, Step};
use crate::server::Ledger;
use crate::stream::Stream;
#[cfg(feature = "tls")]
use crate::tls::Session;
use crate::watched::Watched;

/// What the scripts and the test share.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) record: Record,
    /// The names the test gave.
    pub(crate) signals: HashSet<String>,
    /// The names the scripts came to.
    pub(crate) reached: HashSet<String>,
}

impl Ledger for Board {
    fn admit(&mut self, peer: Option<SocketAddr>) -> usize {
        self.record.admit(peer)
    }

    fn end(&mut self, order: usize, end: End) {
        self.record.end(order, end);
    }

    #[cfg(feature = "case")]
    fn open(&self) -> usize {
        self.record.open()
    }
}

/// Plays the script until the connection ends.
pub(crate) async fn play(
    script: Script,
    order: usize,
    stream: Arc<Stream>,
    board: Arc<Watched<Board>>,
) -> End {
    let reader = Reader::new(stream.clone(), Log { order, board: board.clone() });
    let mut player = Player { order, stream, board, reader, unread: None };
    #[cfg(feature = "tls")]
    if script.is_above_tls() {
        if let Err(end) = player.handshake().await {
            return end;
        }
    }
    let end = player.all(&script).await;
    #[cfg(feature = "tls")]
    player.note_goodbye();
    if end == End::ClosedByPeer {
        // Where the peer closed only its sending half.
        player.stream.say_goodbye();
    }
    end
}

/// Writes a connection's bytes down.
#[derive(Debug)]
struct Log {
    order: usize,
    board: Arc<Watched<Board>>,
}

impl Tap for Log {
    fn bytes(&mut self, bytes: &[u8]) {
        self.board.change(|board| board.record.connections[self.order].bytes.extend_from_slice(bytes));
    }
}

struct Player {
    order: usize,
    stream: Arc<Stream>,
    board: Arc<Watched<Board>>,
    reader: Reader<Log>,
    /// The place of the last head on this connection, and how its unread body is framed.
    unread: Option<(usize, Framing)>,
}

impl Player {
    async fn all(&mut self, script: &Script) -> End {
        loop {
            for step in &script.steps {
                if let Err(end) = self.step(step).await {
                    return end;
                }
            }
            if !matches!(script.steps.last(), Some(Step::Repeat)) {
                return self.reader.rest().await;
            }
        }
    }

    /// Performs one step; an error is the end of the connection.
    async fn step(&mut self, step: &Step) -> Result<(), End> {
        match step {
            Step::Request => self.request().await,
            Step::Head => self.head().await,
            Step::Body => self.body().await,
            Step::Send(bytes) => self.send(bytes).await,
            Step::Pieces(pieces) => self.pieces(pieces.iter().map(Vec::as_slice)).await,
            Step::Bytewise(bytes) => self.pieces(bytes.chunks(1)).await,
            Step::Signal(name) => {
                self.signal(name).await;
                Ok(())
            }
            Step::Reached(name) => {
                self.board.change(|board| board.reached.insert(name.clone()));
                Ok(())
            }
            Step::HalfClose => {
                self.stream.half_close();
                Ok(())
            }
            Step::Close => {
                self.stream.say_goodbye();
                Err(End::ClosedByScript)
            }
            Step::Reset => {
                self.stream.reset_on_close();
                Err(End::ResetByScript)
            }
            Step::Stall => Err(self.stream.gone().await),
            Step::ReadToEnd => self.read_to_end().await,
            #[cfg(feature = "tls")]
            Step::Tls(step) => self.tls_step(step).await,
            Step::Repeat => {
                // A script that only writes must let the other tasks of its thread live.
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    }

    async fn request(&mut self) -> Result<(), End> {
        let mut request = self.reader.head().await?;
        let content = self.reader.body(request.framing().map_err(End::BadRequest)?).await?;
        request.body = content.body;
        request.trailers = content.trailers;
        self.board.change(|board| board.record.request(self.order, request));
        Ok(())
    }

    async fn head(&mut self) -> Result<(), End> {
        let request = self.reader.head().await?;
        let framing = request.framing().map_err(End::BadRequest)?;
        let place = self.board.change(|board| board.record.request(self.order, request));
        self.unread = Some((place, framing));
        Ok(())
    }

    async fn body(&mut self) -> Result<(), End> {
        let (place, framing) = self.unread.take().expect("a script's body() comes after its head()");
        let content = self.reader.body(framing).await?;
        self.board.change(|board| {
            let request = &mut board.record.connections[self.order].requests[place];
            request.body = content.body;
            request.trailers = content.trailers;
        });
        Ok(())
    }

    async fn send(&self, bytes: &[u8]) -> Result<(), End> {
        self.stream.write_all(bytes).await.map_err(|_| End::ResetByPeer)
    }

    async fn pieces(&self, pieces: impl Iterator<Item = &[u8]>) -> Result<(), End> {
        for piece in pieces {
            self.send(piece).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Waits for the signal; a peer that goes meanwhile is recorded at once.
    async fn signal(&self, name: &str) {
        let given = self.board.until(|board| board.signals.contains(name));
        tokio::pin!(given);
        let end = tokio::select! {
            biased;
            () = &mut given => return,
            end = self.stream.gone() => end,
        };
        self.board.change(|board| board.end(self.order, end));
        given.await;
    }

    /// The peer's end of sending is not the connection's: steps may follow.
    async fn read_to_end(&mut self) -> Result<(), End> {
        match self.reader.rest().await {
            End::ClosedByPeer => Ok(()),
            end => Err(end),
        }
    }
}

/// Below TLS, and what is TLS itself.
#[cfg(feature = "tls")]
impl Player {
    async fn tls_step(&mut self, step: &TlsStep) -> Result<(), End> {
        let stream = self.stream.clone();
        let session = stream.session();
        let broken = |_| End::ResetByPeer;
        match step {
            TlsStep::Below => Ok(()),
            TlsStep::Handshake => self.handshake().await,
            TlsStep::HalfHandshake => stream.half_handshake().await,
            TlsStep::HandshakeBytes(most) => {
                if let Some(session) = session {
                    session.allow(*most);
                }
                self.handshake().await?;
                let Some(session) = session else { return Ok(()) };
                session.allow(usize::MAX);
                if session.is_cut() { Err(End::ClosedByScript) } else { Ok(()) }
            }
            TlsStep::Raw(bytes) => stream.write_below(bytes).await.map_err(broken),
            TlsStep::ReadRaw(least) => stream.hear_at_least(*least).await,
            TlsStep::CloseNotify => {
                stream.say_goodbye();
                Ok(())
            }
            TlsStep::SendGoodbye(bytes) => {
                let Some(session) = session else { return Ok(()) };
                session.write_goodbye(bytes);
                stream.flush(session).await.map_err(broken)
            }
            TlsStep::KeyUpdate => {
                let Some(session) = session else { return Ok(()) };
                session.key_update();
                stream.flush(session).await.map_err(broken)
            }
            TlsStep::Cut => Err(End::ClosedByScript),
        }
    }

    async fn handshake(&self) -> Result<(), End> {
        self.stream.handshake().await?;
        if let Some(session) = self.stream.session().filter(|session| !session.is_handshaking()) {
            let handshake = session.handshake();
            self.board.change(|board| board.record.connections[self.order].tls = Some(handshake));
        }
        Ok(())
    }

    fn note_goodbye(&self) {
        if self.stream.session().is_some_and(Session::goodbye) {
            self.board.change(|board| board.record.connections[self.order].goodbye = true);
        }
    }
}
