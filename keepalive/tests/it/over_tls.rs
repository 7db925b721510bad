//! The modules whose promises hold over TLS too, a second time: with a `wire` of their own.
#![allow(dead_code, reason = "what a module lends to others it lends from its first place")]

mod wire;

#[path = "cancel.rs"]
mod cancel;
#[path = "caps.rs"]
mod caps;
#[path = "close_rules.rs"]
mod close_rules;
#[path = "early.rs"]
mod early;
#[path = "events.rs"]
mod events;
#[path = "expect.rs"]
mod expect;
#[path = "idle.rs"]
mod idle;
#[path = "lifecycle.rs"]
mod lifecycle;
#[path = "order.rs"]
mod order;
#[path = "retry.rs"]
mod retry;
#[path = "reuse.rs"]
mod reuse;
#[path = "sending.rs"]
mod sending;
#[path = "total_cap.rs"]
mod total_cap;
#[path = "unread.rs"]
mod unread;
#[path = "upgrade.rs"]
mod upgrade;
