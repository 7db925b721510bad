//! One agent and runtimes that die, lack a part, or are not driven: what a hostile review found.

mod limits;
mod undriven;

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use keepalive::{Agent, CloseReason, Phase};
use testkit::{Case, Gate, PlainOrigin, Script, run};
use tokio::net::UdpSocket;
use tokio::runtime::{Builder, Runtime};

use crate::kit::{accounts, at_rest, fetch, polled, until};

const MS: Duration = Duration::from_millis(1);

/// A runtime that does nothing unless somebody blocks on it.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs the work on a thread of its own, where it may block on runtimes and drop them.
pub(crate) fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// Runs the future without any runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Runs the work inside a runtime whose reactor is gone. A work that never ends fails the test.
pub(crate) fn after_the_end_of<T: Send + 'static>(
    runtime: Runtime,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (outcome, come) = mpsc::channel();
    runtime.spawn_blocking(move || {
        let registers = || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            UdpSocket::from_std(socket).is_ok()
        };
        while registers() {
            thread::yield_now();
        }
        let _ = outcome.send(work());
    });
    runtime.shutdown_background();
    come.recv_timeout(Duration::from_secs(10)).expect("the work ends")
}

/// Each effect ran inside the one that caused it, so that the drop overflowed the stack.
#[test]
fn a_runtime_dies_with_a_thousand_queued_requests_on_a_small_stack() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let die = || {
            let dying = runtime();
            dying.block_on(async {
                (0..1000).for_each(|_| drop(tokio::spawn(fetch(&agent, origin.url("/")))));
                until(&agent, |totals| totals.requests == 1000).await;
                origin.wait(|stats| stats.requests == 1).await;
            });
            drop(dying);
        };
        let stack = thread::Builder::new().stack_size(512 * 1024);
        thread::scope(|scope| stack.spawn_scoped(scope, die).unwrap().join().unwrap());
        let totals = at_rest(&agent).await;
        assert_eq!((totals.cancelled, totals.opened - totals.closed), (1000, 0));
        gate.open();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}

/// The socket lost its slot before its close was announced, and the process was aborted.
#[test]
fn an_idle_socket_taken_on_a_runtime_without_io_costs_that_request_only() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        fetch(&agent, origin.url("/")).await.unwrap();
        let lame = Builder::new_current_thread().enable_time().build().unwrap();
        let outcome = on_a_thread(|| {
            let outcome = || lame.block_on(fetch(&agent, origin.url("/")));
            let outcome = catch_unwind(AssertUnwindSafe(outcome));
            drop(lame);
            outcome
        });
        let error = outcome.expect("an error and not a panic").unwrap_err();
        assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
        assert!(format!("{:?}", error.source()).contains("IO is disabled"), "{error:?}");
        // The idle one, and the dial for another.
        assert_eq!(at_rest(&agent).await.closed, 2);
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}

/// tokio panicked inside the request's future, or inside the dial so that the error named another reason.
#[test]
fn a_runtime_that_lacks_a_part_gives_an_error_that_says_which() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        for (io, time, lacks) in [
            (false, true, Some("IO is disabled")),
            (true, false, Some("timers are disabled")),
            (false, false, Some("timers are disabled")),
            (true, true, None),
        ] {
            let agent = Agent::new();
            let mut builder = Builder::new_current_thread();
            if io {
                builder.enable_io();
            }
            if time {
                builder.enable_time();
            }
            let outcome = on_a_thread(|| builder.build().unwrap().block_on(fetch(&agent, origin.url("/"))));
            if let Some(lacks) = lacks {
                let error = outcome.unwrap_err();
                assert!(format!("{:?}", error.source()).contains(lacks), "{error:?}");
                assert_eq!((error.is_request(), error.phase()), (!time, Phase::Connect), "{error:?}");
            } else {
                assert_eq!(outcome.unwrap(), "hello");
            }
            let totals = at_rest(&agent).await;
            assert_eq!((totals.requests, totals.failed), (1, u64::from(lacks.is_some())));
            // The agent is not spoilt by it.
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        }
    });
}

/// A program without any limit of time needs no timer.
#[test]
fn a_runtime_without_time_serves_requests_without_limits() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().queue_timeout(None).connect_timeout(None).response_timeout(None);
        let agent = agent.body_timeout(None).build().unwrap();
        let timeless = Builder::new_current_thread().enable_io().build().unwrap();
        let text = on_a_thread(|| {
            let text = timeless.block_on(fetch(&agent, origin.url("/")));
            drop(timeless);
            text
        });
        assert_eq!(text.unwrap(), "hello");
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(origin.stats().accepted, 1);
    });
}

/// Where there is no runtime, a socket that could not be moved took the process with it.
#[test]
fn a_queued_request_that_ends_up_outside_of_all_runtimes_fails_alone() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let holder = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 1).await;
        let queued = polled(agent.get(origin.url("/")).send());
        gate.open();
        holder.await.unwrap().unwrap();
        let (outcome, come) = tokio::sync::oneshot::channel();
        let stray = thread::spawn(move || drop(outcome.send(block_on(queued).map(drop))));
        let error = come.await.unwrap().unwrap_err();
        stray.join().unwrap();
        assert!(!error.is_timeout(), "{error:?}");
        let totals = at_rest(&agent).await;
        assert_eq!((totals.done, totals.failed), (1, 1));
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}

/// The same where the socket cannot be registered because the reactor is gone.
#[test]
fn an_idle_socket_taken_on_a_runtime_that_ended_costs_that_request_only() {
    for limit in [None, Some(1000 * MS)] {
        run(async |case: &Case| {
            let origin = case.plain(PlainOrigin::builder());
            let agent = Agent::builder().max_sockets(1).queue_timeout(limit).build().unwrap();
            fetch(&agent, origin.url("/")).await.unwrap();
            let asked = fetch(&agent, origin.url("/"));
            let ask = || catch_unwind(AssertUnwindSafe(|| block_on(asked)));
            let outcome = on_a_thread(|| after_the_end_of(runtime(), ask));
            let error = outcome.expect("an error and not a panic").unwrap_err();
            // Where it waits with a limit, the timer that is gone is what it meets first.
            assert_eq!(
                (error.is_connect(), error.is_request()),
                (limit.is_none(), limit.is_some()),
                "{error:?}"
            );
            let totals = at_rest(&agent).await;
            assert_eq!((totals.done, totals.failed + totals.cancelled), (1, 1));
            assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        });
    }
}

/// Giving the socket back asked the dead reactor again and again, for ever.
#[test]
fn the_end_of_a_body_is_read_after_its_runtime_ended() {
    // So many pieces that they are not all taken in with the head, and all in the first read.
    let pieces = 1200;
    let body = format!("{}0\r\n\r\n", "1\r\na\r\n".repeat(pieces));
    let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}");
    run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(answer.clone()).repeat());
        let agent = Agent::new();
        let request = agent.get(origin.url("/"));
        let text = on_a_thread(|| {
            let ended = runtime();
            let response = ended.block_on(request.send()).unwrap();
            assert_eq!(accounts(&agent).active, 1);
            after_the_end_of(ended, || block_on(response.text()))
        });
        assert_eq!(text.unwrap(), "a".repeat(pieces));
        assert_eq!(at_rest(&agent).await.idle, 1);
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap().len(), pieces);
        assert_eq!(origin.record().accepted(), 1);
    });
}

/// The pool kept the handle to the descriptor as it was before the move.
#[test]
fn destroy_reaches_a_socket_that_moved_to_another_runtime() {
    run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::new();
        gate.release(1);
        on_a_thread(|| runtime().block_on(fetch(&agent, origin.url("/")))).unwrap();
        let moved = tokio::spawn(polled(fetch(&agent, origin.url("/"))));
        origin.wait(|stats| stats.requests == 2).await;
        agent.destroy();
        let error = moved.await.unwrap().unwrap_err();
        assert!(error.is_destroyed() && error.phase() == Phase::Wait, "{error:?}");
        assert_eq!(at_rest(&agent).await.closed_by.get(&CloseReason::Destroyed), Some(&1));
        assert_eq!(origin.stats().accepted, 1);
    });
}
