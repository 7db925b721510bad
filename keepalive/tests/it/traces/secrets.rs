//! What a program keeps secret is told by nobody: not by `Debug`, not by errors, events or traces.
//!
//! A `Debug` of `http`'s own types is theirs: they show fields unless a value is marked as sensitive.

use std::error::Error as _;
use std::fmt::Write as _;

use http::{HeaderValue, Request};
use keepalive::{Agent, Body};
use testkit::{PlainOrigin, Reply, Script};

use super::recorded;

const SECRET: &str = "hunter2";

/// Where secrets are in a request.
const FIELDS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "idempotency-key"];

fn assert_silent(text: &str) {
    assert!(!text.contains(SECRET), "{text}");
}

#[test]
fn no_secret_of_a_request_or_its_response_is_told() {
    recorded(async |case, recorder| {
        let reply =
            |_: &testkit::Request| Reply::ok(SECRET).header("set-cookie", SECRET).header("location", SECRET);
        let origin = case.plain(PlainOrigin::builder().reply(reply));
        let agent = Agent::new();
        let mut events = agent.subscribe();
        let url = format!("http://{SECRET}:{SECRET}@{}/?token={SECRET}", origin.addr());
        let mut request = agent.post(&url).body(SECRET);
        for name in FIELDS {
            request = request.header(name, HeaderValue::from_static(SECRET));
        }
        let text = format!("{request:?}");
        assert_silent(&text);
        assert!(text.contains("POST") && text.contains("cookie"), "it is of use: {text}");
        let sending = request.send();
        let response = sending.await.unwrap();
        let text = format!("{response:?}");
        assert_silent(&text);
        assert!(text.contains("200") && text.contains("set-cookie"), "it is of use: {text}");
        assert_silent(&format!("{:?}", response.connection_info()));
        assert_silent(&format!("{agent:?} {:?} {:?}", agent.status(), agent.sockets()));
        assert_eq!(response.text().await.unwrap(), SECRET);
        agent.destroy();
        drop(agent);
        let mut told = 0;
        while let Some(event) = events.next().await {
            assert_silent(&format!("{event:?}"));
            told += 1;
        }
        assert!(told > 3, "{told} events");
        let traces = recorder.take();
        assert!(traces.len() > 3, "{traces:?}");
        assert_silent(&format!("{traces:?}"));
    });
}

#[test]
fn a_future_of_a_request_does_not_tell_its_secrets() {
    let request = Request::get(format!("http://{SECRET}@a/")).header("cookie", SECRET);
    let request = request.body(Body::from(SECRET)).unwrap();
    assert_silent(&format!("{:?}", request.body()));
    assert_silent(&format!("{:?}", Agent::new().request(request)));
}

/// However the server fails, and however the malformed field is named that it sends.
#[test]
fn no_secret_is_in_an_error() {
    recorded(async |case, recorder| {
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\nset-cookie: hunter2\0\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\rset-cookie: hunter2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nSet-Cookie : hunter2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx-auth-token: hunter2\0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nset-cookie: hunter2\0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nset-cookie: hunter2\r\n\r\nhunter2",
        ] {
            let origin = case.scripted(Script::new().request().send(answer).close());
            let agent = Agent::new();
            let url = format!("http://{SECRET}:{SECRET}@{}/?token={SECRET}", origin.addr());
            let mut request = agent.post(&url).body(SECRET);
            for name in FIELDS {
                request = request.header(name, HeaderValue::from_static(SECRET));
            }
            let error = match request.send().await {
                Ok(response) => response.text().await.unwrap_err(),
                Err(error) => error,
            };
            let mut text = format!("{error:?} {error}");
            let mut source = error.source();
            while let Some(error) = source {
                write!(text, " {error:?} {error}").unwrap();
                source = error.source();
            }
            assert_silent(&text);
        }
        assert_silent(&format!("{:?}", recorder.take()));
    });
}
