//! `Timings`: how long each step of a request took.

use std::time::Duration;

use http::{Request, Response};
use keepalive::{Agent, Body, ConnectionInfo, Timings};
use testkit::{Case, Script, ok};
use tokio::time::advance;

use crate::kit::poll_once;
use crate::sending::feed::feed;

const SECOND: Duration = Duration::from_secs(1);

fn timings(response: &Response<Body>) -> Timings {
    response.extensions().get::<ConnectionInfo>().expect("every response has it").timings
}

#[test]
fn each_step_has_its_own() {
    testkit::run_paused(async |case: &Case| {
        let script = Script::new().request().reached("first").signal("go").send(ok("one"));
        let script = script.request().reached("body").signal("answer").send(ok("two"));
        let origin = case.scripted(script);
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let mut first = Box::pin(agent.get(origin.url("/")).send());
        tokio::select! {
            _ = &mut first => panic!("nothing was answered"),
            () = origin.reached("first") => {}
        }
        let (feeder, body) = feed();
        feeder.data("some");
        let mut second = Box::pin(agent.request(Request::post(origin.url("/")).body(body).unwrap()));
        assert!(poll_once(&mut second).await.is_none(), "it waits for the socket");
        advance(2 * SECOND).await;
        origin.signal("go");
        let Timings { queue, send, wait, .. } = timings(&first.await.unwrap());
        assert_eq!((queue, send, wait), (Duration::ZERO, Duration::ZERO, 2 * SECOND));

        assert!(poll_once(&mut second).await.is_none(), "it has the socket");
        advance(3 * SECOND).await;
        drop(feeder);
        assert!(poll_once(&mut second).await.is_none(), "it is written");
        origin.reached("body").await;
        advance(4 * SECOND).await;
        origin.signal("answer");
        let Timings { queue, send, wait, .. } = timings(&second.await.unwrap());
        assert_eq!((queue, send, wait), (2 * SECOND, 3 * SECOND, 4 * SECOND));
    });
}
