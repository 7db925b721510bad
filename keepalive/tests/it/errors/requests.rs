//! Requests and settings that cannot work.

use std::error::Error as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::Request;
use keepalive::{Agent, AgentBuilder, Body, Phase};
use testkit::Case;

use super::{chain, kinds, nothing_happened};

#[test]
fn a_url_that_cannot_be_used_is_named() {
    testkit::run(async |_: &Case| {
        let agent = Agent::new();
        for (url, text) in [
            ("", "`` is not a valid URL: "),
            ("http://", "`http://` is not a valid URL: "),
            ("http://a b/", "`http://a b/` is not a valid URL: "),
            ("http://a\nb/\r", "`http://a\\nb/\\r` is not a valid URL: "),
            ("/path", "`/path` is not an absolute URL: it has no scheme"),
            #[cfg(not(feature = "tls"))]
            ("https://example.org/", "scheme `https` needs the feature `tls`, which this build has not"),
            ("ftp://example.org/", "scheme `ftp` is not supported, only `http` and `https` are"),
            ("http://a:99999/", "`http://a:99999/` has a bad port: it must be a number from 1 to 65535"),
            ("http://a:8x/", "`http://a:8x/` "),
            ("http://a:+80/", "`http://a:+80/` "),
            ("http://a:0/", "`http://a:0/` has "),
            ("http://[::1", "`http://[::1` is not a valid URL: "),
        ] {
            let error = agent.get(url).send().await.unwrap_err();
            assert!(chain(&error).starts_with(text), "{error} does not start with {text}");
            assert_eq!((kinds(&error), error.phase()), (vec!["request"], Phase::Prepare));
            assert!(!error.safe_to_retry(), "it would only fail again");
            nothing_happened(&error);
        }
        let totals = agent.status().totals;
        assert_eq!((totals.opened, totals.waiting), (0, 0));
    });
}

#[test]
fn a_secret_in_a_url_is_in_no_error() {
    testkit::run(async |_: &Case| {
        let agent = Agent::new();
        for url in [
            "http://user:hunter2@a:99999/",
            "http://user:hunter2@a:0/",
            "http://user:hunter2@a b/",
            "http://user:hunter2@/",
            "https://user:hunter2@a/",
            "http://a:0/?token=hunter2",
            "http://a b/?token=hunter2",
        ] {
            let error = agent.get(url).send().await.unwrap_err();
            assert!(!format!("{error:?}{}", chain(&error)).contains("hunter2"), "{error:?}");
        }
    });
}

#[test]
fn a_header_that_cannot_be_sent_is_named_and_its_value_is_not_shown() {
    testkit::run(async |_: &Case| {
        let agent = Agent::new();
        for (name, value, text) in [
            ("a b", "x", "the name of header `a b` is not valid: invalid HTTP header name"),
            ("", "x", "the name of header `` is not valid: invalid HTTP header name"),
            ("x-key", "hunter2\n", "the value of header `x-key` is not valid: failed to parse header value"),
            ("x\ny", "x", "the name of header `x\\ny` is not valid: invalid HTTP header name"),
        ] {
            let error = agent.get("http://127.0.0.1/").header(name, value).send().await.unwrap_err();
            assert_eq!(chain(&error), text);
            assert!(!format!("{error:?}").contains("hunter2"));
            assert_eq!((kinds(&error), error.phase()), (vec!["request"], Phase::Prepare));
        }
        let first = agent.get("no url").header("no name", "x").build().unwrap_err();
        assert!(first.to_string().contains("no url"), "the first mistake is told: {first}");
    });
}

#[test]
fn a_setting_that_lets_nothing_through_is_named() {
    let zero = Duration::ZERO;
    let text = |name: &str| format!("{name} is zero: use a longer time, or None for no limit");
    let none = |name: &str| {
        format!("{name} is 0, which lets no request through: use 1 or more, or None for no limit")
    };
    let keepalive = "tcp_keepalive must be from 1 s to 32767 s, or None to turn it off".to_owned();
    let bad: [(AgentBuilder, String); 12] = [
        (Agent::builder().max_sockets(0), none("max_sockets")),
        (Agent::builder().max_total_sockets(0), none("max_total_sockets")),
        (Agent::builder().connect_timeout(zero), text("connect_timeout")),
        (Agent::builder().timeout(zero), text("timeout")),
        (Agent::builder().response_timeout(zero), text("response_timeout")),
        (Agent::builder().body_timeout(zero), text("body_timeout")),
        (Agent::builder().free_socket_timeout(zero), text("free_socket_timeout")),
        (Agent::builder().max_socket_age(zero), text("max_socket_age")),
        (Agent::builder().max_requests_per_socket(0), none("max_requests_per_socket")),
        (Agent::builder().tcp_keepalive(zero), keepalive.clone()),
        (Agent::builder().tcp_keepalive(Duration::from_millis(999)), keepalive.clone()),
        (Agent::builder().tcp_keepalive(Duration::from_secs(32_768)), keepalive),
    ];
    for (builder, text) in bad {
        let error = builder.build().unwrap_err();
        assert_eq!(chain(&error), text);
        assert_eq!((kinds(&error), error.phase()), (vec!["request"], Phase::Prepare));
    }
    let agent = Agent::new();
    assert_eq!(chain(&agent.set_max_sockets(0).unwrap_err()), none("max_sockets"));
    assert_eq!(chain(&agent.set_max_total_sockets(0).unwrap_err()), none("max_total_sockets"));
    assert_eq!(
        agent.set_max_free_sockets(0).map_err(|error| chain(&error)),
        Ok(()),
        "0 free sockets keeps none"
    );
}

#[test]
fn outside_of_a_runtime_a_request_fails_and_does_not_panic() {
    let agent = Agent::new();
    let request = agent.request(Request::get("http://127.0.0.1/").body(Body::empty()).unwrap());
    let Poll::Ready(outcome) = pin!(request).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("there is nothing to wait for");
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.to_string(), "a request must be polled inside a tokio runtime");
    assert!(error.is_request() && error.source().is_some());
    assert_eq!(agent.status().totals.failed, 1);
}
