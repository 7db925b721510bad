//! One request and its response on one stream of an HTTP/2 connection.
//!
//! Not here: the connection (`mux`), which one it is (`pool`), how long a request may take (`exchange`).
//! `exchange` drives a [`Call`] up to the response head, then the response's body owns a [`Receiving`].

mod call;
mod head;
mod receiving;
mod sending;

pub(crate) use self::call::{Answer, Call};
pub(crate) use self::head::{has_authority, is_formless};
pub(crate) use self::receiving::Receiving;
