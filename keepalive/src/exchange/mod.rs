//! One request from its first poll to the response head: prepare, get a socket, write, read; and again,
//! if the socket proved stale and [`retry`] allows it.
//!
//! Not here: which socket (`pool`), how it looks on the wire (`h1`), what follows the head (`body`).
//!
//! Every step is cancelled by dropping the future: the waiter leaves the queue, an unused socket goes
//! back, a used one is closed. All of that is in the `Drop` of [`Acquire`] and [`Call`].

mod attempt;
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
use std::task::{Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use tokio::runtime::Handle;
use tokio::time::Instant;

use self::attempt::Progress;
pub use self::info::{ConnectionInfo, Timings};
use self::info::{Stopwatch, Waits};
use self::prepare::{Prepared, prepare};
use crate::body::Body;
use crate::h1::{Call, Head, Payload};
use crate::options::RequestDefaults;
#[cfg(feature = "http2")]
use crate::pool::Stream;
use crate::pool::{Acquire, Leased, Pool, Seconds};
use crate::timer::{Sleeper, Timer};
use crate::{Error, Origin, Phase, clock};

/// Sends one request and gives its response once the head is there.
///
/// The request is made ready here, outside the future, which would keep room for all that it is made of;
/// nothing is counted or told before it is polled.
pub(crate) fn exchange(
    pool: Arc<Pool>,
    defaults: Arc<RequestDefaults>,
    request: Request<Payload>,
) -> impl Future<Output = Result<Response<Body>, Error>> + Send {
    let mut prepared = prepare(request, &defaults);
    async move {
        let began = clock::now();
        let runtime = match Handle::try_current() {
            Ok(runtime) => runtime,
            Err(error) => {
                pool.refuse();
                let text = "a request must be polled inside a tokio runtime";
                return Err(Error::request(text).caused_by(error));
            }
        };
        // The call is large, and stays where it is.
        let (origin, timeout, call) = match prepared {
            Ok(Prepared { origin, timeout, ref mut call }) => (origin, timeout, call),
            Err(error) => {
                pool.refuse();
                return Err(error);
            }
        };
        let timer = Timer::new(began, timeout);
        let mut sleeper = Sleeper::default();
        let mut acquire = Acquire::new(pool, origin, runtime, began);
        let mut waits = Waits::begin(began);
        loop {
            let since = waits.since();
            let got = wait_for_socket(&mut acquire, &defaults, &timer, &mut sleeper, since).await;
            let (mut watch, way) = match got {
                Ok(mut leased) => (waits.end(&mut leased), begin(leased, call, &mut sleeper)),
                Err(error) => return Err(error.with(call.evidence())),
            };
            let tried = match way {
                Way::Own => {
                    let mut progress = Progress::begin(watch.began(), &defaults);
                    poll_fn(|cx| one::poll(call, &mut progress, cx, &defaults, &timer, &mut watch)).await?
                }
                #[cfg(feature = "http2")]
                Way::Shared(stream) => {
                    let mut shared = many::begin(stream, call, acquire.origin())?;
                    let mut progress = Progress::begin(watch.began(), &defaults);
                    poll_fn(|cx| {
                        many::poll(&mut shared, call, &mut progress, cx, &defaults, &timer, &mut watch)
                    })
                    .await?
                }
            };
            match tried {
                Tried::Answered(head, body) => return Ok(response(head, body, watch)),
                Tried::Again { leased, written } => {
                    acquire.again(leased, written);
                    waits.begin_again(written);
                }
            }
        }
    }
}

/// What carries an attempt.
enum Way {
    /// A socket of its own, on which the call was begun.
    Own,
    #[cfg(feature = "http2")]
    Shared(Box<Stream>),
}

fn begin(leased: Leased, call: &mut Call, sleeper: &mut Sleeper) -> Way {
    match leased {
        Leased::One(mut lease) => {
            let of_socket = &mut lease.socket().sleeper;
            if of_socket.is_new() {
                *of_socket = std::mem::take(sleeper);
            }
            call.begin(lease);
            Way::Own
        }
        #[cfg(feature = "http2")]
        Leased::Many(mut stream) => {
            if stream.sleeper.is_new() {
                stream.sleeper = std::mem::take(sleeper);
            }
            Way::Shared(stream)
        }
    }
}

/// What came of an attempt that did not fail.
enum Tried {
    Answered(Head, Body),
    /// What it got proved no good; it is to be made again, having been `written` or not.
    Again {
        leased: Leased,
        written: bool,
    },
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

fn response(head: Head, body: Body, watch: Stopwatch) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.headers;
    *response.extensions_mut() = watch.into_extensions();
    response
}

/// A request whose dial outlasts a very short queue limit looks this often whether it is still going on.
const SHORTEST_LOOK: Duration = Duration::from_millis(10);
