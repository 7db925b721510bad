//! More of these: no socket is idle that could be closed at once.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use keepalive::{Agent, CloseReason};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};

use super::farm::{fill, live};
use crate::kit::{at_rest, fetch, poll_once, polled, text, turns, until};

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

#[test]
#[ignore = "run by sockets_that_are_never_idle_starve_nobody"]
fn handed_on() {
    live(64, 64, async |ports| {
        let held = fill(4);
        let busy = Agent::builder().max_sockets(2).build().unwrap();
        let stop = Rc::new(Cell::new(false));
        LocalSet::new()
            .run_until(async {
                let mut load = JoinSet::new();
                for n in 0..12 {
                    let (stop, busy, url) = (Rc::clone(&stop), busy.clone(), url(ports[n % 2]));
                    load.spawn_local(async move {
                        while !stop.get() {
                            assert_eq!(text(&busy, &url).await, "hello");
                        }
                    });
                }
                until(&busy, |it| it.reused >= 100).await;
                assert_eq!((busy.status().totals.active, busy.status().totals.queued), (4, 8));
                let other = Agent::builder().connect_timeout(Duration::from_secs(5)).build().unwrap();
                assert_eq!(fetch(&other, url(ports[2])).await.unwrap(), "hello");
                let claimed = busy.status().totals.closed_by.get(&CloseReason::DescriptorLimit).copied();
                assert_eq!(claimed, Some(1), "and one was enough");
                stop.set(true);
                load.join_all().await;
            })
            .await;
        assert_eq!(at_rest(&busy).await.failed, 0);
        drop(held);
    });
}

#[test]
#[ignore = "run by a_descriptor_that_comes_free_elsewhere_is_found"]
fn elsewhere() {
    live(64, 64, async |ports| {
        let agent = Agent::new();
        let mut held = fill(0);
        // By number and by name: nothing else is woken.
        for host in ["127.0.0.1", "localhost"] {
            let mut request = polled(fetch(&agent, format!("http://{host}:{}/", ports[0])));
            turns().await;
            assert!(poll_once(&mut request).await.is_none());
            assert_eq!(agent.status().totals.connecting, 1);
            held.truncate(held.len() - 4);
            assert_eq!(request.await.unwrap(), "hello");
            agent.close_idle();
            at_rest(&agent).await;
            held.extend(fill(0));
        }
        drop(held);
    });
}

#[test]
#[ignore = "run by a_dial_that_waits_for_a_descriptor_ends_with_its_agent"]
fn destroyed() {
    live(64, 64, async |ports| {
        let held = fill(0);
        let agents = [Agent::new(), Agent::new()];
        let [first, second] = [0, 1].map(|n| tokio::spawn(polled(fetch(&agents[n], url(ports[n])))));
        turns().await;
        assert!(agents.iter().all(|agent| agent.status().totals.connecting == 1));
        agents[0].destroy();
        assert!(first.await.unwrap().unwrap_err().is_destroyed());
        let totals = at_rest(&agents[0]).await;
        assert_eq!(totals.closed_by.into_iter().collect::<Vec<_>>(), [(CloseReason::DialAborted, 1)]);
        // It was the first in the line.
        drop(held);
        assert_eq!(second.await.unwrap().unwrap(), "hello");
    });
}

#[test]
#[ignore = "run by the_dial_of_a_runtime_that_stands_still_holds_nobody_up"]
fn undriven() {
    live(64, 64, async |ports| {
        let asleep = Agent::new();
        let other = Agent::new();
        let elsewhere = Builder::new_current_thread().enable_all().build().unwrap();
        let url = url(ports[0]);
        // Two runtimes cannot nest on a thread.
        let (elsewhere, first, held) = std::thread::scope(|scope| {
            let run = || {
                let held = fill(0);
                let entered = elsewhere.enter();
                let first = tokio::spawn(polled(fetch(&asleep, url.clone())));
                drop(entered);
                elsewhere.block_on(turns());
                (elsewhere, first, held)
            };
            scope.spawn(run).join().unwrap()
        });
        let second = tokio::spawn(polled(fetch(&other, url.clone())));
        turns().await;
        drop(held);
        assert_eq!(second.await.unwrap().unwrap(), "hello");
        assert_eq!(asleep.status().totals.connecting, 1);
        std::thread::spawn(move || {
            assert_eq!(elsewhere.block_on(first).unwrap().unwrap(), "hello");
        })
        .join()
        .unwrap();
    });
}

#[test]
#[ignore = "run by a_dial_that_nobody_waits_for_takes_nothing_from_anybody"]
fn unwanted() {
    live(64, 64, async |ports| {
        let (agent, other) = (Agent::new(), Agent::new());
        let held = fill(1);
        text(&other, &url(ports[1])).await;
        let response = other.get(format!("{}long", url(ports[1]))).send().await.unwrap();
        let request = polled(fetch(&agent, url(ports[0])));
        turns().await;
        assert_eq!(agent.status().totals.connecting, 1);
        drop(request);
        // Its dial is alone; at its next look it is given up, and what comes free stays with the other.
        until(&agent, |it| it.connecting == 0).await;
        assert_eq!(
            at_rest(&agent).await.closed_by.into_iter().collect::<Vec<_>>(),
            [(CloseReason::DialAborted, 1)]
        );
        assert_eq!(other.status().totals.closed, 0);
        drop((response, held));
    });
}
