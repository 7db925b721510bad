//! Bodies of every kind, as the server sees them.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Empty, Full};
use keepalive::{Body, CloseReason};
use testkit::{Case, Script, ScriptedOrigin, ok};
use tokio::io::AsyncReadExt;

use super::feed::{feed, feed_of};
use super::recorder;
use super::wire;
use crate::kit::{closed_by, text};

/// Sends a POST with this body and gives what came behind the host field.
async fn sent<B>(case: &Case, body: B) -> String
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let origin = recorder(case);
    let agent = wire::agent();
    let request = Request::post(origin.url("/")).body(body).unwrap();
    agent.request(request).await.unwrap().into_body().bytes().await.unwrap();
    assert_eq!(agent.status().totals.idle, 1, "the request was sent whole");
    let bytes = String::from_utf8(origin.record().connections[0].bytes.clone()).unwrap();
    let (_, rest) = bytes.split_once("host: ").unwrap();
    rest.split_once("\r\n").unwrap().1.to_owned()
}

#[test]
fn a_body_whose_size_is_known_has_a_length() {
    wire::run(async |case: &Case| {
        let expected = "content-length: 5\r\n\r\nhello";
        assert_eq!(sent(case, Body::from("hello")).await, expected);
        assert_eq!(sent(case, Body::from("hello".to_owned())).await, expected);
        assert_eq!(sent(case, Body::from(b"hello".to_vec())).await, expected);
        assert_eq!(sent(case, Body::from(Bytes::from("hello"))).await, expected);
        assert_eq!(sent(case, Body::wrap(Full::new(Bytes::from("hello")))).await, expected);
        assert_eq!(sent(case, Full::new(Bytes::from("hello"))).await, expected);
        assert_eq!(sent(case, Full::new(&b"hello"[..]).map_err(|never| match never {})).await, expected);
        let wrapped = Body::wrap(Full::new(Bytes::from("hello")));
        assert_eq!(sent(case, wrapped.map_err(std::io::Error::other)).await, expected);
        assert_eq!(sent(case, "hello".to_owned()).await, expected);
        let (feeder, body) = feed_of(5);
        feeder.data("he");
        feeder.data("");
        feeder.data("llo");
        feeder.data("");
        drop(feeder);
        assert_eq!(sent(case, body).await, expected);
    });
}

#[test]
fn a_body_whose_size_is_not_known_is_chunked() {
    wire::run(async |case: &Case| {
        let (feeder, body) = feed();
        feeder.data("hello");
        feeder.data("");
        feeder.data("x".repeat(26));
        drop(feeder);
        let expected =
            format!("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1a\r\n{}\r\n0\r\n\r\n", "x".repeat(26));
        assert_eq!(sent(case, body).await, expected);
        let (feeder, body) = feed();
        drop(feeder);
        assert_eq!(sent(case, Body::wrap(body)).await, "transfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    });
}

#[test]
fn trailers_follow_the_last_chunk() {
    wire::run(async |case: &Case| {
        let (feeder, body) = feed();
        feeder.data("hello");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        trailers.append("x-sum", HeaderValue::from_static("8"));
        trailers.insert("content-length", HeaderValue::from_static("99"));
        feeder.trailers(trailers);
        let expected = "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 7\r\nx-sum: 8\r\n\r\n";
        assert_eq!(sent(case, body).await, expected, "and none that would change the framing");
    });
}

#[test]
fn only_methods_whose_body_has_a_meaning_say_that_it_is_empty() {
    wire::run(async |case: &Case| {
        let (says_so, silent) = (["POST", "PUT", "PATCH"], ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);
        for (method, length) in says_so.map(|m| (m, Some("0"))).into_iter().chain(silent.map(|m| (m, None))) {
            let origin =
                case.scripted(Script::new().request().send("HTTP/1.1 204 No Content\r\n\r\n").repeat());
            let agent = wire::agent();
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = Request::builder().method(&method).uri(origin.url("/"));
            agent.request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
            agent.method(method.clone(), origin.url("/")).send().await.unwrap();
            agent.method(method.clone(), origin.url("/")).body("").send().await.unwrap();
            for request in origin.record().requests() {
                assert_eq!(request.header("content-length"), length, "{method}");
                assert_eq!(request.header("transfer-encoding"), None, "{method}");
            }
            assert_eq!(origin.record().connections[0].requests.len(), 3);
        }
    });
}

#[test]
fn a_head_request_gets_no_body_and_keeps_its_socket() {
    wire::run(async |case: &Case| {
        let length = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n";
        let origin = case.scripted(Script::new().request().send(length).request().send(ok("next")));
        let agent = wire::agent();
        let response = agent.head(origin.url("/")).send().await.unwrap();
        assert_eq!(response.headers()["content-length"], "500");
        assert_eq!(response.bytes().await.unwrap(), "");
        assert_eq!(text(&agent, &origin.url("/")).await, "next");
        assert_eq!(origin.record().requests()[0].method, "HEAD");
        assert_eq!(origin.record().accepted(), 1);
    });
}

#[test]
fn a_small_body_leaves_together_with_its_head() {
    wire::run(async |_: &Case| {
        // Who reads once sees what one write brought.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let agent = wire::agent();
        let (feeder, body) = feed();
        feeder.data("chunk");
        let chunked = Request::post(format!("http://{address}/")).body(Body::wrap(body)).unwrap();
        let full = Request::post(format!("http://{address}/")).body(Body::from("whole")).unwrap();
        for (request, end) in [(full, "\r\n\r\nwhole"), (chunked, "\r\n\r\n5\r\nchunk\r\n")] {
            let look = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut first = vec![0; 4096];
                let count = stream.read(&mut first).await.unwrap();
                String::from_utf8_lossy(&first[..count]).into_owned()
            };
            let first = tokio::select! {
                response = agent.request(request) => panic!("nothing was answered: {response:?}"),
                first = look => first,
            };
            assert!(first.ends_with(end), "{first:?}");
        }
    });
}

#[test]
fn eight_mebibytes_arrive_whole_however_slowly_the_server_reads() {
    wire::run(async |case: &Case| {
        let script = Script::new().head().reached("head").signal("read").body().send(ok("got it")).repeat();
        let origin = case.scripted(script);
        let agent = wire::agent();
        let content: Bytes = (0..8 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
        let whole = async { agent.post(origin.url("/")).body(content.clone()).send().await?.text().await };
        let slow = async {
            origin.reached("head").await;
            origin.signal("read");
        };
        let (answer, ()) = tokio::join!(whole, slow);
        assert_eq!(answer.unwrap(), "got it");

        let (feeder, body) = feed();
        content.chunks(100_000).for_each(|piece| feeder.data(content.slice_ref(piece)));
        drop(feeder);
        agent.request(Request::post(origin.url("/")).body(body).unwrap()).await.unwrap();
        let record = origin.record();
        assert!(record.requests().iter().all(|request| request.body == content));
        assert_eq!((record.requests().len(), record.accepted()), (2, 1));
    });
}

#[test]
fn a_response_can_be_the_body_of_a_request() {
    wire::run(async |case: &Case| {
        let trailers =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n";
        let long = ok(vec![b'x'; 300_000]);
        let source = case.scripted(Script::new().request().send(long).request().send(trailers));
        let target = recorder(case);
        let agent = wire::agent();
        for path in ["/long", "/trailers"] {
            let response = agent.get(source.url(path)).send().await.unwrap();
            let request = Request::post(target.url(path)).body(response.into_body()).unwrap();
            assert_eq!(agent.request(request).await.unwrap().status(), 200);
        }
        let record = target.record();
        let (long, trailers) = (record.requests()[0], record.requests()[1]);
        assert_eq!((long.header("content-length"), long.body.len()), (Some("300000"), 300_000));
        assert_eq!(trailers.body, b"abc");
        assert_eq!(trailers.trailers, [("x-sum".to_owned(), "7".to_owned())]);
        assert_eq!((source.record().accepted(), closed_by(&agent)), (1, vec![]), "both sockets go on");
    });
}

#[test]
fn a_response_that_breaks_breaks_the_request_it_is_the_body_of() {
    wire::run(async |case: &Case| {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
        let source = case.scripted(Script::new().request().send(half).signal("break").close());
        let target = case.scripted(ScriptedOrigin::builder().otherwise(Script::new().request()));
        let agent = wire::agent();
        let response = agent.get(source.url("/")).send().await.unwrap();
        let request = Request::post(target.url("/")).body(response.into_body()).unwrap();
        source.signal("break");
        let error = agent.request(request).await.unwrap_err();
        assert!(error.is_request());
        let cause = std::error::Error::source(&error).unwrap().downcast_ref::<keepalive::Error>().unwrap();
        assert!(cause.is_protocol());
        assert_eq!(closed_by(&agent), [(CloseReason::Truncated, 1), (CloseReason::RequestBodyFailed, 1)]);
    });
}
