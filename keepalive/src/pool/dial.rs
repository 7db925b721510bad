//! One dial: a task on the runtime of the request that it was begun for.
//!
//! It belongs to the origin, not to that request. Its slot is held from before the first socket is made
//! until the last one is closed; if the runtime dies, dropping the task frees it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::journal::Journal;
use super::lease::Socket;
use super::state::{SocketKey, WaiterKey};
use super::{Inner, Pool, spawn};
#[cfg(feature = "http2")]
use super::{
    lease::About,
    lease::Dialed,
    stream::{Shared, Watcher},
};
use crate::connect::{Carrier, Connect, Connected};
use crate::descriptors::{self, Dialer, Place};
use crate::io::Permit;
use crate::lacking::or_lacking;
use crate::{CloseReason, Error, Event, Origin, clock, trace};

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
    let journal = Arc::clone(&pool.journal);
    let pool = Arc::downgrade(pool);
    let slot = Slot { pool: Weak::clone(&pool), key, journal, id, origin: origin.clone(), began };
    let slot = Arc::new(slot);
    spawn(runtime, async move {
        let permit = Permit::new(slot.clone());
        let place = Place::new(slot.clone(), origin.clone());
        let Some(outcome) = unless(&stop, dial(&*connect, &origin, permit, place)).await else { return };
        // The pool may be gone; then dropping the connection is all there is to do.
        let carrying = pool.upgrade().and_then(|pool| pool.dial_ended(key, id, began, outcome));
        drop(slot);
        if let Some(carrying) = carrying {
            carrying.await;
        }
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
    ) -> Option<Carrying> {
        match outcome {
            #[cfg(feature = "http2")]
            Ok(Connected { carrier: Carrier::Many(opened), local, peer, timings }) => {
                let allowed = opened.allowed();
                let (link, raw) = (Arc::clone(&opened.link), opened.raw.clone());
                let shared = Box::new(Shared { link, local, peer, dialed: Some(Dialed { began, timings }) });
                self.event(|inner, now| {
                    let held = inner.held(key);
                    held.stop = None;
                    held.raw = raw;
                    held.about = Some(Arc::new(About { local, peer, ..About::default() }));
                    held.shared = Some(shared);
                    inner.state.dialed_shared(key, allowed, now);
                });
                let owner = Watcher { pool: Arc::downgrade(self), key, id };
                Some(Box::pin(opened.drive(Box::new(owner))))
            }
            Ok(Connected { carrier: Carrier::One(io), local, peer, timings }) => {
                let mut socket = Socket::new(self, key, id, began, io, (timings, local, peer));
                let stirred = socket.watch().is_some();
                self.event(|inner, now| {
                    let held = inner.held(key);
                    held.stop = None;
                    held.raw = socket.io.raw();
                    held.about = Some(Arc::clone(&socket.about));
                    held.parked = Some(socket);
                    inner.state.dialed(key, now);
                });
                if stirred {
                    self.stir(key, id);
                }
                None
            }
            Err(error) => {
                self.event(|inner, now| {
                    inner.held(key).stop = None;
                    let waiter = inner.state.dial_failed(key, now);
                    inner.fail(waiter, || error);
                });
                None
            }
        }
    }
}

impl Inner {
    /// The error of a waiter that the machine has failed.
    pub(super) fn fail(&mut self, waiter: Option<WaiterKey>, error: impl FnOnce() -> Error) {
        if let Some(Some(waiting)) = waiter.map(|waiter| &mut self.waiters[waiter.0]) {
            waiting.error = Some(error());
        }
    }
}

/// The task of a connection that carries many requests.
type Carrying = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A place under the caps, shared by a dial's task and the socket it makes.
struct Slot {
    pool: Weak<Pool>,
    key: SocketKey,
    /// For what is to be told of a dial that outlives its pool.
    journal: Arc<Journal>,
    id: u64,
    origin: Origin,
    began: Instant,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.event(|inner, now| {
                *inner.held(self.key) = super::Held::default();
                inner.state.closed(self.key, now);
            });
        } else {
            self.tell_close();
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

impl Slot {
    /// The pool is gone, and with it whoever wanted this dial.
    fn tell_close(&self) {
        let traced = trace::is_on();
        if !traced && !self.journal.is_read() {
            return;
        }
        let event = Event::SocketClosed {
            socket: self.id,
            origin: self.origin.clone(),
            reason: CloseReason::DialAborted,
            age: clock::now().into_std().saturating_duration_since(self.began),
            requests: 0,
        };
        let mut wakers = Vec::new();
        self.journal.append([event.clone()], |waker| wakers.push(waker));
        // In a drop, and all is said: a subscriber's panic stops here.
        let _ = if traced { trace::all(&[event]) } else { Ok(()) };
        wakers.into_iter().for_each(Waker::wake);
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
