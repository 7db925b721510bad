//! What is wrong is an error, and never looks whole.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use keepalive::{Agent, Body, Error};
use testkit::{Case, End, Script, ScriptedOrigin, ok, run, run_paused};
use tokio::time::advance;

use crate::kit::{fetch, poll_once};
use crate::sending::acting::Acting;
use crate::sending::feed::{feed, feed_of};

/// And waits until it has done so.
pub(crate) fn reset_by_server(origin: &ScriptedOrigin) {
    origin.signal("reset");
    while origin.record().connections[0].ended != Some(End::ResetByScript) {
        thread::yield_now();
    }
}

/// The write was told of the reset, and the read that came after it saw an end like any other.
#[test]
fn a_body_that_a_reset_cut_off_during_the_upload_is_not_whole() {
    run(async |case: &Case| {
        let early = "HTTP/1.1 200 OK\r\n\r\npart";
        let origin = case.scripted(Script::new().head().send(early).signal("reset").reset());
        let agent = Agent::new();
        let (feeder, body) = feed();
        let mut response = agent.request(Request::post(origin.url("/")).body(body).unwrap()).await.unwrap();
        let first = response.body_mut().chunk().await.unwrap().unwrap();
        assert_eq!(first, "part");
        reset_by_server(&origin);
        feeder.data("more of the request");
        let rest = response.into_body().bytes().await;
        assert!(rest.is_err(), "`part` was taken for the whole body of a connection that was reset");
    });
}

/// The same without an upload: so it is meant.
#[test]
fn and_neither_is_one_that_a_reset_cut_off_later() {
    run(async |case: &Case| {
        let early = "HTTP/1.1 200 OK\r\n\r\npart";
        let origin = case.scripted(Script::new().request().send(early).signal("reset").reset());
        let agent = Agent::new();
        let mut response = agent.get(origin.url("/")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "part");
        reset_by_server(&origin);
        assert!(response.into_body().bytes().await.is_err());
    });
}

/// What the server says of an idle connection is no answer to a request of which no byte was ever written.
#[test]
fn a_request_that_was_not_written_is_not_answered() {
    run(async |case: &Case| {
        let goodbye = "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let idle = Script::new().request().send(ok("1")).signal("reset").send(goodbye).reset();
        let good = Script::new().request().send(ok("good")).repeat();
        let origin = case.scripted(ScriptedOrigin::builder().connection(idle).otherwise(good));
        let agent = Agent::new();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "1");
        let idle = origin.clone();
        let body = Acting::new(vec![Bytes::from_static(b"payload")], move || reset_by_server(&idle));
        let response = agent.post(origin.url("/")).body(Body::wrap(body)).send().await.unwrap();
        assert_eq!(
            response.status(),
            200,
            "the request was not written: {:?}",
            origin.record().requests().len()
        );
        assert_eq!(response.text().await.unwrap(), "good");
    });
}

/// RFC 9110 §7.8: the new protocol begins behind the whole request. A request that cannot be written to its end
/// is none.
#[test]
fn a_switch_before_the_whole_request_is_an_error_also_if_the_rest_cannot_be_written() {
    run(async |case: &Case| {
        let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        let origin =
            case.scripted(Script::new().head().reached("head").signal("reset").send(switched).reset());
        let agent = Agent::new();
        let (feeder, body) = feed();
        let request = agent.post(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
        let mut request = Box::pin(request.body(Body::wrap(body)).send());
        tokio::select! {
            _ = &mut request => panic!("the server said nothing yet"),
            () = origin.reached("head") => {}
        }
        reset_by_server(&origin);
        feeder.data("the rest");
        let answer = request.await;
        assert!(answer.is_err(), "{:?} for half a request", answer.map(|it| it.status()));
    });
}

/// Whoever lies about the size is told so, with any method: with POST it is.
#[test]
fn a_body_that_said_it_was_empty_and_is_not_fails_its_request_whatever_the_method() {
    run(async |case: &Case| {
        for method in ["POST", "DELETE"] {
            let origin = case.scripted(Script::new().request().send(ok("")).repeat());
            let (feeder, body) = feed_of(0);
            feeder.data("some");
            drop(feeder);
            let agent = Agent::new();
            let sent = agent.method(method.parse().unwrap(), origin.url("/")).body(Body::wrap(body)).send();
            let bytes = || String::from_utf8(origin.record().connections[0].bytes.clone()).unwrap();
            assert!(sent.await.is_err(), "a whole {method} without its body: {}", bytes());
        }
    });
}

/// They were there long before the socket was given back, and nobody asked the kernel, since it had "just been in
/// use": the bytes were taken for the answer, the end cost a POST its own. It happens with a clock that goes as well.
#[test]
fn bytes_or_an_end_behind_a_body_are_seen_before_the_next_request_is_written() {
    const LENGTH: usize = 100_000;
    for surplus in [&b""[..], &ok("nobody asked for this")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (ask, asked) = channel();
        let (tell, told) = channel();
        let surplus = surplus.to_owned();
        let server = thread::spawn(move || {
            let mut socket = listener.accept().unwrap().0;
            for body in [vec![b'1'; 1], vec![b'x'; LENGTH]] {
                let _ = socket.read(&mut [0; 1024]).unwrap();
                socket.write_all(&ok(body)).unwrap();
            }
            asked.recv().unwrap();
            socket.write_all(&surplus).unwrap();
            let _open = Some(socket).filter(|_| !surplus.is_empty());
            tell.send(()).unwrap();
            let mut socket = listener.accept().unwrap().0;
            let _ = socket.read(&mut [0; 1024]).unwrap();
            socket.write_all(&ok("the answer")).unwrap();
        });
        run_paused(async |_: &Case| {
            let agent = Agent::new();
            let url = format!("http://{address}/");
            assert_eq!(fetch(&agent, url.clone()).await.unwrap(), "1");
            let mut response = agent.get(&url).send().await.unwrap();
            let mut read = 0;
            while read < LENGTH {
                read += response.chunk().await.unwrap().unwrap().len();
            }
            // No turn for the reactor: whoever has the body is busy with it.
            ask.send(()).unwrap();
            told.recv().unwrap();
            assert!(response.chunk().await.unwrap().is_none());
            let answer = agent.post(&url).body("once").send().await;
            // Lets the server go if it was not asked.
            drop(TcpStream::connect(address).map(|mut other| other.write_all(b"x")));
            assert_eq!(answer.unwrap().text().await.unwrap(), "the answer");
        });
        server.join().unwrap();
    }
}

/// The agent itself shut the socket down, and took the end it saw then for the server's.
#[test]
fn a_body_that_ends_with_its_agent_is_not_whole() {
    for early in ["HTTP/1.1 200 OK\r\n\r\npart", "HTTP/1.0 200 OK\r\n\r\npart"] {
        run(async |case: &Case| {
            let origin = case.scripted(Script::new().request().send(early).read_to_end());
            let agent = Agent::new();
            let mut response = agent.get(origin.url("/")).send().await.unwrap();
            assert_eq!(response.chunk().await.unwrap().unwrap(), "part");
            agent.destroy();
            match response.into_body().bytes().await {
                Err(error) => assert!(error.is_destroyed(), "{error:?}"),
                Ok(rest) => panic!("`part{}` was taken for the whole body", String::from_utf8_lossy(&rest)),
            }
        });
    }
}

/// From the last byte of the request that the socket took; the body is held back, and stays so.
#[test]
fn a_server_that_says_nothing_to_an_expectation_is_not_waited_for_for_ever() {
    run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().head().reached("head").read_to_end());
        let limit = Duration::from_secs(5);
        let agent = Agent::builder().expect_continue_timeout(None).response_timeout(limit).build().unwrap();
        let request = agent.put(origin.url("/")).header("expect", "100-continue").body("payload");
        let mut request = Box::pin(request.send());
        tokio::select! {
            _ = &mut request => panic!("no time has passed"),
            () = origin.reached("head") => {}
        }
        assert!(poll_once(&mut request).await.is_none());
        advance(100 * limit).await;
        let answer = poll_once(&mut request).await;
        assert!(answer.is_some(), "after 100 times the response_timeout it waits still");
        assert!(answer.unwrap().unwrap_err().is_timeout());
    });
}

/// One in one piece can be read whenever one likes: the request was done in time.
#[test]
fn a_body_that_was_there_in_time_is_read_in_any_number_of_pieces() {
    let pieces = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    for response in [ok("hello"), pieces.into()] {
        run_paused(async |case: &Case| {
            let origin = case.scripted(Script::new().request().send(response.clone()));
            let agent = Agent::builder().timeout(Duration::from_secs(1)).build().unwrap();
            let response = agent.get(origin.url("/")).send().await.unwrap();
            let totals = agent.status().totals;
            assert_eq!((totals.done, totals.idle), (1, 1), "all of it is here");
            advance(Duration::from_secs(2)).await;
            assert_eq!(response.text().await.unwrap(), "hello");
        });
    }
}

/// A body that panics at its second poll.
struct Panicking(bool);

impl http_body::Body for Panicking {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        assert!(!std::mem::replace(&mut self.0, true), "the body of a test");
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
    }
}

/// In the request's own poll, in its response's, and in the task that sends on behind the response.
#[test]
fn a_body_that_panics_leaves_the_accounts_right() {
    run(async |case: &Case| {
        let scripts = [
            Script::new().head().read_to_end(),
            Script::new().head().send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").read_to_end(),
        ];
        for script in scripts {
            let origin = case.scripted(script);
            let agent = Agent::new();
            let request = agent.post(origin.url("/")).body(Body::wrap(Panicking(false)));
            let asked = tokio::spawn(async move { request.send().await?.text().await });
            assert!(asked.await.unwrap_err().is_panic());
            let totals = crate::kit::at_rest(&agent).await;
            assert_eq!((totals.opened, totals.closed, totals.requests), (1, 1, 1));
        }
    });
}

/// Its last byte had come in time; only the end of it was asked for later.
#[test]
fn a_body_of_which_every_byte_came_in_time_is_whole() {
    run_paused(async |case: &Case| {
        const LENGTH: usize = 100_000;
        let origin = case.scripted(Script::new().request().send(ok(vec![b'x'; LENGTH])).read_to_end());
        let agent = Agent::builder().timeout(Duration::from_secs(1)).build().unwrap();
        let mut response = agent.get(origin.url("/")).send().await.unwrap();
        let mut read = 0;
        while read < LENGTH {
            read += response.chunk().await.unwrap().unwrap().len();
        }
        advance(Duration::from_secs(2)).await;
        let end = response.chunk().await;
        let totals = agent.status().totals;
        assert_eq!((totals.done, totals.failed, totals.idle), (1, 0, 1), "the request is done: {end:?}");
        assert!(end.is_ok(), "and yet: {end:?}");
    });
}
