//! What a listener is told of connections that carry many requests at once.

use testkit::{Case, Frame, Gate};

use super::{NO_ERROR, agent, builder, frames, plain};
use crate::events::told;
use crate::kit::{fetch, polled, text, until};

/// A connection is parked when its last stream has ended, and reused by whoever is not its first.
#[test]
fn requests_that_share_a_connection_are_each_told() {
    testkit::run(async |case: &Case| {
        let gate = Gate::new();
        let origin = case.plain(plain().gate(&gate));
        let agent = builder().build().unwrap();
        let mut events = agent.subscribe();
        let first = polled(fetch(&agent, origin.url("/")));
        let second = polled(fetch(&agent, origin.url("/")));
        // The dial is for both: nobody is queued.
        assert_eq!(told(&mut events), ["dialing 1"]);
        let (first, second) = (tokio::spawn(first), tokio::spawn(second));
        origin.wait(|stats| stats.requests == 2).await;
        assert_eq!(told(&mut events), ["opened 1", "assigned r1 to 1", "assigned r2 to 1", "reused 1 #2"]);
        gate.open();
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        until(&agent, |totals| totals.idle == 1).await;
        assert_eq!(told(&mut events), ["parked 1"]);
        agent.close_idle();
        until(&agent, |totals| totals.closed == 1).await;
        assert_eq!(told(&mut events), ["closed 1 close_idle after 2"]);
    });
}

/// It is assigned once more, and not retried: the server did not look at it.
#[test]
fn a_request_that_moves() {
    testkit::run(async |case: &Case| {
        let origin = frames(case, move |mut peer| async move {
            if peer.connection > 0 {
                return peer.serve().await;
            }
            peer.request().await?;
            peer.send(&Frame::go_away(0, NO_ERROR)).await?;
            peer.rest().await
        });
        let agent = agent();
        let mut events = agent.subscribe();
        assert_eq!(text(&agent, &origin.url("/")).await, "hello");
        until(&agent, |totals| totals.closed == 1).await;
        let mut told = told(&mut events);
        // Its task closes the first connection when it comes to it.
        let closed = told.iter().position(|event| event == "closed 1 go_away after 1");
        told.remove(closed.expect("it is told"));
        assert_eq!(
            told,
            [
                "dialing 1",
                "opened 1",
                "assigned r1 to 1",
                "dialing 2",
                "opened 2",
                "assigned r1 to 2",
                "parked 2"
            ]
        );
    });
}
