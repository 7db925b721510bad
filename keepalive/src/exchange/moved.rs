//! A request of which not a byte was written moves to another socket, whatever it is: on a transport that
//! can refuse the first write, which TCP does only by a race.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect::{Carrier, Connect, Connected, Connecting, DialTimings};
use crate::descriptors::Place;
use crate::io::{Io, Permit, RawSocket};
use crate::{Agent, Body, CloseReason, ConnectionInfo, Error, Origin};

/// Connections that answer each write with an empty response, until they are `broken`.
#[derive(Debug, Default)]
struct FakeConnect {
    broken: Arc<AtomicBool>,
    /// The socket underneath a broken one takes so much before it breaks.
    leaks: Arc<AtomicUsize>,
    dials: AtomicUsize,
    /// What all connections took.
    written: Arc<Mutex<Vec<u8>>>,
}

struct FakeIo {
    /// Of the first connection only.
    broken: Option<Arc<AtomicBool>>,
    leaks: Arc<AtomicUsize>,
    written: Arc<Mutex<Vec<u8>>>,
    answer: &'static [u8],
    taken: u64,
    _permit: Permit,
}

impl Connect for FakeConnect {
    fn connect<'a>(&'a self, _: &'a Origin, permit: Permit, _: Place) -> Connecting<'a> {
        let first = self.dials.fetch_add(1, Ordering::Relaxed) == 0;
        let io = FakeIo {
            broken: first.then(|| Arc::clone(&self.broken)),
            leaks: Arc::clone(&self.leaks),
            written: Arc::clone(&self.written),
            answer: b"",
            taken: 0,
            _permit: permit,
        };
        let timings = DialTimings::default();
        Box::pin(std::future::ready(Ok(Connected {
            carrier: Carrier::One(Box::new(io)),
            local: None,
            peer: None,
            timings,
        })))
    }
}

impl FakeIo {
    fn is_broken(&self) -> bool {
        self.broken.as_ref().is_some_and(|broken| broken.load(Ordering::Relaxed))
    }
}

impl Io for FakeIo {
    fn raw(&self) -> Weak<RawSocket> {
        Weak::new()
    }

    fn sent(&self) -> u64 {
        self.taken
    }

    fn rehome(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for FakeIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_broken() {
            return Poll::Ready(Ok(()));
        }
        if self.answer.is_empty() {
            // Nobody is woken: a test that has to wait here hangs, and should.
            return Poll::Pending;
        }
        buf.put_slice(self.answer);
        self.answer = b"";
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FakeIo {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_broken() {
            self.taken += self.leaks.load(Ordering::Relaxed) as u64;
            // What a socket says whose peer has reset it.
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.written.lock().unwrap().extend_from_slice(buf);
        self.taken += buf.len() as u64;
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The second request finds the first connection broken; with what `retry` says, on what it asked.
async fn second(retry: bool, method: &str, body: Body) -> (ConnectionInfo, Agent, Vec<u8>) {
    let connect = Arc::new(FakeConnect::default());
    let agent = Agent::builder().retry(retry).build_over(connect.clone());
    agent.get("http://a/").send().await.unwrap();
    connect.written.lock().unwrap().clear();
    connect.broken.store(true, Ordering::Relaxed);
    let request = agent.method(method.parse().unwrap(), "http://a/").body(body);
    let response = request.send().await.unwrap();
    let written = connect.written.lock().unwrap().clone();
    (response.connection_info().unwrap().clone(), agent, written)
}

#[tokio::test]
async fn whatever_it_is() {
    for (retry, method) in [(true, "GET"), (false, "GET"), (true, "POST"), (false, "POST")] {
        let (info, agent, _) = second(retry, method, Body::from("once")).await;
        assert_eq!((info.socket_id, info.attempts), (2, 1), "{method} {retry}: moving is no second attempt");
        let totals = agent.status().totals;
        assert_eq!((totals.retried, totals.done, totals.failed), (0, 2, 0));
        assert_eq!(totals.closed_by.into_iter().collect::<Vec<_>>(), [(CloseReason::Stale, 1)]);
    }
}

/// Its body had been pulled for the write that failed, and is more than is kept for a second attempt.
#[tokio::test]
async fn with_a_body_of_any_size() {
    for body in [Body::from(vec![7; 1_000_000]), Body::wrap(Body::from(vec![7; 1_000_000]))] {
        let (_, _, written) = second(true, "POST", body).await;
        assert_eq!(written.iter().filter(|&&byte| byte == 7).count(), 1_000_000);
    }
}

struct TrailersOnly(Option<HeaderMap>);

impl http_body::Body for TrailersOnly {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }
}

/// Then they were pulled for the write that failed.
#[tokio::test]
async fn with_a_body_that_is_nothing_but_trailers() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("42"));
    let (_, _, written) = second(false, "POST", Body::wrap(TrailersOnly(Some(trailers)))).await;
    let written = String::from_utf8(written).unwrap();
    assert!(written.ends_with("\r\n\r\n0\r\nx-sum: 42\r\n\r\n"), "{written}");
}

/// A socket that was dialled, parked and never used is no better than one that served before.
#[tokio::test]
async fn also_from_a_socket_that_was_never_used() {
    let connect = Arc::new(FakeConnect::default());
    let agent = Agent::builder().build_over(connect.clone());
    let mut left = Box::pin(agent.get("http://a/").send());
    assert!(left.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(left);
    while agent.status().totals.idle == 0 {
        tokio::task::yield_now().await;
    }
    connect.broken.store(true, Ordering::Relaxed);
    let response = agent.post("http://a/").body("once").send().await.unwrap();
    assert_eq!(response.connection_info().unwrap().socket_id, 2);
    assert_eq!(agent.status().totals.closed_by.into_iter().collect::<Vec<_>>(), [(CloseReason::Stale, 1)]);
}

/// As TLS does when the socket underneath took a record and broke at the next: the write fails as a whole.
#[tokio::test]
async fn but_not_if_the_socket_underneath_took_some_of_it() {
    for (method, resent) in [("GET", true), ("POST", false)] {
        let connect = Arc::new(FakeConnect::default());
        let agent = Agent::builder().build_over(connect.clone());
        agent.get("http://a/").send().await.unwrap();
        connect.written.lock().unwrap().clear();
        connect.broken.store(true, Ordering::Relaxed);
        connect.leaks.store(7, Ordering::Relaxed);
        let request = agent.method(method.parse().unwrap(), "http://a/").body(Body::from("once"));
        match request.send().await {
            Ok(response) => {
                assert!(resent, "{method} may have been executed");
                assert_eq!(response.connection_info().unwrap().attempts, 2);
                assert!(connect.written.lock().unwrap().ends_with(b"once"));
            }
            Err(error) => {
                assert!(!resent && !error.safe_to_retry(), "{method}: {error}");
                assert_eq!(error.bytes_written(), 7);
                assert!(connect.written.lock().unwrap().is_empty());
            }
        }
    }
}
