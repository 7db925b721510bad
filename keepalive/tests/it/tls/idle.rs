//! What an idle TLS socket bears, and what ends it.
//!
//! Each event comes twice: noticed while the socket is idle, and found in the kernel by the next request. That
//! one is a POST, which is never sent twice, so it has to know beforehand.

use keepalive::{Agent, Body, CloseReason};
use testkit::{Authority, Case, Script, ScriptedOrigin, ServerTls, ok, run};

use super::{agent, trusted, trusting};
use crate::kit::{accounts, at_rest, closed_by, info, poll, text, turns, until};

/// Waits for the origin while nothing of the client runs: the runtime stands still.
fn meanwhile(origin: &ScriptedOrigin, name: &str) {
    origin.signal("now");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(origin.reached(name));
        });
    });
}

/// The event comes while the socket is idle; then the second request.
async fn second(origin: &ScriptedOrigin, agent: &Agent, noticed: bool) -> (String, bool, u32) {
    assert_eq!(text(agent, &origin.url("/")).await, "first");
    turns().await;
    assert_eq!(accounts(agent).idle, 1, "nothing has happened to it yet");
    if noticed {
        origin.signal("now");
        origin.reached("done").await;
        turns().await;
    } else {
        meanwhile(origin, "done");
    }
    let response = agent.post(origin.url("/")).body("x").send().await.unwrap();
    let info = info(&response);
    (response.text().await.unwrap(), info.reused, info.attempts)
}

/// It must not make a difference.
async fn is_borne(case: &Case, tls: &ServerTls, authority: &Authority, script: &Script) {
    for noticed in [true, false] {
        let origin = case.scripted(ScriptedOrigin::builder().tls(tls).connection(script.clone()));
        let agent = agent(trusting(authority.pem()));
        assert_eq!(second(&origin, &agent, noticed).await, ("second".to_owned(), true, 1));
        assert_eq!((origin.record().accepted(), at_rest(&agent).await.closed), (1, 0));
    }
}

/// The socket must go, by itself or at checkout, and no request notice.
async fn ends_it(case: &Case, end: impl Fn(Script) -> Script, reason: CloseReason) {
    for noticed in [true, false] {
        let (authority, agent) = trusted();
        let bad = end(Script::new().request().send(ok("first")).signal("now")).reached("done").read_to_end();
        let good = Script::new().request().send(ok("second"));
        let tls = ServerTls::new(&authority.local());
        let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).connection(bad).connection(good));
        assert_eq!(second(&origin, &agent, noticed).await, ("second".to_owned(), false, 1));
        assert_eq!((origin.record().accepted(), at_rest(&agent).await.retried), (2, 0));
        assert_eq!(closed_by(&agent), [(reason, 1)]);
    }
}

#[test]
fn tickets_that_come_late_are_no_garbage() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        for tickets in [1, 2, 50] {
            // The first request is answered unseen, so that the end of the handshake can come after it.
            let script = Script::new().below_tls().half_handshake().read_raw(100).send(ok("first"));
            let script = script.signal("now").handshake().reached("done").request().request();
            let tls = ServerTls::tls13(&authority.local()).tickets(tickets);
            is_borne(case, &tls, &authority, &script.send(ok("second"))).await;
        }
    });
}

#[test]
fn key_updates_are_no_garbage() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        for updates in [1, 3] {
            let script = Script::new().request().send(ok("first")).signal("now");
            let script = (0..updates).fold(script, |script, _| script.key_update());
            let script = script.reached("done").request().send(ok("second"));
            is_borne(case, &ServerTls::tls13(&authority.local()), &authority, &script).await;
        }
    });
}

/// It stays open underneath: only TLS says that it is over.
#[test]
fn a_goodbye_is_a_close() {
    run(async |case: &Case| {
        ends_it(case, Script::close_notify, CloseReason::ClosedByServer).await;
        ends_it(case, Script::half_close, CloseReason::ClosedByServer).await;
    });
}

#[test]
fn a_goodbye_is_noticed_without_a_request() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let script = Script::new().request().send(ok("first")).signal("now").close_notify().read_to_end();
        let tls = ServerTls::new(&authority.local());
        let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).connection(script));
        assert_eq!(text(&agent, &origin.url("/")).await, "first");
        origin.signal("now");
        until(&agent, |totals| totals.closed == 1).await;
        assert_eq!(closed_by(&agent), [(CloseReason::ClosedByServer, 1)]);
        origin.wait(|record| record.open() == 0).await;
    });
}

/// TLS has read it along with the response: the kernel knows nothing of it.
#[test]
fn a_goodbye_that_comes_with_the_response_is_a_close() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let bad = Script::new().request().send_goodbye(ok("first")).read_to_end();
        let good = Script::new().request().send(ok("second"));
        let tls = ServerTls::new(&authority.local());
        let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).connection(bad).connection(good));
        assert_eq!(text(&agent, &origin.url("/")).await, "first");
        let response = agent.post(origin.url("/")).body("x").send().await.unwrap();
        assert_eq!((info(&response).reused, info(&response).attempts), (false, 1));
        assert_eq!(response.text().await.unwrap(), "second");
    });
}

#[test]
fn garbage_ends_it() {
    run(async |case: &Case| {
        let answer = || ok("nobody asked");
        ends_it(case, |script| script.send(answer()), CloseReason::UnsolicitedBytes).await;
        ends_it(case, |script| script.send_goodbye(answer()), CloseReason::UnsolicitedBytes).await;
        ends_it(case, |script| script.raw("garbage below TLS"), CloseReason::UnsolicitedBytes).await;
    });
}

/// A response that fills the reader's buffer to the last byte leaves what comes behind it inside TLS.
#[test]
fn what_comes_behind_a_response_in_its_record_is_never_the_next_answer() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let tls = ServerTls::new(&authority.local());
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 0000\r\n\r\n".len();
        for total in [4096, 8190, 8191, 8192, 8193, 8194] {
            let body = "x".repeat(total - head);
            let both = [ok(&body), ok("smuggled")].concat();
            let bad = Script::new().request().send(both).read_to_end();
            let good = Script::new().request().send(ok("good"));
            let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).connection(bad).connection(good));
            assert_eq!(text(&agent, &origin.url("/")).await, body);
            assert_eq!(text(&agent, &origin.url("/")).await, "good", "{total}");
        }
        assert_eq!(closed_by(&agent), [(CloseReason::SurplusBytes, 6)]);
    });
}

#[test]
fn the_server_is_told_goodbye() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let tls = ServerTls::new(&authority.local());
        let script = Script::new().request().send(ok("first"));
        let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).connection(script));
        text(&agent, &origin.url("/")).await;
        agent.close().await;
        origin.wait(|record| record.connections[0].goodbye).await;
    });
}

/// On a runtime new to the socket the first poll cannot write, and TLS keeps the request. When it is dropped
/// the socket could take it: but nobody wants it any more.
#[test]
fn a_request_that_was_given_up_is_not_written_by_the_goodbye() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let origin = super::scripted(case, &ServerTls::new(&authority.local()));
        let url = origin.url("/");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let elsewhere = tokio::runtime::Builder::new_current_thread().enable_all().build();
                elsewhere.unwrap().block_on(text(&agent, &url))
            });
        });
        let mut request = Box::pin(agent.post(&*url).body(Body::from("x")).send());
        assert!(poll(&mut request).is_pending());
        assert_eq!(accounts(&agent).active, 1);
        turns().await;
        drop(request);
        origin.wait(|record| record.open() == 0).await;
        assert_eq!(origin.record().requests().len(), 1, "only the first was ever written");
    });
}
