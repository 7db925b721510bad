//! Sessions are resumed, within the same settings and the same name.

use keepalive::{Agent, Origin};
use testkit::{Authority, Case, ServerTls, run};

use super::{refused, scripted, trusting};
use crate::kit::{fetch, text};

fn resumed(origin: &testkit::ScriptedOrigin) -> Vec<bool> {
    origin.record().connections.iter().map(|it| it.tls.as_ref().unwrap().resumed).collect()
}

#[test]
fn the_second_connection_resumes_the_session_of_the_first() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let identity = authority.local();
        for tls in [ServerTls::tls12(&identity), ServerTls::tls13(&identity)] {
            let origin = scripted(case, &tls);
            let tls = trusting(authority.pem()).build().unwrap();
            let agent = Agent::builder().tls(tls.clone()).keep_alive(false).build().unwrap();
            text(&agent, &origin.url("/")).await;
            text(&agent, &origin.url("/")).await;
            // Another name is another session, although it is the same server.
            let named = format!("https://localhost:{}/", origin.port());
            text(&agent, &named).await;
            text(&agent, &named).await;
            assert_eq!(resumed(&origin), [false, true, false, true]);
            // Another agent with the same settings goes on with them, one with its own does not.
            text(&Agent::builder().tls(tls).build().unwrap(), &named).await;
            text(&super::agent(trusting(authority.pem())), &named).await;
            assert_eq!(resumed(&origin)[4..], [true, false]);
        }
    });
}

#[test]
fn no_tickets_no_resumption() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let origin = scripted(case, &ServerTls::tls13(&authority.local()).tickets(0));
        let tls = trusting(authority.pem()).build().unwrap();
        let agent = Agent::builder().tls(tls).keep_alive(false).build().unwrap();
        text(&agent, &origin.url("/")).await;
        text(&agent, &origin.url("/")).await;
        assert_eq!(resumed(&origin), [false, false]);
    });
}

#[test]
fn a_requests_own_settings_are_an_origin_of_their_own() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let origin = scripted(case, &ServerTls::tls13(&authority.local()));
        let (own, other) =
            (trusting(authority.pem()).build().unwrap(), trusting(authority.pem()).build().unwrap());
        let agent = Agent::builder().tls(own.clone()).build().unwrap();
        for tls in [None, Some(&own), Some(&other), None, Some(&own), Some(&other)] {
            let request = agent.get(origin.url("/"));
            let request = if let Some(tls) = tls { request.tls(tls.clone()) } else { request };
            request.send().await.unwrap().bytes().await.unwrap();
        }
        let record = origin.record();
        let places: Vec<_> = record.requests().iter().map(|request| request.connection).collect();
        assert_eq!(places, [0, 1, 2, 0, 1, 2], "no socket is shared");
        assert!(!resumed(&origin)[2], "the settings say the same, but are others");
        let origins = agent.status().origins;
        assert_eq!(origins.len(), 3);
        let shown: Vec<_> = origins.iter().map(|it| it.origin.to_string()).collect();
        assert_eq!(shown.iter().filter(|text| text.contains("with TLS settings ")).count(), 2, "{shown:?}");
        let plain = Origin::from_uri(&origin.url("/").parse().unwrap()).unwrap();
        assert_eq!(agent.status().origins.iter().filter(|it| it.origin == plain).count(), 1);
    });
}

/// Trust is a setting too: a socket that one request may use is not for one that does not trust its server.
#[test]
fn a_socket_is_not_for_those_who_do_not_trust_it() {
    run(async |case: &Case| {
        let authority = Authority::new("trusted");
        let origin = scripted(case, &ServerTls::tls13(&authority.local()));
        let tls = trusting(authority.pem()).build().unwrap();
        let agent = Agent::new();
        agent.get(origin.url("/")).tls(tls).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(agent.status().totals.idle, 1);
        let url = format!("https://localhost:{}/", origin.port());
        assert!(refused(&agent, &url).await.contains("not trusted"));
        assert!(fetch(&agent, origin.url("/")).await.unwrap_err().is_connect());
        assert_eq!(origin.record().requests().len(), 1);
    });
}
