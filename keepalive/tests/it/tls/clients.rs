//! Servers that want to know who the client is.

use keepalive::{CloseReason, Phase};
use testkit::{Authority, Case, Identity, ServerTls, run};

use super::{agent, scripted, told, trusting};
use crate::kit::{closed_by, fetch, poll, text};

#[test]
fn a_certificate_that_the_server_trusts_is_shown() {
    run(async |case: &Case| {
        let (server, clients) = (Authority::new("servers"), Authority::new("clients"));
        for version13 in [false, true] {
            let origin = scripted(case, &ServerTls::for_clients_of(&clients, &server.local(), version13));
            let me = clients.issue(&["me"]);
            let agent = agent(trusting(server.pem()).identity_pem(&me.chain, &me.key));
            assert_eq!(text(&agent, &origin.url("/")).await, "hello");
            let seen = origin.record().connections[0].tls.clone().unwrap();
            assert_eq!((seen.tls13, seen.client_certificates), (version13, 1));
        }
    });
}

/// In TLS 1.2 the handshake fails. In TLS 1.3 the client is done before the server has looked, so it is the
/// request that fails, and it must say the same.
#[test]
fn without_one_and_with_a_strangers_the_error_says_so() {
    run(async |case: &Case| {
        let (server, clients) = (Authority::new("servers"), Authority::new("clients"));
        let stranger = Authority::new("strangers").issue(&["me"]);
        for version13 in [false, true] {
            for (identity, want) in
                [(None, "wants a client certificate"), (Some(&stranger), "refused the client certificate")]
            {
                let origin = scripted(case, &ServerTls::for_clients_of(&clients, &server.local(), version13));
                let tls = trusting(server.pem());
                let tls = match identity {
                    None => tls,
                    Some(me) => tls.identity_pem(&me.chain, &me.key),
                };
                let agent = agent(tls);
                let error = agent.get(origin.url("/")).send().await.unwrap_err();
                assert!(error.to_string().contains(want), "TLS 1.3: {version13}: {error:?}");
                if version13 {
                    // By whether the alert was there before the request was written.
                    let (phase, reason) = (error.phase(), closed_by(&agent)[0].0);
                    let known =
                        [(Phase::Send, CloseReason::ClosedByServer), (Phase::Wait, CloseReason::IoError)];
                    assert!(known.contains(&(phase, reason)), "{phase:?} {reason:?}");
                } else {
                    assert_eq!((error.phase(), error.is_connect()), (Phase::Tls, true));
                    assert_eq!(closed_by(&agent), [(CloseReason::DialFailed, 1)]);
                }
                assert!(origin.record().requests().is_empty());
                for secret in identity.iter().flat_map(|me| me.key.lines().skip(1).take(1)) {
                    assert!(!told(&error).contains(secret));
                }
            }
        }
    });
}

/// The refusal is there when the request gets its socket.
#[test]
fn a_refusal_that_comes_before_the_request_says_so_too() {
    run(async |case: &Case| {
        let (server, clients) = (Authority::new("servers"), Authority::new("clients"));
        let origin = scripted(case, &ServerTls::for_clients_of(&clients, &server.local(), true));
        let agent = agent(trusting(server.pem()));
        let mut request = Box::pin(fetch(&agent, origin.url("/")));
        // Polled only to begin the dial: the socket waits for it.
        assert!(poll(&mut request).is_pending());
        let over = |record: &testkit::Record| record.connections.iter().any(|it| it.ended.is_some());
        origin.wait(over).await;
        let error = request.await.unwrap_err();
        assert!(error.to_string().contains("wants a client certificate"), "{error:?}");
        assert!(error.safe_to_retry(), "{error:?}");
    });
}

#[test]
fn two_clients_in_one_agent_never_share_a_socket() {
    run(async |case: &Case| {
        let (server, clients) = (Authority::new("servers"), Authority::new("clients"));
        let origin = scripted(case, &ServerTls::for_clients_of(&clients, &server.local(), true));
        let tls = |me: &Identity| trusting(server.pem()).identity_pem(&me.chain, &me.key).build().unwrap();
        let (mine, yours) = (tls(&clients.issue(&["me"])), tls(&clients.issue(&["you"])));
        let agent = keepalive::Agent::new();
        for tls in [&mine, &yours, &mine, &yours] {
            agent.get(origin.url("/")).tls(tls.clone()).send().await.unwrap().bytes().await.unwrap();
        }
        let record = origin.record();
        let places: Vec<_> = record.requests().iter().map(|request| request.connection).collect();
        assert_eq!(places, [0, 1, 0, 1]);
        assert!(record.connections.iter().all(|it| !it.tls.as_ref().unwrap().resumed), "nor a session");
        assert_eq!(agent.status().origins.len(), 2);
    });
}
