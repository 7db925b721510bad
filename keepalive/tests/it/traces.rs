//! Events for `tracing`: what they say, in which span they are, and that no span is kept.

mod panics;
mod recorder;
mod secrets;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keepalive::{Agent, Error};
use testkit::{Case, Gate, PlainOrigin, run, run_paused};
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, Level, Span, info_span};

use self::recorder::{Recorder, Told};
use crate::kit::{at_rest, fetch, poll_once, polled};

/// Runs the test on one thread with a recorder for all that runs there.
fn recorded(test: impl AsyncFnOnce(&Case, &Recorder)) {
    let recorder = Recorder::new();
    tracing::subscriber::with_default(recorder.clone(), || {
        run(async |case: &Case| test(case, &recorder).await);
    });
}

fn asks(agent: &Agent, url: String, span: Span) -> impl Future<Output = Result<String, Error>> + use<> {
    fetch(agent, url).instrument(span)
}

/// The message, and the span it is in.
fn short(events: &[Told]) -> Vec<(String, Option<&'static str>)> {
    let message = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    events.iter().map(|told| (message(&told.text), told.span)).collect()
}

fn root(text: &str) -> (String, Option<&'static str>) {
    (text.into(), None)
}

fn inside(span: &'static str, text: &str) -> (String, Option<&'static str>) {
    (text.into(), Some(span))
}

#[test]
fn the_first_requests_span_is_closed_with_it_and_never_reaches_the_second() {
    recorded(async |case, recorder| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        asks(&agent, origin.url("/"), info_span!("first")).await.unwrap();
        assert_eq!(recorder.closed(), ["first"], "its socket lives on, its keeper too");
        assert_eq!(agent.status().totals.idle, 1);
        let expected = [
            root("socket dialing"),
            root("socket opened"),
            inside("first", "request assigned"),
            root("socket parked"),
        ];
        assert_eq!(short(&recorder.take()), expected);

        asks(&agent, origin.url("/"), info_span!("second")).await.unwrap();
        let expected = [inside("second", "request assigned"), root("socket reused"), root("socket parked")];
        assert_eq!(short(&recorder.take()), expected);
        assert_eq!(recorder.closed(), ["first", "second"]);

        let third = info_span!("third");
        third.in_scope(|| agent.close_idle());
        assert_eq!(short(&recorder.take()), [root("socket closed")]);
    });
}

/// What the first does as it ends (hands its socket over, fails the others) is told by those it concerns.
#[test]
fn nothing_of_one_request_is_told_in_the_span_of_another() {
    recorded(async |case, recorder| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let mut first = Box::pin(asks(&agent, origin.url("/"), info_span!("first")));
        assert!(poll_once(&mut first).await.is_none());
        let mut others: Vec<_> = [info_span!("second"), info_span!("third"), info_span!("fourth")]
            .map(|span| Box::pin(asks(&agent, origin.url("/"), span)))
            .into();
        for other in &mut others {
            assert!(poll_once(other).await.is_none());
        }
        let queued = ["second", "third", "fourth"].map(|span| inside(span, "request queued"));
        assert_eq!(short(&recorder.take()), [&[root("socket dialing")][..], &queued].concat());
        gate.open();
        first.await.unwrap();
        let expected = [root("socket opened"), inside("first", "request assigned")];
        assert_eq!(short(&recorder.take()), expected);
        drop(others.pop());
        assert_eq!(short(&recorder.take()), [inside("fourth", "request unserved")]);
        let (third, second) = (others.pop().unwrap(), others.pop().unwrap());
        second.await.unwrap();
        recorder.take();
        info_span!("destroyer").in_scope(|| agent.destroy());
        assert_eq!(short(&recorder.take()), [root("socket closed")]);
        third.await.unwrap_err();
        assert_eq!(short(&recorder.take()), [inside("third", "request unserved")]);
        assert_eq!(recorder.closed(), ["first", "fourth", "second", "destroyer", "third"]);
    });
}

/// A dial and a drain outlive their request; neither holds its span.
#[test]
fn what_outlives_a_request_holds_no_span() {
    recorded(async |case, recorder| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        let mut request = Box::pin(asks(&agent, origin.url("/"), info_span!("dialled for")));
        assert!(poll_once(&mut request).await.is_none());
        drop(request);
        assert_eq!(recorder.closed(), ["dialled for"]);
        at_rest(&agent).await;
        let part = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart";
        let script = testkit::Script::new().request().send(part).signal("rest").send(" rest");
        let origin = case.scripted(script);
        let send = agent.get(origin.url("/")).send().instrument(info_span!("left unread"));
        drop(send.await.unwrap());
        assert_eq!(agent.status().totals.draining, 1);
        assert_eq!(recorder.closed(), ["dialled for", "left unread"]);
    });
}

#[test]
fn levels_and_fields() {
    recorded(async |case, recorder| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        let url = format!("http://me:secret@{}/path?q=1", origin.addr());
        agent.get(url).header("x-key", "hidden").send().await.unwrap().text().await.unwrap();
        agent.close_idle();
        let events = recorder.take();
        let levels: Vec<_> = events.iter().map(|told| told.level).collect();
        assert_eq!(levels, [Level::TRACE, Level::DEBUG, Level::TRACE, Level::TRACE, Level::DEBUG]);
        let at = format!("origin=http://{}", origin.addr());
        assert_eq!(events[0].text, format!("socket dialing socket=1 {at}"));
        assert!(events[1].text.starts_with(&format!("socket opened socket=1 {at} local=127.0.0.1:")));
        assert!(events[1].text.ends_with(&format!(" peer={}", origin.addr())), "{}", events[1].text);
        assert!(events[2].text.starts_with(&format!("request assigned request=1 {at} socket=1 waited=")));
        assert!(events[4].text.starts_with(&format!("socket closed socket=1 {at} reason=close_idle age=")));
        assert!(events[4].text.ends_with(" requests=1"), "{}", events[4].text);
        for secret in ["secret", "me:", "path", "q=1", "hidden", "x-key"] {
            assert!(events.iter().all(|told| !told.text.contains(secret)), "{events:?}");
        }
    });
}

#[test]
fn a_queue_timeout_is_worth_a_debug_line() {
    let recorder = Recorder::new();
    run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let second = Duration::from_secs(1);
        let agent = Agent::builder().max_sockets(1).queue_timeout(second).build().unwrap();
        let first = polled(fetch(&agent, origin.url("/")));
        let mut late = Box::pin(fetch(&agent, origin.url("/")));
        assert!(poll_once(&mut late).await.is_none());
        tokio::time::advance(second).await;
        late.with_subscriber(recorder.clone()).await.unwrap_err();
        let events = recorder.take();
        assert_eq!(events.len(), 1, "{events:?}");
        let expected =
            format!("request unserved request=2 origin=http://{} reason=timed_out waited=1s", origin.addr());
        assert_eq!((events[0].level, events[0].text.as_str()), (Level::DEBUG, expected.as_str()));
        drop(first);
    });
}

/// Under the lock this would hang.
#[test]
fn a_subscriber_may_ask_the_agent() {
    recorded(async |case, recorder| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let asked = agent.clone();
        recorder.probe(move || assert!(asked.sockets().len() <= 1 && asked.status().totals.opened == 1));
        let (first, second) =
            (polled(fetch(&agent, origin.url("/"))), polled(fetch(&agent, origin.url("/"))));
        first.await.unwrap();
        second.await.unwrap();
        agent.close_idle();
        assert_eq!(recorder.take().len(), 8);
        recorder.probe(|| ());
    });
}

/// Whoever was to be woken after that would wait for ever.
#[test]
fn a_subscriber_that_panics_takes_nobodys_turn() {
    recorded(async |case, recorder| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        let mut request = Box::pin(fetch(&agent, origin.url("/")));
        assert!(poll_once(&mut request).await.is_none());
        recorder.take();
        let panics = AtomicBool::new(true);
        recorder.probe(move || assert!(!panics.swap(false, Ordering::Relaxed), "the subscriber of a test"));
        assert_eq!(request.await.unwrap(), "hello");
        assert_eq!(recorder.take()[0].text.split(" socket=").next(), Some("socket opened"));
        assert_eq!(at_rest(&agent).await.idle, 1);
    });
}
