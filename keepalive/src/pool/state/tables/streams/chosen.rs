//! An https origin chooses the protocol: one dial until it is known, and it is remembered.

use super::super::rig::{LIMITS, Rig};
use crate::Protocol;
use crate::pool::state::Limits;

impl Rig {
    fn auto(limits: Limits) -> Self {
        Self::speaking(Protocol::Auto, limits, 100)
    }
}

#[test]
fn a_cold_burst_dials_once_and_all_share_what_it_brings() {
    let mut rig = Rig::auto(LIMITS);
    rig.ask("A1 A2 A3");
    assert_eq!((rig.log(), rig.show("A")), ("dial 1 for A1".into(), "1 connecting, 2 queued".into()));
    assert_eq!(rig.deadline(), None, "nothing to wait for but the dial");
    rig.dialed_shared(1);
    assert_eq!(rig.log(), "A1 gets 1, A2 gets 1, A3 gets 1");
    rig.ask("A4");
    assert_eq!((rig.log(), rig.show("A")), ("A4 gets 1".into(), "1 active".into()));
}

#[test]
fn when_it_brings_http_1_the_rest_dial_at_once_up_to_the_caps() {
    for (max_sockets, max_total_sockets, dials, left) in [
        (1, 9, "A1 gets 1", "1 active, 5 queued"),
        (2, 9, "A1 gets 1, dial 2 for A2", "1 active, 1 connecting, 4 queued"),
        (4, 3, "A1 gets 1, dial 2 for A2, dial 3 for A3", "1 active, 2 connecting, 3 queued"),
        (
            6,
            9,
            "A1 gets 1, dial 2 for A2, dial 3 for A3, dial 4 for A4, dial 5 for A5, dial 6 for A6",
            "1 active, 5 connecting",
        ),
    ] {
        let mut rig = Rig::auto(Limits { max_sockets, max_total_sockets, ..LIMITS });
        rig.ask_all("A", 6);
        assert_eq!(rig.log(), "dial 1 for A1");
        rig.dialed(1);
        assert_eq!((rig.log().as_str(), rig.show("A").as_str()), (dials, left));
    }
}

#[test]
fn plain_http_is_no_secret() {
    let mut rig = Rig::auto(LIMITS);
    rig.ask("a1 a2");
    assert_eq!(rig.log(), "dial 1 for a1, dial 2 for a2");
}

#[test]
fn who_may_not_choose_is_not_waited_for() {
    for (protocol, secure, plain) in [
        (Protocol::Http1, "dial 1 for A1, dial 2 for A2", "dial 3 for a1, dial 4 for a2"),
        (Protocol::Http2, "dial 1 for A1", "dial 2 for a1, dial 3 for a2"),
        (Protocol::Http2PriorKnowledge, "dial 1 for A1", "dial 2 for a1"),
    ] {
        let mut rig = Rig::speaking(protocol, LIMITS, 100);
        rig.ask("A1 A2");
        assert_eq!(rig.log(), secure, "{protocol:?}");
        rig.ask("a1 a2");
        assert_eq!(rig.log(), plain, "{protocol:?}");
    }
}

#[test]
fn a_first_dial_that_fails_costs_one_and_tells_nothing() {
    let mut rig = Rig::auto(LIMITS);
    rig.ask("A1 A2 A3");
    rig.refused(1);
    assert_eq!(rig.log(), "dial 1 for A1, A1 fails, dial 2 for A2");
    rig.dialed(2);
    assert_eq!(rig.log(), "A2 gets 2, dial 3 for A3");
}

/// A dial that was told to stop and has not yet is one too.
#[test]
fn a_stopped_dial_is_waited_for() {
    let mut rig = Rig::auto(LIMITS);
    rig.slow_close = true;
    rig.ask("A1");
    rig.event(|state, now| state.destroy(now, true));
    assert_eq!(rig.log(), "dial 1 for A1, A1 fails, abort 1");
    rig.ask("A2 A3");
    assert_eq!(rig.log(), "");
    rig.closed(1);
    assert_eq!(rig.log(), "dial 2 for A2");
}

#[test]
fn what_was_chosen_outlives_the_record() {
    let mut rig = Rig::auto(Limits { keep_alive: false, ..LIMITS });
    rig.ask("A1 B1");
    rig.dialed(1);
    rig.dialed_shared(2);
    rig.done("A1 B1");
    assert_eq!((rig.show("A"), rig.show("B"), rig.state.lore.len()), ("gone".into(), "gone".into(), 2));
    rig.log();
    rig.ask("A2 A3");
    assert_eq!(rig.log(), "dial 3 for A2, dial 4 for A3");
    rig.ask("B2 B3");
    assert_eq!((rig.log(), rig.show("B")), ("dial 5 for B2".into(), "1 connecting".into()));
}

/// Without a choice there is nothing to remember.
#[test]
fn nothing_is_remembered_that_was_known() {
    let mut rig = Rig::shared(Limits { keep_alive: false, ..LIMITS }, 100);
    rig.ask("a1 A1");
    rig.dialed_shared(1);
    rig.dialed_shared(2);
    rig.done("a1 A1");
    assert_eq!((rig.show("a"), rig.show("A"), rig.state.lore.len()), ("gone".into(), "gone".into(), 0));
}

#[test]
fn a_server_may_change_its_mind() {
    let mut rig = Rig::auto(Limits { keep_alive: false, ..LIMITS });
    rig.ask("A1");
    rig.dialed(1);
    rig.done("A1");
    rig.log();
    // It spoke HTTP/1.1: a dial for each.
    rig.ask("A2 A3 A4");
    assert_eq!(rig.log(), "dial 2 for A2, dial 3 for A3, dial 4 for A4");
    rig.dialed_shared(3);
    assert_eq!(
        (rig.log(), rig.show("A")),
        ("A2 gets 3, A3 gets 3, A4 gets 3".into(), "1 active, 2 connecting".into())
    );
    // The others find nobody, whatever they bring.
    rig.dialed_shared(2);
    rig.refused(4);
    rig.done("A2 A3 A4");
    assert_eq!(rig.log(), "close 2 keep_alive_off, close 3 keep_alive_off");
    // It spoke HTTP/2 last: one dial, and when that brings HTTP/1.1 the rest at once.
    rig.ask("A5 A6 A7");
    assert_eq!(rig.log(), "dial 5 for A5");
    rig.dialed(5);
    assert_eq!(rig.log(), "A5 gets 5, dial 6 for A6, dial 7 for A7");
}

/// Old connections serve on beside the new ones.
#[test]
fn sockets_of_both_kinds_serve_side_by_side() {
    let mut rig = Rig::auto(Limits { max_sockets: 2, ..LIMITS });
    rig.carry("A1");
    rig.allow(1, 1);
    rig.ask("A2 A3");
    rig.dialed(2);
    assert_eq!((rig.log(), rig.show("A")), ("dial 2 for A2, A2 gets 2".into(), "2 active, 1 queued".into()));
    rig.done("A2");
    assert_eq!(rig.log(), "A3 gets 2");
    rig.ask("A4 A5");
    rig.done("A1 A3");
    assert_eq!(rig.log(), "A4 gets 1, A5 gets 2");
    rig.done("A4 A5");
    rig.ask("A6 A7 A8");
    assert_eq!((rig.log(), rig.show("A")), ("A6 gets 2, A7 gets 1".into(), "2 active, 1 queued".into()));
}
