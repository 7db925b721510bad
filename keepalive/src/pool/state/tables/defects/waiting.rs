//! What becomes of requests that wait.

use super::super::rig::LIMITS;
use super::{Pool, compare};
use crate::pool::state::Limits;

const ONE: Limits = Limits { max_sockets: 1, ..LIMITS };

#[test]
fn destroy_leaves_the_queue_alive() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 a2 a3 b1");
        pool.log();
        pool.destroy();
        let mut log: Vec<_> = pool.log().split(", ").map(str::to_owned).collect();
        log.sort();
        format!("{}; {} open, queued: {}", log.join(", "), pool.open(), pool.queue())
    };
    compare(
        Limits { max_total_sockets: 2, ..ONE },
        story,
        "a1 fails, a2 fails, a3 fails, b1 fails; 0 open, queued: ",
        "a1 fails, a2 gets 3, b1 fails; 1 open, queued: a3",
    );
}

#[test]
fn a_cancelled_waiter_stays_queued() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 a2 a3");
        pool.cancel("a2");
        format!("queued: {}", pool.queue())
    };
    compare(ONE, story, "queued: a3", "queued: a2 a3");
}
