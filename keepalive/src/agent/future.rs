//! The future of a request.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};

use crate::error::BoxError;
use crate::exchange::exchange;
use crate::h1::Payload;
use crate::options::RequestDefaults;
use crate::pool::Pool;
use crate::{Body, Error};

/// A request under way, see [`Agent::request`](crate::Agent::request). It borrows nothing, and goes on
/// if the agent is dropped.
#[must_use = "a request does nothing until it is polled"]
pub struct ResponseFuture<B> {
    future: Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>,
    body: PhantomData<fn(B)>,
}

impl<B> ResponseFuture<B>
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(pool: Arc<Pool>, defaults: Arc<RequestDefaults>, request: Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let future = Box::pin(exchange(pool, defaults, parts, payload(body)));
        Self { future, body: PhantomData }
    }
}

impl<B> Future for ResponseFuture<B> {
    type Output = Result<Response<Body>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(cx)
    }
}

impl<B> fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// A body of our own needs no wrapping.
fn payload<B>(body: B) -> Payload
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut body = Some(body);
    if let Some(own) = (&mut body as &mut dyn Any).downcast_mut::<Option<Body>>() {
        return own.take().unwrap_or_default().into_payload();
    }
    body.map_or(Payload::Empty, Payload::stream)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use crate::{Agent, Body};

    /// Blocks of up to 1,032 bytes are what glibc's allocator keeps at hand for each thread; larger ones cost
    /// several times as much.
    #[test]
    fn it_is_small_enough_for_a_cheap_allocation() {
        let future = Agent::new().request(Request::new(Body::empty()));
        let size = size_of_val(&*future.future);
        assert!(size <= 1032, "{size}");
    }
}
