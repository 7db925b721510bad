//! Reading a body without knowing about frames.

use std::future::poll_fn;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;

use super::Body;
use crate::{Error, Phase};

impl Body {
    /// The next piece, or `None` at the end. Trailers are passed over.
    ///
    /// # Errors
    ///
    /// The connection broke, the body was cut short or malformed, or the time ran out.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no piece is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body. There is no limit to its size.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk); what had come by then is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body, see there.
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let expected = usize::try_from(self.size_hint().lower()).unwrap_or(0).min(MAX_RESERVE);
        let mut whole = BytesMut::with_capacity(first.len() + second.len() + expected);
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(next) = self.chunk().await? {
            whole.extend_from_slice(&next);
        }
        Ok(whole.freeze())
    }

    /// The whole body as UTF-8 text.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); [`Error::is_protocol`] if it is not UTF-8.
    ///
    /// # Cancel safety
    ///
    /// As [`bytes`](Self::bytes).
    pub async fn text(self) -> Result<String, Error> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            Error::protocol(Phase::Receive, "the body is not UTF-8 text").caused_by(error.utf8_error())
        })
    }

    /// The whole body, parsed as JSON.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes); [`Error::is_protocol`] if it is not JSON of that type.
    ///
    /// # Cancel safety
    ///
    /// As [`bytes`](Self::bytes).
    #[cfg(feature = "json")]
    pub async fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::protocol(Phase::Receive, "the body is not the JSON that was expected").caused_by(error)
        })
    }
}

/// A server's word alone reserves no more memory than this.
const MAX_RESERVE: usize = 1024 * 1024;
