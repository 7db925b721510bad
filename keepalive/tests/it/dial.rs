//! Connections that come about late, or not at all, and what the requests that wait for them get.

#[cfg(target_os = "linux")]
pub(crate) mod hanging;

use std::net::SocketAddr;
use std::task::Poll;

use keepalive::{Agent, CloseReason, Phase};
use testkit::{Case, PlainOrigin, Script, run, run_paused};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::kit::{accounts, at_rest, fetch, info, poll, polled, until};

/// An address that refuses connections as long as the socket lives, which is bound and does not listen.
fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn a_refused_connection_fails_each_request_once_and_in_order() {
    run_paused(async |_: &Case| {
        let (_socket, address) = refusing();
        let agent = Agent::new();
        let mut asked = JoinSet::new();
        for n in 0..20 {
            let mut waits = polled(fetch(&agent, format!("http://{address}/")));
            asked.spawn(async move { (n, waits.as_mut().await.unwrap_err()) });
        }
        for (place, (n, error)) in asked.join_all().await.into_iter().enumerate() {
            assert_eq!(place, n, "the oldest fails first");
            assert!(error.is_connect() && !error.is_timeout() && error.safe_to_retry(), "{error:?}");
            assert_eq!(error.phase(), Phase::Connect);
            assert_eq!(error.to_string(), format!("cannot connect to http://{address}"));
            let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
            assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.failed_dials, totals.opened), (20, 20, 20));
        assert!(agent.status().origins.is_empty());
    });
}

#[test]
fn a_server_that_comes_up_after_a_refusal_is_served() {
    run(async |_: &Case| {
        let (socket, address) = refusing();
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        assert!(fetch(&agent, format!("http://{address}/")).await.unwrap_err().is_connect());
        let listener = socket.listen(16).unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..3 {
            asked.spawn(polled(fetch(&agent, format!("http://{address}/"))));
        }
        let (connection, _) = listener.accept().await.unwrap();
        answer(&connection, 3).await;
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(at_rest(&agent).await.failed_dials, 1);
    });
}

/// Answers that many requests on a connection by hand.
async fn answer(connection: &TcpStream, requests: usize) {
    for _ in 0..requests {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            connection.readable().await.unwrap();
            let _ = connection.try_read_buf(&mut seen);
        }
        assert!(connection.try_write(&testkit::ok("hello")).is_ok());
    }
}

/// Asking for another socket, as after an idle one that proved dead, could go on for ever here.
#[test]
fn a_new_connection_that_is_closed_at_once_fails_its_request_and_is_not_dialled_again() {
    run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().close());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let mut waits = polled(fetch(&agent, origin.url("/")));
        until(&agent, |totals| totals.active == 1).await;
        origin.wait(|record| record.accepted() == 1 && record.open() == 0).await;
        let Poll::Ready(Err(error)) = poll(&mut waits) else { panic!("it must fail at once") };
        assert!(!error.is_stale() && !error.reused_connection() && error.safe_to_retry(), "{error:?}");
        assert_eq!((error.phase(), error.bytes_written()), (Phase::Send, 0));
        assert_eq!(
            error.to_string(),
            format!("http://{} closed the new connection before the request was written", origin.addr())
        );
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.closed_by.get(&CloseReason::ClosedByServer)), (1, Some(&1)));
    });
}

#[test]
fn an_unknown_host_is_named() {
    run(async |_: &Case| {
        let agent = Agent::new();
        let error = fetch(&agent, "http://nonexistent.invalid/").await.unwrap_err();
        assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
        assert!(error.to_string().contains("nonexistent.invalid"), "{error}");
        assert_eq!(at_rest(&agent).await.failed_dials, 1);
    });
}

/// `localhost` may have an IPv6 address, too, at which nobody listens here.
#[test]
fn a_host_name_is_resolved_and_all_its_addresses_are_tried() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().record_requests());
        let agent = Agent::new();
        let url = format!("http://localhost:{}/", origin.port());
        let response = agent.get(&url).send().await.unwrap();
        let first = info(&response);
        assert_eq!(first.peer_addr, Some(origin.addr()));
        assert!(first.timings.dns.is_some() && first.timings.connect.is_some());
        let again = agent.get(&url).send().await.unwrap();
        assert_eq!((info(&again).timings.dns, info(&again).timings.connect), (None, None));
        assert_eq!(
            origin.requests()[0].header("host"),
            Some(format!("localhost:{}", origin.port()).as_str())
        );
    });
}

#[test]
fn a_cold_origin_is_dialled_for_every_waiter_up_to_the_cap() {
    run_paused(async |case: &Case| {
        for (requests, dials) in [(1, 1), (4, 4), (5, 5), (6, 5), (12, 5)] {
            let origin = case.plain(PlainOrigin::builder());
            let agent = Agent::new();
            let waiting: Vec<_> = (0..requests).map(|_| polled(fetch(&agent, origin.url("/")))).collect();
            let totals = accounts(&agent);
            assert_eq!((totals.connecting, totals.queued), (dials, requests - dials));
            assert_eq!(totals.waiting, requests);
            let mut asked = JoinSet::new();
            waiting.into_iter().for_each(|waiter| drop(asked.spawn(waiter)));
            assert!(asked.join_all().await.iter().all(Result::is_ok));
        }
    });
}

#[test]
fn a_dial_whose_requester_left_is_kept_for_the_next() {
    run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        drop(polled(fetch(&agent, origin.url("/"))));
        assert_eq!((accounts(&agent).connecting, accounts(&agent).waiting), (1, 0));
        // Not even polled for: the dial is the origin's own.
        until(&agent, |totals| totals.idle == 1).await;
        let response = agent.get(origin.url("/")).send().await.unwrap();
        assert_eq!((info(&response).reused, info(&response).request_number), (false, 1));
        assert_eq!((origin.stats().accepted, at_rest(&agent).await.opened), (1, 1));
    });
}

#[test]
fn a_dial_whose_requester_left_goes_to_a_waiter() {
    run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let leaves = polled(fetch(&agent, origin.url("/")));
        let waits = polled(fetch(&agent, origin.url("/")));
        drop(leaves);
        assert_eq!((accounts(&agent).connecting, accounts(&agent).queued), (1, 0));
        assert_eq!(waits.await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}

/// How many dials are under way once this many requests have asked.
fn dials_for(agent: &Agent, address: SocketAddr, requests: usize, asked: &mut JoinSet<Outcome>) -> usize {
    (0..requests).for_each(|_| drop(asked.spawn(polled(fetch(agent, format!("http://{address}/"))))));
    accounts(agent).connecting
}

type Outcome = Result<String, keepalive::Error>;

/// What the first refusal taught was forgotten with the last request that failed.
#[test]
fn a_dead_origin_is_not_hammered_and_once_recovered_serves_the_very_next_request() {
    run(async |_: &Case| {
        let (socket, address) = refusing();
        let agent = Agent::builder().max_sockets(50).build().unwrap();
        let mut asked = JoinSet::new();
        assert_eq!(dials_for(&agent, address, 1_000, &mut asked), 50, "nothing is known yet");
        assert!(asked.join_all().await.into_iter().all(|it| it.is_err_and(|error| error.is_connect())));
        let totals = at_rest(&agent).await;
        // Each failed dial failed one request; none was begun beyond that.
        assert_eq!((totals.failed, totals.failed_dials, totals.opened), (1_000, 1_000, 1_000));
        assert!(agent.status().origins.is_empty());

        let mut asked = JoinSet::new();
        assert_eq!(dials_for(&agent, address, 100, &mut asked), 1);
        assert!(asked.join_all().await.iter().all(Result::is_err));

        let listener = socket.listen(128).unwrap();
        let server = async {
            let mut connections = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                connections.spawn(async move { answer(&connection, usize::MAX).await });
            }
        };
        let client = async {
            let failed = accounts(&agent).failed_dials;
            fetch(&agent, format!("http://{address}/")).await.unwrap();
            assert_eq!(accounts(&agent).opened, failed + 1, "one dial, and it was for that request");
            let mut asked = JoinSet::new();
            dials_for(&agent, address, 100, &mut asked);
            assert!(asked.join_all().await.iter().all(Result::is_ok));
            assert_eq!(at_rest(&agent).await.failed_dials, failed);
        };
        tokio::select! {
            () = server => unreachable!("it serves for ever"),
            () = client => agent.destroy(),
        }
    });
}

#[test]
fn when_all_who_wait_have_left_no_dial_begins_and_those_under_way_are_parked() {
    run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(3).build().unwrap();
        let waiting: Vec<_> = (0..20).map(|_| polled(fetch(&agent, origin.url("/")))).collect();
        assert_eq!((accounts(&agent).connecting, accounts(&agent).queued), (3, 17));
        drop(waiting);
        until(&agent, |totals| totals.idle == 3).await;
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.closed, totals.cancelled), (3, 0, 20));
        origin.wait(|stats| (stats.accepted, stats.open, stats.requests) == (3, 3, 0)).await;
    });
}
