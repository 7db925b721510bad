//! The names and bounds that users rely on.

mod body;
mod builder;

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use keepalive::{
    Agent, AgentBuilder, Body, CloseReason, ConnectionInfo, Error, Event, Events, Origin, OriginStatus,
    Phase, RequestBuilder, RequestOptions, ResponseFuture, Scheduling, SocketInfo, SocketState, Status,
    Timings, Totals, Unserved, Upgraded,
};
use testkit::{Case, Gate, PlainOrigin};
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::kit::{poll_once, text};

fn value<T: Send + Sync + 'static>() {}
fn sent<T: Send + 'static>() {}
fn cloned<T: Clone + Debug>() {}
fn key<T: Clone + Debug + Display + Hash + Ord>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}
fn body<T: http_body::Body<Data = Bytes, Error = Error> + Send + Unpin + 'static>() {}
fn made<T: Default + From<Bytes> + From<String> + From<Vec<u8>> + From<&'static str>>() {}
fn served<S, B>()
where
    S: Service<Request<B>, Response = Response<Body>, Error = Error, Future = ResponseFuture<B>>,
{
}

#[test]
fn the_bounds_of_every_type_hold() {
    value::<Agent>();
    cloned::<Agent>();
    value::<AgentBuilder>();
    cloned::<AgentBuilder>();
    error::<Error>();
    body::<Body>();
    made::<Body>();
    key::<Origin>();
    value::<Origin>();
    value::<Status>();
    cloned::<Status>();
    cloned::<Totals>();
    cloned::<OriginStatus>();
    cloned::<ConnectionInfo>();
    value::<ConnectionInfo>();
    cloned::<Timings>();
    cloned::<RequestOptions>();
    value::<RequestOptions>();
    cloned::<Scheduling>();
    cloned::<Phase>();
    cloned::<CloseReason>();
    cloned::<Event>();
    value::<Event>();
    value::<Events>();
    cloned::<SocketInfo>();
    value::<SocketInfo>();
    cloned::<SocketState>();
    cloned::<Unserved>();
    fn listens<T: Send>(_: impl FnOnce(&'static mut Events) -> T) {}
    listens(Events::next);
    sent::<RequestBuilder>();
    sent::<keepalive::Response>();
    sent::<ResponseFuture<Body>>();
    sent::<ResponseFuture<Empty<Bytes>>>();
    sent::<Upgraded>();
    served::<Agent, Body>();
    served::<&Agent, Full<Bytes>>();
    fn upgraded<T: AsyncRead + AsyncWrite + Unpin>() {}
    upgraded::<Upgraded>();
    fn unpin<T: Unpin>() {}
    unpin::<ResponseFuture<Body>>();
    fn future<T: Future<Output = Result<Response<Body>, Error>>>() {}
    future::<ResponseFuture<String>>();
    fn sends<T: Send>(_: impl FnOnce(RequestBuilder) -> T) {}
    sends(RequestBuilder::send);
    sends(|builder| async { builder.send().await?.bytes().await });
    fn closes<T: Send + 'static>(_: impl FnOnce(&'static Agent) -> T) {}
    closes(Agent::close);
}

#[test]
fn a_future_borrows_neither_its_agent_nor_anything_else() {
    fn named(url: &str) -> ResponseFuture<Full<Bytes>> {
        let agent = Agent::new();
        agent.request(Request::post(url).body(Full::from("hello")).unwrap())
    }
    testkit::run_threads(2, async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let task = tokio::spawn(named(&origin.url("/")));
        assert_eq!(task.await.unwrap().unwrap().into_body().text().await.unwrap(), "hello");
    });
}

#[test]
fn every_setter_takes_a_value_and_those_of_limits_none() {
    let second = Duration::from_secs(1);
    let with_values = Agent::builder()
        .max_sockets(8)
        .max_total_sockets(512)
        .max_free_sockets(256)
        .max_total_free_sockets(1000)
        .keep_alive(true)
        .scheduling(Scheduling::Fifo)
        .queue_timeout(second)
        .connect_timeout(second)
        .expect_continue_timeout(second)
        .timeout(second)
        .tcp_nodelay(true)
        .tcp_keepalive(second)
        .local_address(IpAddr::from([127, 0, 0, 1]))
        .title_case_headers(true);
    let with_none = Agent::builder()
        .max_sockets(None)
        .max_total_sockets(None)
        .max_free_sockets(None)
        .max_total_free_sockets(None)
        .queue_timeout(None)
        .connect_timeout(None)
        .expect_continue_timeout(None)
        .timeout(None)
        .tcp_keepalive(None)
        .local_address(None);
    assert_eq!(with_values.build().unwrap().status().totals.max_total_sockets, Some(512));
    let agent = with_none.build().unwrap();
    assert_eq!(agent.status().totals.max_total_sockets, None);
    agent.set_max_sockets(3).unwrap();
    agent.set_max_sockets(None).unwrap();
    agent.set_max_total_sockets(Some(3)).unwrap();
    agent.set_max_free_sockets(None).unwrap();
    assert_eq!(agent.status().totals.max_total_sockets, Some(3));
}

/// Not a case of the fixture: the global agent and its keeper outlive any test.
#[test]
fn the_global_agent_is_one_agent_for_all_runtimes_and_get_uses_it() {
    assert!(std::ptr::eq(Agent::global(), Agent::global()));
    let origin = PlainOrigin::new();
    for uses in 1..=2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            assert_eq!(keepalive::get(origin.url("/")).send().await.unwrap().text().await.unwrap(), "hello");
            assert_eq!(text(Agent::global(), &origin.url("/")).await, "hello");
        });
        let status = Agent::global().status();
        let mine = status.origins.iter().find(|it| it.origin.port() == origin.port()).unwrap();
        assert_eq!((mine.idle, mine.max_sockets), (1, Some(keepalive::DEFAULT_MAX_SOCKETS)));
        assert_eq!((origin.stats().accepted, origin.stats().requests), (1, 2 * uses));
    }
    Agent::global().close_idle();
}

#[test]
fn the_agent_is_a_tower_service_by_value_and_by_reference() {
    testkit::run(async |case: &Case| {
        async fn call<S>(mut service: S, request: Request<String>) -> String
        where
            S: Service<Request<String>, Response = Response<Body>, Error = Error>,
        {
            poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
            service.call(request).await.unwrap().into_body().text().await.unwrap()
        }
        let origin = case.plain(PlainOrigin::builder());
        let request = || Request::post(origin.url("/")).body("hello".to_owned()).unwrap();
        let agent = Agent::new();
        assert_eq!(call(&agent, request()).await, "hello");
        assert_eq!(call(agent.clone(), request()).await, "hello");
        assert_eq!(origin.stats().accepted, 1, "clones are the same agent");
    });
}

#[test]
fn debug_prints_the_counts_by_state() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let zeros = "connecting: 0, draining: 0, closing: 0, upgraded: 0";
        assert_eq!(
            format!("{agent:?}"),
            format!("Agent {{ origins: 0, active: 0, idle: 0, {zeros}, waiting: 0 }}")
        );
        let mut first = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut first => panic!("the gate is closed"),
            () = origin.wait(|stats| stats.requests == 1) => {}
        }
        let mut second = Box::pin(agent.get(origin.url("/")).send());
        assert!(poll_once(&mut second).await.is_none());
        assert_eq!(
            format!("{agent:?}"),
            format!("Agent {{ origins: 1, active: 1, idle: 0, {zeros}, waiting: 1 }}")
        );
        drop(second);
        gate.open();
        first.await.unwrap().text().await.unwrap();
        assert_eq!(
            format!("{agent:?}"),
            format!("Agent {{ origins: 1, active: 0, idle: 1, {zeros}, waiting: 0 }}")
        );
    });
}

#[test]
fn the_status_tells_of_every_origin_and_adds_up() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let held = case.plain(PlainOrigin::builder().gate(&gate));
        let free = case.plain(PlainOrigin::builder());
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        text(&agent, &free.url("/")).await;
        let mut first = Box::pin(agent.get(held.url("/")).send());
        tokio::select! {
            _ = &mut first => panic!("the gate is closed"),
            () = held.wait(|stats| stats.requests == 1) => {}
        }
        let mut second = Box::pin(agent.get(held.url("/")).send());
        assert!(poll_once(&mut second).await.is_none());

        let status = agent.status();
        assert!(status.origins.is_sorted_by_key(|it| &it.origin));
        assert_eq!(HashSet::<&Origin>::from_iter(status.origins.iter().map(|it| &it.origin)).len(), 2);
        for it in &status.origins {
            let is_held = it.origin.port() == held.port();
            assert_eq!(it.origin.to_string(), format!("http://127.0.0.1:{}", it.origin.port()));
            assert_eq!((it.origin.scheme(), it.origin.host()), ("http", "127.0.0.1"));
            assert_eq!((it.active, it.idle, it.queued), if is_held { (1, 0, 1) } else { (0, 1, 0) });
            assert_eq!((it.connecting, it.draining, it.closing, it.upgraded), (0, 0, 0, 0));
            assert_eq!((it.oldest_queued.is_some(), it.max_sockets), (is_held, Some(1)));
        }
        let all = &status.totals;
        assert_eq!((all.active, all.idle, all.queued, all.waiting, all.running), (1, 1, 1, 1, 1));
        assert_eq!((all.opened, all.closed, all.requests, all.done), (2, 0, 3, 1));
        assert_eq!((all.failed, all.cancelled, all.reused, all.failed_dials), (0, 0, 0, 0));
        drop(second);
        gate.open();
        first.await.unwrap().text().await.unwrap();
        text(&agent, &free.url("/")).await;
        let all = agent.status().totals;
        assert_eq!((all.requests, all.done, all.cancelled, all.reused), (4, 3, 1, 1));
    });
}

#[test]
fn a_response_tells_which_socket_it_came_on() {
    testkit::run_paused(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = Agent::new();
        for number in 1..=3 {
            let response = agent.get(origin.url("/")).send().await.unwrap();
            let info = response.connection_info().unwrap().clone();
            assert_eq!((info.socket_id, info.request_number, info.reused), (1, number, number > 1));
            assert_eq!((info.attempts, info.protocol), (1, http::Version::HTTP_11));
            assert_eq!(info.peer_addr, Some(origin.addr()));
            assert!(info.local_addr.is_some_and(|local| local.ip().is_loopback()));
            let Timings { dns, connect, tls, .. } = info.timings;
            assert_eq!((dns.is_some(), connect.is_some(), tls), (number == 1, number == 1, None));
            response.text().await.unwrap();
        }
    });
}
