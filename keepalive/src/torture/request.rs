//! The requests of a workload, and what their origin answers: each answer belongs to one request only.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Method;
use http_body::Frame;
use testkit::{PlainOrigin, Reply};

use crate::{Agent, Body, Error};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Get,
    /// The answer comes in a chunk, with a trailer.
    Chunked,
    /// The answer is longer than what comes with its head, and dropped there.
    Dropped,
    /// The answer has 20 KiB.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "one read over TCP takes too little of it"))]
    Long,
    Post,
    /// A POST that may be sent twice.
    Keyed,
    Put,
    /// A POST whose body comes bit by bit.
    Upload,
    /// A POST that asks whether its body is wanted.
    Expect,
}

impl Kind {
    fn method(self) -> Method {
        match self {
            Self::Get | Self::Chunked | Self::Dropped | Self::Long => Method::GET,
            Self::Put => Method::PUT,
            Self::Post | Self::Keyed | Self::Upload | Self::Expect => Method::POST,
        }
    }

    /// Whether the server may see it twice.
    pub(super) fn is_repeatable(self) -> bool {
        self.method() != Method::POST || self == Self::Keyed
    }

    /// The path of the `nth` request of a workload.
    pub(super) fn path(self, nth: usize) -> String {
        format!("/{self:?}/{nth}").to_lowercase()
    }

    /// Sends it and reads the answer; nothing of one that is dropped.
    pub(super) async fn send(self, agent: Agent, base: String, nth: usize) -> Result<Option<String>, Error> {
        let request = agent.method(self.method(), base + &self.path(nth));
        let request = match self {
            Self::Keyed => request.header("idempotency-key", "once"),
            Self::Expect => request.header("expect", "100-continue"),
            _ => request,
        };
        let response = match self {
            Self::Get | Self::Chunked | Self::Dropped | Self::Long => request.send().await?,
            Self::Upload => {
                let pieces = CONTENT.as_bytes().chunks(20).map(Bytes::from_static);
                request.body(Body::wrap(Slow { pieces: pieces.collect(), waits: true })).send().await?
            }
            Self::Post | Self::Keyed | Self::Put | Self::Expect => request.body(CONTENT).send().await?,
        };
        assert_eq!(response.status(), 200);
        if self == Self::Dropped {
            return Ok(None);
        }
        response.text().await.map(Some)
    }

    /// What a whole answer is.
    pub(super) fn answer(self, nth: usize) -> String {
        let content = if self.method() == Method::GET { "" } else { CONTENT };
        text(self.method().as_str(), &self.path(nth), content.as_bytes())
    }
}

/// An origin that answers with what it was asked.
pub(super) fn origin() -> testkit::PlainBuilder {
    PlainOrigin::builder().record_requests().reply(|request| {
        let reply = Reply::ok(text(&request.method, &request.target, &request.body));
        if request.target.starts_with("/chunked") { reply.chunked().trailer("end", "yes") } else { reply }
    })
}

fn text(method: &str, target: &str, content: &[u8]) -> String {
    let line = format!("{method} {target} {}\n", String::from_utf8_lossy(content));
    line.repeat(match target.split('/').nth(1) {
        Some("dropped") => 10,
        Some("long") => 20 * 1024 / line.len(),
        _ => 2,
    })
}

const CONTENT: &str = "some content, of which not a byte may be missing";

/// A body in pieces, none of which is there at once.
struct Slow {
    /// The next one first.
    pieces: std::collections::VecDeque<Bytes>,
    waits: bool,
}

impl http_body::Body for Slow {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.waits = !self.waits;
        if self.waits {
            return Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
