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
    /// One piece, whatever its size.
    pub(crate) fn of(data: Bytes) -> Self {
        let data: VecDeque<_> = Some(data).filter(|data| !data.is_empty()).into_iter().collect();
        Self { data, ..Self::default() }
    }

    /// Keeps a piece; `false` if that makes it too much.
    pub(crate) fn data(&mut self, data: &Bytes) -> bool {
        self.size += data.len() as u64;
        if self.size > REPLAY_BUFFER {
            return false;
        }
        self.data.push_back(data.clone());
        true
    }

    pub(crate) fn trailers(&mut self, trailers: Box<HeaderMap>) {
        self.trailers = Some(trailers);
    }

    /// The body from its beginning; `rest` is what was not pulled. However often that is done, what is made has one
    /// layer only.
    pub(crate) fn before(mut self, rest: Payload) -> Payload {
        match rest {
            Payload::Replay(mut replay) => {
                self.data.append(&mut replay.kept.data);
                replay.kept.data = self.data;
                replay.kept.trailers = self.trailers.or_else(|| replay.kept.trailers.take());
                Payload::Replay(replay)
            }
            rest if self.data.is_empty() && self.trailers.is_none() => rest,
            rest => Payload::Replay(Box::new(Replay { kept: self, rest })),
        }
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

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::Waker;

    use super::*;

    struct Pieces(VecDeque<&'static str>);

    impl http_body::Body for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(Bytes::from(piece)))))
        }
    }

    fn next(payload: &mut Payload) -> Option<Bytes> {
        match payload.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.unwrap().into_data().unwrap()),
            Poll::Pending => panic!("all of it is there"),
        }
    }

    /// A request may meet any number of dead sockets.
    #[test]
    fn however_often_a_piece_is_put_back_there_is_one_layer() {
        let mut payload = Payload::stream(Pieces(["a", "b", "c"].into()));
        for _ in 0..3 {
            let piece = next(&mut payload).unwrap();
            payload = Kept::of(piece).before(payload);
        }
        let mut kept = Kept::default();
        assert!(kept.data(&next(&mut payload).unwrap()) && kept.data(&next(&mut payload).unwrap()));
        payload = kept.before(payload);
        let Payload::Replay(replay) = &payload else { panic!("two pieces were put back") };
        assert!(matches!(replay.rest, Payload::Stream(_)));
        let all: Vec<_> = std::iter::from_fn(|| next(&mut payload)).collect();
        assert_eq!(all, ["a", "b", "c"]);
    }
}
