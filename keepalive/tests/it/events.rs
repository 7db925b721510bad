//! What a listener is told: every event of a request and of its socket, in order.

#[path = "events/listeners.rs"]
mod listeners;
#[path = "events/reasons.rs"]
mod reasons;
#[path = "events/requests.rs"]
mod requests;
#[path = "events/tally.rs"]
mod tally;

use keepalive::{Agent, AgentBuilder, Event, Events};
use testkit::{Case, Gate, PlainOrigin, Script, ScriptedOrigin, ok};

use super::retry::stale_once;
use super::wire::{self, SCHEME};
use crate::kit::{at_rest, fetch, polled, text, until};

/// What is there and not taken yet, told shortly.
pub(crate) fn told(events: &mut Events) -> Vec<String> {
    std::iter::from_fn(|| events.try_next()).map(|event| short(&event)).collect()
}

pub(crate) fn short(event: &Event) -> String {
    match event {
        Event::SocketDialing { socket, .. } => format!("dialing {socket}"),
        Event::SocketOpened { socket, .. } => format!("opened {socket}"),
        Event::SocketReused { socket, request_number, .. } => format!("reused {socket} #{request_number}"),
        Event::SocketParked { socket, .. } => format!("parked {socket}"),
        Event::SocketClosed { socket, reason, requests, .. } => {
            format!("closed {socket} {} after {requests}", reason.name())
        }
        Event::RequestQueued { request, .. } => format!("queued r{request}"),
        Event::RequestAssigned { request, socket, .. } => format!("assigned r{request} to {socket}"),
        Event::RequestRetried { request, socket, .. } => format!("retried r{request} after {socket}"),
        Event::RequestUnserved { request, reason, .. } => format!("unserved r{request} {}", reason.name()),
        Event::Lost { count } => format!("lost {count}"),
        other => panic!("an event the tests do not know: {other:?}"),
    }
}

fn built(builder: AgentBuilder) -> (Agent, Events) {
    let agent = builder.build().unwrap();
    let events = agent.subscribe();
    (agent, events)
}

#[test]
fn a_cold_request_and_one_that_reuses_its_socket() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        assert_eq!(told(&mut events), [""; 0]);
        text(&agent, &origin.url("/")).await;
        assert_eq!(told(&mut events), ["dialing 1", "opened 1", "assigned r1 to 1", "parked 1"]);
        text(&agent, &origin.url("/")).await;
        assert_eq!(told(&mut events), ["assigned r2 to 1", "reused 1 #2", "parked 1"]);
    });
}

#[test]
fn an_event_carries_what_the_response_and_the_server_say() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        let response =
            agent.get(format!("{SCHEME}://me:secret@{}/path?q=1", origin.addr())).send().await.unwrap();
        let info = crate::kit::info(&response);
        response.text().await.unwrap();
        agent.close_idle();
        let all: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
        let at = keepalive::Origin::from_uri(&origin.url("/").parse().unwrap()).unwrap();
        assert_eq!(all[0], Event::SocketDialing { socket: info.socket_id, origin: at.clone() });
        let Event::SocketOpened { local_addr, peer_addr, .. } = &all[1] else { panic!("{all:?}") };
        assert_eq!((*local_addr, *peer_addr), (info.local_addr, info.peer_addr));
        assert_eq!(*peer_addr, Some(origin.addr()));
        let shown = format!("{all:?}");
        for secret in ["secret", "me:", "path", "q=1"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(all.len(), 5, "{shown}");
    });
}

#[test]
fn a_queued_request_is_handed_the_socket() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().max_sockets(1));
        let first = polled(fetch(&agent, origin.url("/")));
        let second = polled(fetch(&agent, origin.url("/")));
        assert_eq!(told(&mut events), ["dialing 1", "queued r2"]);
        first.await.unwrap();
        assert_eq!(told(&mut events), ["opened 1", "assigned r1 to 1"], "it is offered, not parked");
        second.await.unwrap();
        assert_eq!(told(&mut events), ["assigned r2 to 1", "reused 1 #2", "parked 1"]);
    });
}

#[test]
fn the_server_closes_an_idle_socket() {
    wire::run(async |case: &Case| {
        let bad = Script::new().request().send(ok("first")).signal("now");
        let good = Script::new().request().send(ok("again")).repeat();
        let origin = case.scripted(ScriptedOrigin::builder().connection(bad.close()).connection(good));
        let (agent, mut events) = built(wire::builder());
        text(&agent, &origin.url("/")).await;
        told(&mut events);
        origin.signal("now");
        until(&agent, |totals| totals.closed == 1).await;
        assert_eq!(told(&mut events), ["closed 1 closed_by_server after 1"]);
    });
}

/// The request never had it: it is neither reused nor assigned, and has served one request.
#[test]
fn a_socket_that_proves_dead_at_checkout_was_nobodys() {
    wire::run(async |case: &Case| {
        let bad = Script::new().request().send(ok("first")).signal("now");
        let good = Script::new().request().send(ok("again")).repeat();
        let origin = case.scripted(ScriptedOrigin::builder().connection(bad.close()).connection(good));
        let (agent, mut events) = built(wire::builder());
        text(&agent, &origin.url("/")).await;
        told(&mut events);
        origin.signal("now");
        while origin.record().open() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(text(&agent, &origin.url("/")).await, "again");
        let expected =
            ["dialing 2", "closed 1 closed_by_server after 1", "opened 2", "assigned r2 to 2", "parked 2"];
        assert_eq!(told(&mut events), expected);
    });
}

/// It keeps its number, and is assigned once more.
#[test]
fn a_request_that_is_sent_once_more() {
    wire::run(async |case: &Case| {
        let origin = case.scripted(stale_once());
        let (agent, mut events) = built(wire::builder());
        text(&agent, &origin.url("/")).await;
        told(&mut events);
        assert_eq!(text(&agent, &origin.url("/")).await, "good");
        let expected = [
            "assigned r2 to 1",
            "reused 1 #2",
            "retried r2 after 1",
            "dialing 2",
            "closed 1 stale after 2",
            "opened 2",
            "assigned r2 to 2",
            "parked 2",
        ];
        assert_eq!(told(&mut events), expected);
    });
}

#[test]
fn with_keep_alive_off_a_socket_is_not_parked() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().keep_alive(false));
        text(&agent, &origin.url("/")).await;
        let expected = ["dialing 1", "opened 1", "assigned r1 to 1", "closed 1 keep_alive_off after 1"];
        assert_eq!(told(&mut events), expected);
    });
}

#[test]
fn an_idle_socket_makes_room_at_the_total_cap() {
    wire::run(async |case: &Case| {
        let (one, two) = (case.plain(PlainOrigin::builder()), case.plain(PlainOrigin::builder()));
        let (agent, mut events) = built(wire::builder().max_total_sockets(1));
        text(&agent, &one.url("/")).await;
        told(&mut events);
        text(&agent, &two.url("/")).await;
        let expected = [
            "queued r2",
            "closed 1 evicted after 1",
            "dialing 2",
            "opened 2",
            "assigned r2 to 2",
            "parked 2",
        ];
        assert_eq!(told(&mut events), expected);
    });
}

#[test]
fn a_dial_fails_and_another_is_not_wanted_any_more() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().keep_alive(false));
        drop(polled(fetch(&agent, origin.url("/"))));
        at_rest(&agent).await;
        let expected = ["dialing 1", "unserved r1 cancelled", "opened 1", "closed 1 keep_alive_off after 0"];
        assert_eq!(told(&mut events), expected, "a dial is the origin's: it goes on");
        origin.stop();
        fetch(&agent, origin.url("/")).await.unwrap_err();
        assert_eq!(told(&mut events), ["dialing 2", "closed 2 dial_failed after 0", "unserved r2 failed"]);
    });
}

#[test]
fn destroy_ends_the_active_the_idle_and_the_waiting() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let other = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().max_sockets(1));
        text(&agent, &other.url("/")).await;
        let active = tokio::spawn(fetch(&agent, origin.url("/")));
        origin.wait(|stats| stats.requests == 1).await;
        let waiting = polled(fetch(&agent, origin.url("/")));
        told(&mut events);
        agent.destroy();
        assert_eq!(told(&mut events), ["closed 1 destroyed after 1"]);
        active.await.unwrap().unwrap_err();
        assert_eq!(told(&mut events), ["closed 2 destroyed after 1"]);
        waiting.await.unwrap_err();
        assert_eq!(told(&mut events), ["unserved r3 failed"]);
        fetch(&agent, origin.url("/")).await.unwrap_err();
        assert_eq!(told(&mut events), [""; 0], "an agent that takes no more tells nothing");
    });
}

#[test]
fn an_upgraded_socket_is_closed_by_its_user() {
    wire::run(async |case: &Case| {
        let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        let origin = case.scripted(Script::new().request().send(switched).read_to_end());
        let (agent, mut events) = built(wire::builder());
        let request = agent.get(origin.url("/")).header("connection", "upgrade").header("upgrade", "echo");
        let io = request.send().await.unwrap().into_body().into_upgraded().unwrap();
        assert_eq!(told(&mut events), ["dialing 1", "opened 1", "assigned r1 to 1"]);
        drop(io);
        assert_eq!(told(&mut events), ["closed 1 upgraded after 1"]);
    });
}

/// Nothing was written: the socket is as good as before, and free again.
#[test]
fn a_request_dropped_before_its_first_byte_puts_the_socket_back() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().max_sockets(1));
        let first = polled(fetch(&agent, origin.url("/")));
        let second = polled(fetch(&agent, origin.url("/")));
        first.await.unwrap();
        told(&mut events);
        drop(second);
        assert_eq!(told(&mut events), ["unserved r2 cancelled", "parked 1"]);
    });
}
