//! Thousands of origins, each visited once: nothing of them stays.
#![cfg(target_os = "linux")] // elsewhere only 127.0.0.1 is configured

use std::net::SocketAddr;

use keepalive::{Agent, CloseReason};
use testkit::{Case, PlainOrigin, run};
use tokio::task::JoinSet;

use crate::kit::{accounts, at_rest, fetch};

/// One server that is known by many addresses.
fn url(server: &PlainOrigin, n: usize) -> String {
    let [high, low] = [n / 250, 1 + n % 250].map(|part| u8::try_from(part).unwrap());
    format!("http://{}/", SocketAddr::from(([127, 1, high, low], server.port())))
}

async fn visit(agent: &Agent, server: &PlainOrigin, origins: usize) {
    let mut visits = JoinSet::new();
    for n in 0..origins {
        visits.spawn(fetch(agent, url(server, n)));
        if visits.len() >= 50 {
            assert_eq!(visits.join_next().await.unwrap().unwrap().unwrap(), "hello");
        }
    }
    for text in visits.join_all().await {
        assert_eq!(text.unwrap(), "hello");
    }
}

#[test]
fn the_status_names_only_the_origins_that_have_sockets() {
    run(async |case: &Case| {
        let server = case.plain(PlainOrigin::builder().at_most(60).bind("0.0.0.0:0"));
        let agent = Agent::builder().max_total_sockets(60).build().unwrap();
        visit(&agent, &server, 2000).await;
        let totals = at_rest(&agent).await;
        assert!(agent.status().origins.len() <= 60 && totals.idle <= 60, "{totals:#?}");
        assert_eq!((totals.done, totals.failed), (2000, 0));
        assert!(server.stats().peak_open <= 60, "{:?}", server.stats());
        agent.close_idle();
        let totals = at_rest(&agent).await;
        assert!(agent.status().origins.is_empty());
        // At least one for each: on a busy machine an offer may lapse, and its socket be evicted meanwhile.
        assert!(totals.opened >= 2000 && totals.opened == totals.closed, "{totals:#?}");
        assert!(totals.closed_by[&CloseReason::Evicted] >= 1940, "{totals:#?}");
    });
}

#[test]
fn without_keep_alive_nothing_is_remembered_at_all() {
    run(async |case: &Case| {
        let server = case.plain(PlainOrigin::builder().bind("0.0.0.0:0"));
        let agent = Agent::builder().keep_alive(false).build().unwrap();
        visit(&agent, &server, 1000).await;
        at_rest(&agent).await;
        assert!(agent.status().origins.is_empty());
        let totals = accounts(&agent);
        assert!(totals.opened >= 1000 && totals.opened == totals.closed, "{totals:#?}");
        assert_eq!(totals.closed_by, [(CloseReason::KeepAliveOff, totals.closed)].into());
    });
}
