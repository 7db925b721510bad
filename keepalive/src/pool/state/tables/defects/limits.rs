//! What the limits mean, and when they are looked at.

use super::super::rig::LIMITS;
use super::{Pool, compare};
use crate::pool::state::Limits;

const fn per_origin(max_sockets: usize) -> Limits {
    Limits { max_sockets, ..LIMITS }
}

#[test]
fn an_async_connector_bypasses_max_sockets() {
    let story = |pool: &mut dyn Pool| {
        pool.connect_slowly();
        pool.ask("a0 a1 a2 a3 a4 a5 a6 a7 a8 a9");
        format!("at most {} begun", pool.peak())
    };
    compare(per_origin(2), story, "at most 2 begun", "at most 10 begun");
}

#[test]
fn raising_the_limit_does_not_wake_the_queue() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 a2 a3 a4 a5 a6");
        pool.set_max_sockets(4);
        // A warm origin dials more the longer requests wait.
        pool.pass(std::time::Duration::from_millis(100));
        format!("holding: {}", pool.holding())
    };
    compare(per_origin(1), story, "holding: a1 a2 a3 a4", "holding: a1");
}

#[test]
fn zero_cannot_mean_none() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1");
        pool.done("a1", None);
        format!("{} kept", pool.open())
    };
    compare(Limits { max_free_sockets: 0, ..LIMITS }, story, "0 kept", "1 kept");
}
