//! Each of these is the only test of its process.

use std::error::Error as _;
use std::time::{Duration, Instant};

use keepalive::{Agent, CloseReason, Error, Phase, default_max_total_sockets, raise_fd_limit};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::farm::{fill, live, live_on, open};
use crate::kit::{at_rest, closed_by, fetch, polled, text, turns};

/// Must hold for whatever a request without a descriptor is told.
#[track_caller]
fn short_of_descriptors(error: &Error, soft: u64) {
    assert!(error.is_descriptor_limit() && error.is_connect(), "{error:?}");
    assert_eq!((error.phase(), error.bytes_written()), (Phase::Connect, 0));
    assert!(error.safe_to_retry());
    let text = error.to_string();
    for part in [&format!("of the {soft} that"), "max_total_sockets", "keepalive::raise_fd_limit()"] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
    assert!(error.source().unwrap().to_string().contains("Too many open files"), "{error:?}");
}

#[test]
#[ignore = "run by three_hundred_origins_by_name_and_two_agents_share_few_descriptors"]
fn three_hundred_origins() {
    live(64, 64, three_hundred);
}

#[test]
#[ignore = "run by three_hundred_origins_are_shared_by_threads_too"]
fn three_hundred_origins_on_threads() {
    let mut threads = Builder::new_multi_thread();
    threads.worker_threads(4);
    live_on(threads, 64, 64, three_hundred);
}

async fn three_hundred(ports: Vec<u16>) {
    assert_eq!(default_max_total_sockets(), 48);
    let agents = [Agent::new(), Agent::builder().free_socket_timeout(None).build().unwrap()];
    assert!(agents.iter().all(|agent| agent.status().totals.max_total_sockets == Some(48)));
    let mut load = JoinSet::new();
    for round in 0..10 {
        for (n, port) in ports.iter().enumerate() {
            let agent = &agents[(n + round) % 2];
            load.spawn(fetch(agent, format!("http://localhost:{port}/")));
            if load.len() >= 150 {
                assert_eq!(load.join_next().await.unwrap().unwrap().unwrap(), "hello");
            }
        }
    }
    for outcome in load.join_all().await {
        assert_eq!(outcome.unwrap(), "hello");
    }
    let mut given_up = 0;
    for agent in &agents {
        let totals = at_rest(agent).await;
        assert_eq!((totals.done, totals.failed), (1500, 0));
        given_up += totals.closed_by.get(&CloseReason::DescriptorLimit).copied().unwrap_or(0);
    }
    assert!(given_up > 0, "the limit was reached");
}

#[test]
#[ignore = "run by the_socket_idle_the_longest_goes_first_whosever_it_is"]
fn the_oldest() {
    live(64, 64, async |ports| {
        let url = |n: usize| format!("http://127.0.0.1:{}/", ports[n]);
        let agents = [Agent::new(), Agent::new()];
        for n in 0..4 {
            text(&agents[n % 2], &url(n)).await;
        }
        // Now it is not the oldest any more.
        text(&agents[0], &url(0)).await;
        let held = fill(0);
        let idle = || -> Vec<usize> {
            let origins = agents.iter().flat_map(|agent| agent.status().origins);
            let mut idle: Vec<_> = origins.filter(|it| it.idle > 0).map(|it| it.origin.port()).collect();
            idle.sort_by_key(|port| ports.iter().position(|other| other == port));
            idle.iter().filter_map(|port| ports.iter().position(|other| other == port)).collect()
        };
        assert_eq!(idle(), [0, 1, 2, 3]);
        let other = Agent::builder().max_free_sockets(0).build().unwrap();
        let mut bodies = Vec::new();
        for left in [vec![0, 2, 3], vec![0, 3], vec![0], vec![]] {
            bodies.push(other.get(format!("{}long", url(4))).send().await.unwrap());
            assert_eq!(idle(), left);
        }
        drop((bodies, held));
    });
}

#[test]
#[ignore = "run by an_agent_that_hoards_idle_sockets_gives_them_up_for_another"]
fn a_hoard() {
    live(64, 64, async |ports| {
        let url = |port: &u16| format!("http://localhost:{port}/");
        let hoarder = Agent::builder().free_socket_timeout(None).build().unwrap();
        for port in &ports[..40] {
            text(&hoarder, &url(port)).await;
        }
        assert_eq!(at_rest(&hoarder).await.idle, 40);
        // So few are free that a name is resolved with the last of them.
        let held = fill(4);
        let other = Agent::new();
        for port in &ports {
            text(&other, &url(port)).await;
        }
        let (mine, yours) = (at_rest(&hoarder).await, at_rest(&other).await);
        assert_eq!((mine.idle, yours.failed), (0, 0));
        assert_eq!(closed_by(&hoarder), [(CloseReason::DescriptorLimit, 40)]);
        assert!(yours.idle >= 40, "what one gave up the other has: {yours:#?}");
        // The ones used last are still there.
        let opened = yours.opened;
        for port in ports.iter().rev().take(30) {
            text(&other, &url(port)).await;
        }
        assert_eq!(at_rest(&other).await.opened, opened);
        drop(held);
    });
}

#[test]
#[ignore = "run by unread_bodies_hold_all_descriptors_until_one_is_dropped"]
fn unread_bodies() {
    const LIMIT: Duration = Duration::from_millis(300);
    live(64, 64, async |ports| {
        let agent = Agent::builder().max_sockets(None).max_total_sockets(None).connect_timeout(LIMIT);
        let agent = agent.build().unwrap();
        let mut bodies = Vec::new();
        let url = |host| format!("http://{host}:{}/long", ports[0]);
        for host in ["127.0.0.1", "localhost"] {
            let error = loop {
                let asked = Instant::now();
                match agent.get(url(host)).send().await {
                    Ok(response) => bodies.push(response),
                    Err(error) => {
                        assert!(asked.elapsed() >= LIMIT, "not before connect_timeout");
                        break error;
                    }
                }
            };
            short_of_descriptors(&error, 64);
            let hold = format!("hold {} of", bodies.len());
            assert!(error.to_string().contains(&hold), "`{hold}` in: {error}");
        }
        // Taken while there is one, as reading this takes one itself.
        bodies.truncate(bodies.len() - 5);
        at_most(&agent, bodies.len()).await;
        assert!(open().is_none_or(|open| (50..64).contains(&open)), "{:?}", open());
        for host in ["127.0.0.1", "localhost"] {
            assert_eq!(text(&agent, &url(host).replace("long", "")).await, "hello");
        }
        assert_eq!(agent.status().totals.failed, 2);
    });
}

/// Waits until no more sockets are in use than this.
async fn at_most(agent: &Agent, sockets: usize) {
    crate::kit::until(agent, |it| it.active + it.draining + it.closing <= sockets).await;
}

#[test]
#[ignore = "run by a_raised_limit_serves_the_queue_of_a_live_agent"]
fn raised() {
    live(64, 256, async |ports| {
        let url = format!("http://127.0.0.1:{}", ports[0]);
        let agent = Agent::builder().max_sockets(None).build().unwrap();
        let set = Agent::builder().max_total_sockets(7).build().unwrap();
        let set_later = Agent::new();
        set_later.set_max_total_sockets(9).unwrap();
        let unlimited = Agent::builder().max_total_sockets(None).build().unwrap();
        let caps = || {
            [&agent, &set, &set_later, &unlimited, Agent::global(), &Agent::one_shot()]
                .map(|agent| agent.status().totals.max_total_sockets)
        };
        assert_eq!(caps(), [Some(48), Some(7), Some(9), None, Some(48), Some(48)]);

        let mut bodies = Vec::new();
        for _ in 0..48 {
            bodies.push(agent.get(format!("{url}/long")).send().await.unwrap());
        }
        let waits = tokio::spawn(polled(fetch(&agent, format!("{url}/"))));
        turns().await;
        assert_eq!(agent.status().totals.queued, 1);

        let limit = raise_fd_limit().unwrap();
        assert_eq!((limit.soft_before, limit.soft, limit.hard), (64, 256, 256));
        assert_eq!(waits.await.unwrap().unwrap(), "hello");
        assert_eq!(caps(), [Some(192), Some(7), Some(9), None, Some(192), Some(192)]);
        assert_eq!(default_max_total_sockets(), 192);

        let again = raise_fd_limit().unwrap();
        assert_eq!((again.soft_before, again.soft, again.hard), (256, 256, 256));
    });
}

#[test]
#[ignore = "run by a_name_that_does_not_exist_is_not_taken_for_a_shortage"]
fn no_such_name() {
    live(64, 64, async |_| {
        let agent = Agent::new();
        // None held, most held, all but the resolver's few held.
        for left in [50, 20, 4] {
            let held = fill(left);
            let error = fetch(&agent, "http://nonexistent.invalid/").await.unwrap_err();
            assert!(error.is_connect() && !error.is_timeout() && !error.is_descriptor_limit(), "{error:?}");
            assert_eq!(error.to_string(), "cannot resolve `nonexistent.invalid`");
            drop(held);
        }
        // With none left nobody can know.
        let agent = Agent::builder().connect_timeout(Duration::from_millis(300)).build().unwrap();
        let held = fill(0);
        short_of_descriptors(&fetch(&agent, "http://nonexistent.invalid/").await.unwrap_err(), 64);
        drop(held);
    });
}
