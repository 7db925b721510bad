//! One request from its making to its fate: sends it as its plan says, reads or drops the answer, and looks
//! whether every part of that is the request's own.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use keepalive::{Agent, Body, ConnectionInfo, Error};

use crate::judge::{Failure, Fate};
use crate::plan::{Framing, Plan, Reading, Upload};
use crate::rng::Rng;

/// Sends it to the origin at `base` and tells how it ended.
pub(crate) async fn run(agent: &Agent, base: &str, plan: &Plan) -> Fate {
    let whole = async {
        let response = match agent.request(request(base, plan)).await {
            Ok(response) => response,
            Err(error) => return Fate::Failed(failure(&error)),
        };
        read(response, plan).await
    };
    match plan.reading {
        Reading::Whole | Reading::Drop(_) => whole.await,
        Reading::Polls(polls) => within_polls(polls, whole).await,
        Reading::Turns(turns) => {
            let turns = async {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                fate = whole => fate,
                () = turns => Fate::Cancelled,
            }
        }
    }
}

fn request(base: &str, plan: &Plan) -> Request<Body> {
    let mut request = Request::builder()
        .method(plan.method)
        .uri(format!("{base}/t/{}", plan.token))
        .header("x-token", &plan.token);
    if plan.key {
        request = request.header("idempotency-key", &plan.token);
    }
    if plan.expect {
        request = request.header("expect", "100-continue");
    }
    let body = match plan.upload {
        Upload::Empty => Body::empty(),
        Upload::Whole(_) => Body::from(plan.request_body()),
        Upload::Streamed { told, breaks, .. } => Body::wrap(Pieces {
            left: plan.request_body().into(),
            told,
            breaks,
            rng: plan.visit(usize::MAX / 2),
        }),
    };
    request.body(body).expect("a request")
}

/// Reads the answer as far as it is wanted.
async fn read(response: Response<Body>, plan: &Plan) -> Fate {
    let Some(info) = response.extensions().get::<ConnectionInfo>().cloned() else {
        return Fate::Wrong("an answer without the socket it came on".to_owned());
    };
    if response.status() != plan.status || !is_own(response.headers(), plan) {
        return Fate::Wrong(format!("an answer that is not its own: {response:?}"));
    }
    let (expected, mut at, mut trailer) = (plan.answer_body(), 0, false);
    let mut body = response.into_body();
    let frames = if let Reading::Drop(frames) = plan.reading { frames } else { usize::MAX };
    for _ in 0..frames {
        let frame = match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            None if at == expected.len() && trailer == wants_trailer(plan) => break,
            None => return Fate::Wrong(format!("a body of {at} instead of {} bytes", expected.len())),
            Some(Err(error)) => return Fate::Cut(failure(&error)),
            Some(Ok(frame)) => frame,
        };
        if let Some(data) = frame.data_ref() {
            if expected.get(at..at + data.len()) != Some(&data[..]) {
                return Fate::Wrong(format!("a body that is not its own, from byte {at}"));
            }
            at += data.len();
        } else if let Some(trailers) = frame.trailers_ref() {
            if trailer || !is_own(trailers, plan) {
                return Fate::Wrong(format!("trailers that are not its own: {trailers:?}"));
            }
            trailer = true;
        }
    }
    Fate::Done { attempts: info.attempts }
}

fn is_own(fields: &HeaderMap, plan: &Plan) -> bool {
    let mut tokens = fields.get_all("x-token").iter();
    tokens.next().is_some_and(|token| token == plan.token.as_str()) && tokens.next().is_none()
}

fn wants_trailer(plan: &Plan) -> bool {
    plan.framing == Framing::ChunkedWithTrailer && plan.method != "HEAD"
}

fn failure(error: &Error) -> Failure {
    Failure {
        safe: error.safe_to_retry(),
        written: error.bytes_written(),
        timeout: error.is_timeout(),
        text: format!("{error:?}"),
    }
}

/// Drops it after so many polls.
async fn within_polls(polls: usize, request: impl Future<Output = Fate>) -> Fate {
    let (mut request, mut left) = (pin!(request), polls);
    poll_fn(|cx| {
        left -= 1;
        match request.as_mut().poll(cx) {
            Poll::Pending if left == 0 => Poll::Ready(Fate::Cancelled),
            polled => polled,
        }
    })
    .await
}

/// A body that comes in pieces of any size, not all of them at once, and may break.
struct Pieces {
    left: Bytes,
    told: bool,
    /// After so many more bytes.
    breaks: Option<usize>,
    rng: Rng,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.rng.often(300) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.breaks == Some(0) {
            return Poll::Ready(Some(Err("the body breaks, as planned")));
        }
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let most = self.breaks.unwrap_or(usize::MAX).min(self.left.len());
        let size = 1 + self.rng.below(most.min(20_000));
        self.breaks = self.breaks.map(|breaks| breaks - size);
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(size)))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.told { SizeHint::with_exact(self.left.len() as u64) } else { SizeHint::default() }
    }
}
