//! A driver with a script: its methods are what happens to requests and sockets. It mirrors who holds
//! which socket, and keeps a log that a test compares with what it expects.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::pool::state::phase::Phase;
use crate::pool::state::{Limits, Outcome, SocketKey, State, Ticket, WaiterKey};
use crate::{CloseReason, Origin, Scheduling};

/// No limit at all.
pub(super) const LIMITS: Limits = Limits {
    max_sockets: usize::MAX,
    max_total_sockets: usize::MAX,
    max_free_sockets: usize::MAX,
    max_total_free_sockets: usize::MAX,
    max_queued: usize::MAX,
    free_socket_timeout: None,
    max_socket_age: None,
    max_requests_per_socket: None,
    keep_alive: true,
    scheduling: Scheduling::Lifo,
};

pub(super) struct Rig {
    pub(super) state: State,
    /// Whether closings and aborts stay in flight until [`Rig::closed`].
    pub(super) slow_close: bool,
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) requests: BTreeMap<String, Request>,
    /// Open sockets by number.
    pub(super) sockets: BTreeMap<u64, SocketKey>,
    pub(super) log: Vec<String>,
}

pub(super) struct Request {
    pub(super) ticket: Ticket,
    pub(super) place: Place,
    /// Its future is not polled when it is woken.
    pub(super) parked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Waits(WaiterKey),
    Holds(u64),
}

/// The origin that the first letter of a name stands for; a capital stands for an https origin.
pub(super) fn origin(name: &str) -> Origin {
    let scheme = if name.starts_with(char::is_uppercase) { "https" } else { "http" };
    Origin::from_uri(&format!("{scheme}://{}/", &name[..1]).parse().unwrap()).unwrap()
}

impl Rig {
    pub(super) fn new(limits: Limits) -> Self {
        let now = crate::clock::now().into_std();
        Self {
            state: State::new(limits),
            slow_close: false,
            start: now,
            now,
            requests: BTreeMap::new(),
            sockets: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// New requests, one after another: `"a1 b1 a2"`.
    pub(super) fn ask(&mut self, names: &str) {
        for name in names.split(' ') {
            match self.state.arrive() {
                Some(ticket) => self.request(name, ticket),
                None => self.log.push(format!("{name} refused")),
            }
            self.follow();
        }
    }

    /// Requests `1..=count` of an origin.
    pub(super) fn ask_all(&mut self, origin: &str, count: usize) {
        (1..=count).for_each(|number| self.ask(&format!("{origin}{number}")));
    }

    /// Brings an origin `count` idle sockets; forgets the log.
    pub(super) fn warm_up(&mut self, origin: &str, count: usize) {
        let first = self.sockets.last_key_value().map_or(1, |(number, _)| number + 1);
        self.ask_all(origin, count);
        (first..first + count as u64).for_each(|number| self.dialed(number));
        (1..=count).for_each(|number| self.done(&format!("{origin}{number}")));
        self.log.clear();
    }

    pub(super) fn dialed(&mut self, number: u64) {
        self.state.dialed(self.sockets[&number], self.now);
        self.follow();
    }

    /// The dial failed, and its slot is let go.
    pub(super) fn refused(&mut self, number: u64) {
        self.dial_failed(number);
        self.closed(number);
    }

    /// The dial failed, and its slot is still held.
    pub(super) fn dial_failed(&mut self, number: u64) {
        self.state.dial_failed(self.sockets[&number], self.now);
        self.follow();
    }

    /// The slot is let go: the socket is closed, the dial has stopped, or its runtime died.
    pub(super) fn closed(&mut self, number: u64) {
        let key = self.sockets.remove(&number).expect("it is open");
        self.state.closed(key, self.now);
        self.follow();
    }

    /// The responses are complete and their sockets clean.
    pub(super) fn done(&mut self, names: &str) {
        for name in names.split(' ') {
            let number = self.give_up(name, Outcome::Done);
            if self.is_shared(number) {
                self.state.release_stream(self.sockets[&number], number, self.now);
            } else {
                self.state.release(self.sockets[&number], self.now);
            }
            self.follow();
        }
    }

    /// The response is done with, and its socket cannot be used again.
    pub(super) fn spoilt(&mut self, name: &str) {
        let number = self.give_up(name, Outcome::Done);
        self.state.closing(self.sockets[&number], CloseReason::ResponseSaidClose);
        self.end(number);
    }

    /// The idle sockets they got prove dead: they ask again with their old tickets.
    pub(super) fn dead(&mut self, names: &str) {
        for name in names.split(' ') {
            let request = self.requests.remove(name).expect("it asked");
            let Place::Holds(number) = request.place else { panic!("{name} holds no socket") };
            self.state.closing(self.sockets[&number], CloseReason::ClosedByServer);
            self.end(number);
            self.request(name, request.ticket);
            self.follow();
        }
    }

    /// The sockets they were written to prove stale: they ask again for one just dialled.
    pub(super) fn stale(&mut self, names: &str) {
        for name in names.split(' ') {
            let request = self.requests.remove(name).expect("it asked");
            let Place::Holds(number) = request.place else { panic!("{name} holds no socket") };
            let key = self.sockets[&number];
            self.event(|state, _| state.closing(key, CloseReason::Stale));
            let turn = self.state.request_again(&origin(name), request.ticket, self.now);
            self.place(name, request.ticket, turn);
            self.end(number);
            self.follow();
        }
    }

    /// Leaves the queue.
    pub(super) fn cancel(&mut self, name: &str) {
        let request = self.requests.remove(name).expect("it asked");
        let Place::Waits(waiter) = request.place else { panic!("{name} does not wait") };
        self.state.leave_queue(waiter, Outcome::Cancelled, self.now);
        self.follow();
    }

    /// From now on they are not polled when they are woken.
    pub(super) fn park(&mut self, names: &str) {
        for name in names.split(' ') {
            self.requests.get_mut(name).expect("it asked").parked = true;
        }
    }

    /// Polls them, woken or not.
    pub(super) fn poll(&mut self, names: &str) {
        for name in names.split(' ') {
            let request = self.requests.get_mut(name).expect("it asked");
            request.parked = false;
            let Place::Waits(waiter) = request.place else { panic!("{name} does not wait") };
            let turn = self.state.poll_waiter(waiter, self.now);
            self.turn(name, turn);
            self.follow();
        }
    }

    /// Lets the request go and keeps its socket in hand: for `drain`, `upgrade` and `put_back`.
    pub(super) fn give_up(&mut self, name: &str, outcome: Outcome) -> u64 {
        let Some(Request { place: Place::Holds(number), .. }) = self.requests.remove(name) else {
            panic!("{name} holds no socket")
        };
        self.state.finish(outcome, self.state.served(self.sockets[&number]) > 1);
        number
    }

    /// Any other event.
    pub(super) fn event<T>(&mut self, event: impl FnOnce(&mut State, Instant) -> T) -> T {
        let result = event(&mut self.state, self.now);
        self.follow();
        result
    }

    /// Lets time pass; the machine is called at each of its deadlines.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(deadline) = self.state.next_deadline().filter(|&deadline| deadline <= end) {
            assert!(deadline > self.now, "a deadline that {:?} passed is still there", self.now);
            self.now = deadline;
            self.event(State::tick);
        }
        self.now = end;
    }

    /// Those who hold a socket, the oldest first.
    pub(super) fn holding(&self) -> Vec<String> {
        let holds = self.requests.iter().filter(|(_, request)| matches!(request.place, Place::Holds(_)));
        let mut names: Vec<_> = holds.map(|(name, request)| (request.ticket, name.clone())).collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// The dials under way.
    pub(super) fn dialing(&self) -> Vec<u64> {
        let is_dial = |key: &SocketKey| matches!(self.state.sockets[key.0].phase, Phase::Dialing { .. });
        self.sockets.iter().filter(|(_, key)| is_dial(key)).map(|(&number, _)| number).collect()
    }

    pub(super) fn waiter(&self, name: &str) -> WaiterKey {
        let Place::Waits(waiter) = self.requests[name].place else { panic!("{name} does not wait") };
        waiter
    }

    pub(super) fn key(&self, number: u64) -> SocketKey {
        self.sockets[&number]
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// The machine's next deadline, in ms since the rig began.
    pub(super) fn deadline(&self) -> Option<u128> {
        self.state.next_deadline().map(|at| (at - self.start).as_millis())
    }

    /// What was done and who got what since the last call.
    pub(super) fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join(", ")
    }

    /// Where an origin stands.
    pub(super) fn show(&self, name: &str) -> String {
        let origin = origin(name);
        let snapshot = self.state.snapshot();
        let Some(it) = snapshot.origins.iter().find(|it| it.origin == origin) else { return "gone".into() };
        let parts = [
            (it.counts.active, "active"),
            (it.counts.idle, "idle"),
            (it.counts.connecting, "connecting"),
            (it.counts.draining, "draining"),
            (it.counts.closing, "closing"),
            (it.counts.upgraded, "upgraded"),
            (it.queued, "queued"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}
