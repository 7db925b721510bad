//! The global agent in a process of its own: many tests, each with a runtime that ends with it.

use std::process::Command;
use std::sync::OnceLock;

use keepalive::{Agent, Body};
use testkit::PlainOrigin;
use tokio::task::JoinSet;

use crate::kit::{accounts, fetch, info};

/// Every socket that one of them leaves idle was opened on a runtime that is gone when another takes it.
#[test]
fn the_global_agent_serves_many_tokio_tests_of_one_process() {
    for threads in ["1", "4"] {
        let program = std::env::current_exe().unwrap();
        let tests = ["global::alone_", "--ignored", "--test-threads", threads];
        let output = Command::new(program).args(tests).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("8 passed"), "{threads} threads: {text}");
    }
}

/// The one server of the process; it has a runtime of its own.
fn origin() -> &'static PlainOrigin {
    static ORIGIN: OnceLock<PlainOrigin> = OnceLock::new();
    let start = || PlainOrigin::builder().at_most(keepalive::DEFAULT_MAX_SOCKETS).start();
    ORIGIN.get_or_init(start)
}

async fn one_after_the_other() {
    for _ in 0..20 {
        let text = keepalive::get(origin().url("/")).send().await.unwrap().text().await.unwrap();
        assert_eq!(text, "hello");
    }
    let idle_and_used = accounts(Agent::global());
    assert!(idle_and_used.opened <= 5 + idle_and_used.closed, "{idle_and_used:?}");
}

async fn all_at_once() {
    let mut asked = JoinSet::new();
    (0..50).for_each(|_| drop(asked.spawn(fetch(Agent::global(), origin().url("/")))));
    for text in asked.join_all().await {
        assert_eq!(text.unwrap(), "hello");
    }
    assert!(origin().stats().peak_open <= keepalive::DEFAULT_MAX_SOCKETS, "{:?}", origin().stats());
}

/// Leaves requests under way when its runtime ends.
async fn and_gone() {
    let mut asked = JoinSet::new();
    (0..20).for_each(|_| drop(asked.spawn(fetch(Agent::global(), origin().url("/")))));
    assert_eq!(asked.join_next().await.unwrap().unwrap().unwrap(), "hello");
    asked.detach_all();
}

#[tokio::test]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_1_one_after_the_other() {
    one_after_the_other().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_2_one_after_the_other_on_threads() {
    one_after_the_other().await;
}

#[tokio::test]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_3_all_at_once() {
    all_at_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_4_all_at_once_on_threads() {
    all_at_once().await;
}

#[tokio::test]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_5_and_gone() {
    and_gone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_6_and_gone_on_threads() {
    and_gone().await;
}

#[tokio::test]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_7_with_a_body() {
    let request = http::Request::post(origin().url("/")).body(Body::from("hello")).unwrap();
    let response = Agent::global().request(request).await.unwrap();
    assert!(info(&response).request_number >= 1);
    assert_eq!(response.into_body().text().await.unwrap(), "hello");
}

/// After whichever of the others ran before it.
#[tokio::test]
#[ignore = "run by the_global_agent_serves_many_tokio_tests_of_one_process"]
async fn alone_8_a_response_that_is_dropped_unread() {
    drop(keepalive::get(origin().url("/")).send().await.unwrap());
    all_at_once().await;
}
