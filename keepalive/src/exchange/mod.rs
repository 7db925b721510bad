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
mod wait;

use std::future::{Future, poll_fn};
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, Response};
use tokio::runtime::Handle;
use tokio::time::Instant;

use self::attempt::Progress;
use self::info::Waits;
pub use self::info::{ConnectionInfo, Timings};
use self::prepare::{Prepared, prepare};
use self::wait::Wait;
use crate::body::Body;
use crate::h1::{Call, Head, Payload};
use crate::options::RequestDefaults;
#[cfg(feature = "http2")]
use crate::pool::Stream;
use crate::pool::{Acquire, Leased, Pool};
use crate::timer::Timer;
use crate::{Error, clock};

/// Sends one request and gives its response once the head is there.
///
/// The request is made ready here, outside the future, which would keep room for all that it is made of;
/// nothing is counted or told before it is polled.
pub(crate) fn exchange(
    pool: Arc<Pool>,
    defaults: Arc<RequestDefaults>,
    parts: Parts,
    payload: Payload,
) -> impl Future<Output = Result<Response<Body>, Error>> + Send {
    let prepared = prepare(parts, payload, &defaults);
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
        let Prepared { origin, timeout, outgoing } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                pool.refuse();
                return Err(error);
            }
        };
        // Made here, since it is large and would be moved into the future.
        let call = &mut Call::new(outgoing);
        let timer = Timer::new(began, timeout);
        let mut acquire = Acquire::new(pool, origin, runtime, began);
        let mut waits = Waits::begin(began);
        loop {
            let (taken_at, way) = {
                let mut wait = Wait::begin(waits.since(), &defaults);
                match poll_fn(|cx| wait.poll(&mut acquire, cx, &defaults, &timer)).await {
                    Ok(leased) => begin(leased, call),
                    Err(error) => return Err(error.with(call.evidence())),
                }
            };
            let tried = match way {
                Way::Own => {
                    let mut progress = Progress::begin(taken_at, &defaults);
                    poll_fn(|cx| one::poll(call, &mut progress, cx, &defaults, &timer, &waits)).await?
                }
                #[cfg(feature = "http2")]
                Way::Shared(stream) => {
                    let progress = Progress::begin(taken_at, &defaults);
                    let mut many = many::begin(stream, call, acquire.origin(), progress)?;
                    poll_fn(|cx| many::poll(&mut many, call, cx, &defaults, &timer, &waits)).await?
                }
            };
            match tried {
                Tried::Answered(response) => return Ok(response),
                Tried::Again { mut leased, written } => {
                    waits.begin_again(&mut leased, written);
                    acquire.again(leased, written);
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

/// Since when the attempt has it, too.
fn begin(leased: Leased, call: &mut Call) -> (Instant, Way) {
    let taken_at = leased.taken_at().into();
    match leased {
        Leased::One(lease) => {
            call.begin(lease);
            (taken_at, Way::Own)
        }
        #[cfg(feature = "http2")]
        Leased::Many(stream) => (taken_at, Way::Shared(stream)),
    }
}

/// What came of an attempt that did not fail.
enum Tried {
    Answered(Response<Body>),
    /// What it got proved no good; it is to be made again, having been `written` or not.
    Again {
        leased: Leased,
        written: bool,
    },
}

fn response(head: Head, body: Body, told: Extensions) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.version_mut() = head.version;
    *response.headers_mut() = head.headers;
    *response.extensions_mut() = told;
    response
}
