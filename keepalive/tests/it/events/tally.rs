//! The events of a random workload add up to the accounts.

use std::collections::{BTreeMap, BTreeSet};

use keepalive::{Event, Events, Totals};
use testkit::{Case, PlainOrigin, Reply};
use tokio::task::JoinSet;

use super::built;
use super::wire;
use crate::kit::{at_rest, fetch, within_polls};

#[derive(Default)]
struct Tally {
    opened: BTreeSet<u64>,
    stands: BTreeSet<u64>,
    parked: BTreeSet<u64>,
    closed: u64,
    closed_by: BTreeMap<keepalive::CloseReason, u64>,
    assigned: BTreeSet<u64>,
    unserved: BTreeSet<u64>,
    reused: u64,
}

impl Tally {
    /// Adds what there is to be taken; each event must be possible after those before it.
    fn add(&mut self, events: &mut Events) {
        while let Some(event) = events.try_next() {
            match event {
                Event::SocketDialing { socket, .. } => assert!(self.opened.insert(socket), "{socket} twice"),
                Event::SocketOpened { socket, .. } => {
                    assert!(self.opened.contains(&socket) && self.stands.insert(socket), "{socket}");
                }
                Event::SocketParked { socket, .. } => {
                    assert!(self.stands.contains(&socket) && self.parked.insert(socket), "{socket}");
                }
                Event::RequestAssigned { request, socket, .. } => {
                    assert!(self.stands.contains(&socket), "{socket}");
                    self.parked.remove(&socket);
                    assert!(self.assigned.insert(request), "r{request} twice");
                }
                Event::RequestRetried { request, socket, .. } => {
                    assert!(self.stands.contains(&socket) && self.assigned.remove(&request));
                }
                Event::SocketReused { socket, request_number, .. } => {
                    assert!(self.stands.contains(&socket) && request_number > 1);
                    self.reused += 1;
                }
                Event::SocketClosed { socket, reason, .. } => {
                    assert!(self.opened.contains(&socket), "{socket}");
                    self.stands.remove(&socket);
                    self.parked.remove(&socket);
                    self.closed += 1;
                    *self.closed_by.entry(reason).or_default() += 1;
                }
                Event::RequestUnserved { request, .. } => {
                    assert!(self.unserved.insert(request), "r{request} twice");
                }
                Event::RequestQueued { request, .. } => {
                    assert!(!self.assigned.contains(&request) && !self.unserved.contains(&request));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// At rest.
    fn equals(&self, totals: &Totals) {
        assert_eq!(self.opened.len() as u64, totals.opened);
        assert_eq!(self.closed, totals.closed);
        assert_eq!(self.closed_by, totals.closed_by);
        assert_eq!(self.parked.len(), totals.idle);
        assert_eq!(self.reused, totals.reused);
        assert!(self.assigned.is_disjoint(&self.unserved));
        let ended = self.assigned.len() + self.unserved.len();
        assert_eq!(ended as u64, totals.done + totals.failed + totals.cancelled);
    }
}

/// Some requests are dropped after so many polls, some bodies unread; the server closes now and then.
async fn workload(case: &Case) {
    let builder = || PlainOrigin::builder().max_requests_per_connection(3);
    let large = builder().reply(|_| Reply::ok(vec![b'x'; 300 * 1024]));
    let origins = [case.plain(builder()), case.plain(builder()), case.plain(large)];
    let (agent, mut events) = built(wire::builder().max_sockets(3).max_total_sockets(5).max_queued(12));
    let mut tally = Tally::default();
    for round in 0..12_usize {
        let mut asked = JoinSet::new();
        for n in 0..24_usize {
            let dice = (round * 24 + n).wrapping_mul(2_654_435_761) >> 7;
            let request = fetch(&agent, origins[dice % 3].url("/"));
            let request = async move { within_polls([1, 2, 3, 5, 999, 999][dice / 3 % 6], request).await };
            asked.spawn(async move { drop(request.await) });
        }
        asked.join_all().await;
        if round % 4 == 3 {
            agent.close_idle();
        }
        let totals = at_rest(&agent).await;
        tally.add(&mut events);
        tally.equals(&totals);
    }
    assert!(
        tally.reused > 0 && !tally.unserved.is_empty() && tally.closed_by.len() > 2,
        "{:?}",
        tally.closed_by
    );
}

#[test]
fn the_events_add_up_to_the_totals() {
    wire::run(async |case: &Case| workload(case).await);
}

#[test]
fn the_events_add_up_to_the_totals_on_several_threads() {
    wire::run_threads(2, async |case: &Case| workload(case).await);
}
