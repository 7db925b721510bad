//! One HTTP/2 connection: the handle that its requests share, and the task that reads and writes for it.
//!
//! Not here: which request goes over it (`pool`), and what a request is (`http2`). The frames are the h2
//! crate's; here is what a pool needs beside them: how many streams the peer allows, that it takes no more,
//! whether it is still there.
//!
//! Invariants:
//! 1. The task alone owns the transport, and with it the slot: it lets go of it last.
//! 2. A stream that its user gave up keeps its place until the peer shows life: on a connection that is dead
//!    places run out, instead of one request after another being lost in it.

mod task;
mod transport;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tokio::sync::Notify;
use tokio::time::timeout;

use self::transport::Transport;
use crate::io::{Io, RawSocket};
use crate::pool::Seconds;
use crate::{CloseReason, Error, Phase};

/// How HTTP/2 connections are kept; part of the agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MuxOptions {
    /// How many streams a connection may have in use.
    pub(crate) max_streams: usize,
    /// After how long a silence, with streams in use, the peer is asked whether it is there.
    pub(crate) ping_interval: Option<Duration>,
    /// How long it may take to answer that.
    pub(crate) ping_timeout: Duration,
}

/// What a connection's task tells its owner.
pub(crate) trait Owner: Send + Sync {
    /// The peer allows so many streams now.
    fn streams_allowed(&self, limit: usize);
    /// There are no new streams, for this reason.
    fn goes_away(&self, reason: CloseReason);
    /// A stream that was given up has its place free.
    fn stream_is_free(&self);
    /// The connection is over; it is closed next. Says why, as its owner may have ended it.
    fn is_over(&self, reason: CloseReason) -> CloseReason;
}

/// The handle.
#[derive(Debug)]
pub(crate) struct Link {
    /// `None` once it is to end.
    send: Mutex<Option<SendRequest<Bytes>>>,
    pulse: Arc<Pulse>,
    /// Why it ended, once it did.
    fate: Mutex<Option<CloseReason>>,
}

/// What the handle, the transport and the task tell each other.
#[derive(Debug, Default)]
struct Pulse {
    /// How many times something was read.
    reads: AtomicU64,
    /// How many streams are in use.
    busy: AtomicUsize,
    /// How many were given up and keep their places.
    given_up: AtomicUsize,
    /// What `reads` was when the last one was given up.
    given_up_at: AtomicU64,
    /// Something of this has changed.
    changed: Notify,
}

/// A connection whose task has not begun.
pub(crate) struct Opened {
    pub(crate) link: Arc<Link>,
    pub(crate) raw: Weak<RawSocket>,
    connection: Connection<Transport, Bytes>,
    options: MuxOptions,
}

/// Sends the preface and waits for the peer's settings: a burst of requests sent before they are known (RFC
/// 9113 §3.4 allows it) is refused by a server that takes fewer at once.
pub(crate) async fn open(io: Box<dyn Io>, options: MuxOptions) -> Result<Opened, Error> {
    let pulse = Arc::<Pulse>::default();
    let raw = io.raw();
    let transport = Transport::new(io, Arc::clone(&pulse));
    let connection_window =
        STREAM_WINDOW.saturating_mul(u32::try_from(options.max_streams).unwrap_or(u32::MAX));
    let (send, mut connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(connection_window.clamp(STREAM_WINDOW, MAX_WINDOW))
        .initial_max_send_streams(NOT_TOLD)
        .max_header_list_size(MAX_HEADERS)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake(transport)
        .await
        .map_err(|error| Error::connect("the HTTP/2 connection broke at its beginning", error))?;
    let told = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(end) => Poll::Ready(Err(end.err())),
        Poll::Pending if connection.max_concurrent_send_streams() == NOT_TOLD => Poll::Pending,
        Poll::Pending => Poll::Ready(Ok(())),
    });
    match timeout(SETTINGS_TIMEOUT, told).await {
        Ok(Ok(())) => {}
        Ok(Err(Some(error))) => {
            return Err(Error::connect(
                "the server does not speak HTTP/2, or broke its rules at once",
                error,
            ));
        }
        Ok(Err(None)) => {
            let text = "the server closed the HTTP/2 connection at once; does it speak HTTP/2?";
            return Err(Error::connect(text, std::io::Error::from(std::io::ErrorKind::UnexpectedEof)));
        }
        Err(_) => {
            let text = format!("the server sent no HTTP/2 settings within {}", Seconds(SETTINGS_TIMEOUT));
            return Err(Error::timeout(Phase::Connect, text));
        }
    }
    let link = Arc::new(Link { send: Mutex::new(Some(send)), pulse, fate: Mutex::default() });
    Ok(Opened { link, raw, connection, options })
}

impl Opened {
    /// How many streams the peer allows.
    pub(crate) fn allowed(&self) -> usize {
        self.connection.max_concurrent_send_streams()
    }
}

impl Link {
    /// A handle to begin a stream with; `None` if the connection is to end.
    pub(crate) fn sender(&self) -> Option<SendRequest<Bytes>> {
        self.lock().clone()
    }

    /// A stream was taken into use.
    pub(crate) fn begin(&self) {
        // The task is woken by the stream's first frame.
        self.pulse.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// A stream has come to its end.
    pub(crate) fn end(&self) {
        self.pulse.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// A stream was given up midway. Its place is told free when the peer shows life.
    pub(crate) fn give_up(&self) {
        let pulse = &self.pulse;
        pulse.given_up_at.store(pulse.reads.load(Ordering::Relaxed), Ordering::Relaxed);
        pulse.given_up.fetch_add(1, Ordering::Release);
        pulse.busy.fetch_sub(1, Ordering::Relaxed);
        pulse.changed.notify_one();
    }

    /// No further stream: the connection ends when those in use have.
    pub(crate) fn close(&self) {
        // Dropped without the lock: it wakes the task.
        let send = self.lock().take();
        drop(send);
        self.pulse.changed.notify_one();
    }

    /// Why the connection ended, if it did.
    pub(crate) fn fate(&self) -> Option<CloseReason> {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.lock().is_none()
    }

    /// Why no more streams can be begun, if it was the peer or an offence of the peer's that ended that.
    fn goes_away(&self, cx: &mut Context<'_>) -> Option<CloseReason> {
        match self.lock().as_mut()?.poll_ready(cx) {
            Poll::Ready(Err(error)) if error.is_go_away() && error.is_remote() => Some(CloseReason::GoAway),
            Poll::Ready(Err(error)) if error.is_go_away() => Some(CloseReason::ProtocolError),
            _ => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<SendRequest<Bytes>>> {
        self.send.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What h2 says of the peer's limit before the peer has told it.
const NOT_TOLD: usize = usize::MAX - 1;

/// How long the peer's settings may take to come.
pub(crate) const SETTINGS_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a body may come before it is read, for each stream: enough for a fast network, and bounded
/// for a body that nobody reads.
const STREAM_WINDOW: u32 = 512 * 1024;

/// RFC 9113 §6.9.1. The connection's window has room for every stream's, so that bodies nobody reads never
/// keep the others waiting.
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// As much as a head may have in HTTP/1.1.
const MAX_HEADERS: u32 = 64 * 1024;

/// How much of a request's body is taken before it is sent.
const SEND_BUFFER: usize = 64 * 1024;
