//! `RequestBuilder` and `Response`, and what the features add.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method};
use keepalive::{Agent, Body, RequestBuilder};
use testkit::{Case, Reply};

use crate::sending::recorder;

#[test]
fn every_method_has_a_name() {
    testkit::run(async |case: &Case| {
        let origin = recorder(case);
        let (agent, url) = (Agent::new(), origin.url("/"));
        let uri: http::Uri = url.parse().unwrap();
        let builders: [RequestBuilder; 7] = [
            agent.get(&url),
            agent.head(url.as_str()),
            agent.post(url.clone()),
            agent.put(&uri),
            agent.patch(uri),
            agent.delete(&url),
            agent.method(Method::OPTIONS, &url),
        ];
        for builder in builders {
            builder.send().await.unwrap().bytes().await.unwrap();
        }
        let record = origin.record();
        let methods: Vec<_> = record.requests().iter().map(|request| request.method.as_str()).collect();
        assert_eq!(methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
    });
}

#[test]
fn query_pairs_are_encoded_and_added_to_the_query_that_is_there() {
    let agent = Agent::new();
    for (url, pairs, expected) in [
        ("http://a/", &[("q", "a b")][..], "http://a/?q=a+b"),
        ("http://a", &[("q", "1")], "http://a/?q=1"),
        ("http://a/p?x=1", &[("y", "2"), ("y", "3")], "http://a/p?x=1&y=2&y=3"),
        ("http://a/p?", &[("y", "2")], "http://a/p?y=2"),
        ("http://a/p", &[("&=?#%+", "\u{e9}\r\n")], "http://a/p?%26%3D%3F%23%25%2B=%C3%A9%0D%0A"),
        ("http://a/p", &[("", ""), ("k", "")], "http://a/p?=&k="),
        ("http://a/p", &[], "http://a/p"),
        ("http://a/p?x=%20", &[], "http://a/p?x=%20"),
    ] {
        let request = agent.get(url).query(pairs.iter().copied()).build().unwrap();
        assert_eq!(request.uri().to_string(), expected);
    }
    let twice = agent.get("http://a/").query([("a", "1")]).query([("b".to_owned(), String::from("2"))]);
    assert_eq!(twice.build().unwrap().uri().query(), Some("a=1&b=2"));
}

#[test]
fn header_adds_and_headers_replaces() {
    let agent = Agent::new();
    let mut others = HeaderMap::new();
    others.insert("x-a", HeaderValue::from_static("new"));
    let request = agent
        .get("http://a/")
        .header("x-a", "1")
        .header(http::HeaderName::from_static("x-a"), 2)
        .header("x-b".to_owned(), HeaderValue::from_static("b"));
    let first = request.build().unwrap();
    assert_eq!(Vec::from_iter(first.headers().get_all("x-a")), ["1", "2"]);
    let replaced =
        agent.get("http://a/").header("x-a", "1").header("x-b", "b").headers(others).build().unwrap();
    assert_eq!(Vec::from_iter(replaced.headers().get_all("x-a")), ["new"]);
    assert_eq!(replaced.headers()["x-b"], "b");
}

#[test]
fn a_built_request_is_sent_as_the_builder_would() {
    testkit::run(async |case: &Case| {
        let origin = recorder(case);
        let agent = Agent::new();
        let builder = || agent.post(origin.url("/p")).query([("q", "1")]).header("x-a", "b").body("hello");
        builder().send().await.unwrap().bytes().await.unwrap();
        let response = agent.request(builder().build().unwrap()).await.unwrap();
        response.into_body().bytes().await.unwrap();
        let record = origin.record();
        assert_eq!(record.requests()[0].head, record.requests()[1].head);
        assert_eq!(record.requests()[1].body, b"hello");
    });
}

#[test]
fn a_local_address_makes_an_origin_of_its_own() {
    testkit::run(async |case: &Case| {
        let origin = recorder(case);
        let agent = Agent::new();
        let local = IpAddr::from([127, 0, 0, 1]);
        agent.get(origin.url("/")).send().await.unwrap().bytes().await.unwrap();
        let response = agent.get(origin.url("/")).local_address(local).send().await.unwrap();
        assert_eq!(response.connection_info().unwrap().local_addr.unwrap().ip(), local);
        response.bytes().await.unwrap();
        let origins: Vec<_> = agent.status().origins.iter().map(|it| it.origin.local_address()).collect();
        assert_eq!((origins, origin.record().accepted()), (vec![None, Some(local)], 2));
    });
}

#[test]
fn a_response_is_an_http_response_with_helpers() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(
            testkit::PlainOrigin::builder().reply(|_| Reply::new(404).header("x-a", "b").body("gone")),
        );
        let agent = Agent::new();
        let get = || async { agent.get(origin.url("/")).send().await.unwrap() };
        let mut response = get().await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-a"]),
            (404, &HeaderValue::from_static("b"))
        );
        assert_eq!(response.version(), http::Version::HTTP_11);
        assert_eq!(response.chunk().await.unwrap().unwrap(), "gone");
        assert!(response.chunk().await.unwrap().is_none());
        assert_eq!(get().await.bytes().await.unwrap(), "gone");
        assert_eq!(get().await.into_body().text().await.unwrap(), "gone");
        let (parts, body) = get().await.into_parts();
        assert_eq!((parts.status.as_u16(), body.bytes().await.unwrap()), (404, "gone".into()));
        let plain: http::Response<Body> = get().await.into_inner();
        assert_eq!(keepalive::Response::from(plain).text().await.unwrap(), "gone");
    });
}

#[cfg(feature = "json")]
#[test]
fn json_goes_out_and_comes_in() {
    testkit::run(async |case: &Case| {
        let echo = testkit::PlainOrigin::builder().record_requests();
        let origin = case.plain(echo.reply(|request| Reply::ok(request.body.clone())));
        let agent = Agent::new();
        let value = std::collections::BTreeMap::from([("answer", 42)]);
        let response = agent.post(origin.url("/")).json(&value).send().await.unwrap();
        let back: std::collections::BTreeMap<String, u32> = response.json().await.unwrap();
        assert_eq!(back["answer"], 42);
        agent
            .post(origin.url("/"))
            .header("content-type", "application/x+json")
            .json("text")
            .send()
            .await
            .unwrap();
        let types: Vec<_> =
            origin.requests().iter().map(|it| it.header("content-type").unwrap().to_owned()).collect();
        assert_eq!(types, ["application/json", "application/x+json"]);
        assert_eq!(origin.requests()[0].body, br#"{"answer":42}"#);

        let error =
            agent.post(origin.url("/")).body("{").send().await.unwrap().json::<u32>().await.unwrap_err();
        assert!(error.is_protocol() && std::error::Error::source(&error).is_some(), "{error:?}");
        let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
        let error = agent.post(origin.url("/")).json(&unwritable).send().await.unwrap_err();
        assert_eq!(error.to_string(), "the value cannot be written as JSON");
    });
}

#[cfg(all(feature = "json", feature = "serde"))]
#[test]
fn the_status_can_be_written_as_json() {
    testkit::run(async |case: &Case| {
        let origin = case.plain(testkit::PlainOrigin::builder().reply(|_| Reply::ok("").close()));
        let sink =
            case.plain(testkit::PlainOrigin::builder().reply(|request| Reply::ok(request.body.clone())));
        let agent = Agent::new();
        crate::kit::text(&agent, &origin.url("/")).await;
        let status = agent.status();
        let sent = agent.post(sink.url("/")).json(&status).send().await.unwrap().text().await.unwrap();
        assert!(sent.contains(r#""closed_by":{"response_said_close":1}"#), "{sent}");
        assert!(sent.contains(r#""done":1"#) && sent.starts_with(r#"{"origins":["#), "{sent}");
    });
}

#[cfg(all(feature = "json", feature = "serde"))]
#[test]
fn events_and_sockets_can_be_written_as_json() {
    testkit::run(async |case: &Case| {
        let sink =
            case.plain(testkit::PlainOrigin::builder().reply(|request| Reply::ok(request.body.clone())));
        let agent = Agent::builder().max_sockets(1).build().unwrap();
        let mut events = agent.subscribe();
        drop(crate::kit::polled(crate::kit::fetch(&agent, sink.url("/"))));
        let events: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
        let at = format!(r#""origin":"http://{}""#, sink.addr());
        let sent = agent.post(sink.url("/")).json(&events).send().await.unwrap().text().await.unwrap();
        let dialing = format!(r#"[{{"event":"socket_dialing","socket":1,{at}}},"#);
        let unserved =
            format!(r#"{{"event":"request_unserved","request":1,{at},"reason":"cancelled","waited":"#);
        assert!(sent.starts_with(&dialing) && sent.contains(&unserved), "{sent}");
        let sockets = agent.sockets();
        let sent = agent.post(sink.url("/")).json(&sockets).send().await.unwrap().text().await.unwrap();
        assert!(sent.starts_with(&format!(r#"[{{"id":1,{at},"state":"idle","age":"#)), "{sent}");
        assert!(sent.contains(&format!(r#""peer_addr":"{}""#, sink.addr())), "{sent}");
    });
}
