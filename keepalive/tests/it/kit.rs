//! What the tests share: waiting for a state of the agent, its accounts, futures polled by hand.
//!
//! Nothing here sleeps: whoever waits yields to the runtime, and the fixture's limit bounds the wait.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http::Response;
use keepalive::{Agent, Body, CloseReason, ConnectionInfo, Error, IntoUrl, OriginStatus, Totals};

/// A GET whose body is read to the end.
pub(crate) fn fetch<U: IntoUrl + 'static>(
    agent: &Agent,
    url: U,
) -> impl Future<Output = Result<String, Error>> + Send + 'static + use<U> {
    let request = agent.get(url);
    async move { request.send().await?.text().await }
}

/// The future after its first poll: the request has its place in the queue, and nothing wakes it.
#[track_caller]
pub(crate) fn polled<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll(&mut future).is_pending(), "a request that waits is not ready at its first poll");
    future
}

/// One poll that nobody is woken after.
pub(crate) fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// The output if it comes within so many polls; else the future is dropped after the last of them.
pub(crate) async fn within_polls<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Lets the client's tasks, and its reactor, run until the agent is in this state.
pub(crate) async fn until(agent: &Agent, mut condition: impl FnMut(&Totals) -> bool) {
    let mut unmet = Unmet(Some(agent));
    while !condition(&agent.status().totals) {
        tokio::task::yield_now().await;
    }
    unmet.0 = None;
}

/// Lets the client's tasks run as far as they can without the clock: for what must not happen.
pub(crate) async fn turns() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Lets the client's tasks, and its reactor, run until this is so.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Polls once: what runs on its own goes on, the future does not.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// All sockets that were closed, by reason.
pub(crate) fn closed_by(agent: &Agent) -> Vec<(CloseReason, u64)> {
    agent.status().totals.closed_by.into_iter().collect()
}

/// The body of a GET that must succeed.
pub(crate) async fn text(agent: &Agent, url: &str) -> String {
    fetch(agent, url.to_owned()).await.unwrap()
}

/// Waits until nothing is under way, and checks the accounts.
pub(crate) async fn at_rest(agent: &Agent) -> Totals {
    let busy = |it: &Totals| it.active + it.connecting + it.draining + it.closing + it.waiting;
    until(agent, |it| busy(it) == 0 && it.running == 0).await;
    accounts(agent)
}

/// Every socket and every request is in exactly one place, at any instant.
#[track_caller]
pub(crate) fn accounts(agent: &Agent) -> Totals {
    let status = agent.status();
    let it = status.totals;
    let sum = |count: fn(&OriginStatus) -> usize| status.origins.iter().map(count).sum::<usize>();
    let (active, idle, connecting) = (sum(|it| it.active), sum(|it| it.idle), sum(|it| it.connecting));
    assert_eq!((active, idle, connecting), (it.active, it.idle, it.connecting), "{it:#?}");
    let (draining, closing, upgraded) = (sum(|it| it.draining), sum(|it| it.closing), sum(|it| it.upgraded));
    assert_eq!((draining, closing, upgraded), (it.draining, it.closing, it.upgraded), "{it:#?}");
    assert_eq!(sum(|it| it.queued), it.queued, "{it:#?}");
    let oldest = status.origins.iter().filter_map(|it| it.oldest_queued).max();
    assert_eq!(it.oldest_queued, oldest, "{it:#?}");
    let open = it.active + it.idle + it.connecting + it.draining + it.closing + it.upgraded;
    assert_eq!(it.opened, open as u64 + it.closed, "{it:#?}");
    assert_eq!(it.closed, it.closed_by.values().sum::<u64>(), "{it:#?}");
    let ended = it.done + it.failed + it.cancelled;
    assert_eq!(it.requests, ended + it.running + it.waiting as u64, "{it:#?}");
    it
}

/// Which socket a response came on.
#[track_caller]
pub(crate) fn info(response: &Response<Body>) -> ConnectionInfo {
    response
        .extensions()
        .get::<ConnectionInfo>()
        .expect("every response says which socket it came on")
        .clone()
}

/// Says what the agent was doing when the test gave up waiting.
struct Unmet<'a>(Option<&'a Agent>);

impl Drop for Unmet<'_> {
    fn drop(&mut self) {
        if let Some(agent) = self.0 {
            eprintln!("waited in vain: {:#?}", agent.status());
        }
    }
}
