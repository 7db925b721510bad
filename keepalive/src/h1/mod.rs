//! HTTP/1.1 on one leased socket: the sans-IO codec, and the thin shell that reads and writes for it.
//!
//! Not here: which socket, and how long a request may take (`exchange`).

mod ahead;
mod call;
mod codec;
mod drain;
mod outgoing;
mod payload;
mod replay;
mod scratch;
mod supply;
mod upload;

#[cfg(feature = "http2")]
pub(crate) use ahead::Ahead;
pub(crate) use call::{Answer, Call};
#[cfg(not(feature = "http2"))]
use codec::Framing;
#[cfg(feature = "unstable")]
pub(crate) use codec::KeepAliveHint;
pub(crate) use codec::{
    BodyEvent, Fields, Head, HeadEvent, HeadOptions, ProtocolError, RequestError, RequestFacts,
    ResponseDecoder, TargetForm, Verdict, encode_head, expects_continue, framing,
};
use codec::{CHUNK_END, chunk_head, last_chunk};
#[cfg(feature = "http2")]
pub(crate) use codec::{Framing, MAX_INFORMATIONAL, check_head};
#[cfg(feature = "http2")]
pub(crate) use outgoing::Original;
pub(crate) use outgoing::{HEAD_SIZE, Loss, Outgoing, Terms};
pub(crate) use payload::{Payload, Stream, erase};
#[cfg(feature = "http2")]
pub(crate) use replay::Kept;
pub(crate) use replay::REPLAY_BUFFER;
#[cfg(feature = "unstable")]
pub(crate) use upload::Upload;
#[cfg(feature = "unstable")]
pub(crate) use upload::UploadError;
#[cfg(feature = "http2")]
pub(crate) use upload::{Parts, TURNS, again};
