//! What the peer allows changes.

use super::super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::Limits;

#[test]
fn raised_it_serves_the_queue() {
    for (limit, log, used) in [
        (0, "", 1),
        (1, "", 1),
        (2, "a2 gets 1", 2),
        (3, "a2 gets 1, a3 gets 1", 3),
        (4, "a2 gets 1, a3 gets 1, a4 gets 1", 4),
        // Ours is 4.
        (5, "a2 gets 1, a3 gets 1, a4 gets 1", 4),
        (usize::MAX, "a2 gets 1, a3 gets 1, a4 gets 1", 4),
    ] {
        let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 4);
        rig.carry("a1");
        rig.allow(1, 1);
        rig.ask("a2 a3 a4 a5");
        assert_eq!(rig.log(), "");
        rig.allow(1, limit);
        assert_eq!((rig.log().as_str(), rig.used(1)), (log, used), "{limit}");
    }
}

#[test]
fn lowered_it_takes_no_stream_from_anybody() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 3);
    rig.carry("a1");
    rig.ask("a2 a3");
    rig.allow(1, 1);
    rig.ask("a4");
    rig.done("a1");
    rig.done("a2");
    assert_eq!((rig.log(), rig.used(1)), ("a2 gets 1, a3 gets 1".into(), 1));
    rig.done("a3");
    assert_eq!((rig.log(), rig.used(1)), ("a4 gets 1".into(), 1));
}

/// What is reserved and not used yet is taken back, from the last in the order of tickets.
#[test]
fn lowered_it_takes_reservations_back() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 4);
    rig.ask_all("a", 5);
    rig.park("a2 a3 a4");
    rig.dialed_shared(1);
    assert_eq!(rig.log(), "dial 1 for a1, a1 gets 1, wake a2, wake a3, wake a4");
    rig.allow(1, 2);
    assert_eq!((rig.used(1), rig.show("a")), (2, "1 active, 4 queued".into()));
    rig.poll("a2 a3 a4");
    assert_eq!(rig.log(), "a2 gets 1");
    rig.done("a1 a2");
    assert_eq!(rig.log(), "a3 gets 1, a4 gets 1");
}

/// All was only reserved: it is as idle as before, and is waited for.
#[test]
fn lowered_to_none_it_is_waited_for() {
    let mut rig = Rig::shared(
        Limits { free_socket_timeout: Some(std::time::Duration::from_millis(500)), max_sockets: 1, ..LIMITS },
        4,
    );
    rig.ask_all("a", 2);
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.pass(40);
    rig.allow(1, 0);
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 1 for a1, wake a1, wake a2".into(), "1 idle, 2 queued".into())
    );
    rig.pass(400);
    assert_eq!((rig.log(), rig.deadline()), (String::new(), Some(500)), "no dial, nothing but its end");
    rig.poll("a1 a2");
    rig.allow(1, 1);
    assert_eq!(rig.log(), "a1 gets 1");
    rig.allow(1, 2);
    assert_eq!(rig.log(), "a2 gets 1");
}

/// It carried some before; another would be allowed none either.
#[test]
fn none_is_dialled_beside_an_idle_one_that_is_allowed_nothing() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.carry("a1");
    rig.allow(1, 0);
    rig.done("a1");
    rig.ask_all("a", 3);
    rig.pass(60_000);
    assert_eq!((rig.log(), rig.show("a"), rig.deadline()), (String::new(), "1 idle, 3 queued".into(), None));
    // Once it may carry two the third gets a dial.
    rig.allow(1, 2);
    assert_eq!(rig.log(), "a1 gets 1, a2 gets 1, dial 2 for a3");
}

/// Not even for ever: its idle time ends, and then another is tried.
#[test]
fn one_that_is_allowed_nothing_goes_when_it_was_idle_too_long() {
    let limit = Some(std::time::Duration::from_secs(15));
    let mut rig = Rig::shared(Limits { free_socket_timeout: limit, ..LIMITS }, 2);
    rig.carry("a1");
    rig.allow(1, 0);
    rig.done("a1");
    rig.ask("a2");
    rig.pass(14_999);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    assert_eq!(rig.log(), "close 1 idle_timeout, dial 2 for a2");
}

/// Whoever comes first after that has the dial begun, and not only the slot's end: closing may take long.
#[test]
fn when_its_time_is_up_the_next_event_begins_the_dial() {
    for event in ["poll", "allow", "end", "break", "release"] {
        let limit = Some(std::time::Duration::from_secs(15));
        let mut rig = Rig::shared(Limits { free_socket_timeout: limit, ..LIMITS }, 2);
        rig.slow_close = true;
        rig.carry("a1");
        rig.carry("b1");
        rig.allow(1, 0);
        rig.allow(2, 1);
        rig.done("a1");
        rig.ask("a2 b2");
        rig.log();
        // No tick came in time.
        rig.now += std::time::Duration::from_secs(15);
        match event {
            "poll" => rig.poll("b2"),
            "allow" => rig.allow(1, 2),
            "end" => rig.goes_away(1),
            "break" => {
                let key = rig.key(1);
                rig.event(|state, now| state.broken(key, 1, CloseReason::IoError, now));
            }
            _ => rig.event(|state, now| state.release_stream(crate::pool::state::SocketKey(9), 9, now)),
        }
        assert_eq!(rig.log(), "close 1 idle_timeout, dial 4 for a2", "{event}");
    }
}

/// A server that allows none from the start is not dialled for ever: where its connection may not be kept,
/// each costs one request.
#[test]
fn one_that_was_never_allowed_any_and_is_not_kept_is_a_failed_dial() {
    let zero = Some(std::time::Duration::ZERO);
    for (limits, reason) in [
        (Limits { keep_alive: false, ..LIMITS }, "keep_alive_off"),
        (Limits { max_free_sockets: 0, ..LIMITS }, "idle_limit"),
        (Limits { max_total_free_sockets: 0, ..LIMITS }, "idle_limit"),
        (Limits { free_socket_timeout: zero, ..LIMITS }, "idle_timeout"),
    ] {
        let mut rig = Rig::shared(limits, 3);
        rig.ask_all("a", 3);
        rig.park("a1 a2 a3");
        for (number, fails, next) in
            [(1, "a1", ", dial 2 for a2"), (2, "a2", ", dial 3 for a3"), (3, "a3", "")]
        {
            rig.dialed_shared(number);
            rig.log();
            rig.allow(number, 0);
            assert_eq!(rig.log(), format!("close {number} {reason}, wake {fails}{next}"));
            rig.poll(fails);
            assert_eq!(rig.log(), format!("{fails} fails"));
        }
        assert_eq!(rig.show("a"), "gone");
    }
}

/// Nobody has to be woken who is there.
#[test]
fn who_finds_by_his_own_poll_that_it_was_never_allowed_any_fails_at_once() {
    let limit = Some(std::time::Duration::from_millis(500));
    let mut rig = Rig::shared(Limits { free_socket_timeout: limit, ..LIMITS }, 3);
    rig.ask("a1");
    rig.park("a1");
    rig.dialed_shared(1);
    rig.allow(1, 0);
    rig.log();
    // No tick came in time.
    rig.now += std::time::Duration::from_millis(500);
    rig.poll("a1");
    assert_eq!((rig.log(), rig.show("a")), ("a1 fails, close 1 idle_timeout".into(), "gone".into()));
}

/// At the total cap such a server keeps nobody from his turn.
#[test]
fn one_that_was_never_allowed_any_makes_room_for_another_origin() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 1, ..LIMITS }, 2);
    rig.ask("a1 a2");
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.allow(1, 0);
    rig.log();
    rig.ask("b1");
    rig.poll("a1");
    // It is a2's turn, which was there before b1.
    assert_eq!(rig.log(), "close 1 evicted, wake a1, dial 2 for a2, a1 fails");
    rig.dialed_shared(2);
    rig.allow(2, 0);
    rig.poll("a2");
    assert_eq!(rig.log(), "wake a2, close 2 evicted, wake a2, dial 3 for b1, a2 fails");
    rig.dialed_shared(3);
    assert_eq!(rig.log(), "b1 gets 3");
}

#[test]
fn its_owner_may_close_it_and_nobody_fails() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.ask("a1");
    rig.park("a1");
    rig.dialed_shared(1);
    rig.allow(1, 0);
    rig.log();
    rig.event(|state, now| state.close_idle(now, CloseReason::CloseIdle));
    assert_eq!(rig.log(), "close 1 close_idle, dial 2 for a1");
}
