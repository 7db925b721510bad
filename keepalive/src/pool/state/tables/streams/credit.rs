//! Stream credit: the queue waits for it, and a further connection opens when it is gone.

use super::super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

#[test]
fn one_connection_carries_as_many_as_the_limit() {
    for (requests, show) in [(1, "1 active"), (2, "1 active"), (3, "1 active"), (4, "1 active, 1 queued")] {
        let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 3);
        rig.ask_all("a", requests);
        assert_eq!(rig.log(), "dial 1 for a1", "{requests}");
        rig.dialed_shared(1);
        assert_eq!((rig.show("a").as_str(), rig.used(1)), (show, requests.min(3)));
    }
}

#[test]
fn the_queue_waits_for_credit_in_order() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 2);
    rig.ask_all("a", 5);
    rig.dialed_shared(1);
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("dial 1 for a1, a1 gets 1, a2 gets 1".into(), "1 active, 3 queued".into())
    );
    rig.done("a2");
    assert_eq!(rig.log(), "a3 gets 1");
    rig.done("a1 a3");
    assert_eq!(rig.log(), "a4 gets 1, a5 gets 1");
    rig.done("a4 a5");
    assert_eq!((rig.log(), rig.show("a"), rig.used(1)), (String::new(), "1 idle".into(), 0));
    rig.ask("a6");
    assert_eq!(rig.log(), "a6 gets 1");
}

#[test]
fn a_further_connection_opens_when_credit_is_gone_and_not_before() {
    let mut rig = Rig::shared(Limits { max_sockets: 2, ..LIMITS }, 2);
    rig.carry("a1");
    rig.ask("a2");
    assert_eq!(rig.log(), "a2 gets 1");
    rig.ask("a3");
    assert_eq!((rig.log(), rig.show("a")), ("dial 2 for a3".into(), "1 active, 1 connecting".into()));
    // That dial is for two of them.
    rig.ask("a4");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 1 connecting".into()));
    rig.ask("a5");
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 1 connecting, 1 queued".into()));
    rig.dialed_shared(2);
    assert_eq!((rig.log(), rig.show("a")), ("a3 gets 2, a4 gets 2".into(), "2 active, 1 queued".into()));
    assert_eq!(rig.deadline(), None, "there are as many as may be");
}

#[test]
fn credit_that_comes_back_is_taken_before_the_dial_is_done() {
    let mut rig = Rig::shared(LIMITS, 1);
    rig.carry("a1");
    rig.ask("a2");
    rig.done("a1");
    assert_eq!(rig.log(), "dial 2 for a2, a2 gets 1");
    rig.dialed_shared(2);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 1 idle".into()));
}

/// One at first, and twice as many each 10 ms, as with sockets that carry one request.
#[test]
fn further_dials_double_while_requests_wait() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.carry("a1");
    rig.ask("a2");
    (10..30).for_each(|number| rig.ask(&format!("a{number}")));
    let mut dials = Vec::new();
    for _ in 0..5 {
        dials.push(rig.dialing().len());
        rig.pass(10);
    }
    assert_eq!((dials, rig.deadline()), (vec![1, 2, 4, 8, 10], None), "ten dials for twenty");
}

/// A burst of any size at a server that is known for HTTP/2 begins with one handshake.
#[test]
fn a_cold_burst_dials_once_and_then_for_those_who_found_no_place() {
    let mut rig = Rig::shared(LIMITS, 10);
    rig.ask_all("a", 35);
    assert_eq!((rig.log(), rig.show("a")), ("dial 1 for a1".into(), "1 connecting, 25 queued".into()));
    rig.pass(1000);
    assert_eq!(rig.log(), "");
    rig.dialed_shared(1);
    assert_eq!(rig.holding().len(), 10);
    assert_eq!((rig.show("a"), rig.dialing()), ("1 active, 1 connecting, 15 queued".into(), vec![2]));
    rig.pass(10);
    assert_eq!((rig.show("a"), rig.dialing()), ("1 active, 2 connecting, 5 queued".into(), vec![2, 3]));
    rig.pass(10);
    assert_eq!((rig.show("a"), rig.deadline()), ("1 active, 3 connecting".into(), None));
}

/// Who stands among those that the dials will carry is connecting: no queue holds him up.
#[test]
fn a_dial_is_for_as_many_as_it_will_carry() {
    let mut rig = Rig::shared(Limits { max_sockets: 1, ..LIMITS }, 2);
    rig.ask("a1 a2 a3");
    let connecting = ["a1", "a2", "a3"].map(|name| rig.state.is_connecting(rig.waiter(name)));
    assert_eq!(connecting, [true, true, false]);
}

#[test]
fn a_dial_beyond_those_who_wait_is_stopped_when_its_place_is_needed() {
    let mut rig = Rig::shared(Limits { max_total_sockets: 3, ..LIMITS }, 1);
    rig.carry("a1");
    rig.ask("a2 a3");
    rig.pass(10);
    assert_eq!(rig.log(), "dial 2 for a2, dial 3 for a3");
    rig.cancel("a3");
    rig.ask("b1");
    assert_eq!(rig.log(), "abort 3, dial 4 for b1");
}

#[test]
fn the_connection_used_last_is_used_next() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.carry("a1");
    rig.ask("a2 a3");
    rig.dialed_shared(2);
    rig.done("a1");
    rig.log();
    rig.ask("a4");
    assert_eq!(rig.log(), "a4 gets 1");
    rig.done("a4");
    rig.ask("a5");
    rig.done("a2 a3 a5");
    assert_eq!((rig.log(), rig.show("a")), ("a5 gets 1".into(), "2 idle".into()));
}

/// A connection in use is used before an idle one, so that idle ones come to their end.
#[test]
fn an_idle_connection_is_left_alone_beside_one_with_credit() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.carry("a1");
    rig.ask("a2 a3");
    rig.dialed_shared(2);
    rig.done("a1 a3");
    assert_eq!(
        (rig.log(), rig.show("a")),
        ("a2 gets 1, dial 2 for a3, a3 gets 2".into(), "1 active, 1 idle".into())
    );
    rig.ask("a4");
    assert_eq!(rig.log(), "a4 gets 1");
    rig.ask("a5");
    assert_eq!(rig.log(), "a5 gets 2");
}

#[test]
fn who_has_a_place_on_a_dial_does_not_count_in_the_queue() {
    for (max_queued, turned_away) in [(0, "a4"), (1, "a5"), (2, "a6")] {
        let mut rig = Rig::shared(Limits { max_sockets: 1, max_queued, ..LIMITS }, 3);
        let names: Vec<_> = (1..=6).map(|number| format!("a{number}")).collect();
        names.iter().for_each(|name| rig.ask(name));
        let log = rig.log();
        assert!(log.starts_with(&format!("dial 1 for a1, {turned_away} is turned away")), "{log}");
    }
}

/// Nor who has a place on a dial that only waits for a closing socket's slot.
#[test]
fn who_has_a_place_on_a_dial_to_come_does_not_count_in_the_queue() {
    for (max_queued, turned_away) in [(0, "a4"), (1, "a5"), (2, "a6")] {
        let mut rig = Rig::shared(Limits { max_total_sockets: 1, max_queued, ..LIMITS }, 3);
        rig.slow_close = true;
        rig.carry("b1");
        rig.done("b1");
        let names: Vec<_> = (1..=6).map(|number| format!("a{number}")).collect();
        names.iter().for_each(|name| rig.ask(name));
        let log = rig.log();
        assert!(log.starts_with(&format!("close 1 evicted, {turned_away} is turned away")), "{log}");
        rig.closed(1);
        assert_eq!(rig.log(), "dial 2 for a1");
    }
}
