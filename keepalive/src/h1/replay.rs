//! What was pulled of a request's body, kept so that it can be sent once more.
//!
//! Not here: whether it may be (`exchange::retry`). Filled by `upload` and only where a second attempt is
//! possible at all; thrown away when the response head is there.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::Payload;
use crate::error::BoxError;

/// A request body is kept for a second attempt while at most this much of it has been pulled: what the
/// socket's buffer may have swallowed before the failure shows, and little to hold for every request.
pub(crate) const REPLAY_BUFFER: u64 = 64 * 1024;

/// The frames pulled so far.
#[derive(Default)]
pub(crate) struct Kept {
    data: VecDeque<Bytes>,
    trailers: Option<Box<HeaderMap>>,
    size: u64,
}

impl Kept {
    /// Keeps a piece; `false` if that makes it too much.
    pub(crate) fn data(&mut self, data: &Bytes) -> bool {
        self.size += data.len() as u64;
        if self.size > REPLAY_BUFFER {
            return false;
        }
        self.data.push_back(data.clone());
        true
    }

    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        self.trailers = Some(Box::new(trailers.clone()));
    }

    /// The body from its beginning; `rest` is what was not pulled.
    pub(crate) fn before(self, rest: Payload) -> Payload {
        if self.data.is_empty() && self.trailers.is_none() {
            return rest;
        }
        Payload::Replay(Box::new(Replay { kept: self, rest }))
    }
}

/// A body that begins with what was pulled of it before.
pub(crate) struct Replay {
    kept: Kept,
    rest: Payload,
}

impl Replay {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(data) = self.kept.data.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.kept.trailers.take() {
            Some(trailers) => Poll::Ready(Some(Ok(Frame::trailers(*trailers)))),
            None => self.rest.poll_frame(cx),
        }
    }
}
