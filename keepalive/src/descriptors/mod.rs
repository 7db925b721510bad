//! Life within the descriptor limit of the process, and of the system.
//!
//! - `limit`: how many descriptors there may be, and the default cap that follows from it.
//! - `registry`: the agents of the process, since what one holds another may need.
//! - `line`: the dials that wait for a descriptor.
//! - `probe`: whether there are any, asked of the system.
//!
//! Not here: which socket is closed (`pool::state`), and what a dial does meanwhile (`connect`).

mod limit;
mod line;
mod probe;
mod registry;
mod tries;

pub use self::limit::{FdLimit, default_max_total_sockets, raise_fd_limit};
pub(crate) use self::line::{Dialer, Place, claims, somebody_waits, tell};
pub(crate) use self::probe::is_shortage;
pub(crate) use self::registry::{Holder, Membership, enroll};
pub(crate) use self::tries::{Doubts, explain};
