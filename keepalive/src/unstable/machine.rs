//! The pool's state machine without its driver, brought to a size, with a step to be repeated.
//!
//! Not here: what a step costs, which `bench/guards` counts. It is driven as `pool::Pool` does it: after
//! each event the actions are taken out and the next deadline is asked for. Time is arithmetic on the
//! moment at which it was made. Each step but that of a burst leaves as many sockets and waiters as it found.

#[cfg(test)]
mod tests;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::pool::state::{Action, SocketKey, State, Turn, WaiterKey};
use crate::pool::{Hint, Limits, Outcome};
use crate::{DEFAULT_FREE_SOCKET_TIMEOUT, Origin, Scheduling, clock};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A request takes an idle socket and gives it back, which parks it.
    CheckOut,
    /// The same, with a server that says how long it keeps an idle socket.
    CheckOutHinted,
    /// A socket comes free and is offered to the oldest waiter, which takes it; a new waiter comes.
    HandOver,
    /// A waiter leaves from anywhere in the queue; a new one comes.
    Leave,
    /// At the total cap: a socket comes free and is closed for the oldest waiter, one of another origin,
    /// which dials; a new waiter comes.
    Evict,
    /// One more request comes to an origin without a connection, which dials for each.
    Burst,
}

/// What there is many of. Of the rest there is what the work needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Requests without a socket; beside a check-out, of another origin.
    Waiters,
    /// Origins, which the steps take in turn, each with a socket, a waiter, or both.
    Origins,
    /// Idle sockets; for a check-out of one origin, else of one origin each that has no part in the steps.
    Idle,
}

/// The state machine at some size.
#[derive(Debug)]
pub struct Machine {
    state: State,
    work: Work,
    now: Instant,
    /// What every response says.
    hint: Hint,
    /// The origins that the steps use.
    lanes: Vec<Lane>,
    /// How many origins there are, those that the steps do not use included.
    origins: usize,
    /// The waiters that may leave, and whose they are.
    waiters: Vec<(usize, WaiterKey)>,
    /// Which lane, or which waiter, is next.
    turn: usize,
}

#[derive(Debug)]
struct Lane {
    origin: Origin,
    /// The one in use, if a step begins with one.
    socket: Option<SocketKey>,
}

/// What the driver would have to do after an event.
#[derive(Debug, Default)]
struct Todo {
    wake: Option<WaiterKey>,
    close: Option<SocketKey>,
    dial: Option<SocketKey>,
}

impl Machine {
    /// A machine with `size` of the crowd.
    #[must_use]
    pub fn new(work: Work, crowd: Crowd, size: usize) -> Self {
        let is_hinted = work == Work::CheckOutHinted;
        let is_checked_out = matches!(work, Work::CheckOut | Work::CheckOutHinted);
        let shares = work == Work::Burst || (is_checked_out && crowd == Crowd::Idle);
        let mut machine = Self {
            state: State::new(Limits { max_sockets: if shares { usize::MAX } else { 1 }, ..LIMITS }),
            work,
            now: clock::now().into_std(),
            hint: Hint { timeout: is_hinted.then_some(HINTED), max: None },
            lanes: Vec::new(),
            origins: 0,
            waiters: Vec::new(),
            turn: 0,
        };
        match work {
            Work::CheckOut | Work::CheckOutHinted => machine.fill_idle(crowd, size),
            Work::HandOver | Work::Leave => machine.fill_busy(crowd, size),
            Work::Evict => machine.fill_capped(crowd, size),
            Work::Burst => {
                let lane = machine.lane();
                (0..size).for_each(|_| machine.burst(lane));
            }
        }
        machine
    }

    /// One step.
    pub fn step(&mut self) {
        let turns = if self.work == Work::Leave { self.waiters.len() } else { self.lanes.len() };
        let turn = self.turn;
        self.turn = (turn + 1) % turns;
        match self.work {
            Work::CheckOut | Work::CheckOutHinted => self.check_out(turn),
            Work::HandOver => self.hand_over(turn),
            Work::Leave => self.leave(turn),
            Work::Evict => self.evict(turn, self.turn),
            Work::Burst => self.burst(turn),
        }
    }

    fn check_out(&mut self, lane: usize) {
        let Turn::Go(socket) = self.ask(lane).0 else { unreachable!("one is idle") };
        self.give_back(socket);
    }

    fn hand_over(&mut self, lane: usize) {
        let socket = self.lanes[lane].socket.take().expect("one is in use");
        let woken = self.give_back(socket).wake.expect("it is offered");
        self.lanes[lane].socket = Some(self.take(woken));
        self.wait(lane);
    }

    fn leave(&mut self, place: usize) {
        let (lane, waiter) = self.waiters[place];
        let now = self.pass();
        self.state.leave_queue(waiter, Outcome::Cancelled, now);
        self.settle();
        self.waiters[place].1 = self.wait(lane);
    }

    fn evict(&mut self, lane: usize, next: usize) {
        let socket = self.lanes[lane].socket.take().expect("one is in use");
        let closing = self.give_back(socket).close.expect("another origin needs its place");
        let now = self.pass();
        self.state.closed(closing, now);
        let dial = self.settle().dial.expect("there is room");
        self.lanes[next].socket = Some(self.connect(dial));
        self.wait(next);
    }

    fn burst(&mut self, lane: usize) {
        let (turn, todo) = self.ask(lane);
        debug_assert!(matches!(turn, Turn::Wait(_)) && todo.dial.is_some());
    }
}

/// Up to the size.
impl Machine {
    /// Idle sockets, and nobody who waits for them.
    fn fill_idle(&mut self, crowd: Crowd, size: usize) {
        let (lanes, each) = match crowd {
            Crowd::Waiters => (1, 1),
            Crowd::Origins => (size, 1),
            Crowd::Idle => (1, size),
        };
        for lane in 0..lanes {
            self.lane();
            let open: Vec<_> = (0..each).map(|_| self.dial(lane)).collect();
            for socket in open {
                self.give_back(socket);
            }
        }
        if crowd == Crowd::Waiters {
            let other = self.lane();
            self.dial(other);
            for _ in 0..size {
                self.wait(other);
            }
            self.lanes.pop();
        }
    }

    /// Sockets in use, and waiters.
    fn fill_busy(&mut self, crowd: Crowd, size: usize) {
        if crowd == Crowd::Idle {
            for _ in 0..size {
                let other = self.lane();
                let socket = self.dial(other);
                self.give_back(socket);
                self.lanes.pop();
            }
        }
        let (lanes, each) = match crowd {
            Crowd::Waiters => (1, size),
            Crowd::Origins => (size, 1),
            Crowd::Idle => (1, 1),
        };
        for lane in 0..lanes {
            self.lane();
            self.lanes[lane].socket = Some(self.dial(lane));
            for _ in 0..each {
                let waiter = self.wait(lane);
                self.waiters.push((lane, waiter));
            }
        }
        if self.work == Work::Leave {
            self.turn = self.waiters.len() / 2;
        }
    }

    /// One socket in all, and waiters of all origins; the oldest is never of the origin that has it.
    fn fill_capped(&mut self, crowd: Crowd, size: usize) {
        let (lanes, each) = match crowd {
            Crowd::Waiters => (2, size / 2),
            Crowd::Origins => (size, 1),
            Crowd::Idle => unreachable!("where somebody waits for the total cap nothing is idle"),
        };
        let now = self.pass();
        self.state.set_limits(now, |limits| limits.max_total_sockets = 1);
        for _ in 0..lanes {
            self.lane();
        }
        self.lanes[0].socket = Some(self.dial(0));
        for _ in 0..each {
            for lane in (1..lanes).chain([0]) {
                self.wait(lane);
            }
        }
    }

    fn lane(&mut self) -> usize {
        self.origins += 1;
        let uri = format!("http://{}.test/", self.origins).parse().expect("a URL");
        let origin = Origin::from_uri(&uri).expect("it has a scheme and a host");
        self.lanes.push(Lane { origin, socket: None });
        self.lanes.len() - 1
    }

    /// A request that a new socket is dialled for, which it then has.
    fn dial(&mut self, lane: usize) -> SocketKey {
        let dial = self.ask(lane).1.dial.expect("there is room");
        self.connect(dial)
    }
}

/// The driver's part.
impl Machine {
    fn ask(&mut self, lane: usize) -> (Turn, Todo) {
        let now = self.pass();
        let ticket = self.state.arrive().expect("it takes requests");
        let turn = self.state.request(&self.lanes[lane].origin, ticket, now);
        (turn, self.settle())
    }

    fn wait(&mut self, lane: usize) -> WaiterKey {
        let (Turn::Wait(waiter), _) = self.ask(lane) else { unreachable!("no socket is free") };
        waiter
    }

    fn connect(&mut self, dial: SocketKey) -> SocketKey {
        let now = self.pass();
        self.state.dialed(dial, now);
        let woken = self.settle().wake.expect("somebody waits");
        self.take(woken)
    }

    fn take(&mut self, waiter: WaiterKey) -> SocketKey {
        let now = self.pass();
        let Turn::Go(socket) = self.state.poll_waiter(waiter, now) else { unreachable!("it has an offer") };
        self.settle();
        socket
    }

    fn give_back(&mut self, socket: SocketKey) -> Todo {
        let now = self.pass();
        self.state.finish(Outcome::Done, true);
        self.state.heed(socket, self.hint);
        self.state.release(socket, now);
        self.settle()
    }

    fn settle(&mut self) -> Todo {
        let mut todo = Todo::default();
        while let Some(action) = self.state.next_action() {
            match action {
                Action::Wake { waiter } => todo.wake = Some(waiter),
                Action::Close { socket } => todo.close = Some(socket),
                Action::Dial { socket, .. } => todo.dial = Some(socket),
                other => unreachable!("{other:?}: no step leads there"),
            }
        }
        black_box(self.state.next_deadline());
        todo
    }

    fn pass(&mut self) -> Instant {
        self.now += TICK;
        self.now
    }
}

/// What lies between two events: so little that a million of them reaches no deadline.
const TICK: Duration = Duration::from_micros(1);

/// Less than [`DEFAULT_FREE_SOCKET_TIMEOUT`], so that it matters (Node's servers say 5 s).
const HINTED: Duration = Duration::from_secs(5);

const LIMITS: Limits = Limits {
    max_sockets: usize::MAX,
    max_total_sockets: usize::MAX,
    max_free_sockets: usize::MAX,
    max_total_free_sockets: usize::MAX,
    max_queued: usize::MAX,
    free_socket_timeout: Some(DEFAULT_FREE_SOCKET_TIMEOUT),
    max_socket_age: None,
    max_requests_per_socket: None,
    keep_alive: true,
    scheduling: Scheduling::Lifo,
};
