//! Where sockets come from and where they go: part of what keeps them apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use keepalive::{Agent, Phase, RequestOptions};
use testkit::{Case, PlainOrigin, Script, ok, run};

use crate::kit::{accounts, at_rest, fetch, info};

const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));
const TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Whether this machine lets a socket be bound there; says so if a test is passed over.
fn can_bind(address: SocketAddr) -> bool {
    let bound = TcpListener::bind(address);
    if let Err(error) = &bound {
        eprintln!("skipped: this machine has no {address} for us: {error}");
    }
    bound.is_ok()
}

#[test]
fn sockets_of_different_local_addresses_are_never_shared() {
    if !can_bind(SocketAddr::new(TWO, 0)) {
        return;
    }
    run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        let agent = Agent::new();
        for round in 0..3 {
            for local in [Some(ONE), Some(TWO), None] {
                let mut request = agent.get(origin.url("/"));
                if let Some(local) = local {
                    request = request.local_address(local);
                }
                let response = request.send().await.unwrap();
                assert_eq!(info(&response).local_addr.unwrap().ip(), local.unwrap_or(ONE));
                assert_eq!(info(&response).reused, round > 0);
            }
        }
        // One from each, and one from wherever the system likes.
        let peers: Vec<_> = origin.record().connections.iter().map(|it| it.peer.unwrap().ip()).collect();
        assert_eq!(peers, [ONE, TWO, ONE]);
        let status = agent.status();
        let keys: Vec<_> = status.origins.iter().map(|it| (it.origin.local_address(), it.idle)).collect();
        assert_eq!(keys, [(None, 1), (Some(ONE), 1), (Some(TWO), 1)]);
    });
}

#[test]
fn the_agents_local_address_holds_for_all_requests_but_those_with_their_own() {
    if !can_bind(SocketAddr::new(TWO, 0)) {
        return;
    }
    run(async |case: &Case| {
        let origin = case.scripted(Script::new().request().send(ok("hello")).repeat());
        let agent = Agent::builder().local_address(TWO).build().unwrap();
        fetch(&agent, origin.url("/")).await.unwrap();
        let mut request = agent.get(origin.url("/")).build().unwrap();
        request.extensions_mut().insert(RequestOptions::new().local_address(ONE));
        agent.request(request).await.unwrap();
        fetch(&agent, origin.url("/")).await.unwrap();
        let connections = origin.record().connections;
        let peers: Vec<_> = connections.iter().map(|it| (it.peer.unwrap().ip(), it.requests.len())).collect();
        assert_eq!(peers, [(TWO, 2), (ONE, 1)]);
    });
}

#[test]
fn a_local_address_of_the_wrong_family_is_an_error_that_says_so() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        let request = agent.get(origin.url("/")).local_address(IpAddr::V6(Ipv6Addr::LOCALHOST));
        let error = request.send().await.unwrap_err();
        assert_eq!(error.to_string(), "`127.0.0.1` has no IPv6 address, and the local address ::1 needs one");
        assert!(error.is_request() && !error.is_timeout() && !error.safe_to_retry(), "{error:?}");
        assert_eq!((at_rest(&agent).await.failed, origin.stats().accepted), (1, 0));
    });
}

#[test]
fn a_local_address_that_is_not_ours_is_an_error_that_says_so() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        // RFC 5737: belongs to nobody.
        let request = agent.get(origin.url("/")).local_address(IpAddr::from([203, 0, 113, 7]));
        let error = request.send().await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot connect to http://{} from 203.0.113.7", origin.addr()));
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(source.kind(), std::io::ErrorKind::AddrNotAvailable);
        assert_eq!((error.is_connect(), error.phase()), (true, Phase::Connect));
        assert_eq!((at_rest(&agent).await.failed, origin.stats().accepted), (1, 0));
    });
}

#[test]
fn an_ipv6_origin_is_dialled_and_named_in_brackets() {
    if !can_bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0)) {
        return;
    }
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().bind("[::1]:0").record_requests());
        let agent = Agent::new();
        let url = format!("http://[::1]:{}/path", origin.port());
        for _ in 0..2 {
            assert_eq!(fetch(&agent, url.clone()).await.unwrap(), "hello");
        }
        let host = format!("[::1]:{}", origin.port());
        assert!(origin.requests().iter().all(|request| request.header("host") == Some(&host)));
        assert_eq!(agent.status().origins[0].origin.to_string(), format!("http://{host}"));
        assert_eq!(origin.stats().accepted, 1);
    });
}

#[test]
fn the_same_host_in_other_letters_shares_a_socket() {
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        for host in ["localhost", "LOCALHOST", "LocalHost", "me:secret@localhost"] {
            assert_eq!(fetch(&agent, format!("http://{host}:{}/", origin.port())).await.unwrap(), "hello");
        }
        assert_eq!((origin.stats().accepted, accounts(&agent).reused), (1, 3));
        // The same server by another name is another origin: only the resolver knows better.
        fetch(&agent, origin.url("/")).await.unwrap();
        assert_eq!((origin.stats().accepted, agent.status().origins.len()), (2, 2));
    });
}

#[test]
fn a_url_without_port_shares_the_socket_of_port_80() {
    let address = SocketAddr::from(([127, 0, 80, 80], 80));
    if !can_bind(address) {
        return;
    }
    run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().bind(address.to_string()));
        let agent = Agent::new();
        for url in ["http://127.0.80.80/", "http://127.0.80.80:80/", "http://127.0.80.80"] {
            assert_eq!(fetch(&agent, url).await.unwrap(), "hello");
        }
        assert_eq!(origin.stats().accepted, 1);
    });
}
