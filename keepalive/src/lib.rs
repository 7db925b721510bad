//! Node's `http.Agent` for Rust: bounded, reused, accountable HTTP connections.

mod clock;
mod close_reason;
mod connect;
mod error;
mod h1;
mod io;
mod options;
mod origin;
mod pool;

pub use close_reason::CloseReason;
pub use error::{Error, Phase};
pub use options::{RequestOptions, Scheduling};
pub use origin::Origin;
