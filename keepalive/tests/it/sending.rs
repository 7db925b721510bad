//! What the server sees of a request's head, byte for byte.

#[path = "sending/acting.rs"]
pub(crate) mod acting;
#[path = "sending/bodies.rs"]
mod bodies;
#[path = "sending/feed.rs"]
pub(crate) mod feed;
#[path = "sending/lengths.rs"]
mod lengths;
#[path = "sending/refused.rs"]
mod refused;
#[path = "sending/waiting.rs"]
mod waiting;

use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri};
use keepalive::{Agent, Body};
use testkit::{Case, Script, ScriptedOrigin, ok};

use super::wire::{self, SCHEME};

/// Answers every request and keeps what it saw.
pub(crate) fn recorder(case: &Case) -> ScriptedOrigin {
    case.scripted(Script::new().request().send(ok("")).repeat())
}

/// Sends a request and gives its head as the server saw it.
async fn head_of(
    case: &Case,
    agent: &Agent,
    request: impl FnOnce(&ScriptedOrigin) -> Request<Body>,
) -> String {
    let origin = recorder(case);
    let response = agent.request(request(&origin)).await.unwrap();
    response.into_body().bytes().await.unwrap();
    String::from_utf8(origin.record().requests()[0].head.clone()).unwrap()
}

fn get(url: impl AsRef<str>) -> Request<Body> {
    Request::get(url.as_ref()).body(Body::empty()).unwrap()
}

#[test]
fn a_plain_get_is_as_short_as_it_can_be() {
    wire::run(async |case: &Case| {
        let origin = recorder(case);
        let agent = wire::agent();
        agent.get(origin.url("/")).send().await.unwrap();
        let expected = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", origin.addr());
        assert_eq!(String::from_utf8_lossy(&origin.record().connections[0].bytes), expected);
    });
}

#[test]
fn the_target_is_the_path_and_the_query_as_they_are() {
    wire::run(async |case: &Case| {
        for (url, target) in [
            ("", "/"),
            ("/", "/"),
            ("?", "/?"),
            ("?a=b", "/?a=b"),
            ("/a/b", "/a/b"),
            ("/a/../b/./c", "/a/../b/./c"),
            ("//a//", "//a//"),
            ("/%41%2f?x=%20+y&z=;", "/%41%2f?x=%20+y&z=;"),
            ("/p?q#fragment", "/p?q"),
            ("/p#fragment?q", "/p"),
        ] {
            let head =
                head_of(case, &wire::agent(), |origin| get(format!("{SCHEME}://{}{url}", origin.addr())))
                    .await;
            assert_eq!(head.lines().next(), Some(&*format!("GET {target} HTTP/1.1")), "{url:?}");
        }
    });
}

#[test]
fn options_for_the_whole_server_has_an_asterisk() {
    wire::run(async |case: &Case| {
        let head = head_of(case, &wire::agent(), |origin| {
            let uri = Uri::builder().scheme(SCHEME).authority(origin.addr().to_string());
            let uri = uri.path_and_query(PathAndQuery::from_static("*")).build().unwrap();
            Request::builder().method(Method::OPTIONS).uri(uri).body(Body::empty()).unwrap()
        })
        .await;
        assert!(head.starts_with("OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1:"), "{head}");
    });
}

#[test]
fn a_password_in_the_url_is_never_sent() {
    wire::run(async |case: &Case| {
        let origin = recorder(case);
        let url = format!("{SCHEME}://user:secret@{}/path", origin.addr());
        wire::agent().get(url).send().await.unwrap();
        let bytes = String::from_utf8(origin.record().connections[0].bytes.clone()).unwrap();
        assert_eq!(bytes, format!("GET /path HTTP/1.1\r\nhost: {}\r\n\r\n", origin.addr()));
    });
}

#[test]
fn host_is_the_authority_of_the_url() {
    wire::run(async |case: &Case| {
        let head =
            head_of(case, &wire::agent(), |origin| get(format!("{SCHEME}://LocalHost:{}/", origin.port())))
                .await;
        assert!(head.to_lowercase().contains("\r\nhost: localhost:"), "{head}");
        if std::net::TcpListener::bind("[::1]:0").is_err() {
            return eprintln!("skipped: this machine has no ::1");
        }
        let six = ScriptedOrigin::builder().bind("[::1]:0").otherwise(Script::new().request().send(ok("")));
        let six = case.scripted(six);
        wire::agent().get(six.url("/")).send().await.unwrap();
        let host = format!("[::1]:{}", six.port());
        assert_eq!(six.record().requests()[0].header("host"), Some(&*host));
    });
}

#[test]
fn a_default_port_is_left_out_of_host() {
    wire::run(async |case: &Case| {
        let port = wire::DEFAULT_PORT;
        let address = format!("127.0.0.5:{port}");
        if std::net::TcpListener::bind(&address).is_err() {
            return eprintln!("skipped: {address} cannot be listened on here");
        }
        let origin = ScriptedOrigin::builder()
            .bind(&*address)
            .otherwise(Script::new().request().send(ok("")).repeat());
        let origin = case.scripted(origin);
        let agent = wire::agent();
        for authority in ["127.0.0.5", &*address, "127.0.0.5:"] {
            agent.get(format!("{SCHEME}://{authority}/")).send().await.unwrap().bytes().await.unwrap();
        }
        let record = origin.record();
        assert!(record.requests().iter().all(|request| request.header("host") == Some("127.0.0.5")));
        assert_eq!((record.requests().len(), record.accepted()), (3, 1), "they are one origin");
    });
}

#[test]
fn a_host_of_the_users_own_replaces_that_of_the_url_and_comes_first() {
    wire::run(async |case: &Case| {
        let head = head_of(case, &wire::agent(), |origin| {
            Request::get(origin.url("/"))
                .header("a", "b")
                .header("Host", "virtual.example")
                .body(Body::empty())
                .unwrap()
        })
        .await;
        assert_eq!(head, "GET / HTTP/1.1\r\nhost: virtual.example\r\na: b\r\n\r\n");
    });
}

#[test]
fn fields_keep_their_order_and_their_values_byte_for_byte() {
    wire::run(async |case: &Case| {
        let head = head_of(case, &wire::agent(), |origin| {
            Request::get(origin.url("/"))
                .header("X-Third", "1")
                .header("x-first", "MiXed; q=\"a, b\"")
                .header("cookie", "a=b; c=d")
                .header("x-empty", "")
                .body(Body::empty())
                .unwrap()
        })
        .await;
        let fields = head.split_once("\r\nx-third").unwrap().1;
        assert_eq!(fields, ": 1\r\nx-first: MiXed; q=\"a, b\"\r\ncookie: a=b; c=d\r\nx-empty: \r\n\r\n");
    });
}

#[test]
fn a_repeated_field_is_sent_line_by_line_and_opaque_bytes_as_they_are() {
    wire::run(async |case: &Case| {
        let origin = recorder(case);
        let opaque = HeaderValue::from_bytes(b"caf\xe9").unwrap();
        let request =
            Request::get(origin.url("/")).header("x-a", "1").header("x-a", "2, 3").header("x-b", opaque);
        wire::agent().request(request.body(Body::empty()).unwrap()).await.unwrap();
        let bytes = &origin.record().connections[0].bytes;
        assert!(
            bytes.ends_with(b"\r\nx-a: 1\r\nx-a: 2, 3\r\nx-b: caf\xe9\r\n\r\n"),
            "{}",
            bytes.escape_ascii()
        );
    });
}

#[test]
fn title_case_is_for_servers_that_need_it() {
    wire::run(async |case: &Case| {
        let agent = wire::builder().title_case_headers(true).build().unwrap();
        let head = head_of(case, &agent, |origin| {
            let request = Request::post(origin.url("/")).header("x-forwarded-for", "a").header("etag", "b");
            request.body(Body::from("hello")).unwrap()
        })
        .await;
        let fields = head.split_once("\r\n").unwrap().1;
        assert!(fields.starts_with("Host: 127.0.0.1:"), "{head}");
        assert!(fields.ends_with("\r\nX-Forwarded-For: a\r\nEtag: b\r\nContent-Length: 5\r\n\r\n"), "{head}");
    });
}

#[test]
fn any_method_goes_through() {
    wire::run(async |case: &Case| {
        for method in ["GET", "DELETE", "PROPFIND", "M-SEARCH", "get"] {
            let head = head_of(case, &wire::agent(), |origin| {
                Request::builder().method(method).uri(origin.url("/")).body(Body::empty()).unwrap()
            })
            .await;
            assert!(head.starts_with(&format!("{method} / HTTP/1.1\r\n")), "{head}");
        }
    });
}
