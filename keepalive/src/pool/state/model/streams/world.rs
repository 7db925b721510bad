//! The driver and its ledger.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::super::replay::Replay;
use super::super::rng::Rng;
use super::checks::{After, Before};
use super::seen::Seen;
use crate::pool::state::{Action, Limits, SocketKey, State, Ticket, Turn, WaiterKey};
use crate::{Origin, Protocol, Scheduling};

pub(super) const ORIGINS: usize = 3;

pub(super) struct World {
    /// How to repeat it.
    source: String,
    pub(super) rng: Rng,
    pub(super) now: Instant,
    pub(super) state: State,
    replay: Replay,
    pub(super) protocol: Protocol,
    pub(super) max_streams: usize,
    pub(super) waiting: Vec<Waiting>,
    pub(super) held: Vec<Held>,
    /// Every socket from its dial until it is closed.
    pub(super) sockets: BTreeMap<u64, Socket>,
    /// Dials whose tasks run, told to stop or not.
    pub(super) dialing: Vec<u64>,
    /// Sockets that are being closed.
    pub(super) closing: Vec<u64>,
    /// What each origin chose last, if it could and did.
    pub(super) chosen: [Option<bool>; ORIGINS],
    /// What it will choose next.
    pub(super) minds: [bool; ORIGINS],
    /// How many may wait at present.
    pub(super) crowd: usize,
    /// Numbers all that happens.
    moment: u64,
    pub(super) rounds: u64,
    pub(super) seen: Seen,
    story: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) ticket: Ticket,
    pub(super) origin: usize,
    pub(super) key: WaiterKey,
    pub(super) woken: bool,
    pub(super) fresh: bool,
    /// When it came into the queue.
    pub(super) entered: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) id: u64,
    pub(super) ticket: Ticket,
    pub(super) origin: usize,
    /// In which round it got it.
    pub(super) round: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Socket {
    pub(super) key: SocketKey,
    pub(super) origin: usize,
    /// When its dial succeeded, if it did.
    pub(super) opened: Option<u64>,
    /// How many streams its peer and we allow; `None`: it carries one request at a time.
    pub(super) limit: Option<usize>,
    pub(super) served: u64,
    /// Its end was told.
    pub(super) ended: bool,
}

pub(super) fn origin(index: usize) -> Origin {
    static ALL: LazyLock<[Origin; ORIGINS]> = LazyLock::new(|| {
        ["https://a/", "https://b/", "http://c/"].map(|uri| Origin::from_uri(&uri.parse().unwrap()).unwrap())
    });
    ALL[index].clone()
}

impl World {
    #[cfg(test)]
    pub(super) fn new(seed: u64) -> Self {
        Self::with(Rng::new(seed), format!("KEEPALIVE_SEED={seed}"))
    }

    #[cfg(feature = "unstable")]
    pub(super) fn scripted(script: &[u8]) -> Self {
        Self::with(Rng::scripted(script), format!("the events were {script:?}"))
    }

    fn with(mut rng: Rng, source: String) -> Self {
        let protocol =
            [Protocol::Auto, Protocol::Auto, Protocol::Auto, Protocol::Http2, Protocol::Http2PriorKnowledge];
        let protocol = protocol[rng.below(5)];
        let max_streams = 1 + rng.below(5);
        let limits = Limits {
            max_sockets: 1 + rng.below(4),
            max_total_sockets: 1 + rng.below(7),
            max_free_sockets: usize::MAX,
            max_total_free_sockets: usize::MAX,
            max_queued: usize::MAX,
            free_socket_timeout: Some(Duration::from_millis(150)),
            max_socket_age: None,
            max_requests_per_socket: None,
            keep_alive: true,
            scheduling: Scheduling::Lifo,
        };
        let minds = [rng.percent(40), rng.percent(40), true];
        let now = crate::clock::now().into_std();
        let mut state = State::new(limits);
        state.speak(protocol, max_streams);
        Self {
            source,
            rng,
            now,
            state,
            replay: Replay::default(),
            protocol,
            max_streams,
            waiting: Vec::new(),
            held: Vec::new(),
            sockets: BTreeMap::new(),
            dialing: Vec::new(),
            closing: Vec::new(),
            chosen: [None; ORIGINS],
            minds,
            crowd: 8,
            moment: 0,
            rounds: 0,
            seen: Seen::default(),
            story: vec![format!("{protocol:?}, {max_streams} streams, {limits:?}")],
        }
    }

    /// So many events, then the end of everything.
    #[cfg(test)]
    pub(super) fn live(mut self, events: u64) -> Seen {
        (0..events).for_each(|_| self.event());
        self.finish()
    }

    /// As many events as are written down, then the same.
    #[cfg(feature = "unstable")]
    pub(super) fn live_on(mut self) {
        while self.rng.is_scripted() {
            self.event();
        }
        self.finish();
    }

    fn finish(mut self) -> Seen {
        self.nobody_starves();
        let mut steps = 0;
        while !self.state.is_empty() || !self.held.is_empty() {
            self.end();
            steps += 1;
            assert!(steps < 10_000, "it does not come to an end");
        }
        super::super::invariants::is_as_new(&self.state);
        assert!(self.state.open.is_empty() && self.state.reserved.is_empty());
        std::mem::take(&mut self.seen)
    }

    pub(super) fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    /// One event, what it wants done, and all checks.
    pub(super) fn step<T>(&mut self, event: String, run: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (result, after) = self.run(event, run);
        self.check(&after);
        result
    }

    /// The same without the checks: they are to follow once the ledger knows who got what.
    pub(super) fn run<T>(&mut self, event: String, run: impl FnOnce(&mut State, Instant) -> T) -> (T, After) {
        let before = Before::new(&self.state);
        self.story.push(event);
        self.state.want_notes(true);
        let result = run(&mut self.state, self.now);
        self.replay.follow(&mut self.state);
        let (dials, wakes) = self.collect();
        (result, After { before, dials, wakes })
    }

    /// Notes what the machine wants done; all but the waking happens later. The sockets to dial, and who
    /// was woken.
    fn collect(&mut self) -> (Vec<u64>, Vec<Ticket>) {
        let (mut dials, mut wakes) = (Vec::new(), Vec::new());
        while let Some(action) = self.state.next_action() {
            self.story.push(format!("  {action:?}"));
            match action {
                Action::Dial { socket, .. } => {
                    let id = self.state.socket_id(socket);
                    let at = self.state.origin_of(socket).clone();
                    let at = (0..ORIGINS).find(|&index| origin(index) == at).expect("one of ours");
                    let entry = Socket {
                        key: socket,
                        origin: at,
                        opened: None,
                        limit: None,
                        served: 0,
                        ended: false,
                    };
                    self.sockets.insert(id, entry);
                    self.dialing.push(id);
                    dials.push(id);
                }
                Action::Abort { socket } => {
                    assert!(self.dialing.contains(&self.state.socket_id(socket)), "it is no dial");
                }
                Action::Wake { waiter } => {
                    let ticket = self.state.waiters[waiter.0].ticket;
                    self.waiting.iter_mut().filter(|it| it.ticket == ticket).for_each(|it| it.woken = true);
                    wakes.push(ticket);
                }
                Action::Close { socket } => {
                    let id = self.state.socket_id(socket);
                    assert!(!self.closing.contains(&id), "{id} is closed twice");
                    assert!(self.held.iter().all(|it| it.id != id), "{id} is closed under its users");
                    self.closing.push(id);
                }
                Action::Shutdown { socket } => {
                    let id = self.state.socket_id(socket);
                    if self.sockets[&id].limit.is_some() {
                        // Its task ends.
                        self.closing.push(id);
                    }
                }
                Action::Look { .. } => panic!("nobody stirs in this world"),
            }
        }
        (dials, wakes)
    }

    /// What a request got.
    pub(super) fn turn(&mut self, turn: Turn, mut waiting: Waiting) {
        match turn {
            Turn::Go(key) => {
                let id = self.state.socket_id(key);
                let entered = waiting.entered;
                let socket = self.sockets.get_mut(&id).expect("it is open");
                socket.served += 1;
                assert_eq!(socket.served, self.state.served(key), "{id}");
                if waiting.fresh {
                    let is_fresh = socket.opened.is_some_and(|opened| opened > entered);
                    assert!(
                        is_fresh || socket.served == 1,
                        "{:?} got {id}, which is not fresh",
                        waiting.ticket
                    );
                    self.seen.count("a fresh stream", usize::from(socket.limit.is_some()));
                }
                let (ticket, origin, round) = (waiting.ticket, waiting.origin, self.rounds);
                self.held.push(Held { id, ticket, origin, round });
            }
            Turn::Wait(key) => {
                waiting.key = key;
                waiting.woken = false;
                self.waiting.push(waiting);
            }
            Turn::Failed => {}
            Turn::Full => panic!("the queue has no limit"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.story.len().saturating_sub(80).max(1);
            eprintln!("{}\n{}\n{}", self.story[0], self.story[last..].join("\n"), self.source);
        }
    }
}
