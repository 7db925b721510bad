//! The driver of the model test: random events, and actions that are carried out late.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::Seen;
use super::compare::compare;
use super::facts::{ORIGINS, Oracle, Todo};
use super::invariants::{self, Before};
use super::limits;
use super::replay::Replay;
use super::rng::Rng;
use crate::Origin;
use crate::pool::state::{Action, OriginKey, SocketKey, State, Ticket, WaiterKey};

pub(super) struct World {
    /// How to repeat it.
    source: String,
    pub(super) rng: Rng,
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) oracle: Oracle,
    replay: Replay,
    pub(super) waiting: Vec<Waiting>,
    pub(super) held: Vec<Held>,
    /// Dials whose tasks run, told to stop or not.
    pub(super) dialing: Vec<u64>,
    /// Sockets that are being closed.
    pub(super) closing: Vec<u64>,
    /// Also of some sockets that are gone.
    pub(super) keys: BTreeMap<u64, SocketKey>,
    /// Origins of which a dial failed, and none succeeded or was forgotten since.
    pub(super) dead: [bool; ORIGINS],
    /// Few requests and much room: most sockets are idle.
    pub(super) roomy: bool,
    /// Who was woken is mostly not polled in time.
    pub(super) sleepy: bool,
    /// How often the keeper is on time, in percent.
    pub(super) on_time: usize,
    /// How many may wait at present.
    pub(super) crowd: usize,
    pub(super) seen: Seen,
    story: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) ticket: Ticket,
    pub(super) origin: usize,
    pub(super) key: WaiterKey,
    /// It was written once.
    pub(super) written: bool,
    pub(super) woken: bool,
}

pub(super) struct Held {
    pub(super) id: u64,
    /// The request it serves; `None` while it is inspected, read off or upgraded.
    pub(super) request: Option<(Ticket, usize)>,
    /// That one was written before, to another socket.
    pub(super) written: bool,
    pub(super) untouched: bool,
}

pub(super) fn origin(index: usize) -> Origin {
    static ALL: LazyLock<[Origin; ORIGINS]> = LazyLock::new(|| {
        ["http://a/", "http://b/", "http://c/"].map(|uri| Origin::from_uri(&uri.parse().unwrap()).unwrap())
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
        let roomy = rng.percent(60);
        let limits = if roomy { limits::roomy(&mut rng) } else { limits::random(&mut rng) };
        let sleepy = rng.percent(30);
        let on_time = if rng.percent(70) { 85 } else { 10 };
        // So late that sockets can be made older by some minutes.
        let now = crate::clock::now().into_std() + Duration::from_secs(86_400);
        Self {
            source,
            rng,
            start: now,
            now,
            state: State::new(limits),
            oracle: Oracle::new(limits),
            replay: Replay::default(),
            waiting: Vec::new(),
            held: Vec::new(),
            dialing: Vec::new(),
            closing: Vec::new(),
            keys: BTreeMap::new(),
            dead: [false; ORIGINS],
            roomy,
            sleepy,
            on_time,
            crowd: 5,
            seen: Seen::default(),
            story: vec![format!("{limits:?}")],
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
        while !self.state.is_empty() {
            self.end();
        }
        invariants::is_as_new(&self.state);
        self.seen.closed_by = self.state.closed_by.clone();
        std::mem::take(&mut self.seen)
    }

    /// Something that brings the end nearer.
    fn end(&mut self) {
        self.cancel();
        self.end_use();
        self.end_dial();
        self.end_closing();
        if self.waiting.is_empty() && self.held.is_empty() {
            self.close_idle();
        }
    }

    /// One event for the machine and for the model; they must agree on all that follows.
    pub(super) fn step<T, U>(
        &mut self,
        event: String,
        machine: impl FnOnce(&mut State, Instant) -> T,
        model: impl FnOnce(&mut Oracle, Instant) -> U,
    ) -> (T, U) {
        let before = Before::new(&self.state);
        // A tick may be many decisions, and `destroy` stops dials without need.
        let one_decision = self.due() <= 1 && !event.starts_with("destroy");
        // Suspects are closed before anything is decided.
        let is_stale = event.ends_with("Stale");
        let is_change = event.starts_with("now ");
        // A dial that nobody wants is stopped without need for its place.
        let is_question = event.starts_with("is the dial");
        self.story.push(event);
        let place = |&it: &usize| self.state.index.get(&origin(it)).map_or(usize::MAX, |&OriginKey(key)| key);
        self.oracle.order.sort_by_key(place);
        self.state.want_notes(true);
        let turn = machine(&mut self.state, self.now);
        self.replay.follow(&mut self.state);
        let mut todo = self.collect();
        self.oracle.stopped =
            todo.iter().filter_map(|it| if let Todo::Abort(id) = it { Some(*id) } else { None }).collect();
        let sockets = self.state.sockets.iter();
        self.oracle.ends = sockets.map(|(_, it)| (it.id, it.end_of_age(&self.state.limits))).collect();
        let answer = model(&mut self.oracle, self.now);
        let mut expected = std::mem::take(&mut self.oracle.todo);
        todo.sort();
        expected.sort();
        assert_eq!(todo, expected, "to do, as the machine has it and as the model has it");
        compare(&self.state, &self.oracle);
        self.seen.at_the_cap += u64::from(self.state.hunger > 0);
        before.caps_hold(&self.state);
        invariants::dials_are_below_the_caps(&self.state, &todo);
        invariants::accounts_balance(&self.state);
        self.state.early.assert_order(&self.state.sockets);
        invariants::nothing_lies_idle(&self.state, self.now);
        invariants::who_was_written_gets_a_fresh_socket(&self.state, &todo, self.now);
        invariants::nobody_gets_what_is_over(&self.state, &todo, self.now);
        self.dials_are_wanted(&todo, one_decision);
        if one_decision {
            invariants::order_is_kept(&self.state, &todo, self.now);
            if !is_stale {
                self.seen.gave_place += invariants::suspects_make_place(&self.state, &todo);
            }
            if !is_question {
                invariants::evictions_are_needed(&self.state, &todo, is_change);
            }
        }
        (turn, answer)
    }

    /// Takes the machine's actions down; all but the waking happens later.
    fn collect(&mut self) -> Vec<Todo> {
        let mut todo = Vec::new();
        while let Some(action) = self.state.next_action() {
            let id = |key| self.state.socket_id(key);
            let ticket =
                |key: WaiterKey| self.state.waiters.get(key.0).expect("a waiter that is there").ticket;
            todo.push(match action {
                Action::Dial { socket, waiter } => {
                    self.keys.insert(id(socket), socket);
                    self.dialing.push(id(socket));
                    Todo::Dial(id(socket), ticket(waiter))
                }
                Action::Abort { socket } => {
                    assert!(self.dialing.contains(&id(socket)), "{} is no dial", id(socket));
                    Todo::Abort(id(socket))
                }
                Action::Wake { waiter } => {
                    let ticket = ticket(waiter);
                    self.waiting.iter_mut().filter(|it| it.ticket == ticket).for_each(|it| it.woken = true);
                    Todo::Wake(ticket)
                }
                Action::Look { socket } => Todo::Look(id(socket)),
                Action::Close { socket } => {
                    let id = id(socket);
                    assert!(!self.closing.contains(&id), "{id} is closed twice");
                    assert!(
                        self.held.iter().all(|held| held.id != id),
                        "{id} is closed under its user's hands"
                    );
                    self.closing.push(id);
                    Todo::Close(id)
                }
                Action::Shutdown { socket } => {
                    assert!(self.held.iter().any(|held| held.id == id(socket)), "nobody uses {}", id(socket));
                    Todo::Shutdown(id(socket))
                }
            });
        }
        self.story.extend(todo.iter().map(|it| format!("  {it:?}")));
        todo
    }

    /// Promise 3: no dial for an origin without a waiter that lacks one, and none beside another after a
    /// dial failed there.
    fn dials_are_wanted(&mut self, todo: &[Todo], one_decision: bool) {
        for index in 0..ORIGINS {
            let Some(&OriginKey(key)) = self.state.index.get(&origin(index)) else {
                self.dead[index] = false;
                continue;
            };
            let record = &self.state.origins[key];
            let began = todo.iter().filter(|it| match it {
                Todo::Dial(id, _) => self.oracle.socket(*id).origin == index,
                _ => false,
            });
            let began = began.count();
            let surplus = record.counts.dials() > record.queue.len();
            assert!(began == 0 || !one_decision || !surplus, "a dial that nobody waits for");
            if self.dead[index] && began > 0 {
                self.seen.dials_to_the_dead += 1;
                assert_eq!((began, record.counts.connecting), (1, 1), "dials to a dead origin");
            }
        }
    }

    /// How many things a tick would do now.
    fn due(&self) -> usize {
        let offers = self.oracle.sockets.iter().filter(|it| it.is_overdue(self.now));
        let ramps = self.oracle.pace.iter().filter(|it| it.ramp_at.is_some_and(|at| at <= self.now));
        offers.count() + ramps.count()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.story.len().saturating_sub(60);
            eprintln!("{}\n{}\n{}", self.story[0], self.story[last.max(1)..].join("\n"), self.source);
        }
    }
}
