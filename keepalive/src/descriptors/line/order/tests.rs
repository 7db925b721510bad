use std::cell::RefCell;

use super::*;
use crate::clock;

/// A line whose dials are named by letters; each belongs to the agent and the origin of its number.
struct Rig {
    line: RefCell<Line>,
    start: Instant,
}

impl Rig {
    fn new() -> Self {
        Self { line: RefCell::new(Line::new()), start: clock::now().into_std() }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn enter(&self, agent: usize, host: &str, millis: u64) -> usize {
        let mut line = self.line.borrow_mut();
        let key = line.enter(agent, origin(host), Arc::new(Notify::new()), self.at(millis));
        line.look(key, self.at(millis));
        key
    }

    fn look(&self, key: usize, millis: u64) -> bool {
        self.line.borrow_mut().look(key, self.at(millis))
    }

    /// The first looks in vain; what the others know then.
    fn in_vain(&self, key: usize, millis: u64) -> u8 {
        assert!(self.look(key, millis));
        self.line.borrow_mut().lose_patience(key, self.at(millis));
        self.level()
    }

    fn claims(&self, agent: usize, host: &str, millis: u64) -> bool {
        self.line.borrow_mut().claims(agent, &origin(host), self.at(millis))
    }

    fn step_out(&self, key: usize) {
        self.line.borrow_mut().step_out(key);
    }

    fn first(&self) -> Option<usize> {
        self.line.borrow().first()
    }

    fn level(&self) -> u8 {
        self.line.borrow().level()
    }
}

fn origin(host: &str) -> Origin {
    Origin::from_uri(&format!("http://{host}/").parse().unwrap()).unwrap()
}

#[test]
fn first_come_first_served() {
    let rig = Rig::new();
    assert_eq!((rig.first(), rig.level()), (None, NOBODY));
    let dials = [0, 1, 2].map(|n| rig.enter(n, "a", n as u64));
    assert_eq!(dials.map(|dial| rig.look(dial, 3)), [true, false, false]);
    rig.step_out(dials[0]);
    assert_eq!(dials[1..].iter().map(|&dial| rig.look(dial, 4)).collect::<Vec<_>>(), [true, false]);
    rig.step_out(dials[2]);
    assert_eq!((rig.first(), rig.level()), (Some(dials[1]), WAITING));
    rig.step_out(dials[1]);
    assert_eq!((rig.first(), rig.level()), (None, NOBODY));
}

/// A dial needs descriptors for the name, and then for the socket.
#[test]
fn who_comes_again_has_its_old_place() {
    let rig = Rig::new();
    let (older, newer) = (rig.enter(0, "a", 0), rig.enter(0, "b", 1));
    rig.step_out(older);
    assert!(rig.look(newer, 2));
    assert!(rig.look(older, 3));
    assert!(!rig.look(newer, 4));
}

#[test]
fn who_is_absent_is_passed_over_until_it_looks_again() {
    let rig = Rig::new();
    let (absent, present) = (rig.enter(0, "a", 0), rig.enter(0, "b", 0));
    assert!(!rig.look(present, 499));
    assert!(rig.look(present, 500));
    assert_eq!(rig.first(), Some(present));
    assert!(rig.look(absent, 501));
    assert!(!rig.look(present, 502));
}

#[test]
fn who_has_waited_long_enough_claims_one_socket() {
    let rig = Rig::new();
    let dial = rig.enter(0, "a", 0);
    for (millis, level) in [(0, WAITING), (249, WAITING), (250, IMPATIENT)] {
        assert_eq!(rig.in_vain(dial, millis), level, "after {millis} ms");
    }
    // Of another agent, or of another origin of its own.
    assert!(rig.claims(1, "a", 251));
    assert_eq!(rig.level(), WAITING);
    assert!(!rig.claims(1, "a", 252));
    assert_eq!(rig.in_vain(dial, 253), IMPATIENT);
    assert!(rig.claims(0, "b", 254));
}

#[test]
fn only_the_first_claims_and_its_claim_ends_with_its_turn() {
    let rig = Rig::new();
    let (first, second) = (rig.enter(0, "a", 0), rig.enter(0, "b", 0));
    rig.line.borrow_mut().lose_patience(second, rig.at(300));
    assert_eq!(rig.level(), WAITING);
    assert_eq!(rig.in_vain(first, 300), IMPATIENT);
    rig.step_out(first);
    assert_eq!(rig.level(), WAITING);
    assert!(!rig.claims(1, "c", 301));
    // Nor does one that comes back before the first inherit the claim.
    assert_eq!(rig.in_vain(second, 302), IMPATIENT);
    rig.look(first, 303);
    assert_eq!((rig.first(), rig.level()), (Some(first), WAITING));
}

/// Handed on, it serves the very request that the dial is for.
#[test]
fn a_socket_of_its_own_origin_is_no_gain() {
    let rig = Rig::new();
    let (first, second) = (rig.enter(0, "a", 0), rig.enter(0, "b", 1));
    assert_eq!(rig.in_vain(first, 300), IMPATIENT);
    assert!(!rig.claims(0, "a", 301));
    assert_eq!((rig.first(), rig.level()), (Some(second), WAITING));
    assert_eq!(rig.in_vain(second, 302), IMPATIENT);
    assert!(rig.claims(0, "a", 303));
    rig.step_out(second);
    // Its patience begins anew.
    assert_eq!(rig.in_vain(first, 550), WAITING);
    assert_eq!(rig.in_vain(first, 551), IMPATIENT);
}
