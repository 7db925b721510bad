//! A request dropped after its k-th poll, for every k.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use keepalive::{Agent, Body, Error};
use testkit::{Case, Script, ScriptedOrigin, ok};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{at_rest, fetch, polled};

/// A body in pieces that is never there at once.
struct Slow {
    pieces: usize,
    ready: bool,
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.ready = !self.ready;
        if self.ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.pieces == 0 {
            return Poll::Ready(None);
        }
        self.pieces -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
    }
}

async fn get(agent: Agent, url: String) -> String {
    agent.get(url).send().await.unwrap().text().await.unwrap()
}

async fn post(agent: Agent, url: String) -> String {
    let body = Body::wrap(Slow { pieces: 5, ready: false });
    agent.post(url).body(body).send().await.unwrap().text().await.unwrap()
}

/// Drops the request after its k-th poll, for every k until it comes to its end.
///
/// The response comes in three pieces, the next one only after one more poll: so many there are at least.
async fn drop_after_each_poll<F>(case: &Case, request: impl Fn(Agent, String) -> F, wait: bool)
where
    F: Future<Output = String>,
{
    let at_once = Script::new().request().send(ok("ten bytes!"));
    for polls in 1.. {
        let before = if wait { at_once.clone() } else { Script::new() };
        let pieces = before.request().signal("poll 2").send("HTTP/1.1 200 OK\r\ncontent-");
        let pieces = pieces.signal("poll 3").send("length: 10\r\n\r\nten ").signal("poll 4").send("bytes!");
        let origin = case.scripted(
            ScriptedOrigin::builder().connection(pieces.repeat()).otherwise(at_once.clone().repeat()),
        );
        let agent = wire::builder().max_sockets(1).build().unwrap();
        // Somebody else's request, so that this one has to wait for the socket.
        let mut other = JoinSet::new();
        if wait {
            other.spawn(polled(fetch(&agent, origin.url("/other"))));
        }
        let mut future = Box::pin(request(agent.clone(), origin.url("/")));
        let mut done = 0;
        let output = poll_fn(|cx| {
            if let Poll::Ready(text) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(text));
            }
            done += 1;
            origin.signal(&format!("poll {done}"));
            if done == polls { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        drop(future);
        (2..=4).for_each(|n| origin.signal(&format!("poll {n}")));
        for text in other.join_all().await {
            assert_eq!(text.unwrap(), "ten bytes!");
        }
        assert_eq!(at_rest(&agent).await.failed, 0);
        assert_eq!(fetch(&agent, origin.url("/next")).await.unwrap(), "ten bytes!", "after {polls} polls");
        let idle = at_rest(&agent).await.idle;
        origin.wait(|record| record.open() == idle).await;
        drop(agent);
        origin.wait(|record| record.open() == 0).await;
        if let Some(text) = output {
            assert_eq!((text.as_str(), polls > 4), ("ten bytes!", true));
            return;
        }
    }
}

#[test]
fn a_get_dropped_after_any_poll_leaks_nothing() {
    wire::run(async |case: &Case| drop_after_each_poll(case, get, false).await);
}

#[test]
fn a_post_dropped_after_any_poll_leaks_nothing() {
    wire::run(async |case: &Case| drop_after_each_poll(case, post, false).await);
}

#[test]
fn a_get_that_has_to_wait_dropped_after_any_poll_leaks_nothing() {
    wire::run(async |case: &Case| drop_after_each_poll(case, get, true).await);
}

#[test]
fn a_post_that_has_to_wait_dropped_after_any_poll_leaks_nothing() {
    wire::run(async |case: &Case| drop_after_each_poll(case, post, true).await);
}
