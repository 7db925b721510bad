//! `max_queued`: one more request than may wait fails at once.

use keepalive::{Agent, Phase};
use testkit::{Case, Gate, PlainOrigin};

use crate::kit::{accounts, at_rest, fetch, polled};

#[test]
fn one_more_than_may_wait_fails_at_once_and_the_others_are_served() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).max_queued(2).build().unwrap();
        let waiting: Vec<_> = (0..3).map(|_| polled(fetch(&agent, origin.url("/")))).collect();
        assert_eq!(accounts(&agent).queued, 2);

        let error = agent.get(origin.url("/")).send().await.unwrap_err();
        assert!(error.is_queue_full() && !error.is_timeout() && error.safe_to_retry(), "{error:?}");
        assert_eq!((error.phase(), error.bytes_written()), (Phase::Queue, 0));
        assert_eq!(
            error.to_string(),
            "the queue is full: 2 requests wait for a socket already; make fewer at once, or raise max_queued"
        );

        gate.open();
        for request in waiting {
            assert_eq!(request.await.unwrap(), "hello");
        }
        let totals = at_rest(&agent).await;
        assert_eq!((totals.requests, totals.done, totals.failed, totals.opened), (4, 3, 1, 1));
    });
}

#[test]
fn none_may_wait_and_a_free_socket_is_still_used() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).max_queued(0).build().unwrap();
        let first = polled(fetch(&agent, origin.url("/")));
        assert!(fetch(&agent, origin.url("/")).await.unwrap_err().is_queue_full());
        gate.open();
        first.await.unwrap();
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        assert_eq!(at_rest(&agent).await.opened, 1);
    });
}
