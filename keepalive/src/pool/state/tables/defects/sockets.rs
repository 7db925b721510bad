//! What a socket brings along from its last request.

use std::time::Duration;

use super::super::rig::LIMITS;
use super::{Pool, compare};
use crate::pool::state::Limits;

const ONE: Limits = Limits { max_sockets: 1, ..LIMITS };

/// The server keeps idle sockets for 3 s, so the socket is kept for 2; the next response takes longer.
#[test]
fn the_shortened_timeout_of_the_hint_sticks_to_the_socket() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1");
        pool.done("a1", Some(3));
        pool.ask("a2");
        pool.log();
        pool.pass(Duration::from_millis(2600));
        format!("holding: {}; {}", pool.holding(), pool.log())
    };
    let ten = Limits { free_socket_timeout: Some(Duration::from_secs(10)), ..LIMITS };
    compare(ten, story, "holding: a2; ", "holding: a2; a2 times out");
}

/// What the machine has a part in: a parked socket that proves dead when it is taken costs its request
/// neither an error nor its place.
#[test]
fn a_stale_idle_socket_fails_the_next_request() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1");
        pool.done("a1", None);
        pool.server_closes_idle();
        pool.log();
        pool.ask("a2 a3");
        pool.log()
    };
    compare(ONE, story, "a2 gets 2", "a2 fails, a3 gets 2");
}

#[test]
fn the_reused_flag_is_wrong_on_hand_over() {
    let story = |pool: &mut dyn Pool| {
        pool.ask("a1 a2");
        let first = pool.says_reused("a1");
        pool.done("a1", None);
        let handed_over = pool.says_reused("a2");
        pool.done("a2", None);
        pool.ask("a3");
        format!("a1: {first}, a2: {handed_over}, a3: {}", pool.says_reused("a3"))
    };
    compare(ONE, story, "a1: false, a2: true, a3: true", "a1: false, a2: false, a3: true");
}
