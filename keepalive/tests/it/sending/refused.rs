//! What must not get on the wire, and does not.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use testkit::Case;

use super::recorder;
use super::wire::{self, SCHEME};

#[test]
fn a_line_end_gets_into_no_part_of_the_head() {
    wire::run(async |case: &Case| {
        let origin = recorder(case);
        let agent = wire::agent();
        for evil in
            ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx-evil: 1", "a\0", "\r\n\r\nGET /evil HTTP/1.1\r\n"]
        {
            assert!(HeaderValue::from_str(evil).is_err() && HeaderName::try_from(evil).is_err());
            assert!(Method::from_bytes(evil.as_bytes()).is_err());
            let builders = [
                agent.get(origin.url("/")).header("x-a", evil),
                agent.get(origin.url("/")).header(evil, "b"),
                agent.get(origin.url(&format!("/{evil}/b"))),
                agent.get(origin.url(&format!("/?a={evil}&b"))),
                agent.get(format!("{SCHEME}://{evil}@{}/", origin.addr())),
            ];
            for builder in builders {
                let error = builder.send().await.unwrap_err();
                assert!(error.is_request() && !error.to_string().contains(char::is_control), "{error}");
            }
        }
        agent.get(origin.url("/")).query([("a", "b\r\nc: d"), ("e\n", "f")]).send().await.unwrap();
        let requests = origin.record();
        assert_eq!(requests.requests().len(), 1, "nothing else came");
        assert_eq!(requests.requests()[0].target, "/?a=b%0D%0Ac%3A+d&e%0A=f");
    });
}

#[test]
fn what_cannot_be_sent_is_refused_before_a_socket_is_opened() {
    wire::run(async |case: &Case| {
        let origin = recorder(case);
        let agent = wire::agent();
        let url = origin.url("/");
        let twice: HeaderMap = [("host", "a"), ("x", "y")]
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        let refused = [
            (agent.get(&url).headers(twice).header("host", "b"), "the request has more than one `host`"),
            (
                agent.post(&url).header("content-length", "3").body("four"),
                "content-length says 3, the body has 4 bytes",
            ),
            (agent.post(&url).header("content-length", "3"), "content-length says 3, the body has 0 bytes"),
            (
                agent.post(&url).header("content-length", "+4").body("four"),
                "content-length is not a length: `+4`",
            ),
            (
                agent.post(&url).header("content-length", "4").header("content-length", "4").body("four"),
                "the request has more than one `content-length`",
            ),
            (
                agent
                    .post(&url)
                    .header("content-length", "4")
                    .header("transfer-encoding", "chunked")
                    .body("four"),
                "the request has both content-length and transfer-encoding",
            ),
            (
                agent.post(&url).header("transfer-encoding", "gzip").body("four"),
                "the only transfer-encoding a request may have is `chunked`, not `gzip`",
            ),
            (agent.method(Method::TRACE, &url).body("four"), "a TRACE request cannot have a body"),
        ];
        for (builder, text) in refused {
            let error = builder.send().await.unwrap_err();
            assert_eq!((error.to_string().as_str(), error.is_request()), (text, true));
        }
        assert_eq!(agent.status().totals.opened, 0);
    });
}
