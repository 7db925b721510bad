//! The agent as a `tower` service.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::{Agent, ResponseFuture};
use crate::error::BoxError;
use crate::{Body, Error};

/// Always ready: a request waits for its socket inside the future, in the agent's own queue.
impl<B> Service<Request<B>> for Agent
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = ResponseFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<B> {
        self.request(request)
    }
}

/// As for [`Agent`] itself, where only a reference is at hand.
impl<B> Service<Request<B>> for &Agent
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = ResponseFuture<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<B> {
        self.request(request)
    }
}
