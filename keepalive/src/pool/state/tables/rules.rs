//! The rules of dialling over a whole story: a burst, an origin that is dead for long, demand that ends.

use std::collections::BTreeMap;

use super::rig::{LIMITS, Rig};
use crate::pool::state::Limits;

/// What happens to sockets by itself: dials take this long and so does the work, in ms.
struct Pace {
    connect: u64,
    work: u64,
}

/// Requests `1..=count` at once, until all are served; says how many sockets were opened for them.
fn burst(rig: &mut Rig, count: usize, pace: &Pace) -> u64 {
    let before = rig.state.snapshot().totals.opened;
    rig.ask_all("a", count);
    let mut dials: BTreeMap<u64, u64> = BTreeMap::new();
    let mut works: BTreeMap<String, u64> = BTreeMap::new();
    for ms in 0..10_000 {
        for name in rig.holding() {
            if works.get(&name).is_some_and(|&end| end == ms) {
                rig.done(&name);
            }
        }
        for number in rig.dialing() {
            if dials.get(&number).is_some_and(|&end| end == ms) {
                rig.dialed(number);
            }
        }
        if rig.requests.is_empty() && rig.dialing().is_empty() {
            return rig.state.snapshot().totals.opened - before;
        }
        for name in rig.holding() {
            works.entry(name).or_insert(ms + pace.work);
        }
        for number in rig.dialing() {
            dials.entry(number).or_insert(ms + pace.connect);
        }
        rig.pass(1);
    }
    panic!("not served within 10 s: {}", rig.show("a"));
}

/// A pool that dials for each request that finds no idle socket would open 45.
#[test]
fn a_burst_on_a_warm_origin_opens_three_sockets_at_most() {
    let mut rig = Rig::new(Limits { max_sockets: 50, ..LIMITS });
    rig.warm_up("a", 5);
    let more = burst(&mut rig, 50, &Pace { connect: 150, work: 2 });
    assert!((1..=3).contains(&more), "{more} sockets for a burst that lasts 20 ms");
    assert_eq!(rig.show("a"), format!("{} idle", 5 + more));
}

/// Where the work is long the sockets there are do not suffice, and all that are allowed come.
#[test]
fn a_burst_of_long_work_gets_all_the_sockets_it_may_have() {
    let mut rig = Rig::new(Limits { max_sockets: 50, ..LIMITS });
    rig.warm_up("a", 5);
    assert_eq!(burst(&mut rig, 50, &Pace { connect: 150, work: 2_000 }), 45);
}

#[test]
fn a_dead_origin_is_dialled_one_at_a_time_after_the_first_failure() {
    let mut rig = Rig::new(Limits { max_sockets: 50, ..LIMITS });
    rig.ask_all("a", 1_000);
    assert_eq!(rig.dialing().len(), 50);
    for failed in 1..=1_000 {
        let first = rig.dialing()[0];
        rig.log.clear();
        rig.refused(first);
        assert!(rig.log().starts_with(&format!("a{failed} fails")), "the oldest, and nobody else");
        let left = 1_000 - failed;
        // Those begun before the first failure end; then there is one.
        assert_eq!(rig.dialing().len(), (50 - failed.min(50)).max(1).min(left));
    }
    assert_eq!((rig.state.snapshot().totals.opened, rig.show("a").as_str()), (1_000, "gone"));
    // Later, when nothing is left of it but what is known.
    rig.pass(60_000);
    rig.ask_all("a", 100);
    assert_eq!(rig.dialing().len(), 1);
}

#[test]
fn a_recovered_origin_serves_the_very_next_request_and_then_all() {
    let mut rig = Rig::new(Limits { max_sockets: 50, ..LIMITS });
    rig.ask_all("a", 10);
    (1..=10).for_each(|number| rig.refused(number));
    assert_eq!(rig.show("a"), "gone");
    rig.log();
    rig.ask("a1 a2 a3");
    rig.dialed(11);
    assert_eq!(rig.log(), "dial 11 for a1, a1 gets 11, dial 12 for a2");
    rig.done("a1");
    assert_eq!(rig.log(), "a2 gets 11");
}

#[test]
fn no_dial_begins_once_nobody_waits_and_those_under_way_are_parked() {
    for (keep_alive, left) in [(true, "2 idle"), (false, "gone")] {
        let mut rig = Rig::new(Limits { max_sockets: 2, keep_alive, ..LIMITS });
        rig.ask_all("a", 6);
        (1..=6).for_each(|number| rig.cancel(&format!("a{number}")));
        assert_eq!(rig.log(), "dial 1 for a1, dial 2 for a2");
        rig.dialed(1);
        rig.dialed(2);
        rig.pass(10_000);
        let log = if keep_alive { "" } else { "close 1 keep_alive_off, close 2 keep_alive_off" };
        assert_eq!((rig.log().as_str(), rig.show("a").as_str()), (log, left));
    }
}

/// The clock of the ramp stops with the demand, and does not go on from where it was.
#[test]
fn the_ramp_of_a_warm_origin_ends_with_the_demand() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 1);
    rig.ask("a1 a2 a3 a4 a5 a6");
    rig.pass(10);
    assert_eq!(rig.log(), "a1 gets 1, dial 2 for a2, dial 3 for a3");
    (2..=6).for_each(|number| rig.cancel(&format!("a{number}")));
    assert_eq!((rig.log(), rig.deadline()), (String::new(), None));
    rig.pass(1_000);
    rig.dialed(2);
    rig.dialed(3);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "1 active, 2 idle".into()));
}

/// The last to wait leave a dial that fails: that is nobody's failure, and begins no other.
#[test]
fn a_dial_that_fails_after_the_demand_ended_is_not_repeated() {
    let mut rig = Rig::new(LIMITS);
    rig.ask_all("a", 2);
    rig.cancel("a1");
    rig.cancel("a2");
    rig.log();
    rig.refused(1);
    rig.refused(2);
    assert_eq!((rig.log(), rig.show("a")), (String::new(), "gone".into()));
}
