//! A request body that does something at its first poll, which comes just before the first write.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::IntoIter;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use keepalive::Error;

pub(crate) struct Acting {
    act: Option<Box<dyn FnOnce() + Send>>,
    left: IntoIter<Bytes>,
    said: Option<u64>,
}

impl Acting {
    /// All `pieces` are there at once.
    pub(crate) fn new(pieces: Vec<Bytes>, act: impl FnOnce() + Send + 'static) -> Self {
        Self { act: Some(Box::new(act)), left: pieces.into_iter(), said: None }
    }

    /// Says how long it is.
    pub(crate) fn sized(self) -> Self {
        let said = self.left.as_slice().iter().map(|piece| piece.len() as u64).sum();
        Self { said: Some(said), ..self }
    }
}

impl Body for Acting {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(act) = self.act.take() {
            act();
        }
        Poll::Ready(self.left.next().map(|data| Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        self.said.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
