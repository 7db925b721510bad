//! What is counted and in which order.

use testkit::{Case, End, Script, ScriptedOrigin, ok};

use crate::client::{Client, GET};

/// A quick client of one socket: closes it, then opens the next at once.
const ROUNDS: usize = 200;

#[test]
fn one_socket_after_another_is_a_peak_of_one() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        for _ in 0..ROUNDS {
            Client::connect(origin.addr()).await.hello().await;
        }
        assert_eq!((origin.record().accepted(), origin.record().peak_open), (ROUNDS, 1));
    });
}

#[test]
fn a_stalled_script_does_not_raise_the_peak() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().reached("stalled").stall());
        for _ in 0..ROUNDS {
            Client::connect(origin.addr()).await;
        }
        origin.wait(|record| record.accepted() == ROUNDS).await;
        assert_eq!(origin.record().peak_open, 1);
    });
}

#[test]
fn an_end_behind_unread_bytes_is_seen_too() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().head().signal("never"));
        for _ in 0..ROUNDS {
            let mut client = Client::connect(origin.addr()).await;
            client.send([GET, GET].concat()).await;
        }
        origin.wait(|record| record.accepted() == ROUNDS).await;
        assert_eq!(origin.record().peak_open, 1);
    });
}

#[test]
fn sockets_open_at_once_are_counted() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new());
        let (a, b) = (Client::connect(origin.addr()).await, Client::connect(origin.addr()).await);
        origin.wait(|record| record.open() == 2).await;
        drop(a);
        origin.wait(|record| record.open() == 1).await;
        let c = Client::connect(origin.addr()).await;
        origin.wait(|record| record.accepted() == 3).await;
        assert_eq!((origin.record().open(), origin.record().peak_open), (2, 2));
        drop((b, c));
    });
}

#[test]
fn requests_are_listed_as_they_came_across_connections() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        let mut clients = [Client::connect(origin.addr()).await, Client::connect(origin.addr()).await];
        for (n, client) in [1, 0, 0, 1].into_iter().enumerate() {
            clients[client].send(format!("GET /{n} HTTP/1.1\r\n\r\n")).await;
            clients[client].expect(ok("hello")).await;
        }
        let record = origin.record();
        let seen: Vec<_> = record.requests().iter().map(|r| (r.target.clone(), r.connection)).collect();
        let seen: Vec<_> = seen.iter().map(|(target, connection)| (target.as_str(), *connection)).collect();
        assert_eq!(seen, [("/0", 1), ("/1", 0), ("/2", 0), ("/3", 1)]);
    });
}

#[test]
fn a_stopped_origin_closes_everything_and_says_so() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new());
        let mut client = Client::connect(origin.addr()).await;
        origin.wait(|record| record.open() == 1).await;
        origin.stop();
        assert_eq!(client.rest().await.unwrap(), "");
        assert_eq!(origin.record().connections[0].ended, Some(End::OriginStopped));
        assert!(tokio::net::TcpStream::connect(origin.addr()).await.is_err());
    });
}

#[test]
#[should_panic(
    expected = "the origin was stopped, nobody can wait for a record at testkit/tests/it/record.rs"
)]
fn waiting_for_a_stopped_origin_fails_at_once() {
    testkit::run(async |_: &Case| {
        let origin = ScriptedOrigin::new(Script::new());
        origin.stop();
        origin.wait(|record| record.accepted() == 1).await;
    });
}
