//! Many requests on many threads: nothing hangs, nothing is lost, nothing is counted twice.

use std::net::SocketAddr;
use std::time::Duration;

use keepalive::{Agent, Totals};
use testkit::{Case, PlainOrigin, Reply};
use tokio::task::JoinSet;

use super::wire::{self, SCHEME};
use crate::kit::{accounts, at_rest, fetch, within_polls};

#[test]
fn ten_thousand_requests_on_many_threads_are_all_accounted_for() {
    wire::run_threads(4, async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(8));
        let agent = wire::builder().max_sockets(8).build().unwrap();
        let mut workers = JoinSet::new();
        for _ in 0..200 {
            let (agent, url) = (agent.clone(), origin.url("/"));
            workers.spawn(async move {
                for _ in 0..50 {
                    assert_eq!(fetch(&agent, url.clone()).await.unwrap(), "hello");
                    assert!(accounts(&agent).opened >= 1);
                }
            });
        }
        workers.join_all().await;
        let (stats, totals) = (origin.stats(), at_rest(&agent).await);
        assert_eq!((stats.requests, totals.requests, totals.done), (10_000, 10_000, 10_000));
        assert!(stats.peak_open <= 8, "{stats:?}");
        assert_eq!(totals.opened, stats.accepted as u64);
        assert_eq!(totals.reused, totals.done - totals.opened);
    });
}

/// Numbers all over the place, the same in each run (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap() % end
    }
}

/// A request that is dropped after some polls, or whose body is, or that is read to its end.
async fn some_request(agent: Agent, url: String, dice: &mut Dice) {
    let polls = if dice.below(3) == 0 { 1 + dice.below(8) } else { usize::MAX };
    let reads = dice.below(2) == 0;
    let request = async {
        let response = agent.get(url).send().await.unwrap();
        if reads {
            response.bytes().await.unwrap();
        }
    };
    within_polls(polls, request).await;
}

async fn everything_at_once(case: &Case, keep_alive: bool) -> Totals {
    // The server is known by several addresses and so counts the sockets of several origins together.
    let server = case.plain(PlainOrigin::builder().at_most(6).bind("0.0.0.0:0").reply(|request| {
        let sizes = [0, 5, 70_000, 400_000];
        let reply = Reply::ok(vec![b'x'; sizes[request.order % sizes.len()]]);
        let reply = if request.order % 3 == 0 { reply.chunked() } else { reply };
        if request.order % 7 == 0 { reply.close() } else { reply }
    }));
    let url =
        |n: usize| format!("{SCHEME}://{}/", SocketAddr::from(([127, 0, 0, 1 + n as u8], server.port())));
    let agent = wire::builder().max_sockets(3).max_total_sockets(6).keep_alive(keep_alive).build().unwrap();
    let mut workers = JoinSet::new();
    for worker in 0..40 {
        let (agent, urls) = (agent.clone(), [0, 1, 2, 3].map(url));
        workers.spawn(async move {
            let mut dice = Dice(worker);
            for _ in 0..25 {
                some_request(agent.clone(), urls[dice.below(4)].clone(), &mut dice).await;
                match dice.below(10) {
                    0 => agent.set_max_sockets(1 + dice.below(3)).unwrap(),
                    1 => agent.set_max_total_sockets(1 + dice.below(6)).unwrap(),
                    2 => agent.set_max_free_sockets(dice.below(3)).unwrap(),
                    3 => agent.close_idle(),
                    4 => agent.set_max_requests_per_socket(1 + dice.below(20) as u64).unwrap(),
                    5 => agent.set_max_total_free_sockets(dice.below(4)).unwrap(),
                    6 => agent.set_free_socket_timeout(Duration::from_micros(1 << dice.below(16))).unwrap(),
                    7 => agent.set_max_socket_age(Duration::from_micros(1 << dice.below(20))).unwrap(),
                    _ => drop(accounts(&agent)),
                }
            }
        });
    }
    workers.join_all().await;
    for n in 0..4 {
        agent.get(url(n)).send().await.unwrap().bytes().await.unwrap();
    }
    let totals = at_rest(&agent).await;
    assert!(server.stats().peak_open <= 6, "{:?}", server.stats());
    assert_eq!((totals.requests, totals.failed), (1004, 0));
    totals
}

#[cfg(target_os = "linux")] // elsewhere only 127.0.0.1 is configured
#[test]
fn random_drops_closes_and_limits_leave_the_agent_in_order() {
    wire::run_threads(4, async |case: &Case| {
        let totals = everything_at_once(case, true).await;
        assert!(totals.cancelled > 0 && totals.reused > 0, "{totals:#?}");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn random_drops_closes_and_limits_leave_an_agent_without_keep_alive_in_order() {
    wire::run_threads(4, async |case: &Case| {
        assert_eq!(everything_at_once(case, false).await.idle, 0);
    });
}
