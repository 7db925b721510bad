//! `agent.sockets()`: the live list, in each state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keepalive::{Agent, SocketInfo, SocketState};
use testkit::{Case, Gate, PlainOrigin, Reply, Script, run, run_paused, run_threads};
use tokio::time::advance;

use crate::kit::{accounts, fetch, info, polled, text};

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn only(agent: &Agent) -> SocketInfo {
    let sockets = agent.sockets();
    assert_eq!(sockets.len(), 1, "{sockets:#?}");
    sockets[0].clone()
}

#[test]
fn from_connecting_over_active_to_idle() {
    run_paused(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().free_socket_timeout(None).build().unwrap();
        assert!(agent.sockets().is_empty());
        let request = polled(agent.get(origin.url("/")).send());
        let it = only(&agent);
        assert_eq!((it.id, it.state, it.requests, it.idle_for), (1, SocketState::Connecting, 0, None));
        assert_eq!((it.local_addr, it.peer_addr, it.age), (None, None, Duration::ZERO));
        assert_eq!(it.origin.to_string(), format!("http://{}", origin.addr()));

        let request = tokio::spawn(request);
        origin.wait(|stats| stats.requests == 1).await;
        advance(SECOND).await;
        let it = only(&agent);
        assert_eq!((it.state, it.requests, it.idle_for, it.age), (SocketState::Active, 1, None, SECOND));
        gate.open();
        let response = request.await.unwrap().unwrap();
        let told = info(&response);
        assert_eq!((it.id, it.local_addr, it.peer_addr), (told.socket_id, told.local_addr, told.peer_addr));
        assert!(it.local_addr.is_some() && it.peer_addr == Some(origin.addr()));

        response.text().await.unwrap();
        advance(2 * SECOND).await;
        let it = only(&agent);
        assert_eq!((it.state, it.requests, it.age), (SocketState::Idle, 1, 3 * SECOND));
        assert_eq!((it.idle_for, it.peer_addr), (Some(2 * SECOND), Some(origin.addr())));
        text(&agent, &origin.url("/")).await;
        assert_eq!((only(&agent).requests, only(&agent).idle_for), (2, Some(Duration::ZERO)));
        agent.close_idle();
        assert!(agent.sockets().is_empty());
    });
}

#[test]
fn offered_draining_closing_and_upgraded() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let (first, second) =
            (polled(fetch(&agent, origin.url("/"))), polled(fetch(&agent, origin.url("/"))));
        first.await.unwrap();
        assert_eq!((only(&agent).state, only(&agent).requests), (SocketState::Active, 1), "offered");
        drop(second);
        assert_eq!(only(&agent).state, SocketState::Idle);

        let part = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart";
        let origin = case.scripted(Script::new().request().send(part).signal("rest").send(" rest"));
        let agent = Agent::new();
        drop(agent.get(origin.url("/")).send().await.unwrap());
        assert_eq!(only(&agent).state, SocketState::Draining);
        agent.destroy();
        assert_eq!(only(&agent).state, SocketState::Closing);

        let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        let origin = case.scripted(Script::new().request().send(switched).read_to_end());
        let agent = Agent::new();
        let request = agent.get(origin.url("/")).header("connection", "upgrade").header("upgrade", "x");
        let io = request.send().await.unwrap().into_body().into_upgraded().unwrap();
        assert_eq!((only(&agent).state, only(&agent).requests), (SocketState::Upgraded, 1));
        drop(io);
        assert!(agent.sockets().is_empty());
    });
}

#[test]
fn the_list_is_sorted_and_agrees_with_the_counts() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let held = case.plain(PlainOrigin::builder().gate(&gate).reply(|_| Reply::ok("")));
        let free = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        let mut asked = tokio::task::JoinSet::new();
        for _ in 0..3 {
            asked.spawn(fetch(&agent, held.url("/")));
        }
        held.wait(|stats| stats.requests == 3).await;
        text(&agent, &free.url("/")).await;
        agent.close_idle();
        text(&agent, &free.url("/")).await;
        let sockets = agent.sockets();
        assert_eq!(sockets.iter().map(|it| it.id).collect::<Vec<_>>(), [1, 2, 3, 5]);
        let count = |state| sockets.iter().filter(|it| it.state == state).count();
        let totals = agent.status().totals;
        assert_eq!((count(SocketState::Active), count(SocketState::Idle)), (totals.active, totals.idle));
        gate.open();
        asked.join_all().await;
    });
}

/// The accounts are read under one lock: the equations hold whenever somebody looks.
#[test]
fn the_equations_hold_at_every_instant() {
    run_threads(2, async |case: &Case| {
        let origins = [(); 3].map(|()| case.plain(PlainOrigin::builder().max_requests_per_connection(3)));
        let agent = Agent::builder().max_sockets(2).max_total_sockets(4).build().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let looker = std::thread::spawn({
            let (agent, over) = (agent.clone(), Arc::clone(&over));
            move || {
                let mut looks = 0;
                while !over.load(Ordering::Relaxed) {
                    accounts(&agent);
                    let ids: Vec<_> = agent.sockets().iter().map(|it| it.id).collect();
                    assert!(ids.len() <= 4 && ids.is_sorted(), "{ids:?}");
                    looks += 1;
                    // The agent's own threads want the lock, too.
                    std::thread::yield_now();
                }
                looks
            }
        });
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..120 {
            asked.spawn(fetch(&agent, origins[n % 3].url("/")));
        }
        let all = asked.join_all().await;
        over.store(true, Ordering::Relaxed);
        assert!(all.iter().all(Result::is_ok));
        assert!(looker.join().unwrap() > 0);
    });
}
