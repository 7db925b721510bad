//! The model's facts, and the changes that its events and its rules have in common.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::CloseReason;
use crate::pool::state::{CLAIM, Hint, Limits, Mode, Ticket, Totals};

pub(super) const ORIGINS: usize = 3;
pub(super) const ALL: [usize; ORIGINS] = [0, 1, 2];

/// All that is known, in lists in no order that matters.
pub(super) struct Oracle {
    pub(super) limits: Limits,
    pub(super) mode: Mode,
    pub(super) sockets: Vec<Socket>,
    pub(super) waiters: Vec<Waiter>,
    pub(super) pace: [Pace; ORIGINS],
    /// How long the socket was idle that the server closed last.
    pub(super) idle_limit: [Option<Duration>; ORIGINS],
    pub(super) totals: Totals,
    pub(super) closed_by: BTreeMap<CloseReason, u64>,
    /// What the machine should have asked for since this was emptied last.
    pub(super) todo: Vec<Todo>,
    /// Dials the machine stopped in this step: where the rules leave a choice, this was it.
    pub(super) stopped: Vec<u64>,
    /// When each socket is too old, as the machine says in this step: it may choose within 2.5 %.
    pub(super) ends: BTreeMap<u64, Option<Instant>>,
    /// In which order the machine sees the origins: it may choose where things happen at the same instant.
    pub(super) order: [usize; ORIGINS],
    /// Numbers everything that happens.
    moment: u64,
}

pub(super) struct Socket {
    pub(super) id: u64,
    pub(super) origin: usize,
    pub(super) phase: Phase,
    pub(super) since: Instant,
    pub(super) served: u64,
    /// What its server said with the last response.
    pub(super) hint: Hint,
    /// When its dial succeeded.
    pub(super) born: Option<Instant>,
    /// The moment its dial succeeded.
    pub(super) opened: u64,
    /// When it is too old for another request.
    pub(super) end_of_age: Option<Instant>,
    /// Something happened on it while it was not idle.
    pub(super) stirred: bool,
    /// It was there when the agent was told to retire what there was.
    pub(super) retired: bool,
    /// The moment the dial began, and for whom.
    pub(super) began: u64,
    pub(super) ticket: Ticket,
    /// The moment it was parked or offered last: the order among equals.
    pub(super) parked: u64,
    /// Its user is closing it and the machine has decided nothing for its origin since.
    pub(super) lingers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Dialing,
    Aborting,
    Idle,
    Offered(Ticket, Instant),
    Active,
    Draining,
    Closing(CloseReason),
    Upgraded(Option<CloseReason>),
}

pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    pub(super) origin: usize,
    pub(super) entered: u64,
    pub(super) since: Instant,
    /// It was written once: only a socket that carried nothing and was not idle for long will do.
    pub(super) fresh: bool,
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Queued,
    Offered(u64),
    Asleep,
    Failed,
}

/// How an origin may dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) refused: bool,
    pub(super) ramp: usize,
    pub(super) ramp_at: Option<Instant>,
}

pub(super) const CALM: Pace = Pace { refused: false, ramp: 1, ramp_at: None };

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Todo {
    Dial(u64, Ticket),
    Abort(u64),
    Wake(Ticket),
    Close(u64),
    Look(u64),
    Shutdown(u64),
}

/// Why a request asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    New,
    /// What it got was dead before anything was written.
    Again,
    /// It was written once, and what it was written to proved stale.
    Retry,
    /// Both.
    Fresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Go(u64),
    Wait,
    Full,
    Failed,
}

impl Waiter {
    /// After which moment a socket must have been dialled, if it takes no other.
    pub(super) fn fresh_since(&self) -> Option<u64> {
        self.fresh.then_some(self.entered)
    }
}

impl Oracle {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            mode: Mode::Open,
            sockets: Vec::new(),
            waiters: Vec::new(),
            pace: [CALM; ORIGINS],
            idle_limit: [None; ORIGINS],
            totals: Totals::default(),
            closed_by: BTreeMap::new(),
            todo: Vec::new(),
            stopped: Vec::new(),
            ends: BTreeMap::new(),
            order: ALL,
            moment: 0,
        }
    }

    pub(super) fn socket(&self, id: u64) -> &Socket {
        self.sockets.iter().find(|socket| socket.id == id).expect("it is open")
    }

    pub(super) fn socket_mut(&mut self, id: u64) -> &mut Socket {
        self.sockets.iter_mut().find(|socket| socket.id == id).expect("it is open")
    }

    pub(super) fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    pub(super) fn shut(&mut self, id: u64, reason: CloseReason) {
        self.socket_mut(id).phase = Phase::Closing(reason);
        self.todo.push(Todo::Close(id));
    }

    /// Closes an idle socket, for another reason than its user's. Who waits for another may dial for it.
    pub(super) fn drop_idle(&mut self, id: u64, reason: CloseReason, now: Instant) {
        self.shut(id, reason);
        let origin = self.socket(id).origin;
        if !self.queue(origin).is_empty() {
            for socket in self.sockets.iter_mut().filter(|it| it.origin == origin) {
                socket.lingers = false;
            }
            self.wind(origin, now);
        }
    }

    pub(super) fn offer(&mut self, id: u64, ticket: Ticket, now: Instant) {
        let parked = self.next_moment();
        let socket = self.socket_mut(id);
        (socket.phase, socket.parked) = (Phase::Offered(ticket, now + CLAIM), parked);
        self.waiter(ticket).place = Place::Offered(id);
        self.todo.push(Todo::Wake(ticket));
    }

    /// A request gets it.
    pub(super) fn take(&mut self, id: u64) {
        self.look_at(id);
        self.socket_mut(id).served += 1;
    }

    /// The keeper has it.
    pub(super) fn look_at(&mut self, id: u64) {
        let socket = self.socket_mut(id);
        (socket.phase, socket.stirred) = (Phase::Active, false);
    }

    pub(super) fn park(&mut self, id: u64, since: Instant) {
        let parked = self.next_moment();
        let socket = self.socket_mut(id);
        (socket.phase, socket.since, socket.parked) = (Phase::Idle, since, parked);
        if socket.retired {
            self.shut(id, CloseReason::AgentClosed);
        } else if std::mem::take(&mut socket.stirred) {
            self.todo.push(Todo::Look(id));
        }
    }

    /// Takes the machine's word for when a socket is too old, if it is within what was promised.
    pub(super) fn learn_age(&mut self, id: u64) {
        let (age, end) = (self.limits.max_socket_age, self.ends[&id]);
        let socket = self.socket_mut(id);
        let Some(born) = socket.born else { return };
        socket.end_of_age = end;
        let latest = age.map(|age| born + age);
        assert_eq!(end.is_some(), latest.is_some(), "{id}: an end of age without a limit, or none with one");
        assert!(end <= latest && end >= latest.map(|at| at - age.unwrap_or_default() / 40), "{id}: {end:?}");
    }

    pub(super) fn fail(&mut self, ticket: Ticket) {
        self.waiter(ticket).place = Place::Failed;
        self.todo.push(Todo::Wake(ticket));
    }

    pub(super) fn waiter(&mut self, ticket: Ticket) -> &mut Waiter {
        self.waiters.iter_mut().find(|waiter| waiter.ticket == ticket).expect("it waits")
    }
}
