//! Handshakes that end badly, or not at all.

use std::time::Duration;

use keepalive::{Agent, CloseReason, Phase, Protocol};
use testkit::{Authority, Case, Script, ScriptedOrigin, ServerTls, ok, response, run, run_paused};
use tokio::task::JoinSet;

use super::{agent, refused, trusted, trusting};
use crate::kit::{accounts, at_rest, closed_by, fetch, info, polled, text, turns, until};

#[test]
fn a_server_that_speaks_something_else_is_told_from_tls() {
    run(async |case: &Case| {
        for greeting in [response(400, &[], "what?"), b"SSH-2.0-OpenSSH_9.6p1\r\n".to_vec()] {
            let origin = case.scripted(Script::new().send(greeting).read_to_end());
            let url = format!("https://localhost:{}/", origin.port());
            assert_eq!(
                refused(&trusted().1, &url).await,
                "`localhost` does not speak TLS on this port: it answered in something else; is it plain http?"
            );
        }
    });
}

#[test]
fn a_server_that_speaks_tls_is_told_from_plain_http() {
    run(async |case: &Case| {
        let identity = Authority::new("trusted").local();
        for tls in [ServerTls::tls12(&identity), ServerTls::tls13(&identity)] {
            let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).otherwise(Script::new()));
            let error = fetch(&Agent::new(), origin.url("/").replace("https", "http")).await.unwrap_err();
            assert!(error.is_protocol(), "{error:?}");
            assert_eq!(
                error.to_string(),
                "the server speaks TLS on this port, and was asked in plain HTTP: use `https`"
            );
        }
    });
}

/// Silent from the beginning, and after its first words.
#[test]
fn a_handshake_that_stalls_ends_with_the_tls_timeout_and_frees_its_place() {
    for first_words in [false, true] {
        run_paused(async |case: &Case| {
            let authority = Authority::new("trusted");
            let script = Script::new().below_tls();
            let script = if first_words { script.half_handshake() } else { script };
            let tls = ServerTls::tls12(&authority.local());
            let good = Script::new().request().send(ok("hello")).repeat();
            let origin = ScriptedOrigin::builder().tls(&tls).connection(script.reached("stalls").stall());
            let origin = case.scripted(origin.otherwise(good));
            let tls = trusting(authority.pem()).build().unwrap();
            let limit = Duration::from_secs(7);
            let agent = Agent::builder().tls(tls).max_sockets(1).tls_timeout(limit).build().unwrap();
            let mut asked = JoinSet::new();
            asked.spawn(polled(fetch(&agent, origin.url("/"))));
            origin.reached("stalls").await;
            turns().await;
            tokio::time::advance(limit - Duration::from_millis(1)).await;
            turns().await;
            assert_eq!(accounts(&agent).connecting, 1);
            // A timer counts whole milliseconds, and the handshake began within one.
            tokio::time::advance(Duration::from_millis(2)).await;
            let error = asked.join_next().await.unwrap().unwrap().unwrap_err();
            assert!(error.is_timeout() && error.is_connect() && error.safe_to_retry(), "{error:?}");
            assert_eq!(error.phase(), Phase::Tls);
            let said = error.to_string();
            assert!(said.contains(&origin.url("")) && said.contains("7 s (tls_timeout)"), "{said}");
            assert_eq!(closed_by(&agent), [(CloseReason::DialFailed, 1)]);
            origin.wait(|record| record.open() == 0).await;
            assert_eq!(text(&agent, &origin.url("/")).await, "hello");
        });
    }
}

/// The server says one byte more each time, or nearly so, until it may say all of it.
#[test]
fn a_handshake_cut_anywhere_is_an_error_that_says_so() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let identity = authority.local();
        for tls in [ServerTls::tls12(&identity), ServerTls::tls13(&identity)] {
            let mut cuts = 0;
            for most in (0..8).chain((8..).step_by(37)) {
                let script = Script::new().below_tls().handshake_bytes(most).request().send(ok("whole"));
                let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).otherwise(script));
                let agent = agent(trusting(authority.pem()));
                match fetch(&agent, origin.url("/")).await {
                    Ok(text) => {
                        assert_eq!(text, "whole");
                        break;
                    }
                    Err(error) if error.phase() == Phase::Tls => {
                        assert!(error.is_connect() && error.safe_to_retry(), "{error:?}");
                        let text = error.to_string();
                        assert!(text.contains("in the middle of the TLS handshake"), "{most}: {text}");
                        assert_eq!(closed_by(&agent), [(CloseReason::DialFailed, 1)]);
                        cuts += 1;
                    }
                    // It was the tickets that were cut, after the handshake.
                    Err(error) => assert_eq!(error.bytes_read(), 0, "{error:?}"),
                }
                assert!(most < 10_000, "no handshake is that long");
                let totals = at_rest(&agent).await;
                assert_eq!((totals.opened, totals.failed), (1, 1), "tried once");
            }
            assert!(cuts > 10, "{cuts}");
        }
    });
}

#[test]
fn connections_in_their_handshake_count() {
    run(async |case: &Case| {
        let (authority, _) = trusted();
        let script = Script::new().below_tls().signal("go").handshake().request().send(ok("hello"));
        // The rest of such a connection: it began below TLS once.
        let script = (0..20).fold(script, |script, _| script.request().send(ok("hello")));
        let tls = ServerTls::new(&authority.local());
        let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).otherwise(script));
        let tls = trusting(authority.pem()).build().unwrap();
        let agent = Agent::builder().tls(tls).protocol(Protocol::Http1).max_sockets(2).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..10 {
            asked.spawn(fetch(&agent, origin.url("/")));
        }
        origin.wait(|record| record.accepted() == 2).await;
        turns().await;
        assert_eq!((accounts(&agent).connecting, origin.record().accepted()), (2, 2));
        origin.signal("go");
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((origin.record().accepted(), origin.record().peak_open), (2, 2));
    });
}

/// A dial belongs to its origin: it outlives the request, not the agent.
#[test]
fn a_request_dropped_in_the_handshake_and_an_agent_destroyed_in_it() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        for first_words in [false, true] {
            for destroy in [false, true] {
                let script = Script::new().below_tls();
                let script = if first_words { script.half_handshake() } else { script };
                let script = script.reached("stalls").signal("go").handshake().request().send(ok("late"));
                let tls = ServerTls::tls12(&authority.local());
                let origin = case.scripted(ScriptedOrigin::builder().tls(&tls).otherwise(script));
                let agent = agent(trusting(authority.pem()));
                let request = polled(fetch(&agent, origin.url("/")));
                origin.reached("stalls").await;
                drop(request);
                assert_eq!((accounts(&agent).connecting, accounts(&agent).waiting), (1, 0));
                if destroy {
                    agent.destroy();
                    until(&agent, |totals| totals.connecting == 0).await;
                    assert_eq!(accounts(&agent).closed, 1);
                    origin.wait(|record| record.open() == 0).await;
                } else {
                    origin.signal("go");
                    until(&agent, |totals| totals.idle == 1).await;
                    assert_eq!(text(&agent, &origin.url("/")).await, "late");
                    assert_eq!(origin.record().accepted(), 1);
                }
            }
        }
    });
}

#[test]
fn the_time_of_the_handshake_is_told_and_only_where_there_was_one() {
    run(async |case: &Case| {
        let (authority, agent) = trusted();
        let origin = super::origin(case, &authority.local());
        let first = info(&agent.get(origin.url("/")).send().await.unwrap());
        assert!(first.timings.tls.is_some_and(|time| time > Duration::ZERO), "{first:?}");
        let second = info(&agent.get(origin.url("/")).send().await.unwrap());
        assert!(second.reused && second.timings.tls.is_none(), "{second:?}");
        let plain = case.plain(testkit::PlainOrigin::builder());
        let third = info(&agent.get(plain.url("/")).send().await.unwrap());
        assert!(third.timings.tls.is_none(), "{third:?}");
    });
}
