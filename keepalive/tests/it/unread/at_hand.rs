//! A body of which all is there before anybody reads it, or drops it.

use testkit::{Case, Script};

use super::{CHUNKED, chunks, head, wire};
use crate::kit::{text, turns};

/// No more than this is taken in with the head.
const SMALL: usize = 64 * 1024;

/// Else a body of any size would be read into memory before anybody has its head.
#[test]
fn one_that_is_not_small_keeps_its_socket_until_it_is_read() {
    let exact = [head(SMALL + 1).into_bytes(), vec![b'x'; SMALL + 1]].concat();
    let chunked = [CHUNKED.as_bytes(), &chunks(17), b"0\r\n\r\n"].concat();
    for (response, length) in [(exact, SMALL + 1), (chunked, 17 << 12)] {
        wire::run(async |case: &Case| {
            let script = Script::new().request().reached("asked").signal("go").send(response).reached("sent");
            let origin = case.scripted(script);
            let agent = wire::agent();
            let mut request = Box::pin(agent.get(origin.url("/")).send());
            tokio::select! {
                _ = &mut request => panic!("the server said nothing yet"),
                () = origin.reached("asked") => {}
            }
            origin.signal("go");
            origin.reached("sent").await;
            turns().await;
            let response = request.await.unwrap();
            assert_eq!((agent.status().totals.active, agent.status().totals.idle), (1, 0));
            assert_eq!(response.bytes().await.unwrap().len(), length);
            assert_eq!((agent.status().totals.active, agent.status().totals.idle), (0, 1));
        });
    }
}

/// Whoever drops it has the socket back before anything else runs.
#[test]
fn one_that_is_dropped_is_read_off_at_once() {
    let exact = (head(40_000), vec![b'x'; 40_000]);
    let chunked = (CHUNKED.to_owned(), [chunks(10), b"0\r\n\r\n".to_vec()].concat());
    for (head, body) in [exact, chunked] {
        wire::run(async |case: &Case| {
            let script = Script::new().request().send(head).signal("go").send(body).reached("sent");
            let origin = case.scripted(script.request().send(testkit::ok("again")));
            let agent = wire::agent();
            let response = agent.get(origin.url("/")).send().await.unwrap();
            origin.signal("go");
            origin.reached("sent").await;
            turns().await;
            drop(response);
            let totals = agent.status().totals;
            assert_eq!((totals.idle, totals.draining, totals.done), (1, 0, 1));
            assert_eq!(text(&agent, &origin.url("/")).await, "again");
        });
    }
}
