//! The fixture, where it must not fail, and its still clock. Where it must fail: beside its source.

use std::time::Duration;

use testkit::{Case, PlainOrigin, Script, ok};
use tokio::time::{Instant, advance, timeout};

use crate::client::{Client, GET};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_paused_clock_stands_still_while_sockets_work() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().signal("answer").send(ok("hello")).request());
        let start = Instant::now();
        let mut client = timeout(MS, Client::connect(origin.addr())).await.expect("no time passes");
        let answer = async {
            client.send(GET).await;
            origin.wait(|record| record.requests().len() == 1).await;
            origin.signal("answer");
            client.expect(ok("hello")).await;
        };
        timeout(MS, answer).await.expect("no time passes");
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_paused_clock_moves_when_told() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.scripted(Script::new().request().reached("asked").stall());
        let mut client = Client::connect(origin.addr()).await;
        client.send(GET).await;
        let answer = tokio::spawn(timeout(MS, async move { client.expect("x").await }));
        origin.reached("asked").await;
        tokio::task::yield_now().await;
        assert!(!answer.is_finished());
        advance(MS).await;
        assert!(answer.await.unwrap().is_err(), "the timeout fires");
    });
}

#[test]
fn a_task_that_ends_by_its_own_timer_is_waited_for() {
    testkit::run_paused(async |_: &Case| drop(tokio::spawn(tokio::time::sleep(MS))));
    testkit::run(async |_: &Case| drop(tokio::spawn(tokio::time::sleep(MS))));
}

#[test]
fn workers_may_end_after_the_test() {
    testkit::run_threads(2, async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        for _ in 0..8 {
            let address = origin.addr();
            drop(tokio::spawn(async move { Client::connect(address).await.hello().await }));
        }
    });
}

#[test]
fn an_unfinished_script_is_no_leak() {
    testkit::run(async |case: &Case| {
        let script = Script::new().reached("here").signal("never").send(vec![0; 1 << 24]).request();
        let origin = case.scripted(script);
        let client = Client::connect(origin.addr()).await;
        origin.reached("here").await;
        drop(client);
    });
}
