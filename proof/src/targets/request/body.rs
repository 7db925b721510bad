//! A body that is always ready.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// Pieces, possibly empty ones, and trailers.
pub(super) struct Pieces {
    data: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    sized: bool,
}

impl Pieces {
    /// `sized`: it says how long it is, and then its trailers cannot be sent.
    pub(super) fn new(pieces: &[&[u8]], trailers: &HeaderMap, sized: bool) -> Self {
        let trailers = (!trailers.is_empty()).then(|| trailers.clone());
        Self { data: pieces.iter().map(|it| Bytes::copy_from_slice(it)).collect(), trailers, sized }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.pop_front().map(Frame::data);
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.sized {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.data.iter().map(|it| it.len() as u64).sum())
    }
}
