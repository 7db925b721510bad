//! What an error says: its phase, what it is, what reached the server, and its text.

mod requests;
mod timeouts;

use std::error::Error as _;
use std::time::Duration;

use keepalive::{Agent, Error, Phase};
use testkit::{Case, PlainOrigin, Script, ScriptedOrigin, ok};
use tokio::time::advance;

use crate::kit::{poll_once, text};

/// The error and its causes as a program prints them, having checked that they read well.
fn chain(error: &Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    let first = texts[0].chars().next().unwrap();
    assert!(!first.is_uppercase() && !texts[0].ends_with('.'), "{texts:?}");
    for (at, text) in texts.iter().enumerate() {
        assert!(!text.contains(char::is_control) && !text.is_empty(), "{texts:?}");
        assert!(!texts[..at].iter().any(|before| before.contains(text.as_str())), "said twice: {texts:?}");
    }
    texts.join(": ")
}

/// The names of all the kinds that the error claims to be.
fn kinds(error: &Error) -> Vec<&'static str> {
    let all = [
        ("request", error.is_request()),
        ("connect", error.is_connect()),
        ("timeout", error.is_timeout()),
        ("protocol", error.is_protocol()),
        ("stale", error.is_stale()),
        ("destroyed", error.is_destroyed()),
        ("closed", error.is_agent_closed()),
        ("descriptors", error.is_descriptor_limit()),
    ];
    all.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()
}

/// Nothing of the request reached anybody.
fn nothing_happened(error: &Error) {
    assert_eq!((error.bytes_written(), error.bytes_read()), (0, 0));
    assert_eq!((error.reused_connection(), error.idle_for()), (false, None));
}

#[test]
fn nobody_listens() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        origin.stop();
        let agent = Agent::new();
        let error = agent.post(origin.url("/")).body("order").send().await.unwrap_err();
        assert_eq!((kinds(&error), error.phase()), (vec!["connect"], Phase::Connect));
        nothing_happened(&error);
        assert!(error.safe_to_retry(), "not even a POST was seen by anybody");
        let cause = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(chain(&error), format!("cannot connect to http://{}: {cause}", origin.addr()));
    });
}

/// How a server ends a connection.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Close,
    Reset,
}

/// The second request on a socket, 3 s after the first, which the server ends once it has read it and sent
/// these bytes; and how long that request's head was.
async fn second(case: &Case, request: (&str, bool), answer: &str, ending: Ending) -> (Error, u64) {
    let script = Script::new().request().send(ok("")).request().send(answer);
    let origin = case.scripted(ScriptedOrigin::builder().connection(match ending {
        Ending::Close => script.close(),
        Ending::Reset => script.reset(),
    }));
    let agent = Agent::builder().retry(false).build().unwrap();
    text(&agent, &origin.url("/")).await;
    advance(Duration::from_secs(3)).await;
    let (method, with_key) = request;
    let mut request = agent.method(method.parse().unwrap(), origin.url("/"));
    if with_key {
        request = request.header("Idempotency-Key", "7");
    }
    let error = request.send().await.unwrap_err();
    let written = origin.record().requests()[1].head.len() as u64;
    (error, written)
}

#[test]
fn a_reused_socket_that_ends_before_the_first_byte_is_stale() {
    testkit::run_paused(async |case: &Case| {
        let requests = [
            ("GET", false),
            ("PUT", false),
            ("DELETE", false),
            ("POST", false),
            ("POST", true),
            ("PATCH", true),
        ];
        for (request, ending) in requests.iter().flat_map(|it| [(*it, Ending::Close), (*it, Ending::Reset)]) {
            let (error, written) = second(case, request, "", ending).await;
            assert!(error.is_stale() && !error.is_connect() && !error.is_request(), "{ending:?}: {error:?}");
            assert_eq!(error.phase(), Phase::Wait);
            assert!(error.reused_connection());
            assert_eq!(error.idle_for(), Some(Duration::from_secs(3)));
            assert_eq!((error.bytes_written(), error.bytes_read()), (written, 0));
            let safe = request.0 != "POST" && request.0 != "PATCH" || request.1;
            assert_eq!(error.safe_to_retry(), safe, "{request:?}");
            let why = if safe {
                "retry is off"
            } else {
                "the server may have executed it and its method is not idempotent; an `idempotency-key` field would allow it"
            };
            let what = match ending {
                Ending::Close => "the connection ended before the first byte of the response",
                Ending::Reset => "the connection broke",
            };
            let text = format!("{what}; the request was not sent again, since {why}");
            assert!(chain(&error).starts_with(&text), "{error}");
        }
    });
}

#[test]
fn a_reused_socket_that_answered_something_is_not_stale() {
    testkit::run_paused(async |case: &Case| {
        for (answer, ending) in
            [("HTTP", Ending::Close), ("HTTP", Ending::Reset), ("nonsense", Ending::Close)]
        {
            let (error, written) = second(case, ("GET", false), answer, ending).await;
            assert!(!error.is_stale() && error.reused_connection(), "{error:?}");
            assert_eq!((error.bytes_written(), error.bytes_read()), (written, answer.len() as u64));
            chain(&error);
        }
    });
}

#[test]
fn a_new_socket_that_ends_before_the_first_byte_is_not_stale() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().close());
        let error = Agent::new().post(origin.url("/")).body("order").send().await.unwrap_err();
        assert_eq!((kinds(&error), error.phase()), (vec!["protocol"], Phase::Wait));
        assert_eq!(
            (error.reused_connection(), error.idle_for(), error.safe_to_retry()),
            (false, None, false)
        );
        assert_eq!(chain(&error), "the connection ended before the first byte of the response");
    });
}

#[test]
fn a_body_cut_short_says_how_much_came() {
    testkit::run(async |case: &Case| {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        let origin = case.scripted(Script::new().request().send(half).close());
        let error = Agent::new().get(origin.url("/")).send().await.unwrap().text().await.unwrap_err();
        assert_eq!((kinds(&error), error.phase()), (vec!["protocol"], Phase::Receive));
        assert_eq!(error.bytes_read(), half.len() as u64);
        assert_eq!(error.bytes_written(), origin.record().requests()[0].head.len() as u64);
        assert_eq!(chain(&error), "the connection ended 5 bytes short of a body of 9");
    });
}

#[test]
fn a_body_that_is_no_text_says_so() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok(b"\xff\xfe")));
        let agent = Agent::new();
        let error = agent.get(origin.url("/")).send().await.unwrap().text().await.unwrap_err();
        assert_eq!((kinds(&error), error.phase()), (vec!["protocol"], Phase::Receive));
        assert!(chain(&error).starts_with("the body is not UTF-8 text: invalid utf-8"), "{error}");
        assert_eq!(agent.status().totals.idle, 1, "the response was read whole");
    });
}

#[test]
fn the_agent_was_ended() {
    testkit::run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().reached("asked"));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let mut running = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut running => panic!("nothing was answered"),
            () = origin.reached("asked") => {}
        }
        let mut queued = Box::pin(agent.get(origin.url("/")).send());
        assert!(poll_once(&mut queued).await.is_none());
        agent.destroy();
        for (request, phase) in [(running, Phase::Wait), (queued, Phase::Queue)] {
            let error = request.await.unwrap_err();
            assert_eq!((kinds(&error), error.phase()), (vec!["destroyed"], phase));
            assert_eq!(chain(&error), "the agent was destroyed before the request was done");
        }
        let error = agent.get(origin.url("/")).send().await.unwrap_err();
        assert_eq!((kinds(&error), error.phase()), (vec!["closed"], Phase::Prepare));
        assert_eq!(chain(&error), "the agent is closed and takes no more requests");
        nothing_happened(&error);
    });
}
