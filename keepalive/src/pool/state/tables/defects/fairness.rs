//! Who goes next when `max_total_sockets` makes origins rivals.

use super::super::rig::LIMITS;
use super::{Pool, compare};
use crate::pool::state::Limits;

const fn total(max_total_sockets: usize) -> Limits {
    Limits { max_total_sockets, ..LIMITS }
}

/// Ends one request after another and says in which order they were served.
fn serve_all(pool: &mut dyn Pool) -> String {
    let mut served = Vec::new();
    while !pool.holding().is_empty() {
        let name = pool.holding()[..2].to_owned();
        pool.done(&name, None);
        served.push(name);
    }
    served.join(" ")
}

#[test]
fn the_queue_is_not_fifo_across_origins() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 b2 a3 c4 a5 b6 a7");
        serve_all(pool)
    };
    compare(total(1), story, "a1 b2 a3 c4 a5 b6 a7", "a1 a3 a5 a7 b2 b6 c4");
}

#[test]
fn a_busy_origin_starves_another() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a0 a1 b1");
        for round in 2..9 {
            // The next request of origin a is there before the one in service is done.
            pool.ask(&format!("a{round}"));
            let busy = pool.holding();
            if busy == "b1" {
                return format!("b1 is served after {} others", round - 2);
            }
            pool.done(&busy, None);
        }
        format!("{} waits", pool.queue())
    };
    compare(total(1), story, "b1 is served after 2 others", "a8 b1 waits");
}

#[test]
fn an_idle_socket_of_one_origin_blocks_another_for_ever() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1");
        pool.done("a1", None);
        pool.ask("b1");
        pool.pass(std::time::Duration::from_secs(86_400));
        format!("holding: {}, queued: {}", pool.holding(), pool.queue())
    };
    compare(total(1), story, "holding: b1, queued: ", "holding: , queued: b1");
}

#[test]
fn a_free_slot_is_skipped() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 b1 a2 c1");
        pool.done_and_closed("b1");
        format!("{} open, queued: {}", pool.open(), pool.queue())
    };
    compare(Limits { max_sockets: 1, ..total(2) }, story, "2 open, queued: a2", "1 open, queued: a2 c1");
}

#[test]
fn the_total_is_overshot_while_parking() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 b1");
        pool.done("a1", None);
        format!("holding: {}, at most {} open", pool.holding(), pool.peak())
    };
    compare(total(1), story, "holding: b1, at most 1 open", "holding: b1, at most 2 open");
}
