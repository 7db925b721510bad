//! A request whose HTTP/1.1 socket was dead before the first write, at a server that speaks HTTP/2 since it came back.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;
use std::vec::IntoIter;

use bytes::Bytes;
use http::Version;
use http_body::Frame;
use keepalive::{Agent, Body, Error, Tls};
use testkit::{Authority, Case, PlainOrigin, Script, ScriptedOrigin, ServerTls, ok, run};

use crate::kit::{fetch, info};

/// A body whose first poll, which comes just before the first write, restarts the server.
struct Restarting {
    restart: Option<Box<dyn FnOnce() + Send>>,
    left: IntoIter<Bytes>,
}

impl http_body::Body for Restarting {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(restart) = self.restart.take() {
            restart();
        }
        Poll::Ready(self.left.next().map(|data| Ok(Frame::data(data))))
    }
}

/// The server speaks HTTP/2 since it was restarted: what had been pulled for the write that failed is part of
/// the body still.
#[test]
fn a_request_that_moves_to_http2_keeps_the_beginning_of_its_body() {
    run(async |case: &Case| {
        let (authority, names) = (Authority::new("tests"), ["http/1.1"]);
        let tls = Tls::builder().builtin_roots(false).add_root_pem(authority.pem()).build().unwrap();
        let old = ServerTls::new(&authority.local()).alpn(&names);
        let new = ServerTls::new(&authority.local()).alpn(&["h2"]);
        let script = Script::new().request().send(ok("first")).signal("reset").reset();
        let origin = case.scripted(ScriptedOrigin::builder().connection(script).tls(&old));
        let agent = Agent::builder().tls(tls).build().unwrap();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "first");
        let again = Arc::new(Mutex::new(None));
        let (url, place) = (origin.url("/"), Arc::clone(&again));
        let restart = move || {
            origin.signal("reset");
            while origin.record().open() > 0 {
                thread::yield_now();
            }
            origin.stop();
            let builder = PlainOrigin::builder().tls(&new).record_requests();
            *place.lock().unwrap() = Some(builder.bind(origin.addr().to_string()).start());
        };
        let left = vec![Bytes::from_static(b"first,"), Bytes::from_static(b"second")];
        let body = Restarting { restart: Some(Box::new(restart)), left: left.into_iter() };
        let response = agent.post(url).body(Body::wrap(body)).send().await.unwrap();
        assert_eq!(info(&response).protocol, Version::HTTP_2);
        assert_eq!(response.text().await.unwrap(), "hello");
        let origin = again.lock().unwrap().take().unwrap();
        assert_eq!(String::from_utf8_lossy(&origin.requests()[0].body), "first,second");
        drop(agent);
    });
}
