//! The modules whose promises hold for sockets of HTTP/2 too, once more: with a `wire` of their own, on which
//! a connection carries one request at a time. What needs more streams than one is in `http2`.
#![allow(dead_code, reason = "what a module lends to others it lends from its first place")]

mod wire;

#[path = "caps.rs"]
mod caps;
#[path = "order.rs"]
mod order;
#[path = "retry/races.rs"]
mod races;
#[path = "lifecycle/stress.rs"]
mod stress;
#[path = "total_cap.rs"]
mod total_cap;
