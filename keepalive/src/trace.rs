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
        Event::RequestRetried { request, origin, socket } => {
            debug!(target: "keepalive", request, %origin, socket, "request retried");
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

#[cfg(test)]
mod tests {
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Wants no more than this.
    struct Wants(LevelFilter);

    impl Subscriber for Wants {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn max_level_hint(&self) -> Option<LevelFilter> {
            Some(self.0)
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// The only test here with a subscriber: what any of them wants holds for all threads.
    #[test]
    fn nothing_is_noted_for_subscribers_of_higher_levels() {
        let is_on_for = |level| tracing::subscriber::with_default(Wants(level), is_on);
        assert!(!is_on());
        assert!(!is_on_for(LevelFilter::INFO));
        assert!(is_on_for(LevelFilter::DEBUG));
        assert!(is_on_for(LevelFilter::TRACE));
    }
}
