//! The pool's policy as tables of literal instants and numbers: what happens, told as a story.
//!
//! Requests are named by their origin and a number ("a1" asks origin "a"), sockets by the order in which
//! they were opened. [`Rig`](rig::Rig) stands in for the driver.

mod caps;
mod dials;
mod failures;
mod follow;
mod hand_over;
mod late;
mod life;
mod limits;
mod notes;
mod offers;
mod park;
mod queue;
mod ramp;
mod rig;
mod sockets;
mod stop;
mod total;
