//! What a body says of itself.

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use keepalive::{Agent, Body};
use testkit::{Case, Script};

use crate::sending::feed::{feed, feed_of};

fn says(body: &impl http_body::Body) -> (bool, u64, Option<u64>) {
    let hint = body.size_hint();
    (body.is_end_stream(), hint.lower(), hint.upper())
}

#[test]
fn one_that_is_wrapped_says_what_it_said_before() {
    fn same<B>(body: B)
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let before = says(&body);
        assert_eq!(says(&Body::wrap(body)), before);
    }
    same(Full::new(Bytes::from("hello")));
    same(Full::new(Bytes::new()));
    same(Empty::<Bytes>::new());
    same(feed_of(5).1);
    same(feed().1);
}

#[test]
fn of_one_that_came_whole_the_last_piece_is_known_to_be_the_last() {
    testkit::run(async |case: &Case| {
        let pieces = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let origin = case.scripted(Script::new().request().send(pieces));
        let mut body = Agent::new().get(origin.url("/")).send().await.unwrap().into_body();
        for (piece, left) in [("abc", 2), ("de", 0)] {
            assert!(!body.is_end_stream());
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
            assert_eq!(body.size_hint().exact(), Some(left));
        }
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
    });
}
