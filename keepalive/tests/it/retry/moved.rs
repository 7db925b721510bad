//! A request that moved from a dead socket to another stale one: what had been pulled of its body for the first
//! write is part of it still when it is written again.

use bytes::Bytes;
use keepalive::{Body, Error, Scheduling};
use testkit::{Case, Script, ScriptedOrigin, ok};

use super::wire;
use crate::integrity::reset_by_server;
use crate::kit::{fetch, polled, until};
use crate::sending::acting::Acting;

/// The body that the server has of a PUT whose first connection was reset before the first write, and whose
/// second was closed after the server had read it.
async fn body_of_the_last(case: &Case, pieces: Vec<Bytes>, exact: bool) -> Result<Vec<u8>, Error> {
    let reset = Script::new().request().signal("first").send(ok("1")).signal("reset").reset();
    let stale = Script::new().request().signal("second").send(ok("2")).request().close();
    let good = Script::new().request().send(ok("good")).repeat();
    let origin = case.scripted(ScriptedOrigin::builder().connection(reset).connection(stale).otherwise(good));
    let agent = wire::builder().scheduling(Scheduling::Fifo).build().unwrap();
    let first = tokio::spawn(polled(fetch(&agent, origin.url("/1"))));
    origin.wait(|record| record.requests().len() == 1).await;
    let second = tokio::spawn(polled(fetch(&agent, origin.url("/2"))));
    origin.wait(|record| record.requests().len() == 2).await;
    // The one idle the longest is taken first, and what was parked after it does not go with it.
    origin.signal("first");
    first.await.unwrap().unwrap();
    origin.signal("second");
    second.await.unwrap().unwrap();
    until(&agent, |it| it.idle == 2).await;
    let first = origin.clone();
    let body = Acting::new(pieces, move || reset_by_server(&first));
    let body = if exact { body.sized() } else { body };
    let response = agent.put(origin.url("/put")).body(Body::wrap(body)).send().await?;
    assert_eq!(response.connection_info().unwrap().attempts, 2);
    assert_eq!(response.text().await.unwrap(), "good");
    let record = origin.record();
    assert_eq!(record.accepted(), 3);
    Ok(record.connections[2].requests[0].body.clone())
}

#[test]
fn in_chunks() {
    wire::run(async |case: &Case| {
        let pieces = vec![Bytes::from_static(b"first,"), Bytes::from_static(b"second")];
        let body = body_of_the_last(case, pieces, false).await.unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), "first,second");
    });
}

#[test]
fn with_a_length() {
    wire::run(async |case: &Case| {
        let body = body_of_the_last(case, vec![Bytes::from_static(b"data")], true).await.unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), "data");
    });
}

/// It cannot be sent again, and is not.
#[test]
fn more_than_is_kept() {
    wire::run(async |case: &Case| {
        let pieces = vec![Bytes::from(vec![b'x'; 100_000]), Bytes::from_static(b"end")];
        match body_of_the_last(case, pieces, false).await {
            Ok(body) => panic!("{} bytes of 100003 were sent as the whole body", body.len()),
            Err(error) => assert!(error.to_string().contains("more than 64 KiB"), "{error}"),
        }
    });
}
