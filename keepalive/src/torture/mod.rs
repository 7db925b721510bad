//! Torture: the n-th operation of a connection goes wrong, for every n, and all must still be well.
//!
//! A *workload* is a few requests over real sockets to an origin of the testkit. It runs once without a fault,
//! which counts its operations: resolve, connect, handshake, read, write, flush, shutdown, and looks at idle
//! sockets. Then it runs once for each of them and each way in which it can go wrong (`fault`): it fails, finds
//! the end, stalls, or is cut short; and once more with a second fault, or with a request that is dropped after
//! some poll. `rig` looks at the accounts all the time, and `verdict` at what must hold in the end.
//!
//! The faults are below TLS and HTTP/2: in tests `io::FaultyIo` stands in the place of `io::TcpIo`. What comes
//! before there is a socket passes by [`pass`]. The clock stands still, and moves only while nothing but what
//! stalled is under way: so a stall ends by the agent's own limits.
//!
//! How many of the runs are made is said by `KEEPALIVE_TORTURE`, see `choice`, and `scripts/torture`.

mod accounts;
mod choice;
mod fault;
mod plan;
mod request;
mod rig;
mod verdict;
mod workloads;

pub(crate) use self::fault::{Op, Way};
#[cfg(feature = "tls")]
pub(crate) use self::plan::before;
pub(crate) use self::plan::{Plan, Stalled, Wired, current, pass};
