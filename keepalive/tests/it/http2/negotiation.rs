//! Which protocol is spoken, who decides, and what is said when it is the wrong one.

use std::time::Duration;

use http::Version;
use keepalive::{Agent, AgentBuilder, Protocol, Tls};
use testkit::{Authority, Case, Gate, PlainOrigin, Script, ServerTls, response};
use tokio::task::JoinSet;
use tokio::time::advance;

use super::{agent, plain};
use crate::kit::{at_rest, eventually, fetch, info, poll_once, polled, turns};

/// An authority's server with these protocols, and agents that trust it.
fn secure(names: &[&str]) -> (ServerTls, AgentBuilder) {
    let authority = Authority::new("tests");
    let tls = Tls::builder().builtin_roots(false).add_root_pem(authority.pem()).build().unwrap();
    (ServerTls::new(&authority.local()).alpn(names), Agent::builder().tls(tls))
}

#[test]
fn a_server_that_likes_http2_best_gets_it() {
    testkit::run(async |case: &Case| {
        let (tls, builder) = secure(&["h2", "http/1.1"]);
        let origin = case.plain(PlainOrigin::builder().tls(&tls).record_requests());
        let agent = builder.build().unwrap();
        let response = agent.get(origin.url("/a?b")).send().await.unwrap();
        assert_eq!((response.version(), info(&response).protocol), (Version::HTTP_2, Version::HTTP_2));
        assert_eq!(response.text().await.unwrap(), "hello");
        let request = &origin.requests()[0];
        assert_eq!((request.target.as_str(), request.header(":scheme")), ("/a?b", Some("https")));
        assert_eq!(request.header(":authority"), Some(format!("127.0.0.1:{}", origin.port()).as_str()));
        assert_eq!(request.header("host"), None);
    });
}

#[test]
fn http1_can_be_asked_for_and_http2_never_comes_by_itself_without_tls() {
    testkit::run(async |case: &Case| {
        let (tls, builder) = secure(&["h2", "http/1.1"]);
        let origin = case.plain(PlainOrigin::builder().tls(&tls));
        let clear = case.plain(PlainOrigin::builder());
        for (agent, url) in [
            (builder.clone().protocol(Protocol::Http1).build().unwrap(), origin.url("/")),
            (builder.clone().build().unwrap(), clear.url("/")),
            (builder.protocol(Protocol::Http2).build().unwrap(), clear.url("/")),
        ] {
            let response = agent.get(url).send().await.unwrap();
            assert_eq!((response.version(), info(&response).protocol), (Version::HTTP_11, Version::HTTP_11));
            assert_eq!(response.text().await.unwrap(), "hello");
        }
    });
}

/// One says that it has no such protocol, the other does not know of protocols at all.
#[test]
fn http2_forced_on_a_server_without_it_is_an_error_that_says_so() {
    testkit::run(async |case: &Case| {
        for names in [&["http/1.1"][..], &[]] {
            let (tls, builder) = secure(names);
            let origin = case.plain(PlainOrigin::builder().tls(&tls));
            let agent = builder.protocol(Protocol::Http2).build().unwrap();
            let error = agent.get(origin.url("/")).send().await.unwrap_err();
            assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
            assert!(error.to_string().contains("does not speak HTTP/2"), "{names:?}: {error}");
            let totals = at_rest(&agent).await;
            assert_eq!((totals.opened, totals.failed_dials), (1, 1));
        }
    });
}

#[test]
fn a_server_that_is_known_to_speak_http2_needs_no_tls() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain().record_requests());
        let response = agent().get(origin.url("/")).send().await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(response.text().await.unwrap(), "hello");
        assert_eq!(origin.requests()[0].header(":scheme"), Some("http"));
    });
}

#[test]
fn a_server_that_was_wrongly_known_to_is_an_error_that_says_so() {
    testkit::run(async |case: &Case| {
        let answers = Script::new().send(response(400, &[("connection", "close")], "what?")).close();
        for url in [
            case.plain(PlainOrigin::builder()).url("/"),
            case.scripted(answers).url("/"),
            case.scripted(Script::new().close()).url("/"),
        ] {
            let error = agent().get(url).send().await.unwrap_err();
            assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
            assert!(error.to_string().contains("HTTP/2"), "{error}");
        }
    });
}

#[test]
fn a_server_that_says_nothing_has_ten_seconds() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().read_to_end());
        let agent = agent();
        let mut asked = Box::pin(fetch(&agent, origin.url("/")));
        assert!(poll_once(&mut asked).await.is_none());
        origin.wait(|record| record.accepted() == 1).await;
        turns().await;
        advance(Duration::from_millis(9_990)).await;
        turns().await;
        assert!(poll_once(&mut asked).await.is_none());
        advance(Duration::from_millis(20)).await;
        let error = asked.await.unwrap_err();
        assert!(error.is_timeout() && error.is_connect(), "{error:?}");
        assert!(error.to_string().contains("no HTTP/2 settings within 10 s"), "{error}");
    });
}

#[test]
fn a_cold_burst_makes_one_handshake() {
    testkit::run(async |case: &Case| {
        let (tls, builder) = secure(&["h2", "http/1.1"]);
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().tls(&tls).gate(&gate));
        let agent = builder.build().unwrap();
        let mut asked = JoinSet::new();
        (0..50).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        origin.wait(|stats| stats.requests == 50).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        let stats = origin.stats();
        assert_eq!((stats.accepted, stats.peak_streams), (1, 50));
    });
}

/// The clock stands still: nothing but the answer of the first handshake can have let the others go.
#[test]
fn a_server_without_http2_is_dialled_for_all_who_wait_as_soon_as_that_is_known() {
    testkit::run_paused(async |case: &Case| {
        let (tls, builder) = secure(&["http/1.1"]);
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().tls(&tls).gate(&gate));
        let agent = builder.max_sockets(8).build().unwrap();
        let waiting: Vec<_> = (0..50).map(|_| polled(fetch(&agent, origin.url("/")))).collect();
        assert_eq!(agent.status().totals.opened, 1);
        let mut asked = JoinSet::new();
        waiting.into_iter().for_each(|request| drop(asked.spawn(request)));
        origin.wait(|stats| stats.requests == 8).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(origin.stats().accepted, 8);
    });
}

/// What was learnt outlasts the sockets.
#[test]
fn what_a_server_speaks_is_remembered() {
    testkit::run_paused(async |case: &Case| {
        let (tls, builder) = secure(&["http/1.1"]);
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().tls(&tls).gate(&gate));
        let agent = builder.build().unwrap();
        gate.release(1);
        fetch(&agent, origin.url("/")).await.unwrap();
        agent.close_idle();
        at_rest(&agent).await;
        let mut asked = JoinSet::new();
        (0..5).for_each(|_| drop(asked.spawn(fetch(&agent, origin.url("/")))));
        eventually(|| agent.status().totals.opened == 6).await;
        assert_eq!(agent.status().totals.connecting, 5);
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
    });
}

#[test]
fn an_upgrade_or_a_tunnel_needs_http1_and_is_told_so() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(plain());
        let agent = agent();
        let upgrade =
            agent.get(origin.url("/")).header("upgrade", "websocket").header("connection", "upgrade");
        let tunnel = agent.method(http::Method::CONNECT, origin.url("/"));
        for request in [upgrade, tunnel] {
            let error = request.send().await.unwrap_err();
            assert!(error.is_request(), "{error:?}");
            assert!(error.to_string().contains("HTTP/1.1"), "{error}");
        }
        // Neither cost the connection.
        fetch(&agent, origin.url("/")).await.unwrap();
        let totals = at_rest(&agent).await;
        assert_eq!((totals.opened, totals.failed, totals.done), (1, 2, 1));
    });
}

/// RFC 9113 §9.1.1 would allow one connection for both, as the certificate is good for both. Whoever may answer
/// for one name would then be asked for the other.
#[test]
fn names_of_one_server_share_no_connection() {
    testkit::run(async |case: &Case| {
        let (tls, builder) = secure(&["h2"]);
        let origin = case.plain(PlainOrigin::builder().tls(&tls).record_requests());
        let agent = builder.build().unwrap();
        for _ in 0..2 {
            for name in ["localhost", "127.0.0.1"] {
                let url = format!("https://{name}:{}/", origin.port());
                assert_eq!(fetch(&agent, url).await.unwrap(), "hello");
            }
        }
        assert_eq!((origin.stats().accepted, at_rest(&agent).await.idle), (2, 2));
        let requests = origin.requests();
        let on = |name: &str| -> Vec<_> {
            let authority = format!("{name}:{}", origin.port());
            let of = |it: &&testkit::Request| it.header(":authority") == Some(&authority);
            requests.iter().filter(of).map(|request| request.connection).collect()
        };
        assert_eq!((on("localhost"), on("127.0.0.1")), (vec![0, 0], vec![1, 1]));
    });
}
