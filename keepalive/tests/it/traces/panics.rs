//! Subscribers that panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keepalive::Agent;
use testkit::{Case, Script, ScriptedOrigin, ok, run_paused};
use tokio::time::advance;

use super::recorder::Recorder;
use crate::kit::{accounts, at_rest, fetch, poll, polled, turns, until};

const SECOND: Duration = Duration::from_secs(1);

fn recorded(test: impl AsyncFnOnce(&Case, &Recorder)) {
    let recorder = Recorder::new();
    tracing::subscriber::with_default(recorder.clone(), || {
        run_paused(async |case: &Case| test(case, &recorder).await);
    });
}

/// Panics at the next event, and at no other.
fn panics_once(recorder: &Recorder) -> Arc<AtomicBool> {
    let panics = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&panics);
    recorder.probe(move || assert!(!asked.swap(false, Ordering::Relaxed), "the subscriber of a test"));
    panics
}

/// Leaves the agent two idle sockets, the second so much later than the first; their scripts wait for `a` and `b`.
async fn two_idle(agent: &Agent, origin: &ScriptedOrigin, later: Duration) {
    let first = tokio::spawn(polled(fetch(agent, origin.url("/"))));
    origin.wait(|record| record.requests().len() == 1).await;
    let second = tokio::spawn(polled(fetch(agent, origin.url("/"))));
    origin.wait(|record| record.requests().len() == 2).await;
    origin.signal("a");
    first.await.unwrap().unwrap();
    advance(later).await;
    origin.signal("b");
    second.await.unwrap().unwrap();
    until(agent, |it| it.idle == 2).await;
}

/// The keeper of its runtime was noted and never started: nobody lets time pass there any more.
#[test]
fn a_subscriber_that_panics_at_the_first_event_stops_no_time() {
    recorded(async |case, recorder| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        let agent = Agent::builder().free_socket_timeout(10 * SECOND).build().unwrap();
        let panics = panics_once(recorder);
        let first = tokio::spawn(fetch(&agent, origin.url("/"))).await;
        assert!(first.is_err() && !panics.load(Ordering::Relaxed));
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
        until(&agent, |it| it.idle == it.opened as usize).await;
        advance(11 * SECOND).await;
        turns().await;
        turns().await;
        assert_eq!(accounts(&agent).idle, 0, "idle for longer than it may be");
    });
}

/// The socket it got was dropped, and the request never counted as ended.
#[test]
fn a_subscriber_that_panics_as_a_request_gets_its_socket_leaves_the_accounts_right() {
    recorded(async |case, recorder| {
        let script =
            |name: &str| Script::new().request().signal(name).send(ok("hello")).request().send(ok("2"));
        let origin = ScriptedOrigin::builder().connection(script("a")).connection(script("b"));
        let origin = case.scripted(origin);
        let agent = Agent::builder().free_socket_timeout(10 * SECOND).build().unwrap();
        two_idle(&agent, &origin, 5 * SECOND).await;
        // The time of the first is over, and no keeper has had its turn.
        let mut passes = Box::pin(advance(6 * SECOND));
        assert!(poll(&mut passes).is_pending());
        let panics = panics_once(recorder);
        let mut third = Box::pin(fetch(&agent, origin.url("/")));
        let polled = catch_unwind(AssertUnwindSafe(|| poll(&mut third)));
        assert!(polled.is_err() && !panics.load(Ordering::Relaxed), "the subscriber panicked in it");
        drop(third);
        let totals = accounts(&agent);
        assert_eq!(totals.running, 0, "{totals:#?}");
        at_rest(&agent).await;
    });
}

/// As the stale socket was given up the idle ones went with it, and the subscriber was told of that.
#[test]
fn a_subscriber_that_panics_as_a_request_gives_a_stale_socket_up_leaves_the_accounts_right() {
    recorded(async |case, recorder| {
        let script = |name: &str| {
            Script::new().request().signal(name).send(ok("hello")).request().signal("end").close()
        };
        let origin = ScriptedOrigin::builder().connection(script("a")).connection(script("b"));
        let origin = origin.otherwise(Script::new().request().send(ok("3")).repeat());
        let origin = case.scripted(origin);
        let agent = Agent::new();
        two_idle(&agent, &origin, Duration::ZERO).await;
        let third = tokio::spawn(fetch(&agent, origin.url("/")));
        origin.wait(|record| record.requests().len() == 3).await;
        turns().await;
        recorder.take();
        let panics = Arc::new(AtomicBool::new(true));
        let (asked, told) = (Arc::clone(&panics), recorder.clone());
        recorder.probe(move || {
            let closed = told.take().iter().any(|told| told.text.contains("socket closed"));
            assert!(!(closed && asked.swap(false, Ordering::Relaxed)), "the subscriber of a test");
        });
        origin.signal("end");
        let ended = third.await;
        assert!(
            ended.is_err() && !panics.load(Ordering::Relaxed),
            "the subscriber panicked in it: {ended:?}"
        );
        turns().await;
        let totals = accounts(&agent);
        assert_eq!(totals.running, 0, "{totals:#?}");
    });
}

/// The keeper ended with it, and was not started again before the next request.
#[test]
fn a_subscriber_that_panics_as_idle_sockets_are_closed_stops_no_time() {
    recorded(async |case, recorder| {
        let script = |name: &str| Script::new().request().signal(name).send(ok("hello")).read_to_end();
        let origin = ScriptedOrigin::builder().connection(script("a")).connection(script("b"));
        let origin = case.scripted(origin);
        let agent = Agent::builder().free_socket_timeout(10 * SECOND).build().unwrap();
        two_idle(&agent, &origin, 5 * SECOND).await;
        let panics = panics_once(recorder);
        advance(6 * SECOND).await;
        turns().await;
        assert!(!panics.load(Ordering::Relaxed));
        assert_eq!(accounts(&agent).idle, 1);
        advance(6 * SECOND).await;
        turns().await;
        assert_eq!(accounts(&agent).idle, 0, "idle for 12 s, and 10 s is the limit");
    });
}

/// It panicked in the request's poll, and again in the drop that followed: that ends the process.
#[test]
#[cfg(unix)]
fn a_subscriber_that_always_panics_does_not_end_the_process() {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    let child = "traces::panics::the_process_whose_subscriber_always_panics";
    let output =
        Command::new(std::env::current_exe().unwrap()).args(["--exact", child, "--ignored"]).output();
    let output = output.unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), None, "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn the_process_whose_subscriber_always_panics() {
    recorded(async |case, recorder| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        let agent = Agent::new();
        recorder.probe(|| panic!("the subscriber of a test"));
        let failed = tokio::spawn(fetch(&agent, origin.url("/"))).await;
        assert!(failed.is_err());
        recorder.probe(|| ());
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}
