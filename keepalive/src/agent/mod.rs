//! The face: an agent, its settings, what it shows.

mod builder;
mod future;
mod limits;
mod service;
mod status;

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{Method, Request};

pub use self::builder::AgentBuilder;
use self::builder::check_sockets;
pub use self::future::ResponseFuture;
pub use self::status::{OriginStatus, Status, Totals};
use crate::error::BoxError;
use crate::options::RequestDefaults;
use crate::pool::{Events, Pool};
use crate::request::{IntoUrl, RequestBuilder};
use crate::{Error, SocketInfo};

/// Owns the connections of a program to its HTTP servers (Node: `http.Agent`).
///
/// It keeps them alive between requests, caps how many are open to each origin and in all, lets the
/// requests that must wait stand in one fair queue, and shows what it is doing. Cheap to clone: clones
/// are handles to the same agent. When the last one is dropped, idle sockets are closed at once; the
/// requests under way are finished.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let agent = keepalive::Agent::builder().max_sockets(8).build()?;
/// # let origin = testkit::PlainOrigin::new();
/// # let url = origin.url("/");
/// let text = agent.get(&url).send().await?.text().await?;
/// assert_eq!(text, "hello");
/// assert_eq!(agent.status().totals.opened, 1);
/// # Ok::<(), keepalive::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Agent {
    handle: Arc<Handle>,
}

/// Dropped with the last clone of an agent; requests under way hold the pool, not this.
struct Handle {
    pool: Arc<Pool>,
    defaults: Arc<RequestDefaults>,
}

impl Agent {
    /// An agent with the default settings, see [`AgentBuilder`]. It starts nothing and cannot fail.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().with_defaults()
    }

    /// Settings for a new agent (Node: `new http.Agent({…})`).
    pub fn builder() -> AgentBuilder {
        AgentBuilder::new()
    }

    /// The agent of the whole process (Node: `http.globalAgent`). [`keepalive::get`](crate::get) uses it.
    ///
    /// [`close`](Self::close) and [`destroy`](Self::destroy) end its sockets, and it stays usable.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Agent> = OnceLock::new();
        GLOBAL.get_or_init(|| Self::builder().global())
    }

    /// An agent that opens a socket of its own for each request, says `Connection: close`, and closes
    /// it after use (Node: `agent: false`). No limit for each origin; the limit in all is the default.
    #[must_use]
    pub fn one_shot() -> Self {
        Self::builder().one_shot()
    }

    /// Sends a request. Nothing happens until the future is polled, inside a tokio runtime.
    ///
    /// The request's URI must be absolute. `Host` is set from it unless given; the framing fields are
    /// set from the body. [`RequestOptions`](crate::RequestOptions) in its extensions are obeyed, and
    /// [`ConnectionInfo`](crate::ConnectionInfo) is in the extensions of the response.
    ///
    /// # Errors
    ///
    /// See [`Error`]; a complete response of any status is not an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future at any time leaks nothing: a waiting request leaves the queue at once, a
    /// socket nothing was written to is kept, any other is closed.
    pub fn request<B>(&self, request: Request<B>) -> ResponseFuture<B>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        ResponseFuture::new(Arc::clone(&self.handle.pool), Arc::clone(&self.handle.defaults), request)
    }

    /// Begins a GET request.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.method(Method::GET, url)
    }

    /// Begins a HEAD request.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.method(Method::HEAD, url)
    }

    /// Begins a POST request.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.method(Method::POST, url)
    }

    /// Begins a PUT request.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.method(Method::PUT, url)
    }

    /// Begins a PATCH request.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.method(Method::PATCH, url)
    }

    /// Begins a DELETE request.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.method(Method::DELETE, url)
    }

    /// Begins a request with any method.
    pub fn method(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, url)
    }

    /// What the agent is doing at this instant.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::of(self.handle.pool.snapshot())
    }

    /// The sockets that are open at this instant, sorted by their number; a dial counts from its start
    /// (Node: `agent.sockets`, `freeSockets`).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let origin = testkit::PlainOrigin::new();
    /// # let url = origin.url("/");
    /// let agent = keepalive::Agent::new();
    /// agent.get(&url).send().await?.text().await?;
    /// let sockets = agent.sockets();
    /// assert_eq!((sockets[0].id, sockets[0].requests), (1, 1));
    /// assert_eq!(sockets[0].state, keepalive::SocketState::Idle);
    /// # Ok::<(), keepalive::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sockets(&self) -> Vec<SocketInfo> {
        self.handle.pool.sockets()
    }

    /// Listens to what happens from now on, in the order in which it does (Node: events of sockets,
    /// requests and the agent, each on its own).
    ///
    /// Any number may listen; each sees every event. Nobody who listens slows the agent down or fills its
    /// memory: it keeps the latest [`EVENTS_KEPT`](crate::EVENTS_KEPT) events, and a listener further behind
    /// loses the oldest and is told how many ([`Event::Lost`](crate::Event::Lost)).
    ///
    /// ```
    /// use keepalive::{Agent, Event};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let origin = testkit::PlainOrigin::new();
    /// # let url = origin.url("/");
    /// let agent = Agent::new();
    /// let mut events = agent.subscribe();
    /// agent.get(&url).send().await?.text().await?;
    /// drop(agent);
    /// while let Some(event) = events.next().await {
    ///     if let Event::SocketClosed { socket, reason, .. } = event {
    ///         assert_eq!((socket, reason.name()), (1, "agent_dropped"));
    ///     }
    /// }
    /// # Ok::<(), keepalive::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "events are only kept for those who hold it"]
    pub fn subscribe(&self) -> Events {
        self.handle.pool.subscribe()
    }

    /// Changes the limit of sockets for each origin, at once: raising it serves the queue, lowering it
    /// closes idle sockets and lets active ones finish. `None` is no limit.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] for 0, which would let no request through.
    pub fn set_max_sockets(&self, limit: impl Into<Option<usize>>) -> Result<(), Error> {
        let limit = check_sockets("max_sockets", limit.into())?;
        self.handle.pool.set_limits(|limits| limits.max_sockets = limit);
        Ok(())
    }

    /// Changes the limit of sockets in all, as [`set_max_sockets`](Self::set_max_sockets) does. From then
    /// on it no longer follows the limit of descriptors.
    ///
    /// # Errors
    ///
    /// [`Error::is_request`] for 0.
    pub fn set_max_total_sockets(&self, limit: impl Into<Option<usize>>) -> Result<(), Error> {
        let limit = check_sockets("max_total_sockets", limit.into())?;
        self.handle.pool.set_max_total_sockets(limit);
        Ok(())
    }

    /// Changes the limit of idle sockets for each origin, at once; 0 keeps none, `None` is no limit.
    ///
    /// # Errors
    ///
    /// None now; a `Result` as with the other limits.
    pub fn set_max_free_sockets(&self, limit: impl Into<Option<usize>>) -> Result<(), Error> {
        let limit = limit.into().unwrap_or(usize::MAX);
        self.handle.pool.set_limits(|limits| limits.max_free_sockets = limit);
        Ok(())
    }

    /// Closes the sockets that are idle now.
    pub fn close_idle(&self) {
        self.handle.pool.close_idle();
    }

    /// Ends the agent in peace: from the call on new requests fail with
    /// [`Error::is_agent_closed`], those in the queue are served, idle sockets are closed, active ones
    /// when they are done. The future is ready when no socket is open.
    ///
    /// The global agent takes requests again after that.
    ///
    /// # Cancel safety
    ///
    /// Closing goes on if the future is dropped, and begins also if it is never polled.
    pub fn close(&self) -> impl Future<Output = ()> + Send + 'static {
        let pool = Arc::clone(&self.handle.pool);
        pool.close();
        async move { pool.closed().await }
    }

    /// Ends the agent now (Node: `agent.destroy()`, which leaves the queue alive): fails the requests
    /// in the queue and those under way with [`Error::is_destroyed`], and shuts every socket down.
    /// Later requests fail with [`Error::is_agent_closed`]; the global agent serves them.
    pub fn destroy(&self) {
        self.handle.pool.destroy();
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status();
        let totals = &status.totals;
        f.debug_struct("Agent")
            .field("origins", &status.origins.len())
            .field("active", &totals.active)
            .field("idle", &totals.idle)
            .field("connecting", &totals.connecting)
            .field("draining", &totals.draining)
            .field("closing", &totals.closing)
            .field("upgraded", &totals.upgraded)
            .field("waiting", &totals.waiting)
            .finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.pool.orphan();
    }
}
