//! What the driver asks about sockets that carry many.

use super::super::rig::{LIMITS, Rig, origin};

#[cfg(feature = "http2")]
#[test]
fn whether_one_carries_no_more_than_one() {
    let mut rig = Rig::shared(LIMITS, 3);
    rig.carry("a1");
    let alone = |rig: &Rig| rig.state.is_alone(rig.key(1));
    assert!(alone(&rig));
    rig.ask("a2");
    assert!(!alone(&rig));
    rig.done("a1");
    assert!(alone(&rig));
}

#[test]
fn how_many_streams_an_origin_has_in_use() {
    let mut rig = Rig::shared(LIMITS, 2);
    for name in ["a1", "a3", "b1", "c1"] {
        rig.carry(name);
        rig.ask(&format!("{name}x"));
    }
    rig.done("c1 c1x");
    let streams: Vec<_> = rig.state.snapshot().origins.iter().map(|it| it.streams).collect();
    assert_eq!(streams, [4, 2, 0]);
}

/// As after a dial that failed.
#[test]
fn a_connection_that_was_of_no_use_is_a_failed_dial() {
    let mut rig = Rig::shared(LIMITS, 2);
    rig.slow_close = true;
    rig.ask("a1");
    let key = rig.key(1);
    rig.event(|state, now| state.dialed_shared(key, 0, now));
    assert!(!rig.state.has_refused(&origin("a")));
    rig.goes_away(1);
    assert!(rig.log().contains("a1 fails"));
    assert!(rig.state.has_refused(&origin("a")));
}
