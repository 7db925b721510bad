//! Origins that speak HTTP/2.
//!
//! - `serve`: a connection of a [`PlainOrigin`](crate::PlainOrigin), on the h2 crate: a server as it should be;
//! - [`FrameOrigin`]: a script of frames for each connection, whatever they are: a server as it should not be.

mod frame;
mod origin;
mod serve;

pub use self::frame::{Frame, block};
pub use self::origin::{FrameBuilder, FrameConnection, FrameOrigin, FrameRecord, Peer};
pub(crate) use self::serve::serve;
