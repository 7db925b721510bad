//! A request body that a test feeds by hand, piece by piece, and whose end of life it sees.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The body. It ends when its [`Feeder`] is dropped.
pub(crate) struct Feed {
    frames: UnboundedReceiver<io::Result<Frame<Bytes>>>,
    said: Option<u64>,
}

/// The test's end of it.
pub(crate) struct Feeder(UnboundedSender<io::Result<Frame<Bytes>>>);

/// A body of unknown length.
pub(crate) fn feed() -> (Feeder, Feed) {
    let (sender, frames) = unbounded_channel();
    (Feeder(sender), Feed { frames, said: None })
}

/// A body that says how long it will be, and may lie.
pub(crate) fn feed_of(said: u64) -> (Feeder, Feed) {
    let (feeder, feed) = feed();
    (feeder, Feed { said: Some(said), ..feed })
}

impl Feeder {
    pub(crate) fn data(&self, data: impl Into<Bytes>) {
        self.give(Ok(Frame::data(data.into())));
    }

    pub(crate) fn trailers(&self, trailers: HeaderMap) {
        self.give(Ok(Frame::trailers(trailers)));
    }

    pub(crate) fn fail(&self, text: &'static str) {
        self.give(Err(io::Error::other(text)));
    }

    /// Whether the library let go of the body.
    pub(crate) fn is_dropped(&self) -> bool {
        self.0.is_closed()
    }

    fn give(&self, frame: io::Result<Frame<Bytes>>) {
        assert!(self.0.send(frame).is_ok(), "nobody holds the body any more");
    }
}

impl Body for Feed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.frames.poll_recv(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.said.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
