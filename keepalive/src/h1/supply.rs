//! A request's body on its way to the socket: pulled piece by piece, framed, and kept while it may be needed again.
//!
//! Not here: when it is pulled and written (`upload`).

use std::io::IoSlice;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use super::replay::Kept;
use super::upload::UploadError;
use super::{CHUNK_END, Framing, Payload, chunk_head, last_chunk};

/// A body, and the piece of it that is being written.
pub(super) struct Supply {
    payload: Payload,
    framing: Framing,
    /// A chunk's size, or the last chunk: goes before the data.
    lead: BytesMut,
    /// What was pulled from the payload last.
    data: Bytes,
    /// What closes a chunk.
    tail: &'static [u8],
    /// How many bytes of the body were pulled.
    pulled: u64,
    /// Nothing is left to pull.
    ended: bool,
    /// They were pulled.
    trailers: Option<Box<HeaderMap>>,
    /// What was pulled of the data, while it is kept.
    kept: Option<Kept>,
}

impl Supply {
    pub(super) fn new(payload: Payload, framing: Framing) -> Self {
        Self {
            payload,
            framing,
            lead: BytesMut::new(),
            data: Bytes::new(),
            tail: &[],
            pulled: 0,
            ended: false,
            trailers: None,
            kept: None,
        }
    }

    /// What is not pulled yet, to be sent in another way.
    #[cfg(feature = "http2")]
    pub(super) fn payload(&mut self) -> &mut Payload {
        &mut self.payload
    }

    #[cfg(feature = "http2")]
    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// Keeps what is pulled from now on, as long as that is little.
    pub(super) fn keep(&mut self) {
        self.kept = Some(Kept::default());
    }

    /// Whether all that was pulled was kept.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// The body from its first byte on. What was pulled must have been kept, or not written: then it is the last
    /// piece.
    pub(super) fn rewind(self) -> Payload {
        let mut pulled = self.kept.unwrap_or_else(|| Kept::of(self.data));
        if let Some(trailers) = self.trailers {
            pulled.trailers(trailers);
        }
        pulled.before(self.payload)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether no piece of the body is left to be written; a chunk's size may be.
    pub(super) fn is_out_but_for_lead(&self) -> bool {
        self.data.is_empty() && self.tail.is_empty()
    }

    /// Whether nothing that was pulled is left to be written.
    pub(super) fn is_out(&self) -> bool {
        self.lead.is_empty() && self.is_out_but_for_lead()
    }

    /// What is to be written next, in order.
    pub(super) fn slices(&self) -> [IoSlice<'_>; 3] {
        [&*self.lead, &*self.data, self.tail].map(IoSlice::new)
    }

    /// The socket took so many bytes of them.
    pub(super) fn advance(&mut self, mut count: usize) {
        let mut part = |len: usize| {
            let part = count.min(len);
            count -= part;
            part
        };
        self.lead.advance(part(self.lead.len()));
        self.data.advance(part(self.data.len()));
        self.tail = &self.tail[part(self.tail.len())..];
    }

    pub(super) fn pull(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, UploadError> {
        let Poll::Ready(frame) = self.payload.poll_frame(cx) else {
            // With `content-length: 0` there is nothing to wait for.
            self.ended = self.has_all();
            return Ok(if self.ended { Poll::Ready(()) } else { Poll::Pending });
        };
        match frame.transpose().map_err(UploadError::Body)? {
            None => self.end(None)?,
            Some(frame) => match frame.into_data() {
                Ok(data) => self.take(data)?,
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        self.end(Some(trailers))?;
                    }
                }
            },
        }
        if self.ended {
            // Not to be polled again, not by a second attempt either.
            self.payload = Payload::Empty;
        }
        if self.has_all() && !self.ended {
            self.look_beyond(cx)?;
        }
        Ok(Poll::Ready(()))
    }

    /// Everything that was announced is pulled: looks once whether there is more at hand, so that a body
    /// that is too long is found out before the server has a whole request.
    fn look_beyond(&mut self, cx: &mut Context<'_>) -> Result<(), UploadError> {
        self.ended = true;
        let frame = match self.payload.poll_frame(cx) {
            Poll::Pending => return Ok(()),
            Poll::Ready(None) => {
                self.payload = Payload::Empty;
                return Ok(());
            }
            Poll::Ready(Some(frame)) => frame,
        };
        match frame.map_err(UploadError::Body)?.into_data() {
            Ok(data) if !data.is_empty() => self.take(data),
            _ => Ok(()),
        }
    }

    fn take(&mut self, data: Bytes) -> Result<(), UploadError> {
        self.pulled += data.len() as u64;
        if self.kept.as_mut().is_some_and(|kept| !kept.data(&data)) {
            self.kept = None;
        }
        match self.framing {
            Framing::Chunked if data.is_empty() => {}
            Framing::Chunked => {
                chunk_head(data.len(), &mut self.lead);
                self.tail = CHUNK_END;
            }
            Framing::Length(said) if self.pulled > said => {
                return Err(UploadError::Length { said, pulled: self.pulled });
            }
            Framing::Length(_) | Framing::None => {}
        }
        self.data = data;
        Ok(())
    }

    fn end(&mut self, trailers: Option<HeaderMap>) -> Result<(), UploadError> {
        self.trailers = trailers.map(Box::new);
        match self.framing {
            Framing::Chunked => last_chunk(self.trailers.as_deref(), &mut self.lead),
            Framing::Length(said) if self.pulled < said => {
                return Err(UploadError::Length { said, pulled: self.pulled });
            }
            Framing::Length(_) | Framing::None => {}
        }
        self.ended = true;
        Ok(())
    }

    /// Every byte that the head announces was pulled.
    fn has_all(&self) -> bool {
        matches!(self.framing, Framing::Length(said) if said == self.pulled)
    }
}
