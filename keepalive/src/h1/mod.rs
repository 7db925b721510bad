//! HTTP/1.1 on one leased socket: the sans-IO codec, and the thin shell that reads and writes for it.
//!
//! Not here: which socket, and how long a request may take (`exchange`).

mod call;
mod codec;
mod drain;
mod payload;
mod replay;
mod upload;

pub(crate) use call::{Answer, Call, Loss, Outgoing};
pub(crate) use codec::{
    BodyEvent, Head, HeadOptions, RequestError, RequestFacts, TargetForm, encode_head, framing,
};
use codec::{CHUNK_END, Framing, HeadEvent, ProtocolError, ResponseDecoder, Verdict, chunk_head, last_chunk};
pub(crate) use payload::{Payload, Stream, erase};
pub(crate) use replay::REPLAY_BUFFER;
pub(crate) use upload::Upload;
