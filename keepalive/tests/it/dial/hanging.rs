//! Dials that hang, which on Linux a full backlog does to whoever comes.

use std::net::SocketAddr;
use std::time::Duration;

use keepalive::{Agent, CloseReason, Phase};
use testkit::{Case, run_paused};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::answer;
use crate::kit::{accounts, at_rest, fetch, poll, polled, turns, until};

/// A listener with room for one connection that was not accepted yet; whoever else comes is not heard.
pub(crate) fn narrow() -> (TcpListener, SocketAddr) {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener.into()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Takes that room.
pub(crate) fn fill(address: SocketAddr) -> std::net::TcpStream {
    std::net::TcpStream::connect(address).unwrap()
}

#[test]
fn a_dial_that_hangs_ends_with_the_connect_timeout() {
    run_paused(async |_: &Case| {
        let (_listener, address) = narrow();
        let _filler = fill(address);
        let agent = Agent::builder().connect_timeout(Duration::from_secs(7)).build().unwrap();
        let mut asked = JoinSet::new();
        asked.spawn(polled(fetch(&agent, format!("http://{address}/"))));
        turns().await;
        tokio::time::advance(Duration::from_millis(6_999)).await;
        turns().await;
        assert_eq!(agent.status().totals.connecting, 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        let error = asked.join_next().await.unwrap().unwrap().unwrap_err();
        assert!(error.is_timeout() && error.is_connect() && error.safe_to_retry(), "{error:?}");
        assert_eq!(error.phase(), Phase::Connect);
        let text = error.to_string();
        assert!(text.contains(&format!("http://{address}")), "{text}");
        assert!(text.contains("7s") && text.contains("connect_timeout"), "{text}");
        assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::DialFailed), Some(&1));
    });
}

#[test]
fn time_in_the_queue_and_time_of_the_dial_are_counted_apart() {
    run_paused(async |_: &Case| {
        let (_listener, address) = narrow();
        let _filler = fill(address);
        let agent = Agent::builder()
            .max_sockets(1)
            .queue_timeout(Duration::from_secs(1))
            .connect_timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        let mut asked = JoinSet::new();
        for name in ["connecting", "queued"] {
            let mut waits = polled(fetch(&agent, format!("http://{address}/")));
            asked.spawn(async move { (name, waits.as_mut().await.unwrap_err()) });
        }
        turns().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        let (name, error) = asked.join_next().await.unwrap().unwrap();
        assert_eq!((name, error.phase(), error.is_timeout()), ("queued", Phase::Queue, true), "{error}");
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(1)).await;
            turns().await;
            assert_eq!((agent.status().totals.connecting, asked.len()), (1, 1));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        let (name, error) = asked.join_next().await.unwrap().unwrap();
        assert_eq!(
            (name, error.phase(), error.is_timeout()),
            ("connecting", Phase::Connect, true),
            "{error}"
        );
    });
}

#[test]
fn a_waiter_takes_a_socket_that_comes_free_though_its_own_dial_hangs() {
    run_paused(async |_: &Case| {
        let (listener, address) = narrow();
        let agent = Agent::new();
        let mut first = polled(fetch(&agent, format!("http://{address}/")));
        let (connection, _) = listener.accept().await.unwrap();
        assert!(poll(&mut first).is_pending());
        until(&agent, |totals| totals.active == 1).await;
        let _filler = fill(address);
        let second = polled(fetch(&agent, format!("http://{address}/")));
        turns().await;
        assert_eq!((accounts(&agent).connecting, accounts(&agent).active), (1, 1));
        let (first, second, ()) = tokio::join!(first, second, answer(&connection, 2));
        assert_eq!((first.unwrap(), second.unwrap()), ("hello".to_owned(), "hello".to_owned()));
        // The dial is the origin's own and goes on.
        assert_eq!((accounts(&agent).connecting, accounts(&agent).idle), (1, 1));
    });
}

#[test]
fn a_warm_origin_is_dialled_once_and_twice_as_often_each_10_ms() {
    run_paused(async |_: &Case| {
        let (listener, address) = narrow();
        let agent = Agent::builder().max_sockets(6).build().unwrap();
        let mut first = polled(fetch(&agent, format!("http://{address}/")));
        let _connection = listener.accept().await.unwrap();
        until(&agent, |totals| totals.active == 1).await;
        assert!(poll(&mut first).is_pending());
        let _filler = fill(address);
        let _waiting: Vec<_> = (0..9).map(|_| polled(fetch(&agent, format!("http://{address}/")))).collect();
        for dials in [1, 2, 4, 5, 5] {
            turns().await;
            assert_eq!((accounts(&agent).connecting, accounts(&agent).queued), (dials, 9 - dials));
            tokio::time::advance(Duration::from_millis(10)).await;
        }
    });
}

/// The error blamed sockets in use, and a limit that was far away.
#[test]
fn a_queue_timeout_at_a_server_that_is_not_reached_says_so() {
    run_paused(async |_: &Case| {
        let (_listener, address) = narrow();
        let _filler = fill(address);
        let second = Duration::from_secs(1);
        let agent = Agent::builder().queue_timeout(second).connect_timeout(2 * second).build().unwrap();
        let url = format!("http://{address}/");
        let fails = tokio::spawn(polled(fetch(&agent, url.clone())));
        turns().await;
        tokio::time::advance(2 * second).await;
        assert_eq!(fails.await.unwrap().unwrap_err().phase(), Phase::Connect);
        let _dialling = polled(fetch(&agent, url.clone()));
        let waits = tokio::spawn(polled(fetch(&agent, url.clone())));
        turns().await;
        assert_eq!((accounts(&agent).connecting, accounts(&agent).queued), (1, 1));
        tokio::time::advance(second).await;
        assert_eq!(
            waits.await.unwrap().unwrap_err().to_string(),
            format!(
                "1 s in the queue for http://{address}: the last dial there failed, and until one succeeds there is \
                 only one at a time; see whether the server can be reached"
            )
        );
        // All at once, if none has failed yet.
        let (_listener, address) = narrow();
        let _filler = fill(address);
        let url = format!("http://{address}/");
        let _dialling: Vec<_> = (0..5).map(|_| polled(fetch(&agent, url.clone()))).collect();
        let waits = tokio::spawn(polled(fetch(&agent, url.clone())));
        turns().await;
        tokio::time::advance(second).await;
        assert_eq!(
            waits.await.unwrap().unwrap_err().to_string(),
            format!(
                "1 s in the queue for http://{address}: all 5 sockets are still connecting; see whether the server can \
                 be reached, or raise max_sockets"
            )
        );
    });
}

#[test]
fn a_queue_timeout_says_how_many_sockets_are_still_connecting() {
    run_paused(async |_: &Case| {
        let (listener, address) = narrow();
        let agent = Agent::builder().max_sockets(2).queue_timeout(Duration::from_secs(1)).build().unwrap();
        let url = format!("http://{address}/");
        let mut first = polled(fetch(&agent, url.clone()));
        let _connection = listener.accept().await.unwrap();
        until(&agent, |totals| totals.active == 1).await;
        assert!(poll(&mut first).is_pending());
        let _filler = fill(address);
        let _dialling = polled(fetch(&agent, url.clone()));
        let waits = tokio::spawn(polled(fetch(&agent, url.clone())));
        turns().await;
        assert_eq!((accounts(&agent).connecting, accounts(&agent).queued), (1, 1));
        tokio::time::advance(Duration::from_secs(1)).await;
        let error = waits.await.unwrap().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "1 s in the queue for http://{address}: all 2 sockets are in use, 1 of them still connecting; make \
                 fewer requests at once, or raise max_sockets"
            )
        );
    });
}
