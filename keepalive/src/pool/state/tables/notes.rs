//! What the machine notes of its sockets.

use super::rig::{LIMITS, Rig};
use crate::CloseReason;
use crate::pool::state::{Limits, Note, Outcome};

/// A rig whose machine takes notes.
fn noting(limits: Limits) -> Rig {
    let mut rig = Rig::new(limits);
    rig.state.want_notes(true);
    rig
}

/// The notes since the last call.
fn notes(rig: &mut Rig) -> String {
    let mut all = Vec::new();
    while let Some((_, number, _, note)) = rig.state.next_note() {
        all.push(match note {
            Note::Dialing => format!("dialing {number}"),
            Note::Opened => format!("opened {number}"),
            Note::Parked => format!("parked {number}"),
            Note::Closed { reason, age, requests } => {
                format!("closed {number} {} {} ms {requests} requests", reason.name(), age.as_millis())
            }
        });
    }
    all.join(", ")
}

#[test]
fn nothing_is_noted_for_nobody() {
    let mut rig = Rig::new(LIMITS);
    rig.warm_up("a", 2);
    rig.event(|state, now| state.close_idle(now, CloseReason::CloseIdle));
    assert_eq!(notes(&mut rig), "");
}

#[test]
fn a_life_in_order() {
    let mut rig = noting(LIMITS);
    rig.ask("a1");
    rig.pass(3);
    rig.dialed(1);
    rig.pass(4);
    rig.done("a1");
    assert_eq!(notes(&mut rig), "dialing 1, opened 1, parked 1");
    rig.ask("a2");
    rig.done("a2");
    assert_eq!(notes(&mut rig), "parked 1");
    rig.pass(5);
    rig.event(|state, now| state.close_idle(now, CloseReason::CloseIdle));
    assert_eq!(notes(&mut rig), "closed 1 close_idle 9 ms 2 requests");
}

#[test]
fn a_socket_handed_over_is_not_parked() {
    let mut rig = noting(Limits { max_sockets: 1, ..LIMITS });
    rig.ask_all("a", 3);
    rig.dialed(1);
    rig.done("a1");
    rig.done("a2");
    assert_eq!(notes(&mut rig), "dialing 1, opened 1");
    rig.done("a3");
    assert_eq!(notes(&mut rig), "parked 1");
}

#[test]
fn a_socket_nobody_may_keep_is_not_parked() {
    let mut rig = noting(Limits { keep_alive: false, ..LIMITS });
    rig.ask("a1");
    rig.dialed(1);
    rig.done("a1");
    assert_eq!(notes(&mut rig), "dialing 1, opened 1, closed 1 keep_alive_off 0 ms 1 requests");
    let mut rig = noting(Limits { max_total_sockets: 1, ..LIMITS });
    rig.ask("a1 b1");
    rig.dialed(1);
    rig.done("a1");
    assert_eq!(notes(&mut rig), "dialing 1, opened 1, closed 1 evicted 0 ms 1 requests, dialing 2");
}

#[test]
fn an_offer_nobody_claims_parks_the_socket() {
    let mut rig = noting(Limits { max_sockets: 1, ..LIMITS });
    rig.ask("a1 a2");
    rig.dialed(1);
    rig.park("a2");
    rig.done("a1");
    assert_eq!(notes(&mut rig), "dialing 1, opened 1");
    rig.pass(100);
    assert_eq!(notes(&mut rig), "parked 1");
    rig.poll("a2");
    rig.ask("a3");
    rig.park("a3");
    rig.done("a2");
    rig.cancel("a3");
    assert_eq!(notes(&mut rig), "parked 1", "who was offered it left");
}

/// It counts no request, and is parked only once.
#[test]
fn a_look_at_an_idle_socket_is_not_noted() {
    let mut rig = noting(LIMITS);
    rig.ask("a1");
    rig.dialed(1);
    rig.done("a1");
    notes(&mut rig);
    let key = rig.key(1);
    assert!(rig.event(|state, _| state.inspect(key, 1)));
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!((notes(&mut rig), rig.state.served(key)), (String::new(), 1));
    assert!(rig.event(|state, _| state.inspect(key, 1)));
    rig.event(|state, _| state.closing(key, CloseReason::ClosedByServer));
    rig.closed(1);
    assert_eq!(notes(&mut rig), "closed 1 closed_by_server 0 ms 1 requests");
}

#[test]
fn a_socket_taken_and_not_used_is_parked_again() {
    let mut rig = noting(LIMITS);
    rig.ask("a1");
    rig.dialed(1);
    rig.done("a1");
    rig.ask("a2");
    notes(&mut rig);
    let number = rig.give_up("a2", Outcome::Cancelled);
    let key = rig.key(number);
    rig.event(|state, now| state.put_back(key, now));
    assert_eq!(notes(&mut rig), "parked 1");
    rig.ask("a3");
    rig.event(|state, _| state.unused(key));
    rig.give_up("a3", Outcome::Failed);
    rig.event(|state, _| state.closing(key, CloseReason::ClosedByServer));
    rig.closed(1);
    assert_eq!(notes(&mut rig), "closed 1 closed_by_server 0 ms 1 requests");
}

#[test]
fn dials_that_fail_are_stopped_or_are_done_too_late() {
    let mut rig = noting(LIMITS);
    rig.ask("a1");
    rig.refused(1);
    assert_eq!(notes(&mut rig), "dialing 1, closed 1 dial_failed 0 ms 0 requests");
    rig.slow_close = true;
    rig.ask("a2");
    rig.event(|state, now| state.destroy(now, true));
    rig.dialed(2);
    assert_eq!(notes(&mut rig), "dialing 2", "nobody could have had it");
    rig.closed(2);
    assert_eq!(notes(&mut rig), "closed 2 dial_aborted 0 ms 0 requests");
}
