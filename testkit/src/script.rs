//! The script of a connection: a list of steps, built by chaining.
//!
//! Only the words; `play` performs them. Called by tests.

/// What an origin does on one connection, step by step.
///
/// A script that ends without [`close`](Self::close) or [`reset`](Self::reset) keeps the connection open,
/// records what still comes, and waits for the peer to close it.
///
/// ```
/// use testkit::{Script, ok};
///
/// let script = Script::new().request().signal("answer").send(ok("hello")).repeat();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
}

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Request,
    Head,
    Body,
    Send(Vec<u8>),
    Pieces(Vec<Vec<u8>>),
    Bytewise(Vec<u8>),
    Signal(String),
    Reached(String),
    HalfClose,
    Close,
    Reset,
    Stall,
    ReadToEnd,
    Repeat,
    #[cfg(feature = "tls")]
    Tls(TlsStep),
}

/// What only an origin with TLS does, or does below it.
#[cfg(feature = "tls")]
#[derive(Clone, Debug)]
pub(crate) enum TlsStep {
    Below,
    Handshake,
    HalfHandshake,
    HandshakeBytes(usize),
    Raw(Vec<u8>),
    ReadRaw(usize),
    CloseNotify,
    SendGoodbye(Vec<u8>),
    KeyUpdate,
    Cut,
}

impl Script {
    /// A script without steps: accept, read, wait for the peer to close.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one whole request, head and body, and records it.
    #[must_use]
    pub fn request(self) -> Self {
        self.then(Step::Request)
    }

    /// Reads just a request's head and records it; the body stays unread.
    #[must_use]
    pub fn head(self) -> Self {
        self.then(Step::Head)
    }

    /// Reads the rest of the body that belongs to the last [`head`](Self::head).
    #[must_use]
    pub fn body(self) -> Self {
        self.then(Step::Body)
    }

    /// Writes these bytes.
    #[must_use]
    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Send(bytes.into()))
    }

    /// Writes each piece on its own, as a segment of its own.
    ///
    /// A peer that is slow to read may still see two pieces in one read; where it must not, put a
    /// [`signal`](Self::signal) between two sends.
    #[must_use]
    pub fn pieces<P: Into<Vec<u8>>>(self, pieces: impl IntoIterator<Item = P>) -> Self {
        self.then(Step::Pieces(pieces.into_iter().map(Into::into).collect()))
    }

    /// Writes one byte at a time, as [`pieces`](Self::pieces) does.
    #[must_use]
    pub fn bytewise(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Bytewise(bytes.into()))
    }

    /// Waits until the test gave this signal; one given earlier counts, and stays given.
    ///
    /// Nothing is read meanwhile, but a peer that goes is recorded as gone at once; the script goes on only
    /// when the signal comes.
    #[must_use]
    pub fn signal(self, name: impl Into<String>) -> Self {
        self.then(Step::Signal(name.into()))
    }

    /// Tells the test that the script got here.
    #[must_use]
    pub fn reached(self, name: impl Into<String>) -> Self {
        self.then(Step::Reached(name.into()))
    }

    /// Closes the sending half: the peer reads the end, and can still send.
    #[must_use]
    pub fn half_close(self) -> Self {
        self.then(Step::HalfClose)
    }

    /// Closes the connection. The kernel makes it a reset where bytes of the peer are still unread.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// Closes the connection with a reset. A unix socket knows no reset and is closed.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Holds the connection open and reads nothing, until the peer closes.
    #[must_use]
    pub fn stall(self) -> Self {
        self.then(Step::Stall)
    }

    /// Reads and records whatever comes until the peer closes its sending half.
    #[must_use]
    pub fn read_to_end(self) -> Self {
        self.then(Step::ReadToEnd)
    }

    /// Starts over from the first step, until the peer closes. Must be the last step.
    #[must_use]
    pub fn repeat(self) -> Self {
        self.then(Step::Repeat)
    }

    /// # Panics
    ///
    /// After a step that nothing can follow: such a script does not do what it says.
    #[track_caller]
    fn then(mut self, step: Step) -> Self {
        let last = self.steps.last();
        assert!(!last.is_some_and(Step::is_last), "{step:?} can never be reached: {last:?} comes before it");
        self.steps.push(step);
        self
    }
}

/// What is TLS itself, and what is below it.
#[cfg(feature = "tls")]
impl Script {
    /// As the first step: the script begins before the TLS handshake, which is a step of its own then. Else a
    /// script of an origin with TLS begins when the handshake is done.
    #[must_use]
    pub fn below_tls(self) -> Self {
        self.then(Step::Tls(TlsStep::Below))
    }

    /// Does the TLS handshake, or the rest of it.
    #[must_use]
    pub fn handshake(self) -> Self {
        self.then(Step::Tls(TlsStep::Handshake))
    }

    /// Does its own part of a TLS 1.3 handshake, and leaves unread what the client answers: what is sent then
    /// comes before the tickets.
    #[must_use]
    pub fn half_handshake(self) -> Self {
        self.then(Step::Tls(TlsStep::HalfHandshake))
    }

    /// Does the handshake, but closes the connection where it would say more than this many bytes.
    #[must_use]
    pub fn handshake_bytes(self, most: usize) -> Self {
        self.then(Step::Tls(TlsStep::HandshakeBytes(most)))
    }

    /// Writes these bytes below TLS.
    #[must_use]
    pub fn raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Tls(TlsStep::Raw(bytes.into())))
    }

    /// Reads at least this many bytes below TLS. They are kept for the steps above it.
    #[must_use]
    pub fn read_raw(self, least: usize) -> Self {
        self.then(Step::Tls(TlsStep::ReadRaw(least)))
    }

    /// Says goodbye (`close_notify`), and leaves the connection open.
    #[must_use]
    pub fn close_notify(self) -> Self {
        self.then(Step::Tls(TlsStep::CloseNotify))
    }

    /// Writes these bytes and says goodbye (`close_notify`), as one segment, and leaves the connection open.
    #[must_use]
    pub fn send_goodbye(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Tls(TlsStep::SendGoodbye(bytes.into())))
    }

    /// Changes the keys of TLS 1.3, and asks the peer to do the same.
    #[must_use]
    pub fn key_update(self) -> Self {
        self.then(Step::Tls(TlsStep::KeyUpdate))
    }

    /// Closes the connection without a `close_notify`, as [`close`](Self::close) would say it.
    #[must_use]
    pub fn cut(self) -> Self {
        self.then(Step::Tls(TlsStep::Cut))
    }

    /// Whether the handshake comes before the first step.
    pub(crate) fn is_above_tls(&self) -> bool {
        !matches!(self.steps.first(), Some(Step::Tls(TlsStep::Below)))
    }
}

impl Step {
    /// Whether nothing can follow.
    fn is_last(&self) -> bool {
        #[cfg(feature = "tls")]
        if matches!(self, Self::Tls(TlsStep::Cut)) {
            return true;
        }
        matches!(self, Self::Close | Self::Reset | Self::Stall | Self::Repeat)
    }
}
