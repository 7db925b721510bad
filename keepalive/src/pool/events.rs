//! A listener's end of the journal.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use super::journal::{Found, Place};
use crate::Event;

/// The events of an agent from a subscription on, see [`Agent::subscribe`](crate::Agent::subscribe).
///
/// It does not keep the agent alive. Drop it to stop listening.
pub struct Events {
    place: Place,
    /// Copied out of the journal and not handed out yet.
    batch: VecDeque<Event>,
}

impl Events {
    pub(super) fn new(place: Place) -> Self {
        Self { place, batch: VecDeque::new() }
    }

    /// The next event, as soon as there is one; `None` when the agent is gone, all its sockets are closed,
    /// and every event was handed out.
    ///
    /// Needs no runtime of its own kind: the agent wakes it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next event if it is there; `None` does not tell whether another can come.
    pub fn try_next(&mut self) -> Option<Event> {
        if self.batch.is_empty() {
            self.place.read(&mut self.batch, None);
        }
        self.batch.pop_front()
    }

    fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Event>> {
        if self.batch.is_empty() {
            // Cloned before the lock is taken: wakers are foreign.
            match self.place.read(&mut self.batch, Some(cx.waker().clone())) {
                Found::Events => {}
                Found::Nothing => return Poll::Pending,
                Found::End => return Poll::Ready(None),
            }
        }
        Poll::Ready(self.batch.pop_front())
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
