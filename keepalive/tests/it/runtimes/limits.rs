//! Limits of time are kept where the request is polled: not by a sleep of a runtime that is not driven any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use keepalive::Agent;
use testkit::{Case, Script, ok, run, run_paused};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{advance, timeout};

use super::{MS, on_a_thread, runtime};
use crate::kit::{fetch, poll_once, polled, turns};

/// What `FuturesUnordered` and its like do: the future has a waker of its own, whoever drives it.
struct Kept<F: Future> {
    future: Pin<Box<F>>,
    waker: Waker,
    outer: Arc<Outer>,
}

#[derive(Default)]
struct Outer(Mutex<Option<Waker>>);

impl Wake for Outer {
    fn wake(self: Arc<Self>) {
        if let Some(waker) = self.0.lock().unwrap().take() {
            waker.wake();
        }
    }
}

impl<F: Future> Kept<F> {
    fn new(future: F) -> Self {
        let outer = Arc::new(Outer::default());
        Self { future: Box::pin(future), waker: Arc::clone(&outer).into(), outer }
    }
}

impl<F: Future> Future for Kept<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        *self.outer.0.lock().unwrap() = Some(cx.waker().clone());
        let this = &mut *self;
        this.future.as_mut().poll(&mut Context::from_waker(&this.waker))
    }
}

/// It was queued on a runtime that nobody drives any more, and got its socket on another: the limits of its time
/// are kept there.
#[test]
fn a_request_that_moved_with_its_waker_is_limited_where_it_is() {
    run_paused(async |case: &Case| {
        let holder = Script::new().request().signal("answer").send(ok("held")).request();
        let origin = case.scripted(holder);
        let agent = Agent::builder().max_sockets(1).queue_timeout(1000 * MS).response_timeout(5000 * MS);
        let agent = agent.build().unwrap();
        let held = tokio::spawn(polled(fetch(&agent, origin.url("/held"))));
        origin.wait(|record| record.requests().len() == 1).await;
        let mut moves = Kept::new(fetch(&agent, origin.url("/moves")));
        let still = runtime();
        on_a_thread(|| {
            still.block_on(async { assert!(poll_once(&mut moves).await.is_none()) });
        });
        let moved = tokio::spawn(moves);
        origin.signal("answer");
        assert_eq!(held.await.unwrap().unwrap(), "held");
        origin.wait(|record| record.requests().len() == 2).await;
        turns().await;
        advance(6000 * MS).await;
        turns().await;
        assert!(moved.is_finished(), "it was to be answered within five seconds, and nobody looks");
        assert!(moved.await.unwrap().unwrap_err().is_timeout());
        still.shutdown_background();
    });
}

/// Two requests of one thread, the first by `Handle::block_on`, the second by `Runtime::block_on` of another
/// runtime with threads of its own: both wake that thread, and the armed sleep of the first served the second.
#[test]
fn a_request_is_limited_though_the_runtime_of_the_one_before_it_is_not_driven_any_more() {
    run(async |case: &Case| {
        let script = Script::new().request().send(ok("first")).request().read_to_end();
        let origin = case.scripted(script);
        let agent = Agent::builder().queue_timeout(None).response_timeout(100 * MS).build().unwrap();
        let url = origin.url("/");
        let (outcome, come) = oneshot::channel();
        thread::spawn(move || {
            let (still, (stop, stopped)) = (runtime(), oneshot::channel::<()>());
            let handle = still.handle().clone();
            let driver = thread::spawn(move || {
                drop(still.block_on(stopped));
                still
            });
            assert_eq!(handle.block_on(fetch(&agent, url.clone())).unwrap(), "first");
            drop(stop);
            let still = driver.join().unwrap();
            let mut threads = Builder::new_multi_thread();
            threads.worker_threads(1).enable_all();
            let _ = outcome.send(threads.build().unwrap().block_on(fetch(&agent, url)));
            still.shutdown_background();
        });
        let limit = timeout(10_000 * MS, come).await;
        let outcome = limit.expect("the request ends, and not only when the server does").unwrap();
        assert!(outcome.unwrap_err().is_timeout());
    });
}
