//! The origin that answers everything.

#[cfg(target_os = "linux")]
use std::io::Write;
use std::time::Duration;

#[cfg(target_os = "linux")]
use testkit::Gate;
use testkit::{Case, PlainOrigin, Reply, Stats, ok};

use crate::client::{Client, GET};

#[test]
fn it_answers_and_counts() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let mut client = Client::connect(origin.addr()).await;
        client.hello().await;
        client.hello().await;
        assert_eq!(
            origin.stats(),
            Stats { accepted: 1, open: 1, peak_open: 1, requests: 2, ..Stats::default() }
        );
        assert_eq!(origin.url("/"), format!("http://{}/", origin.addr()));
        drop(client);
        origin.wait(|stats| stats.open == 0).await;
    });
}

#[test]
fn the_answer_may_depend_on_the_request_which_is_kept_on_demand() {
    testkit::run(async |case: &Case| {
        let reply =
            |request: &testkit::Request| Reply::ok(request.body.clone()).header("echo", "yes").chunked();
        let origin = case.plain(PlainOrigin::builder().reply(reply).record_requests());
        let mut client = Client::connect(origin.addr()).await;
        client.send("PUT /p HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi").await;
        let answer = client.rest().await.unwrap();
        assert!(answer.contains("\r\necho: yes\r\n") && answer.contains("\r\nconnection: close\r\n"));
        assert!(answer.ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"));
        assert_eq!(
            (origin.requests()[0].target.as_str(), origin.requests()[0].body.as_slice()),
            ("/p", &b"hi"[..])
        );
    });
}

#[test]
fn an_expected_continue_is_sent() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let mut client = Client::connect(origin.addr()).await;
        client.send("PUT / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n").await;
        client.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
        client.send("hi").await;
        client.expect(ok("hello")).await;
    });
}

#[test]
fn the_last_answer_says_close() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().max_requests_per_connection(2));
        let mut client = Client::connect(origin.addr()).await;
        client.hello().await;
        client.send(GET).await;
        assert!(client.rest().await.unwrap().contains("\r\nconnection: close\r\n"));
    });
}

#[test]
fn a_silent_close_says_nothing() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().close_idle_after(2));
        let mut client = Client::connect(origin.addr()).await;
        client.hello().await;
        client.hello().await;
        assert_eq!(client.rest().await.unwrap(), "");
    });
}

#[test]
fn a_delay_runs_on_real_time() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().delay(Duration::from_millis(1)));
        Client::connect(origin.addr()).await.hello().await;
    });
}

#[test]
fn a_bad_client_disturbs_nobody() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        for bad in [
            "\r\n\r\n",
            "GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
            "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZ\r\n",
        ] {
            let mut client = Client::connect(origin.addr()).await;
            client.send(bad).await;
            assert_eq!(client.rest().await.unwrap(), "");
        }
        Client::connect(origin.addr()).await.hello().await;
        assert_eq!(origin.stats().requests, 1);
    });
}

/// The end of a connection stands behind bytes that the origin does not read: as late as a FIN can be.
#[cfg(target_os = "linux")]
#[test]
fn a_client_that_has_closed_is_not_counted_beyond_the_most_there_may_be() {
    testkit::run(async |case: &Case| {
        for (most, peak) in [(None, 2), (Some(1), 1), (Some(2), 2)] {
            let gate = Gate::new();
            let origin = PlainOrigin::builder().gate(&gate);
            let origin = case.plain(if let Some(most) = most { origin.at_most(most) } else { origin });
            let mut first = std::net::TcpStream::connect(origin.addr()).unwrap();
            first.write_all(GET.as_bytes()).unwrap();
            origin.wait(|stats| stats.requests == 1).await;
            first.set_nonblocking(true).unwrap();
            while first.write(&[b'x'; 64 * 1024]).is_ok() {}
            drop(first);
            let second = Client::connect(origin.addr()).await;
            origin.wait(|stats| stats.accepted == 2).await;
            assert_eq!(origin.stats().peak_open, peak, "{most:?}");
            drop(second);
            gate.open();
        }
    });
}

/// What is held is counted, however many there may be.
#[test]
fn a_client_that_holds_too_many_is_found_out() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(1));
        let mut clients = Vec::new();
        for peak in 1..=3 {
            clients.push(Client::connect(origin.addr()).await);
            origin.wait(|stats| (stats.accepted, stats.peak_open) == (peak, peak)).await;
        }
    });
}
