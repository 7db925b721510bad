//! Never more sockets than allowed, as the server counts them.

use keepalive::{Agent, CloseReason, DEFAULT_MAX_SOCKETS};
use testkit::{Case, Gate, PlainOrigin, Reply};
use tokio::task::JoinSet;

use super::wire;
use crate::kit::{accounts, at_rest, fetch, turns, until, within_polls};

/// Sends that many requests at once and waits for them all.
async fn burst(agent: &Agent, origin: &PlainOrigin, requests: usize) {
    let mut asked = JoinSet::new();
    for _ in 0..requests {
        asked.spawn(fetch(agent, origin.url("/")));
    }
    for text in asked.join_all().await {
        assert_eq!(text.unwrap(), "hello");
    }
}

#[test]
fn a_burst_uses_all_sockets_allowed_and_not_one_more_cold_and_warm() {
    wire::run(async |case: &Case| {
        for (cap, requests) in [(1, 50), (2, 50), (5, 200)] {
            let gate = Gate::new();
            let origin = case.plain(PlainOrigin::builder().at_most(cap).gate(&gate));
            let agent = wire::builder().max_sockets(cap).build().unwrap();
            let mut cold = Box::pin(burst(&agent, &origin, requests));
            let all_held = origin.wait(|stats| stats.requests == cap);
            tokio::select! {
                () = &mut cold => unreachable!("the gate is closed"),
                () = all_held => gate.open(),
            }
            cold.await;
            burst(&agent, &origin, requests).await;
            let stats = origin.stats();
            assert_eq!((stats.peak_open, stats.accepted, stats.requests), (cap, cap, 2 * requests));
        }
    });
}

#[test]
fn the_default_cap_is_five_and_none_is_no_cap() {
    wire::run(async |case: &Case| {
        for (agent, cap) in
            [(wire::agent(), DEFAULT_MAX_SOCKETS), (wire::builder().max_sockets(None).build().unwrap(), 60)]
        {
            let gate = Gate::new();
            let origin = case.plain(PlainOrigin::builder().at_most(cap).gate(&gate));
            let mut all = Box::pin(burst(&agent, &origin, 60));
            tokio::select! {
                () = &mut all => unreachable!("the gate is closed"),
                () = origin.wait(|stats| stats.requests == cap) => gate.open(),
            }
            all.await;
            assert_eq!(origin.stats().peak_open, cap);
        }
    });
}

#[test]
fn each_origin_has_a_cap_of_its_own() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origins: [_; 3] =
            std::array::from_fn(|_| case.plain(PlainOrigin::builder().at_most(2).gate(&gate)));
        let agent = wire::builder().max_sockets(2).build().unwrap();
        let mut asked = JoinSet::new();
        for n in 0..90 {
            asked.spawn(fetch(&agent, origins[n % 3].url("/")));
        }
        for origin in &origins {
            origin.wait(|stats| stats.requests == 2).await;
        }
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        for origin in &origins {
            assert_eq!((origin.stats().peak_open, origin.stats().requests), (2, 30));
        }
    });
}

#[test]
fn raising_the_cap_serves_those_who_wait_at_once() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::builder().max_sockets(1).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..6 {
            asked.spawn(fetch(&agent, origin.url("/")));
        }
        origin.wait(|stats| stats.requests == 1).await;
        agent.set_max_sockets(4).unwrap();
        // The first is still held: nothing but the new limit can have let them go.
        origin.wait(|stats| stats.requests == 4).await;
        assert_eq!(agent.status().origins[0].queued, 2);
        agent.set_max_sockets(None).unwrap();
        origin.wait(|stats| stats.requests == 6).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!(origin.stats().peak_open, 6);
    });
}

#[test]
fn lowering_the_cap_closes_idle_sockets_at_once() {
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().gate(&gate));
        let agent = wire::agent();
        let mut all = Box::pin(burst(&agent, &origin, 5));
        tokio::select! {
            () = &mut all => unreachable!("the gate is closed"),
            () = origin.wait(|stats| stats.requests == 5) => gate.open(),
        }
        all.await;
        until(&agent, |totals| totals.idle == 5).await;
        agent.set_max_sockets(2).unwrap();
        assert_eq!(accounts(&agent).idle, 2);
        if wire::HTTP2 {
            until(&agent, |totals| totals.closed == 3).await;
        }
        let totals = accounts(&agent);
        assert_eq!((totals.idle, totals.closed_by.get(&CloseReason::OverLimit)), (2, Some(&3)));
        origin.wait(|stats| stats.open == 2).await;
    });
}

#[test]
fn nothing_opens_and_nothing_is_handed_on_until_the_count_is_below_a_lowered_cap() {
    if wire::HTTP2 {
        // The connections that are too many end, each with its last stream; the one that stays serves on.
        return;
    }
    wire::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(PlainOrigin::builder().at_most(4).gate(&gate));
        let agent = wire::builder().max_sockets(4).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..7 {
            asked.spawn(fetch(&agent, origin.url("/")));
        }
        origin.wait(|stats| stats.requests == 4).await;
        agent.set_max_sockets(1).unwrap();
        for open in [3, 2, 1] {
            gate.release(1);
            origin.wait(|stats| stats.open == open).await;
            turns().await;
            assert_eq!(origin.stats().requests, 4, "with {open} sockets open nobody may be served");
        }
        gate.release(1);
        origin.wait(|stats| stats.requests == 5).await;
        gate.open();
        assert!(asked.join_all().await.iter().all(Result::is_ok));
        assert_eq!((origin.stats().accepted, origin.stats().peak_open), (4, 4));
    });
}

#[test]
fn no_more_idle_sockets_are_kept_than_max_free_sockets() {
    wire::run(async |case: &Case| {
        for (keep, limit) in [(0, Some(0)), (1, Some(1)), (3, Some(3)), (5, Some(5)), (5, Some(6)), (5, None)]
        {
            let gate = Gate::new();
            let origin = case.plain(PlainOrigin::builder().gate(&gate));
            let agent = wire::builder().max_free_sockets(limit).build().unwrap();
            let mut all = Box::pin(burst(&agent, &origin, 5));
            tokio::select! {
                () = &mut all => unreachable!("the gate is closed"),
                () = origin.wait(|stats| stats.requests == 5) => gate.open(),
            }
            all.await;
            let totals = at_rest(&agent).await;
            let closed = totals.closed_by.get(&CloseReason::IdleLimit).copied().unwrap_or(0);
            assert_eq!((totals.idle, closed), (keep, 5 - keep as u64), "{limit:?}");
            origin.wait(|stats| stats.open == keep).await;
            if keep == 5 {
                agent.set_max_free_sockets(2).unwrap();
                assert_eq!(accounts(&agent).idle, 2);
                origin.wait(|stats| stats.open == 2).await;
            }
        }
    });
}

#[test]
fn keeping_no_idle_socket_still_hands_one_to_a_waiter() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder());
        let agent = wire::builder().max_sockets(1).max_free_sockets(0).build().unwrap();
        burst(&agent, &origin, 10).await;
        assert_eq!(origin.stats().accepted, 1);
        origin.wait(|stats| stats.open == 0).await;
        burst(&agent, &origin, 1).await;
        assert_eq!(origin.stats().accepted, 2);
    });
}

#[test]
fn the_cap_holds_although_each_response_closes_its_connection() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(3).max_requests_per_connection(1));
        let agent = wire::builder().max_sockets(3).build().unwrap();
        burst(&agent, &origin, 100).await;
        let stats = origin.stats();
        assert_eq!((stats.accepted, stats.requests), (100, 100));
        assert!(stats.peak_open <= 3, "{stats:?}");
        let totals = at_rest(&agent).await;
        let reason = if wire::HTTP2 { CloseReason::GoAway } else { CloseReason::ResponseSaidClose };
        assert_eq!(totals.closed_by.get(&reason), Some(&100), "{totals:#?}");
    });
}

#[test]
fn the_cap_holds_although_bodies_are_dropped_half_way() {
    wire::run(async |case: &Case| {
        // Too short, short enough, and too long to be read off; see `Body`.
        let sizes = [70_000, 200_000, 2_000_000];
        let origin = case.plain(
            PlainOrigin::builder()
                .at_most(3)
                .reply(move |request| Reply::ok(vec![b'x'; sizes[request.order % sizes.len()]])),
        );
        let agent = wire::builder().max_sockets(3).build().unwrap();
        let mut asked = JoinSet::new();
        for _ in 0..100 {
            let request = agent.get(origin.url("/"));
            asked.spawn(async move { request.send().await.unwrap().chunk().await.unwrap().is_some() });
        }
        assert!(asked.join_all().await.iter().all(|some| *some));
        let totals = at_rest(&agent).await;
        assert_eq!(totals.done, 100);
        let cost = totals.closed_by.contains_key(&CloseReason::BodyNotDrained);
        assert_eq!(cost, !wire::HTTP2, "{totals:#?}");
        assert!(origin.stats().peak_open <= 3, "{:?}", origin.stats());
    });
}

#[test]
fn the_cap_holds_although_requests_are_cancelled_at_random() {
    wire::run(async |case: &Case| {
        let origin = case.plain(PlainOrigin::builder().at_most(3));
        let agent = wire::builder().max_sockets(3).build().unwrap();
        let mut asked = JoinSet::new();
        for seed in 0..400_u64 {
            // Fibonacci hashing: all over the place, and the same in each run.
            let polls = 1 + (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) as usize % 6;
            asked.spawn(within_polls(polls, fetch(&agent, origin.url("/"))));
        }
        let served = asked.join_all().await.into_iter().flatten().map(Result::unwrap).count() as u64;
        let totals = at_rest(&agent).await;
        assert_eq!((totals.requests, totals.done, totals.cancelled), (400, served, 400 - served));
        assert!(served > 0 && served < 400, "{served} of 400 were served");
        assert!(origin.stats().peak_open <= 3, "{:?}", origin.stats());
        assert_eq!(fetch(&agent, origin.url("/")).await.unwrap(), "hello");
    });
}
