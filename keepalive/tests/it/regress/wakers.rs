//! Wakers are foreign code: one may panic, or turn to the agent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use keepalive::{Agent, CloseReason};
use testkit::{Case, Gate, PlainOrigin, run};

use crate::kit::{accounts, at_rest, fetch, poll, polled};

fn agent() -> Agent {
    Agent::builder().max_sockets(1).build().unwrap()
}

#[track_caller]
fn waits<F: Future>(future: &mut Pin<Box<F>>, waker: &Waker) {
    assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("the waker of a test");
    }
}

/// Whatever was to be done after the waker that panicked was never done.
#[test]
fn a_waker_that_panics_stops_neither_the_other_waiters_nor_the_rest_of_destroy() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = agent();
        let active = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 1).await;
        let mut bad = Box::pin(fetch(&agent, origin.url("/")));
        waits(&mut bad, &Waker::from(Arc::new(Panics)));
        let other = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        tokio::task::yield_now().await;
        assert!(catch_unwind(AssertUnwindSafe(|| agent.destroy())).is_err());
        assert!(other.await.unwrap().unwrap_err().is_destroyed());
        assert!(active.await.unwrap().unwrap_err().is_destroyed());
        assert!(bad.await.unwrap_err().is_destroyed());
        let totals = at_rest(&agent).await;
        assert_eq!((totals.failed, totals.closed_by.get(&CloseReason::Destroyed)), (3, Some(&1)));
    });
}

/// A waker that asks the agent for its status when it is woken and when it is dropped.
struct Curious {
    agent: Agent,
    asked: Arc<AtomicUsize>,
    destroys: bool,
}

impl Curious {
    fn waker(agent: &Agent, destroys: bool) -> (Waker, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let curious = Self { agent: agent.clone(), asked: Arc::clone(&asked), destroys };
        (Waker::from(Arc::new(curious)), asked)
    }

    fn ask(&self) {
        accounts(&self.agent);
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        self.ask();
        if self.destroys {
            self.agent.destroy();
        }
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.ask();
    }
}

/// Wakers were cloned under the lock. A clone cannot turn to the agent without `unsafe`; a drop can.
#[test]
fn a_waker_may_ask_the_agent_when_it_is_replaced_and_when_its_request_is_dropped() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = agent();
        let active = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 1).await;
        let mut queued = Box::pin(fetch(&agent, origin.url("/")));
        let (waker, replaced) = Curious::waker(&agent, false);
        waits(&mut queued, &waker);
        drop(waker);
        assert!(poll(&mut queued).is_pending());
        assert_eq!(replaced.load(Ordering::Relaxed), 1, "dropped when it was replaced");
        let (waker, left) = Curious::waker(&agent, false);
        waits(&mut queued, &waker);
        drop((waker, queued));
        assert_eq!(left.load(Ordering::Relaxed), 1, "dropped with the request");
        gate.open();
        active.await.unwrap().unwrap();
        assert_eq!(at_rest(&agent).await.cancelled, 1);
    });
}

/// The same with a wake, in the middle of an event that goes on afterwards.
#[test]
fn a_waker_may_ask_and_destroy_the_agent_when_it_is_woken() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = agent();
        let active = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 1).await;
        let mut queued = Box::pin(fetch(&agent, origin.url("/")));
        let (waker, asked) = Curious::waker(&agent, true);
        waits(&mut queued, &waker);
        drop(waker);
        let other = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        tokio::task::yield_now().await;
        gate.open();
        active.await.unwrap().unwrap();
        assert!(other.await.unwrap().unwrap_err().is_destroyed());
        assert!(queued.await.unwrap_err().is_destroyed());
        assert_eq!(asked.load(Ordering::Relaxed), 2, "woken and dropped");
        assert_eq!(at_rest(&agent).await.idle, 0);
    });
}
