//! A request's body, whatever type its user gave it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};

use super::replay::Replay;
use crate::error::BoxError;

/// The body of a request. Pulled from only when the socket can take more.
pub(crate) enum Payload {
    Empty,
    Full(Bytes),
    Stream(Stream),
    /// One of the others, once more.
    Replay(Box<Replay>),
}

/// A body behind a pointer.
pub(crate) type Stream = Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>;

impl Payload {
    pub(crate) fn full(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(bytes) }
    }

    /// Any body; nothing is copied if its data is [`Bytes`].
    pub(crate) fn stream<B>(body: B) -> Self
    where
        B: Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() { Self::Empty } else { Self::Stream(erase(body)) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    pub(crate) fn exact_size(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Full(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.size_hint().exact(),
            // The head was written with what it was before.
            Self::Replay(_) => None,
        }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Stream(stream) => stream.as_mut().poll_frame(cx),
            Self::Replay(replay) => replay.poll_frame(cx),
        }
    }
}

/// Puts a body of any type behind a pointer.
pub(crate) fn erase<B>(body: B) -> Stream
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    Box::pin(Erased(Box::pin(body)))
}

struct Erased<B>(Pin<Box<B>>);

impl<B> Body for Erased<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().poll_frame(cx).map(|frame| match frame? {
            Ok(frame) => Some(Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))),
            Err(error) => Some(Err(error.into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.size_hint()
    }
}
