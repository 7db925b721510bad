//! What the two clients have in common, and our agent as one of them.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use keepalive::{Agent, Response};

/// One request without a body.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) origin: SocketAddr,
    pub(super) timeout: Duration,
}

impl Ask {
    pub(super) fn new(method: Method, origin: SocketAddr) -> Self {
        Self { method, origin, timeout: Duration::from_secs(60) }
    }
}

/// A client with at most so many sockets for its one origin. An error is "timeout" or "closed".
pub(super) trait Client {
    /// A response whose body is unread.
    type Response;

    fn with_max_sockets(sockets: usize) -> Self;

    /// How many requests wait for a socket.
    fn queued(&self) -> usize;

    async fn ask(&self, ask: Ask) -> Result<Self::Response, String>;

    async fn read(&self, response: Self::Response) -> Result<String, String>;
}

impl Client for Agent {
    type Response = Response;

    fn with_max_sockets(sockets: usize) -> Self {
        Self::builder().max_sockets(sockets).build().unwrap()
    }

    fn queued(&self) -> usize {
        self.status().totals.queued
    }

    async fn ask(&self, ask: Ask) -> Result<Response, String> {
        let url = format!("http://{}/", ask.origin);
        self.method(ask.method, url).timeout(ask.timeout).send().await.map_err(|error| kind(&error))
    }

    async fn read(&self, response: Response) -> Result<String, String> {
        response.text().await.map_err(|error| kind(&error))
    }
}

fn kind(error: &keepalive::Error) -> String {
    if error.is_timeout() { "timeout" } else { "closed" }.to_owned()
}
