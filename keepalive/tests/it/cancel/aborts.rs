//! Tasks aborted at random points on many threads.

use std::net::SocketAddr;

use keepalive::Agent;
use testkit::{Case, PlainOrigin, Reply};
use tokio::task::JoinSet;

use super::phases::ends;
use super::wire::{self, SCHEME};
use crate::kit::at_rest;
use crate::lifecycle::stress::Dice;

async fn upload_and_read(agent: Agent, url: String, bytes: usize, expect: bool) -> usize {
    let request = agent.put(url).body(vec![b'x'; bytes]);
    let request = if expect { request.header("expect", "100-continue") } else { request };
    request.send().await.unwrap().bytes().await.unwrap().len()
}

async fn abort_at_random(case: &Case, max_total_sockets: usize) {
    let sizes = [0, 10, 70_000, 600_000];
    let server = case.plain(
        PlainOrigin::builder()
            .at_most(max_total_sockets)
            .bind("0.0.0.0:0")
            .reply(move |request| Reply::ok(vec![b'x'; sizes[request.order % sizes.len()]])),
    );
    let url = |n: u8| format!("{SCHEME}://{}/", SocketAddr::from(([127, 0, 0, n], server.port())));
    let agent = wire::builder().max_sockets(3).max_total_sockets(max_total_sockets).build().unwrap();
    let mut dice = Dice(7);
    let (mut aborted, mut finished) = (0, 0);
    for _ in 0..40 {
        let mut tasks = JoinSet::new();
        let handles: Vec<_> = (0..25)
            .map(|_| {
                let (url, bytes) = (url(1 + dice.below(3) as u8), sizes[dice.below(sizes.len())]);
                tasks.spawn(upload_and_read(agent.clone(), url, bytes, dice.below(4) == 0))
            })
            .collect();
        for handle in handles {
            for _ in 0..dice.below(20) {
                tokio::task::yield_now().await;
            }
            if dice.below(4) > 0 {
                handle.abort();
            }
        }
        while let Some(end) = tasks.join_next().await {
            match end {
                Ok(_) => finished += 1,
                Err(error) => {
                    assert!(error.is_cancelled(), "{error}");
                    aborted += 1;
                }
            }
        }
    }
    let totals = at_rest(&agent).await;
    assert_eq!((totals.failed, totals.waiting, totals.running), (0, 0, 0), "{totals:#?}");
    // A task may be aborted before its first poll, and then no request was made; one may be aborted after
    // its request was done, in the body.
    assert!(totals.done + totals.cancelled <= finished + aborted && totals.done >= finished, "{totals:#?}");
    assert!(aborted > 100 && finished > 100, "{aborted} aborted, {finished} finished");
    assert!(server.stats().peak_open <= max_total_sockets, "{:?}", server.stats());
    for n in 1..=3 {
        upload_and_read(agent.clone(), url(n), 10, false).await;
    }
    ends(&agent).await;
}

#[cfg(target_os = "linux")] // elsewhere only 127.0.0.1 is configured
#[test]
fn tasks_aborted_at_random_points_leave_nothing() {
    wire::run_threads(4, async |case: &Case| abort_at_random(case, 100).await);
}

#[cfg(target_os = "linux")]
#[test]
fn tasks_aborted_at_random_points_leave_nothing_at_the_total_cap() {
    wire::run_threads(4, async |case: &Case| abort_at_random(case, 4).await);
}
