//! A seam for this project's own benches and fuzzers; no promise, not even between two commits.
//!
//! What is here wraps something `pub(crate)` and has functions of its own, so that nothing inside becomes
//! public for the sake of a bench.

mod machine;
mod request;
mod response;

pub use self::machine::{Crowd, Machine, Work};
pub use self::request::{Form, Style, Unwritten, encode};
pub use self::response::{Asked, Decoder, Fault, Piece, Promise, keep_alive};
pub use crate::pool::live;
