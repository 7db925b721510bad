//! Idle sockets whose ends come in another order than they were parked in.

use std::time::Duration;

use super::rig::{LIMITS, Rig};
use crate::pool::state::{Action, Hint, SocketKey};

const SOCKETS: u64 = 41;

/// All ends differ, and neither rise nor fall with the number.
fn timeout(number: u64) -> Duration {
    Duration::from_secs(100 + number * 17 % SOCKETS)
}

#[test]
fn whichever_is_taken_out_and_put_back_the_first_to_go_goes_first() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", SOCKETS as usize);
    let sockets: Vec<(u64, SocketKey)> = rig.sockets.iter().map(|(&number, &key)| (number, key)).collect();
    for &(number, key) in &sockets {
        rig.state.heed(key, Hint { timeout: Some(timeout(number)), max: None });
    }
    // So that the hints are looked at.
    rig.state.set_limits(rig.now, |_| ());
    rig.state.early.assert_order(&rig.state.sockets);
    for step in 1..SOCKETS {
        for &(number, key) in sockets.iter().filter(|&(number, _)| number % step == 0) {
            assert!(rig.state.inspect(key, number));
            rig.state.early.assert_order(&rig.state.sockets);
        }
        for &(_, key) in sockets.iter().filter(|&(number, _)| number % step == 0) {
            rig.state.put_back(key, rig.now);
            rig.state.early.assert_order(&rig.state.sockets);
        }
    }
    let mut closed = Vec::new();
    while let Some(deadline) = rig.state.next_deadline() {
        rig.state.tick(deadline);
        while let Some(action) = rig.state.next_action() {
            let Action::Close { socket } = action else { panic!("{action:?}") };
            closed.push(rig.state.socket_id(socket));
            rig.state.closed(socket, deadline);
        }
    }
    let mut expected: Vec<_> = (1..=SOCKETS).collect();
    expected.sort_by_key(|&number| timeout(number));
    assert_eq!(closed, expected);
}
