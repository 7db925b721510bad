//! One request from its first poll to the response head: prepare, get a socket, write, read; and again,
//! if the socket proved stale and [`retry`] allows it.
//!
//! Not here: which socket (`pool`), how it looks on the wire (`h1`), what follows the head (`body`).
//!
//! Every step is cancelled by dropping the future: the waiter leaves the queue, an unused socket goes
//! back, a used one is closed. All of that is in the `Drop` of [`Acquire`] and [`Call`].

mod info;
#[cfg(feature = "http2")]
mod many;
#[cfg(test)]
mod moved;
mod one;
mod prepare;
mod retry;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use tokio::runtime::Handle;
use tokio::time::Instant;

use self::info::Waits;
pub use self::info::{ConnectionInfo, Timings};
use self::prepare::{Prepared, prepare};
use crate::body::Body;
use crate::h1::{Head, Outgoing, Payload};
use crate::options::RequestDefaults;
use crate::pool::{Acquire, Leased, Pool, Seconds};
use crate::timer::{Sleeper, Timer};
use crate::{Error, Origin, Phase, clock};

/// Sends one request and returns once its response head is there.
pub(crate) async fn exchange(
    pool: Arc<Pool>,
    defaults: Arc<RequestDefaults>,
    request: Request<Payload>,
) -> Result<Response<Body>, Error> {
    let began = clock::now();
    let (prepared, runtime) = match ready_to_go(request, &defaults) {
        Ok(ready) => ready,
        Err(error) => {
            pool.refuse();
            return Err(error);
        }
    };
    let Prepared { origin, mut outgoing, timeout } = prepared;
    let timer = Timer::new(began, timeout);
    let mut sleeper = Sleeper::default();
    let mut acquire = Acquire::new(pool, origin, runtime, began);
    let mut waits = Waits::begin(began);
    loop {
        let evidence = outgoing.evidence();
        let got = wait_for_socket(&mut acquire, &defaults, &timer, &mut sleeper, waits.since()).await;
        let mut leased = got.map_err(|error| error.with(evidence))?;
        let mut watch = waits.end(&mut leased);
        let tried = match leased {
            Leased::One(mut lease) => {
                let of_socket = &mut lease.socket().sleeper;
                if of_socket.is_new() {
                    *of_socket = std::mem::take(&mut sleeper);
                }
                one::attempt(lease, outgoing, &defaults, timer, &mut watch).await?
            }
            // Boxed, or every request would be as large as those of HTTP/2.
            #[cfg(feature = "http2")]
            Leased::Many(stream) => {
                let origin = acquire.origin();
                Box::pin(many::attempt(stream, outgoing, origin, &defaults, timer, &mut watch)).await?
            }
        };
        match tried {
            Tried::Answered(head, body) => return Ok(response(head, body, watch.info())),
            Tried::Again { leased, outgoing: request, written } => {
                outgoing = request;
                acquire.again(leased, written);
                waits.begin_again(written);
            }
        }
    }
}

/// What came of an attempt that did not fail.
#[cfg_attr(
    feature = "http2",
    expect(clippy::large_enum_variant, reason = "the large one is rare, and moves once")
)]
enum Tried {
    Answered(Head, Body),
    /// What it got proved no good; it is to be made again, having been `written` or not.
    Again {
        leased: Leased,
        outgoing: Outgoing,
        written: bool,
    },
}

/// What can fail without a socket.
fn ready_to_go(request: Request<Payload>, defaults: &RequestDefaults) -> Result<(Prepared, Handle), Error> {
    let runtime = Handle::try_current().map_err(|error| {
        Error::request("a request must be polled inside a tokio runtime").caused_by(error)
    })?;
    Ok((prepare(request, defaults)?, runtime))
}

/// Waits for a socket: in the queue at most `queue_timeout`, and while a dial is under way for this
/// request as long as that may take, which `connect_timeout` limits.
async fn wait_for_socket(
    acquire: &mut Acquire,
    defaults: &RequestDefaults,
    timer: &Timer,
    sleeper: &mut Sleeper,
    began: Instant,
) -> Result<Leased, Error> {
    let limit = defaults.queue_timeout;
    let mut end = limit.and_then(|limit| began.checked_add(limit));
    let mut dials_end = None;
    let got = poll_fn(|cx| {
        loop {
            if let Poll::Ready(lease) = Pin::new(&mut *acquire).poll(cx) {
                return Poll::Ready(Ok(lease));
            }
            let now = clock::now();
            match ready!(timer.poll_phase(sleeper, cx, Phase::Queue, end, now)) {
                Some(late) => return Poll::Ready(Err(Some(late))),
                None if acquire.is_queued() => return Poll::Ready(Err(None)),
                // It was the dial that took so long: the time in the queue begins anew, for as long as
                // one dial and another after it can take. Longer means that the runtime of the dial does
                // not run.
                None => {
                    let timeouts = defaults.dial_timeouts;
                    let origin = acquire.origin();
                    let dial = if origin.is_secure() { timeouts.secure } else { timeouts.plain };
                    let dial = dial.map(|dial| dial.saturating_mul(2));
                    let dials_end =
                        *dials_end.get_or_insert_with(|| dial.and_then(|dial| now.checked_add(dial)));
                    if dials_end.is_some_and(|end| now >= end) {
                        return Poll::Ready(Err(Some(no_dial(origin, now - began))));
                    }
                    let again = limit.and_then(|limit| now.checked_add(limit.max(SHORTEST_LOOK)));
                    end = again.into_iter().chain(dials_end).min();
                }
            }
        }
    })
    .await;
    match got {
        Ok(lease) => lease,
        Err(None) => Err(acquire.time_out(clock::now() - began)),
        Err(Some(late)) => {
            let phase = if acquire.is_queued() { Phase::Queue } else { Phase::Connect };
            acquire.fail();
            Err(late.at(phase))
        }
    }
}

fn no_dial(origin: &Origin, waited: Duration) -> Error {
    let text = format!(
        "the dial to {origin} has made no progress for {}; the runtime it was begun on may not be running",
        Seconds(waited)
    );
    Error::timeout(Phase::Connect, text)
}

/// A request under way, on whatever carries it.
trait Attempt {
    type Answer;
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Answer, Error>>;
    fn written(&self) -> u64;
    fn holds_body(&self) -> bool;
    fn release_body(&mut self);
    fn phase(&self) -> Phase;
    fn sent_at(&self) -> Option<std::time::Instant>;
    fn sleeper(&mut self) -> Option<&mut Sleeper>;
    fn time_out(&mut self, late: Error) -> Error;
}

/// Drives an attempt, which `began` just now, to its head. Two limits of their own: until a held body is
/// sent anyway, and of the server's silence since it took the last byte.
async fn head<A: Attempt>(
    call: &mut A,
    defaults: &RequestDefaults,
    timer: &Timer,
    began: Instant,
) -> Result<A::Answer, Error> {
    let mut progress = (call.written(), began);
    let release_at = defaults.expect_continue_timeout.and_then(|limit| progress.1.checked_add(limit));
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(answer) = call.poll_head(cx) {
                return Poll::Ready(answer);
            }
            let written = call.written();
            // The last byte has just gone out: that clock was read already.
            let sent_at = call.sent_at().filter(|_| written != progress.0);
            let now = sent_at.map_or_else(clock::now, Instant::from_std);
            if written != progress.0 {
                progress = (written, now);
            }
            let holds_body = call.holds_body();
            let silent_until = defaults.response_timeout.and_then(|limit| progress.1.checked_add(limit));
            let end = if holds_body { release_at } else { silent_until };
            let phase = call.phase();
            let Some(sleeper) = call.sleeper() else { return Poll::Pending };
            match ready!(timer.poll_phase(sleeper, cx, phase, end, now)) {
                None if holds_body => call.release_body(),
                None => {
                    let limit = Seconds(defaults.response_timeout.unwrap_or_default());
                    let text = format!("the server did not answer within {limit} (response_timeout)");
                    let late = Error::timeout(call.phase(), text);
                    return Poll::Ready(Err(call.time_out(late)));
                }
                Some(late) => return Poll::Ready(Err(call.time_out(late))),
            }
        }
    })
    .await
}

fn response(head: Head, body: Body, info: ConnectionInfo) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.headers;
    response.extensions_mut().insert(info);
    response
}

/// A request whose dial outlasts a very short queue limit looks this often whether it is still going on.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
