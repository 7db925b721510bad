//! Events for `tracing`: target `keepalive`, never called under a lock.
//!
//! What happens to a socket concerns all requests that use it, so it belongs to no span (`parent: None`).
//! What happens to a request is told inside that request's own poll, or its drop, and so lands in the span
//! the caller runs it in. No span is kept anywhere.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{debug, trace};

use crate::{Event, Unserved};

/// Whether any subscriber may be interested; one load.
pub(crate) fn is_on() -> bool {
    LevelFilter::DEBUG <= STATIC_MAX_LEVEL && LevelFilter::DEBUG <= LevelFilter::current()
}

/// Tells all of them, in order. A subscriber is foreign: if it panics, the caller goes on first.
pub(crate) fn all(events: &[Event]) -> Result<(), Box<dyn Any + Send>> {
    if events.is_empty() {
        return Ok(());
    }
    catch_unwind(AssertUnwindSafe(|| events.iter().for_each(one)))
}

fn one(event: &Event) {
    match event {
        Event::SocketDialing { socket, origin } => {
            trace!(target: "keepalive", parent: None, socket, %origin, "socket dialing");
        }
        Event::SocketOpened { socket, origin, local_addr, peer_addr } => {
            let (local, peer) =
                (local_addr.map(tracing::field::display), peer_addr.map(tracing::field::display));
            debug!(target: "keepalive", parent: None, socket, %origin, local, peer, "socket opened");
        }
        Event::SocketReused { socket, origin, request_number, idle_for } => {
            trace!(target: "keepalive", parent: None, socket, %origin, request_number, ?idle_for, "socket reused");
        }
        Event::SocketParked { socket, origin } => {
            trace!(target: "keepalive", parent: None, socket, %origin, "socket parked");
        }
        Event::SocketClosed { socket, origin, reason, age, requests } => {
            let reason = reason.name();
            debug!(target: "keepalive", parent: None, socket, %origin, reason, ?age, requests, "socket closed");
        }
        Event::RequestQueued { request, origin } => {
            trace!(target: "keepalive", request, %origin, "request queued");
        }
        Event::RequestAssigned { request, origin, socket, waited } => {
            trace!(target: "keepalive", request, %origin, socket, ?waited, "request assigned");
        }
        Event::RequestUnserved { request, origin, reason: Unserved::TimedOut, waited } => {
            debug!(target: "keepalive", request, %origin, reason = "timed_out", ?waited, "request unserved");
        }
        Event::RequestUnserved { request, origin, reason, waited } => {
            let reason = reason.name();
            trace!(target: "keepalive", request, %origin, reason, ?waited, "request unserved");
        }
        Event::Lost { .. } => {}
    }
}
