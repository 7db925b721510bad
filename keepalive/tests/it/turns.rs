//! Under steady pressure all requests wait about equally long.
//!
//! Counted in turns: how many others were served while one waited. A slow or busy machine makes waits longer,
//! but no turns more. The clock stands still, so that no offer lapses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keepalive::Agent;
use testkit::{Case, PlainOrigin};
use tokio::task::JoinSet;

use crate::kit::fetch;

const TASKS: usize = 1000;
const SOCKETS: usize = 8;
/// Of each task, one after another. The first ones all ask at once; that some of them wait for few others
/// weighs nothing beside the rest.
const REQUESTS: usize = 4;

#[test]
fn a_thousand_tasks_on_eight_sockets_wait_about_as_many_turns_each() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(SOCKETS).build().unwrap();
        let served = Arc::<AtomicUsize>::default();
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (agent, url, served) = (agent.clone(), origin.url("/"), Arc::clone(&served));
            tasks.spawn(async move {
                let mut turns = Vec::new();
                for _ in 0..REQUESTS {
                    let asked = served.load(Ordering::Relaxed);
                    fetch(&agent, url.clone()).await.unwrap();
                    turns.push(served.fetch_add(1, Ordering::Relaxed) - asked);
                }
                turns
            });
        }
        let mut turns = tasks.join_all().await.concat();
        assert_eq!((turns.len(), origin.stats().accepted), (TASKS * REQUESTS, SOCKETS));
        turns.sort_unstable();
        let at = |percent: usize| turns[(turns.len() - 1) * percent / 100];
        let (p50, p99, max) = (at(50), at(99), at(100));
        assert!(p99 * 10 <= p50 * 13, "p99 {p99} turns is above 1.3 x p50 {p50}; the longest wait: {max}");
        assert!(p50 >= TASKS / 2, "no pressure: half of the requests waited at most {p50} turns");
    });
}
