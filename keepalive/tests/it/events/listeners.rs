//! Several listeners, slow ones, dropped ones, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use keepalive::{Agent, EVENTS_KEPT, Event};
use testkit::{Case, PlainOrigin};
use tokio::runtime;

use super::wire;
use super::{built, short, told};
use crate::kit::{fetch, polled, text};

/// So many events, and what they are: a request that is dropped in the queue makes two.
fn make(agent: &Agent, url: &str, events: usize) {
    for _ in 0..events / 2 {
        drop(polled(fetch(agent, url.to_owned())));
    }
}

#[test]
fn a_slow_listener_loses_the_oldest_and_is_told_how_many() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut slow) = built(wire::builder().max_sockets(1));
        let holder = polled(fetch(&agent, origin.url("/")));
        make(&agent, &origin.url("/"), EVENTS_KEPT + 10);
        // One more than those is `dialing 1`, which came first.
        assert_eq!(slow.try_next().map(|event| short(&event)).as_deref(), Some("lost 11"));
        let rest = told(&mut slow);
        assert_eq!(rest.len(), EVENTS_KEPT);
        assert_eq!(rest[..3], ["queued r7", "unserved r7 cancelled", "queued r8"]);
        assert_eq!(rest[EVENTS_KEPT - 1], format!("unserved r{} cancelled", 1 + (EVENTS_KEPT + 10) / 2));
        make(&agent, &origin.url("/"), 2);
        assert_eq!(told(&mut slow).len(), 2, "nothing more is lost");
        drop(holder);
    });
}

#[test]
fn every_listener_sees_all_from_its_subscription_on() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut first) = built(wire::builder());
        text(&agent, &origin.url("/")).await;
        let mut second = agent.subscribe();
        let mut third = agent.subscribe();
        text(&agent, &origin.url("/")).await;
        let reuse = ["assigned r2 to 1", "reused 1 #2", "parked 1"];
        assert_eq!(told(&mut second), reuse);
        drop(second);
        agent.close_idle();
        assert_eq!(told(&mut third)[..3], reuse);
        assert_eq!(told(&mut first)[4..], [&reuse[..], &["closed 1 close_idle after 2"]].concat());
        drop((first, third));
        text(&agent, &origin.url("/")).await;
        let mut later = agent.subscribe();
        assert_eq!(told(&mut later), [""; 0], "what nobody listened to is not kept");
    });
}

#[test]
fn a_listener_is_woken_and_a_dropped_next_loses_nothing() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        for _ in 0..3 {
            let mut next = Box::pin(events.next());
            assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let listener = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(event) = events.next().await {
                all.push(short(&event));
                // Another one, given up after its first poll, whether that was ready or not.
                let mut next = Box::pin(events.next());
                if let Poll::Ready(event) = next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    all.extend(event.map(|event| short(&event)));
                }
            }
            all
        });
        for _ in 0..2 {
            text(&agent, &origin.url("/")).await;
            tokio::task::yield_now().await;
        }
        drop(agent);
        let all = listener.await.unwrap();
        let expected = [
            "dialing 1",
            "opened 1",
            "assigned r1 to 1",
            "parked 1",
            "assigned r2 to 1",
            "reused 1 #2",
            "parked 1",
            "closed 1 agent_dropped after 2",
        ];
        assert_eq!(all, expected);
    });
}

#[test]
fn a_listener_does_not_keep_the_agent_and_hears_its_last_socket() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        let response = agent.get(origin.url("/")).send().await.unwrap();
        drop(agent);
        response.text().await.unwrap();
        let mut all = Vec::new();
        while let Some(event) = events.next().await {
            all.push(short(&event));
        }
        assert_eq!(all[..3], ["dialing 1", "opened 1", "assigned r1 to 1"]);
        assert_eq!(all.last().map(String::as_str), Some("closed 1 agent_dropped after 1"));
        assert_eq!(events.next().await, None, "and so it stays");
    });
}

/// The dial outlives the pool by a moment; its end is told all the same, and only then is there no more.
#[test]
fn a_dial_under_way_when_the_agent_is_dropped_is_told_to_its_end() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        let request = polled(fetch(&agent, origin.url("/")));
        drop((request, agent));
        assert_eq!(told(&mut events), ["dialing 1", "unserved r1 cancelled"]);
        let last = events.next().await;
        assert_eq!(last.map(|event| short(&event)).as_deref(), Some("closed 1 dial_aborted after 0"));
        assert_eq!(events.next().await, None);
    });
}

/// A waker that asks the agent, which it could not do under the pool's lock.
struct Curious {
    agent: Agent,
    asked: AtomicUsize,
}

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        let _ = self.agent.status();
        drop(self.agent.subscribe());
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_listeners_waker_may_turn_to_the_agent() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder());
        let curious = Arc::new(Curious { agent: agent.clone(), asked: AtomicUsize::new(0) });
        let waker = Waker::from(Arc::clone(&curious));
        let mut next = Box::pin(events.next());
        assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        text(&agent, &origin.url("/")).await;
        assert_eq!(curious.asked.load(Ordering::Relaxed), 1, "once, until it asks again");
        drop((next, waker));
        drop(events);
        assert_eq!(Arc::strong_count(&curious), 1, "nothing is left behind");
    });
}

/// Listeners come and go while others write.
#[test]
fn no_event_is_lost_between_threads() {
    wire::run_threads(2, async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let (agent, mut events) = built(wire::builder().max_sockets(2));
        let listener = std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (mut dialed, mut closed, mut assigned) = (0, 0, 0);
                while let Some(event) = events.next().await {
                    match event {
                        Event::SocketDialing { .. } => dialed += 1,
                        Event::SocketClosed { .. } => closed += 1,
                        Event::RequestAssigned { .. } => assigned += 1,
                        Event::Lost { count } => panic!("{count} lost"),
                        _ => {}
                    }
                }
                (dialed, closed, assigned)
            })
        });
        for _ in 0..4 {
            let mut asked = tokio::task::JoinSet::new();
            for _ in 0..40 {
                asked.spawn(fetch(&agent, origin.url("/")));
                drop(agent.subscribe());
            }
            assert!(asked.join_all().await.iter().all(Result::is_ok));
        }
        let opened = crate::kit::at_rest(&agent).await.opened;
        drop(agent);
        let listener = tokio::task::spawn_blocking(|| listener.join().unwrap());
        assert_eq!(listener.await.unwrap(), (opened, opened, 160));
    });
}
