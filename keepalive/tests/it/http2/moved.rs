//! Requests that move between HTTP/1.1 and HTTP/2, as their server changed.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use http::Version;
use keepalive::{Agent, Body, Tls};
use testkit::{
    Authority, Case, Frame, FrameOrigin, Peer, PlainOrigin, Script, ScriptedOrigin, ServerTls, ok, run,
};

use super::integrity::trailers;
use super::{MAX_CONCURRENT_STREAMS, NO_ERROR, REFUSED_STREAM};
use crate::kit::{fetch, info};
use crate::sending::acting::Acting;
use crate::sending::feed::{feed, feed_of};

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
        let body = Acting::new(left, restart);
        let response = agent.post(url).body(Body::wrap(body)).send().await.unwrap();
        assert_eq!(info(&response).protocol, Version::HTTP_2);
        assert_eq!(response.text().await.unwrap(), "hello");
        let origin = again.lock().unwrap().take().unwrap();
        assert_eq!(String::from_utf8_lossy(&origin.requests()[0].body), "first,second");
        drop(agent);
    });
}

/// Gives the first connection to one server and all others to another, bytes for bytes.
fn forked(first: SocketAddr, others: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut to = first;
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(std::mem::replace(&mut to, others)).unwrap();
            let ends = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
            for (mut from, mut into) in ends {
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut into);
                    let _ = into.shutdown(Shutdown::Write);
                });
            }
        }
    });
    address
}

/// The server went back to HTTP/1.1: what was pulled for HTTP/2 is the beginning of the body still.
#[test]
fn a_request_that_moves_to_http1_is_whole() {
    run(async |case: &Case| {
        for (length, refused) in [(None, false), (Some(12), false), (None, true)] {
            let authority = Authority::new("tests");
            let tls = Tls::builder().builtin_roots(false).add_root_pem(authority.pem()).build().unwrap();
            let h2 = ServerTls::new(&authority.local()).alpn(&["h2"]);
            let h1 = ServerTls::new(&authority.local()).alpn(&["http/1.1"]);
            let builder = FrameOrigin::script(move |mut peer: Peer| async move {
                peer.open(&[(MAX_CONCURRENT_STREAMS, 100)]).await?;
                let stream = peer.request().await?;
                peer.next(Frame::DATA).await?;
                if refused {
                    peer.send(&Frame::reset(stream, REFUSED_STREAM)).await?;
                }
                peer.send(&Frame::go_away(0, NO_ERROR)).await?;
                peer.rest().await
            });
            let old = case.frames(builder.tls(&h2));
            let new = case.plain(PlainOrigin::builder().tls(&h1).record_requests());
            let old_addr = old.url("").trim_start_matches("https://").trim_end_matches('/').parse().unwrap();
            let address = forked(old_addr, new.addr());
            let agent = Agent::builder().tls(tls).build().unwrap();
            let (feeder, body) = length.map_or_else(feed, feed_of);
            feeder.data("first,");
            let request = agent.post(format!("https://{address}/")).header("x", "1").header("x", "2");
            let request = tokio::spawn(request.body(Body::wrap(body)).send());
            new.wait(|stats| stats.accepted > 0).await;
            feeder.data("second");
            if length.is_none() {
                feeder.trailers(trailers());
            }
            drop(feeder);
            let response = request.await.unwrap().unwrap();
            assert_eq!(info(&response).protocol, Version::HTTP_11);
            assert_eq!(response.text().await.unwrap(), "hello");
            let request = &new.requests()[0];
            assert_eq!(String::from_utf8_lossy(&request.body), "first,second");
            assert_eq!(request.trailers.len(), usize::from(length.is_none()));
        }
    });
}
