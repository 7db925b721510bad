//! What must hold after every event, read off the machine alone and stated without saying how it comes
//! about. The model could be wrong in the same way as the machine; these would still fail.

use std::time::{Duration, Instant};

use super::facts::Todo;
use crate::pool::state::origins::Record;
use crate::pool::state::phase::{Counts, Phase};
use crate::pool::state::sockets::Socket;
use crate::pool::state::waiters::{Place, Waiter};
use crate::pool::state::{Mode, State, Ticket};
use crate::{CloseReason, Origin};

/// What was before the event.
pub(super) struct Before {
    /// Sockets that count towards `max_sockets`.
    of_origin: Vec<(Origin, usize)>,
    all: usize,
}

impl Before {
    pub(super) fn new(state: &State) -> Self {
        let of_origin = state.origins.iter().map(|(_, it)| (it.origin.clone(), it.counts.of_origin()));
        Self { of_origin: of_origin.collect(), all: state.counts.all() }
    }

    /// Promise 1: at or below the cap, or not one more than before.
    pub(super) fn caps_hold(&self, state: &State) {
        for (_, record) in &state.origins {
            let name = &record.origin;
            let before =
                self.of_origin.iter().find(|(other, _)| other == name).map_or(0, |&(_, count)| count);
            let count = record.counts.of_origin();
            assert!(
                count <= state.limits.max_sockets.max(before),
                "{count} sockets to {name}, {before} before"
            );
        }
        let all = state.counts.all();
        assert!(all <= state.limits.max_total_sockets.max(self.all), "{all} sockets, {} before", self.all);
    }
}

/// After a dial was begun both caps hold, lowered or not.
pub(super) fn dials_are_below_the_caps(state: &State, todo: &[Todo]) {
    for id in todo.iter().filter_map(|it| if let Todo::Dial(id, _) = it { Some(id) } else { None }) {
        let (_, socket) = state.sockets.iter().find(|(_, socket)| socket.id == *id).expect("it was dialled");
        assert!(state.origins[socket.origin.0].counts.of_origin() <= state.limits.max_sockets);
        assert!(state.counts.all() <= state.limits.max_total_sockets);
    }
}

/// Promise 10.
pub(super) fn accounts_balance(state: &State) {
    let all = count(state, None);
    assert_eq!(all, state.counts);
    for (key, record) in &state.origins {
        assert_eq!(count(state, Some(key)), record.counts);
        let waiters = state.waiters.iter().filter(|(_, waiter)| waiter.origin.0 == key).count();
        assert_eq!(waiters, record.waiters);
        assert!(record.counts != Counts::default() || waiters > 0, "a record of nothing");
        assert_eq!(state.index.get(&record.origin).map(|key| key.0), Some(key));
    }
    assert_eq!(state.index.len(), state.origins.len());
    let totals = state.totals;
    assert_eq!(totals.opened, all.all() as u64 + totals.closed);
    assert_eq!(totals.closed, state.closed_by.values().sum::<u64>());
    let ended = totals.done + totals.failed + totals.cancelled;
    let snapshot = state.snapshot();
    let queued: usize = snapshot.origins.iter().map(|it| it.queued).sum();
    let connecting = snapshot.waiters - queued;
    assert_eq!(totals.requests, ended + totals.running + (connecting + queued) as u64);
    assert!(connecting <= all.connecting);
    let sum = |part: fn(&Counts) -> usize| snapshot.origins.iter().map(|it| part(&it.counts)).sum::<usize>();
    for part in [
        (|it| it.active) as fn(&Counts) -> usize,
        |it| it.idle,
        |it| it.connecting,
        |it| it.draining,
        |it| it.closing,
        |it| it.upgraded,
    ] {
        assert_eq!(sum(part), part(&snapshot.counts), "the origins' sum is the total");
    }
    let counts = snapshot.counts;
    let open = counts.connecting + counts.active + counts.idle + counts.draining + counts.closing;
    assert_eq!(snapshot.totals.opened, (open + counts.upgraded) as u64 + snapshot.totals.closed);
}

fn count(state: &State, origin: Option<usize>) -> Counts {
    let mut counts = Counts::default();
    for (_, socket) in state.sockets.iter().filter(|(_, it)| origin.is_none_or(|key| key == it.origin.0)) {
        match socket.phase {
            Phase::Dialing { .. } => counts.connecting += 1,
            Phase::Aborting => {
                counts.connecting += 1;
                counts.aborting += 1;
            }
            Phase::Idle => counts.idle += 1,
            Phase::Offered { .. } | Phase::Active => counts.active += 1,
            Phase::Draining => counts.draining += 1,
            Phase::Closing(_) => counts.closing += 1,
            Phase::Upgraded { ends } => {
                counts.upgraded += 1;
                counts.parting += usize::from(ends.is_some());
            }
        }
    }
    counts
}

/// Promises 2 and 3, and what follows for sockets that nobody uses.
pub(super) fn nothing_lies_idle(state: &State, now: Instant) {
    let room = state.limits.max_total_sockets.saturating_sub(state.counts.all_to_stay());
    assert!(state.hunger <= room || state.idle.is_empty(), "somebody could use an idle socket's place");
    assert!(
        state.hunger == 0 || state.counts.all() >= state.limits.max_total_sockets,
        "a free slot is unused"
    );
    let without_dial = |record: &Record| record.queue.len().saturating_sub(record.counts.dials());
    assert_eq!(state.queued, state.origins.iter().map(|(_, record)| without_dial(record)).sum::<usize>());
    for (_, record) in &state.origins {
        idle_beside_waiters(state, record, now);
        let (idle, limits) = (record.idle.len(), &state.limits);
        let keeps = limits.keep_alive && state.mode == Mode::Open;
        let most = if keeps { limits.max_free_sockets } else { 0 };
        assert!(idle <= most || idle <= sleepers(state, record), "{idle} are idle, and for whom?");
        assert!(idle == 0 || record.counts.of_origin_to_stay() <= limits.max_sockets);
        let nobody_dials = record.counts.connecting == 0 && record.hunger == 0 && !record.queue.is_empty();
        assert!(
            !nobody_dials || record.counts.of_origin() >= limits.max_sockets,
            "waiters without a prospect"
        );
    }
    let is_left_over = |record: &Record| record.idle.len() > sleepers(state, record);
    assert!(
        state.idle.len() <= state.limits.max_total_free_sockets
            || !state.origins.iter().any(|(_, record)| is_left_over(record)),
        "more are idle than may be, and not only those that somebody will ask for"
    );
}

/// Who waits beside an idle socket could not take it, and is no worse off for it: there is a dial for him,
/// or there will be a place for one.
fn idle_beside_waiters(state: &State, record: &Record, now: Instant) {
    if record.idle.is_empty() {
        return;
    }
    for waiter in record.queue.iter(&state.waiters) {
        assert!(state.waiters[waiter].fresh, "an idle socket beside a waiter that could take it");
    }
    for waiter in record.queue.iter(&state.waiters) {
        let is_usable = |key| is_fresh(&state.sockets[key], &state.waiters[waiter], now);
        assert!(!record.idle.iter(&state.sockets).any(is_usable), "a fresh socket beside a waiter for one");
    }
    let places = state.limits.max_sockets.saturating_sub(record.counts.of_origin_to_stay());
    let without = record.queue.len().saturating_sub(record.counts.dials());
    assert!(without <= places, "{without} wait beside idle sockets that take the places of their dials");
}

/// Promise 4: who was written once gets a socket that carried nothing and came free a moment ago.
pub(super) fn who_was_written_gets_a_fresh_socket(state: &State, todo: &[Todo], now: Instant) {
    for (_, waiter) in state.waiters.iter().filter(|(_, it)| it.fresh) {
        if let Place::Offered(key) = waiter.place {
            let socket = &state.sockets[key.0];
            assert_eq!(socket.served, 0, "{} was used before", socket.id);
            if todo.contains(&Todo::Wake(waiter.ticket)) {
                assert!(is_fresh(socket, waiter, now), "{} is not fresh", socket.id);
            }
        }
    }
}

/// Dialled since the waiter came back, never used, and idle for a moment only.
fn is_fresh(socket: &Socket, waiter: &Waiter, now: Instant) -> bool {
    socket.served == 0 && socket.opened > waiter.entered && now <= socket.since + Duration::from_millis(100)
}

/// Those who sleep and will take any socket when they are polled.
fn sleepers(state: &State, record: &Record) -> usize {
    let sleeps = |it: &Waiter| it.place == Place::Asleep && !it.fresh;
    let here = |it: &Waiter| state.origins[it.origin.0].origin == record.origin;
    state.waiters.iter().filter(|(_, it)| sleeps(it) && here(it)).count()
}

/// A socket that gave up its place was needed: no more places than waiters that need one.
/// Returns how many did.
pub(super) fn suspects_make_place(state: &State, todo: &[Todo]) -> u64 {
    let mut count = 0;
    for (_, socket) in &state.sockets {
        let is_suspect = socket.phase == Phase::Closing(CloseReason::Suspect);
        if is_suspect && todo.contains(&Todo::Close(socket.id)) {
            let record = &state.origins[socket.origin.0];
            let needed = record.queue.iter(&state.waiters).filter(|&it| state.waiters[it].fresh).count();
            let places = state.limits.max_sockets.saturating_sub(record.counts.of_origin_to_stay());
            assert!(record.counts.dials() + places <= needed, "{} was closed for nobody", socket.id);
            count += 1;
        }
    }
    count
}

/// An offer is made to nobody while an older waiter of its origin is awake and could take it; a dial is begun for nobody
/// while an older waiter anywhere may have it.
pub(super) fn order_is_kept(state: &State, todo: &[Todo], now: Instant) {
    for it in todo {
        if let Todo::Wake(ticket) = *it {
            let waiter = state.waiters.iter().find(|(_, waiter)| waiter.ticket == ticket);
            let Some((_, waiter)) = waiter.filter(|(_, it)| matches!(it.place, Place::Offered(_))) else {
                continue;
            };
            let Place::Offered(socket) = waiter.place else { continue };
            let could = |other: &Waiter| !other.fresh || is_fresh(&state.sockets[socket.0], other, now);
            let queue = state.origins[waiter.origin.0].queue.iter(&state.waiters);
            let passed = queue.map(|key| &state.waiters[key]).find(|it| it.ticket < ticket && could(it));
            assert!(passed.is_none(), "{ticket:?} was offered a socket before {passed:?}");
            no_more_older(state, ticket);
        }
        if let Todo::Dial(_, ticket) = *it {
            let oldest = state.hungry.keys().next().copied();
            assert!(
                oldest.is_none_or(|oldest| ticket < oldest),
                "{ticket:?} was dialled for before {oldest:?}"
            );
        }
    }
}

/// For those who want to dial and are older than `ticket` there is room to come.
fn no_more_older(state: &State, ticket: Ticket) {
    let older = |origin: &Record| {
        let queue = origin.queue.iter(&state.waiters).skip(origin.counts.dials()).take(origin.hunger);
        queue.filter(|&key| state.waiters[key].ticket < ticket).count()
    };
    let older: usize = state.origins.iter().map(|(_, record)| older(record)).sum();
    let room = state.limits.max_total_sockets.saturating_sub(state.counts.all_to_stay());
    assert!(older <= room, "{ticket:?} was offered a socket before {older} who are older");
}

/// What was evicted or stopped was needed, and no dial was stopped where an idle socket would have done.
/// Where limits changed, others may have been closed by a lowered one while a raised one let somebody dial.
pub(super) fn evictions_are_needed(state: &State, todo: &[Todo], limits_changed: bool) {
    let room = state.limits.max_total_sockets.saturating_sub(state.counts.all_to_stay());
    let evicted = |id: u64| {
        state.sockets.iter().any(|(_, it)| it.id == id && it.phase == Phase::Closing(CloseReason::Evicted))
    };
    let evictions = todo.iter().filter(|it| matches!(it, Todo::Close(id) if evicted(*id))).count();
    let aborts = todo.iter().filter(|it| matches!(it, Todo::Abort(_))).count();
    if evictions > 0 || (aborts > 0 && state.mode == Mode::Open) {
        let closed = todo.iter().filter(|it| matches!(it, Todo::Close(_))).count();
        let more = if limits_changed { closed - evictions } else { 0 };
        assert!(room <= state.hunger + more, "room for {room} was made for {}", state.hunger);
    }
    assert!(aborts == 0 || state.idle.is_empty() || state.mode != Mode::Open, "a dial before an idle socket");
}

/// What is idle or offered may be so, by the limits there are.
pub(super) fn nobody_gets_what_is_over(state: &State, todo: &[Todo], now: Instant) {
    let offered = |ticket: Ticket| todo.contains(&Todo::Wake(ticket));
    for (_, socket) in &state.sockets {
        let is_new = match socket.phase {
            Phase::Idle => true,
            Phase::Offered { waiter, .. } => offered(state.waiters[waiter.0].ticket),
            _ => false,
        };
        if is_new {
            let most = state.limits.max_requests_per_socket;
            assert!(most.is_none_or(|most| socket.served < most), "{} is worn out", socket.id);
            assert!(socket.id >= state.retired, "{} is retired", socket.id);
        }
        if is_new && socket.phase != Phase::Idle && socket.since < now {
            let limit = state.limits.free_socket_timeout;
            assert!(limit.is_none_or(|limit| socket.since + limit > now), "{} was idle too long", socket.id);
        }
    }
}

/// Nothing is left of anything.
pub(super) fn is_as_new(state: &State) {
    assert!(state.is_empty() && state.origins.is_empty() && state.index.is_empty());
    assert!(state.idle.is_empty() && state.offers.is_empty() && state.early.first().is_none());
    assert!(state.hungry.is_empty() && state.overfed.is_empty() && state.ramps.is_empty());
    assert_eq!((state.spared, state.queued), (0, 0));
    assert_eq!((state.hunger, state.counts, state.next_deadline()), (0, Counts::default(), None));
    assert_eq!(state.totals.running, 0);
}
