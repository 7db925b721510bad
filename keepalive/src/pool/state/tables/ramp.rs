//! A warm origin's dials double every `DIAL_STEP` (10 ms) while requests wait.

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

#[test]
fn dials_double_while_requests_wait() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    ('b'..='z').for_each(|letter| rig.ask(&format!("a{letter}")));
    let mut connecting = Vec::new();
    for _ in 0..6 {
        connecting.push(rig.state.snapshot().counts.connecting);
        rig.pass(10);
    }
    // 24 wait.
    assert_eq!(connecting, [1, 2, 4, 8, 16, 24]);
    assert_eq!(rig.deadline(), None);
}

#[test]
fn the_step_is_ten_milliseconds() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a6 a7 a8");
    assert_eq!((rig.log(), rig.deadline()), ("a6 gets 1, dial 2 for a7".into(), Some(10)));
    rig.pass(9);
    assert_eq!(rig.log(), "");
    rig.pass(1);
    assert_eq!((rig.log(), rig.deadline()), ("dial 3 for a8".into(), None));
}

#[test]
fn the_ramp_ends_at_max_sockets() {
    let mut rig = Rig::new(Limits { max_sockets: 3, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a5 a6 a7 a8 a9");
    rig.pass(10);
    assert_eq!((rig.show("a"), rig.deadline()), ("1 active, 2 connecting, 2 queued".into(), None));
}

#[test]
fn the_ramp_begins_anew_when_the_queue_was_empty() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1 a2 a3 a4");
    rig.pass(20);
    (2..=4).for_each(|number| rig.dialed(number));
    assert_eq!((rig.show("a"), rig.deadline()), ("4 active".into(), None));
    rig.log();
    rig.ask("a6 a7 a8");
    assert_eq!((rig.log(), rig.deadline()), ("dial 5 for a6".into(), Some(30)));
}

#[test]
fn the_ramp_stops_when_those_who_waited_leave() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a6 a7 a8");
    assert_eq!(rig.deadline(), Some(10));
    rig.cancel("a8");
    assert_eq!(rig.deadline(), None);
}

/// At the total cap doubling would change nothing: the keeper need not be woken for it.
#[test]
fn the_ramp_ticks_only_while_it_holds_dials_back() {
    let mut rig = Rig::new(Limits { max_total_sockets: 1, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a7 a8");
    assert_eq!((rig.show("a"), rig.deadline()), ("1 active, 1 queued".into(), None));
    rig.ask("a9");
    assert_eq!(rig.deadline(), Some(10));
    rig.pass(10);
    assert_eq!((rig.show("a"), rig.deadline()), ("1 active, 2 queued".into(), None));
}

/// Cap 50, 5 idle, 50 requests at once, a connect takes 150 ms and a request 2 ms: the five do nearly
/// all of it themselves.
#[test]
fn a_spike_opens_few_sockets() {
    let mut rig = Rig::new(Limits { max_sockets: 50, ..LIMITS });
    rig.warm_up("a", 5);
    let names: Vec<_> = (0..50).map(|number| format!("a{number}")).collect();
    names.iter().for_each(|name| rig.ask(name));
    let mut rounds = 0;
    while rig.state.snapshot().totals.running > 0 {
        rig.pass(2);
        rig.holding().iter().for_each(|name| rig.done(name));
        rounds += 1;
    }
    let snapshot = rig.state.snapshot();
    assert_eq!((snapshot.totals.done, rounds, snapshot.waiters), (55, 10, 0));
    assert!((1..=3).contains(&(snapshot.totals.opened - 5)), "{} more", snapshot.totals.opened - 5);
    rig.pass(150);
    (6..=snapshot.totals.opened).for_each(|number| rig.dialed(number));
    assert_eq!(rig.state.snapshot().counts.idle as u64, snapshot.totals.opened);
}

/// Work of 300 ms: nobody comes free, so after 40 ms each of ten waiters has its dial.
#[test]
fn a_spike_of_long_requests_gets_its_sockets() {
    let mut rig = Rig::new(Limits { max_sockets: 50, ..LIMITS });
    rig.warm_up("a", 1);
    rig.ask("a0");
    rig.ask_all("a", 10);
    rig.pass(40);
    assert_eq!(rig.show("a"), "1 active, 10 connecting");
}
