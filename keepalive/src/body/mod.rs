//! The body of a response, which owns the socket until its last byte, and the ready-made body of a
//! request.

mod incoming;
mod read;
mod upgraded;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

pub(crate) use self::incoming::Incoming;
pub use self::upgraded::Upgraded;
use crate::Error;
use crate::error::BoxError;
use crate::h1::{Payload, Stream, erase};

/// A body: of a response, or for a request.
///
/// As the body of a response it holds the socket until its last byte was read, unless it is small and
/// came with the head. **Dropping it** gives the socket back if the rest is short (up to 256 KiB within
/// 50 ms) and closes it otherwise; it never blocks. Keeping it unread keeps the socket from others.
///
/// As the body of a request it is made from bytes, text, or any other [`http_body::Body`] with
/// [`wrap`](Self::wrap).
///
/// ```
/// use keepalive::Body;
/// let body = Body::from("hello");
/// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
/// ```
#[derive(Default)]
pub struct Body(Inner);

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    Full(Bytes),
    Stream(Stream),
    Incoming(Box<Incoming>),
    Upgraded(Box<Upgraded>),
}

impl Body {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Inner::Empty)
    }

    /// Any other body, for a request. Its data is not copied if it is [`Bytes`].
    ///
    /// If it knows its size, `content-length` says so, and it has to give just as much. Trailers behind a body of
    /// known size cannot be sent over HTTP/1.1, which needs chunks for them (RFC 9112 §7.1.2), and are dropped, as
    /// Node's are; over HTTP/2 they are sent if they are at hand when the last byte is.
    pub fn wrap<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Inner::Stream(erase(body)))
    }

    /// The connection itself, after a `101 Switching Protocols` or a successful `CONNECT`.
    ///
    /// # Errors
    ///
    /// The body itself, if it is the body of any other response.
    pub fn into_upgraded(self) -> Result<Upgraded, Self> {
        match self.0 {
            Inner::Upgraded(upgraded) => Ok(*upgraded),
            inner => Err(Self(inner)),
        }
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { Inner::Empty } else { Inner::Full(bytes) })
    }

    pub(crate) fn incoming(incoming: Incoming) -> Self {
        Self(Inner::Incoming(Box::new(incoming)))
    }

    pub(crate) fn upgraded(upgraded: Upgraded) -> Self {
        Self(Inner::Upgraded(Box::new(upgraded)))
    }

    /// As the body of a request.
    pub(crate) fn into_payload(self) -> Payload {
        match self.0 {
            Inner::Empty | Inner::Upgraded(_) => Payload::Empty,
            Inner::Full(bytes) => Payload::full(bytes),
            Inner::Stream(stream) => Payload::Stream(stream),
            Inner::Incoming(incoming) => Payload::stream(Self(Inner::Incoming(incoming))),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Inner::Empty | Inner::Upgraded(_) => Poll::Ready(None),
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Inner::Stream(stream) => {
                let failed = |error| Error::request("the wrapped body failed").caused_by(error);
                stream.as_mut().poll_frame(cx).map_err(failed)
            }
            Inner::Incoming(incoming) => {
                let frame = ready!(incoming.poll_frame(cx));
                if !matches!(frame, Some(Ok(_))) {
                    self.0 = Inner::Empty;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Empty | Inner::Upgraded(_) => true,
            Inner::Full(_) => false,
            Inner::Stream(stream) => stream.is_end_stream(),
            Inner::Incoming(incoming) => incoming.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Empty | Inner::Upgraded(_) => SizeHint::with_exact(0),
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(stream) => stream.size_hint(),
            Inner::Incoming(incoming) => incoming.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Inner::Empty => "Empty",
            Inner::Full(_) => "Full",
            Inner::Stream(_) => "Stream",
            Inner::Incoming(_) => "Incoming",
            Inner::Upgraded(_) => "Upgraded",
        };
        write!(f, "Body::{kind}")
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::full(bytes.into())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::full(text.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::full(Bytes::from_static(text.as_bytes()))
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}
