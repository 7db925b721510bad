//! One dial: a task on the runtime of the request that it was begun for.
//!
//! It belongs to the origin, not to that request. Its slot is held from before the first socket is made
//! until the last one is closed; if the runtime dies, dropping the task frees it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::lease::Socket;
use super::state::SocketKey;
use super::{Pool, spawn};
use crate::connect::{Connect, Connected};
use crate::descriptors::{self, Dialer, Place};
use crate::io::Permit;
use crate::lacking::or_lacking;
use crate::{Error, Origin, clock};

pub(super) fn start(
    pool: &Arc<Pool>,
    key: SocketKey,
    id: u64,
    origin: Origin,
    runtime: &Handle,
    stop: Arc<Notify>,
) {
    let began = clock::now().into_std();
    let connect = Arc::clone(&pool.connect);
    let pool = Arc::downgrade(pool);
    let slot = Arc::new(Slot { pool: Weak::clone(&pool), key });
    spawn(runtime, async move {
        let permit = Permit::new(slot.clone());
        let place = Place::new(slot.clone(), origin.clone());
        let Some(outcome) = unless(&stop, dial(&*connect, &origin, permit, place)).await else { return };
        // The pool may be gone; then dropping the connection is all there is to do.
        if let Some(pool) = pool.upgrade() {
            pool.dial_ended(key, id, began, outcome);
        }
        drop(slot);
    });
}

async fn dial(
    connect: &dyn Connect,
    origin: &Origin,
    permit: Permit,
    place: Place,
) -> Result<Connected, Error> {
    let mut connecting = connect.connect(origin, permit, place);
    poll_fn(|cx| {
        or_lacking(|| connecting.as_mut().poll(cx)).unwrap_or_else(|lacking| {
            Poll::Ready(Err(Error::connect(
                format!("cannot connect to {origin} on this tokio runtime"),
                lacking,
            )))
        })
    })
    .await
}

impl Pool {
    fn dial_ended(
        self: &Arc<Self>,
        key: SocketKey,
        id: u64,
        began: Instant,
        outcome: Result<Connected, Error>,
    ) {
        match outcome {
            Ok(connected) => {
                let mut socket = Socket::new(self, key, id, began, connected);
                let stirred = socket.watch().is_some();
                self.event(|inner, now| {
                    let held = inner.held(key);
                    held.stop = None;
                    held.raw = socket.io.raw();
                    held.body_since = Arc::clone(&socket.body_since);
                    held.parked = Some(socket);
                    inner.state.dialed(key, now);
                });
                if stirred {
                    self.stir(key, id);
                }
            }
            Err(error) => self.event(|inner, now| {
                inner.held(key).stop = None;
                let waiter = inner.state.dial_failed(key, now);
                if let Some(Some(waiting)) = waiter.map(|waiter| &mut inner.waiters[waiter.0]) {
                    waiting.error = Some(error);
                }
            }),
        }
    }
}

/// A place under the caps, shared by a dial's task and the socket it makes.
struct Slot {
    pool: Weak<Pool>,
    key: SocketKey,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.event(|inner, now| {
                *inner.held(self.key) = super::Held::default();
                inner.state.closed(self.key, now);
            });
        }
        descriptors::tell();
    }
}

impl Dialer for Slot {
    fn is_wanted(&self) -> bool {
        let Some(pool) = self.pool.upgrade() else { return false };
        pool.event(|inner, now| inner.state.is_dial_wanted(self.key, now))
    }

    fn agent(&self) -> usize {
        self.pool.as_ptr().addr()
    }
}

/// The future's output, or `None` if `stop` was told first.
async fn unless<F: Future>(stop: &Notify, future: F) -> Option<F::Output> {
    let mut stopped = pin!(stop.notified());
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => stopped.as_mut().poll(cx).map(|()| None),
    })
    .await
}
