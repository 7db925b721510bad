//! The peer takes no more, or the connection breaks.

use super::super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::{Limits, Outcome};

#[test]
fn it_serves_those_it_has_and_takes_no_more() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 10);
    rig.carry("a1");
    rig.ask("a2");
    rig.goes_away(1);
    rig.ask("a3");
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("a2 gets 1, dial 2 for a3".into(), "1 active, 1 connecting".into())
    );
    rig.dialed_shared(2);
    rig.done("a1");
    assert_eq!(rig.log(), "a3 gets 2");
    rig.done("a2");
    assert_eq!((rig.log(), rig.show("a")), ("close 1 closed_by_server".into(), "1 active".into()));
}

#[test]
fn an_idle_one_goes_at_once_and_fails_nobody() {
    let mut rig = Rig::shared(LIMITS, 10);
    rig.carry("a1");
    rig.done("a1");
    rig.goes_away(1);
    assert_eq!(
        (rig.log(), rig.show("a"), rig.state.lore.len()),
        ("close 1 closed_by_server".into(), "gone".into(), 0)
    );
}

/// Its dial was begun for somebody who left. That it goes in the end says nothing of the next dial.
#[test]
fn one_that_nobody_wanted_fails_nobody() {
    let mut rig = Rig::shared(LIMITS, 10);
    rig.ask("a1");
    rig.cancel("a1");
    rig.dialed_shared(1);
    rig.goes_away(1);
    assert_eq!(rig.log(), "dial 1 for a1, close 1 closed_by_server");
    assert_eq!((rig.show("a"), rig.state.lore.len()), ("gone".into(), 0));
}

#[test]
fn who_was_reserved_a_stream_has_its_old_place() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 3);
    rig.ask_all("a", 5);
    rig.park("a2 a3");
    rig.dialed_shared(1);
    rig.log();
    rig.goes_away(1);
    assert_eq!((rig.used(1), rig.show("a")), (1, "1 active, 1 connecting, 1 queued".into()));
    rig.poll("a2 a3");
    rig.dialed_shared(2);
    assert_eq!(rig.log(), "a2 gets 2, a3 gets 2, a4 gets 2");
}

#[test]
fn one_that_served_nobody_fails_the_oldest_that_was_there_before() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 1);
    rig.ask("a1 a2");
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.pass(100);
    // a1 slept too long; a2 was reserved the stream in its stead. a3 came later.
    rig.ask("a3");
    rig.park("a3");
    rig.poll("a1");
    assert_eq!(rig.log(), "dial 1 for a1, wake a1, wake a2");
    rig.goes_away(1);
    assert_eq!(rig.log(), "a1 fails, close 1 closed_by_server, dial 2 for a2");
}

#[test]
fn who_came_after_it_was_opened_does_not_fail_with_it() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 1);
    rig.ask("a1");
    rig.cancel("a1");
    rig.dialed_shared(1);
    rig.allow(1, 0);
    rig.ask("a2");
    rig.goes_away(1);
    assert_eq!(rig.log(), "dial 1 for a1, close 1 closed_by_server, dial 2 for a2");
}

/// Requests that nobody polls in time do not make it dial more often than there are requests.
#[test]
fn a_server_that_ends_each_connection_is_dialled_once_for_each_request() {
    let mut rig = Rig::shared(LIMITS, 10);
    rig.ask_all("a", 3);
    rig.park("a1 a2 a3");
    for number in 1..=3 {
        rig.dialed_shared(number);
        rig.goes_away(number);
        rig.poll(&format!("a{number}"));
    }
    let log = rig.log();
    assert_eq!((log.matches("dial").count(), log.matches("fails").count()), (3, 3), "{log}");
    assert_eq!(rig.show("a"), "gone");
}

#[test]
fn it_breaks_under_load_and_all_ask_again_at_their_old_places() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 3);
    rig.ask_all("a", 5);
    rig.park("a3");
    rig.dialed_shared(1);
    rig.log();
    rig.slow_close = true;
    rig.breaks(1);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 closing, 3 queued".into()));
    rig.ask_again("a2 a1");
    rig.poll("a3");
    assert_eq!(rig.show("a"), "1 closing, 5 queued");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 2 for a1");
    rig.dialed_shared(2);
    assert_eq!(rig.log(), "a1 gets 2, a2 gets 2, a3 gets 2");
    assert_eq!(rig.state.totals.retried, 2);
}

#[test]
fn it_breaks_unused_and_one_fails() {
    let mut rig = Rig::shared(LIMITS, 3);
    rig.ask_all("a", 2);
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.breaks(1);
    assert_eq!(rig.log(), "dial 1 for a1, wake a1, wake a2, wake a1, dial 2 for a2");
}

/// It went away first, which failed one already.
#[test]
fn it_breaks_later_and_fails_no_second() {
    let mut rig = Rig::shared(LIMITS, 3);
    rig.ask_all("a", 3);
    rig.park("a2 a3");
    rig.dialed_shared(1);
    // The one that got it never used it.
    let key = rig.key(1);
    rig.state.unused(key);
    rig.log();
    rig.goes_away(1);
    assert_eq!(rig.log(), "wake a2, dial 2 for a3");
    rig.breaks(1);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 connecting, 1 queued".into()));
}

#[test]
fn what_comes_too_late_changes_nothing() {
    let mut rig = Rig::shared(LIMITS, 3);
    rig.carry("a1");
    let key = rig.key(1);
    rig.breaks(1);
    rig.requests.clear();
    rig.state.finish(Outcome::Failed, false);
    rig.event(|state, now| state.release_stream(key, 1, now));
    // Under the same key stands another.
    assert_eq!((rig.carry("a2"), rig.key(2)), (2, key));
    rig.event(|state, now| state.release_stream(key, 1, now));
    rig.event(|state, now| state.allow_streams(key, 1, 0, now));
    rig.event(|state, now| state.end_streams(key, 1, CloseReason::IoError, now));
    rig.event(|state, now| state.broken(key, 1, CloseReason::IoError, now));
    rig.ask("a3");
    assert_eq!((rig.log(), rig.used(2)), ("a3 gets 2".into(), 2));
}

#[test]
fn it_is_gone_just_when_its_idle_time_is_up() {
    let limit = Some(std::time::Duration::from_millis(500));
    let mut rig = Rig::shared(Limits { free_socket_timeout: limit, ..LIMITS }, 3);
    rig.carry("a1");
    rig.done("a1");
    rig.now += std::time::Duration::from_millis(500);
    rig.closed(1);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "gone".into()), "nothing is left to close");
}

/// Another origin waits for its place already, which makes no difference.
#[test]
fn it_fails_one_also_if_it_was_to_make_way() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 1, ..LIMITS }, 10);
    rig.ask("a1 a2 b1");
    rig.park("a1 a2");
    rig.dialed_shared(1);
    rig.goes_away(1);
    assert_eq!(
        rig.log(),
        "dial 1 for a1, wake a1, wake a2, wake a1, close 1 closed_by_server, dial 2 for a2"
    );
}

/// Its task was dropped with its runtime, without a word.
#[test]
fn it_is_gone_and_who_was_reserved_a_stream_waits_again() {
    for said_so in [false, true] {
        let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 3);
        rig.ask_all("a", 3);
        rig.park("a2 a3");
        rig.dialed_shared(1);
        rig.log();
        rig.requests.remove("a1");
        rig.state.finish(Outcome::Failed, false);
        let key = rig.key(1);
        if said_so {
            rig.state.closing(key, CloseReason::IoError);
        }
        rig.closed(1);
        assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a2".into(), "1 connecting".into()));
        rig.pass(1_000);
        rig.dialed_shared(2);
        assert_eq!(rig.log(), "wake a2, wake a3");
    }
}
