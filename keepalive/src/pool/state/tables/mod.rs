//! The pool's policy as tables of literal instants and numbers: what happens, told as a story.
//!
//! Requests are named by their origin and a number ("a1" asks origin "a"), sockets by the order in which
//! they were opened. [`Rig`](rig::Rig) stands in for the driver.

mod asked;
mod caps;
mod defects;
mod descriptors;
mod dials;
mod early;
mod failures;
mod follow;
mod hand_over;
mod late;
mod life;
mod life_limits;
mod limits;
mod lore;
mod memory;
mod notes;
mod offers;
mod park;
mod queue;
mod quiet;
mod ramp;
mod rig;
mod rules;
mod sleepers;
mod sockets;
mod stale;
mod stop;
mod streams;
mod suspend;
mod total;
