//! The machine against the model, after every event: the same phases, places, actions, accounts.

use std::collections::BTreeSet;

use super::facts::{ALL, CALM, ORIGINS, Oracle, Pace, Phase, Place};
use super::world::origin;
use crate::pool::state::phase::Phase as Actual;
use crate::pool::state::{OriginKey, State, WaiterKey, waiters};

pub(super) fn compare(state: &State, oracle: &Oracle) {
    assert_eq!(state.mode, oracle.mode);
    assert_eq!(state.totals, oracle.totals);
    assert_eq!(state.closed_by, oracle.closed_by);
    assert_eq!(state.next_deadline(), oracle.next_deadline(), "the next deadline");
    assert_eq!(state.is_at_rest(), oracle.is_at_rest(), "at rest");
    same_sockets(state, oracle);
    same_waiters(state, oracle);
    same_queues(state, oracle);
    for index in 0..ORIGINS {
        same_origin(state, oracle, index);
    }
    let spared: usize = ALL.map(|it| oracle.sleepers(it).min(oracle.idle(Some(it)).len())).into_iter().sum();
    assert_eq!(state.spared, spared, "spared");
    assert_eq!(state.hunger, oracle.wanting().len(), "hunger");
    let keys = |index: usize| state.index.get(&origin(index)).copied();
    let overfed: BTreeSet<_> = (0..ORIGINS).filter(|&it| oracle.spare(it) > 0).filter_map(keys).collect();
    assert_eq!(state.overfed, overfed, "overfed");
    let ramps: BTreeSet<_> =
        (0..ORIGINS).filter_map(|it| Some((oracle.pace[it].ramp_at?, keys(it)?))).collect();
    assert_eq!(state.ramps, ramps, "ramps");
    let idle: Vec<_> = state.idle.iter(&state.sockets).map(|key| state.sockets[key].id).collect();
    assert_eq!(idle, oracle.idle(None), "the least recently used first");
    assert_eq!(state.oldest_idle(), oracle.oldest_idle(), "the oldest idle");
}

fn same_sockets(state: &State, oracle: &Oracle) {
    assert_eq!(state.sockets.len(), oracle.sockets.len(), "sockets");
    for (_, socket) in &state.sockets {
        let model = oracle.socket(socket.id);
        assert_eq!(phase(state, socket.phase), model.phase, "socket {}", socket.id);
        assert_eq!(socket.since, model.since, "socket {}", socket.id);
        assert_eq!(socket.served, model.served, "socket {}", socket.id);
        if model.born.is_some() {
            assert_eq!(socket.end_of_age(&state.limits), model.end_of_age, "socket {}", socket.id);
        }
        assert_eq!(state.origins[socket.origin.0].origin, origin(model.origin), "socket {}", socket.id);
    }
}

fn phase(state: &State, phase: Actual) -> Phase {
    match phase {
        Actual::Dialing { .. } => Phase::Dialing,
        Actual::Aborting => Phase::Aborting,
        Actual::Idle => Phase::Idle,
        Actual::Offered { waiter, until } => Phase::Offered(state.waiters[waiter.0].ticket, until),
        Actual::Active => Phase::Active,
        Actual::Draining => Phase::Draining,
        Actual::Closing(reason) => Phase::Closing(reason),
        Actual::Upgraded { ends } => Phase::Upgraded(ends),
    }
}

fn same_waiters(state: &State, oracle: &Oracle) {
    assert_eq!(state.waiters.len(), oracle.waiters.len(), "waiters");
    for model in &oracle.waiters {
        let found = state.waiters.iter().find(|(_, waiter)| waiter.ticket == model.ticket);
        let (_, waiter) = found.unwrap_or_else(|| panic!("{:?} is lost", model.ticket));
        let place = match waiter.place {
            waiters::Place::Queued => Place::Queued,
            waiters::Place::Offered(key) => Place::Offered(state.sockets[key.0].id),
            waiters::Place::Reserved { .. } => panic!("the model knows no streams"),
            waiters::Place::Asleep => Place::Asleep,
            waiters::Place::Failed => Place::Failed,
        };
        assert_eq!((place, waiter.fresh), (model.place, model.fresh), "{:?}", model.ticket);
    }
}

/// What users are shown of the queues.
fn same_queues(state: &State, oracle: &Oracle) {
    let snapshot = state.snapshot();
    for index in 0..ORIGINS {
        let shown = snapshot.origins.iter().find(|it| it.origin == origin(index));
        let here: Vec<_> = oracle.waiters.iter().filter(|it| it.origin == index).collect();
        let connecting = oracle.queue(index).len().min(oracle.dials(index).len());
        assert_eq!(shown.map_or(0, |it| it.queued), here.len() - connecting, "queued of {index}");
        let oldest = here.iter().filter(|it| it.place != Place::Failed).map(|it| it.since).min();
        assert_eq!(shown.and_then(|it| it.oldest_since), oldest, "the oldest of {index}");
    }
}

fn same_origin(state: &State, oracle: &Oracle, index: usize) {
    let Some(&OriginKey(key)) = state.index.get(&origin(index)) else {
        assert!(oracle.sockets.iter().all(|it| it.origin != index), "{index} was forgotten too early");
        assert!(oracle.waiters.iter().all(|it| it.origin != index), "{index} was forgotten too early");
        return;
    };
    let record = &state.origins[key];
    let pace = Pace { refused: record.known.refused, ramp: record.ramp, ramp_at: record.ramp_at };
    assert_eq!(pace, oracle.pace[index], "pace of {index}, calm is {CALM:?}");

    assert_eq!(record.known.server_idle_limit, oracle.idle_limit[index], "what {index} taught");
    assert_eq!(record.asleep, oracle.sleepers(index), "asleep of {index}");
    let queue: Vec<_> = record.queue.iter(&state.waiters).map(|it| state.waiters[it].ticket).collect();
    let tickets: Vec<_> = oracle.queue(index).into_iter().map(|(ticket, _)| ticket).collect();
    assert_eq!(queue, tickets, "queue of {index}");
    let ids = |keys: Vec<usize>| keys.into_iter().map(|key| state.sockets[key].id).collect::<Vec<_>>();
    assert_eq!(ids(record.dials.iter(&state.sockets).collect()), oracle.dials(index), "dials of {index}");
    assert_eq!(ids(record.idle.iter(&state.sockets).collect()), oracle.idle(Some(index)), "idle of {index}");

    let wanting: Vec<_> = oracle.wanting().into_iter().filter(|&(_, origin)| origin == index).collect();
    assert_eq!(record.hunger, wanting.len(), "hunger of {index}");
    assert_eq!(record.hungry.map(|(ticket, _)| ticket), wanting.first().map(|&(ticket, _)| ticket));
    let hungry = record.hungry.map(|(ticket, _)| (ticket, OriginKey(key)));
    assert_eq!(
        state.hungry.iter().find(|(_, origin)| origin.0 == key).map(|(&ticket, &origin)| (ticket, origin)),
        hungry
    );

    let connecting = state.waiters.iter().filter(|&(key, _)| state.is_connecting(WaiterKey(key)));
    let here = connecting.filter(|(_, waiter)| waiter.origin.0 == key).count();
    assert_eq!(here, oracle.dials(index).len().min(tickets.len()), "connecting of {index}");
}
