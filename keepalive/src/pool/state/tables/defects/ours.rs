//! Our state machine as a [`Pool`]: the [`Rig`], with the driver's part of what a story needs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::rig::{Place, Rig};
use super::Pool;
use crate::pool::state::{Hint, Outcome, State};

pub(super) struct Ours {
    rig: Rig,
    slow: bool,
    /// Connections that their server closed.
    dead: BTreeSet<u64>,
    peak: usize,
    log: Vec<String>,
}

impl Ours {
    pub(super) fn new(rig: Rig) -> Self {
        Self { rig, slow: false, dead: BTreeSet::new(), peak: 0, log: Vec::new() }
    }

    /// What the driver does after an event: dials, and looks at each socket that a request is given.
    fn settle(&mut self) {
        loop {
            self.peak = self.peak.max(self.rig.sockets.len());
            let told = self.rig.log();
            let of_requests = [" gets ", " fails", "shutdown "];
            let told = told.split(", ").filter(|line| of_requests.iter().any(|what| line.contains(what)));
            self.log.extend(told.map(str::to_owned));
            if let Some(name) = self.holder_of_a_dead_socket() {
                self.log.pop();
                self.rig.dead(&name);
            } else if let Some(&dial) = self.rig.dialing().first().filter(|_| !self.slow) {
                self.rig.dialed(dial);
            } else {
                return;
            }
        }
    }

    fn holder_of_a_dead_socket(&self) -> Option<String> {
        let is_dead = |place| matches!(place, Place::Holds(number) if self.dead.contains(&number));
        let mut holders = self.rig.requests.iter().filter(|(_, request)| is_dead(request.place));
        holders.next().map(|(name, _)| name.clone())
    }
}

impl Pool for Ours {
    fn ask(&mut self, names: &str) {
        for name in names.split(' ') {
            self.rig.ask(name);
            self.settle();
        }
    }

    fn cancel(&mut self, name: &str) {
        self.rig.cancel(name);
        self.settle();
    }

    fn done(&mut self, name: &str, keep_alive: Option<u64>) {
        let number = self.rig.give_up(name, Outcome::Done);
        let key = self.rig.key(number);
        self.rig.event(|state, now| {
            state.heed(key, Hint { timeout: keep_alive.map(Duration::from_secs), max: None });
            state.release(key, now);
        });
        self.settle();
    }

    fn done_and_closed(&mut self, name: &str) {
        self.rig.spoilt(name);
        self.settle();
    }

    fn connect_slowly(&mut self) {
        self.slow = true;
    }

    fn server_closes_idle(&mut self) {
        let held: Vec<_> = self.rig.requests.values().map(|request| request.place).collect();
        let idle = self.rig.sockets.keys().filter(|&&number| !held.contains(&Place::Holds(number)));
        self.dead.extend(idle);
    }

    fn pass(&mut self, time: Duration) {
        self.rig.pass(u64::try_from(time.as_millis()).unwrap());
        self.settle();
    }

    fn set_max_sockets(&mut self, sockets: usize) {
        self.rig.event(|state, now| state.set_limits(now, |limits| limits.max_sockets = sockets));
        self.settle();
    }

    fn destroy(&mut self) {
        self.rig.event(|state: &mut State, now| state.destroy(now, false));
        self.settle();
        self.log.retain(|line| !line.starts_with("shutdown "));
        // The users of those sockets notice, and let go of them.
        for name in self.rig.holding() {
            self.rig.spoilt(&name);
            self.log.push(format!("{name} fails"));
        }
        self.settle();
    }

    fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    fn holding(&self) -> String {
        let mut names = self.rig.holding();
        names.sort();
        names.join(" ")
    }

    fn queue(&self) -> String {
        let waits = self.rig.requests.iter().filter(|(_, request)| matches!(request.place, Place::Waits(_)));
        waits.map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ")
    }

    fn open(&self) -> usize {
        self.rig.sockets.len()
    }

    fn peak(&self) -> usize {
        self.peak
    }

    fn says_reused(&self, name: &str) -> bool {
        let Place::Holds(number) = self.rig.requests[name].place else { panic!("{name} holds no socket") };
        self.rig.state.served(self.rig.key(number)) > 1
    }
}
