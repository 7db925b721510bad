//! What is left to do once the lock is free.
//!
//! Effects are carried out one after another and never inside each other: an effect that causes an event
//! (a closed descriptor frees its slot, which starts a dial, whose runtime is gone, which frees a slot …)
//! has the new effects queued behind it. So the stack stays flat however long such a chain is. One that
//! panics, as a foreign waker may, does not take the others with it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::thread::panicking;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::lease::Socket;
use super::shrink::USUAL;
use super::state::SocketKey;
use super::{Pool, dial};
use crate::Origin;
use crate::io::RawSocket;
#[cfg(feature = "http2")]
use crate::mux::Link;

/// Something that must not happen under the lock.
pub(super) enum Effect {
    Wake(Waker),
    Close(Box<Socket>),
    /// Ends a connection that carries many requests.
    #[cfg(feature = "http2")]
    End(Arc<Link>),
    Shutdown(Weak<RawSocket>),
    Dial {
        socket: SocketKey,
        id: u64,
        origin: Origin,
        runtime: Handle,
        stop: Arc<Notify>,
    },
    /// Tells a dial to stop, or a keeper that there is something to do.
    Notify(Arc<Notify>),
    Look {
        socket: SocketKey,
        id: u64,
    },
    Emptied,
}

/// The effects of one event; no allocation for the usual none or one.
#[derive(Default)]
pub(super) struct Effects {
    first: Option<Effect>,
    more: Vec<Effect>,
}

impl Effects {
    pub(super) fn push(&mut self, effect: Effect) {
        if self.first.is_none() {
            self.first = Some(effect);
        } else {
            self.more.push(effect);
        }
    }

    pub(super) fn extend(&mut self, effects: impl IntoIterator<Item = Effect>) {
        effects.into_iter().for_each(|effect| self.push(effect));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Carries them out, or leaves it to the call of `run` that this one happens in.
    pub(super) fn run(self, pool: &Arc<Pool>) {
        if self.is_empty() {
            return;
        }
        let effects = self.first.into_iter().chain(self.more).map(|effect| (Arc::clone(pool), effect));
        let Some(outermost) = with_queue(|queue| {
            queue.effects.extend(effects);
            !std::mem::replace(&mut queue.running, true)
        }) else {
            return;
        };
        if outermost {
            run_queued();
        }
    }
}

/// This thread's effects.
#[derive(Default)]
struct Queue {
    effects: VecDeque<(Arc<Pool>, Effect)>,
    running: bool,
}

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
}

/// `None` only while the thread is being torn down, when nobody is left to do anything for.
fn with_queue<T>(f: impl FnOnce(&mut Queue) -> T) -> Option<T> {
    QUEUE.try_with(|queue| f(&mut queue.borrow_mut())).ok()
}

fn run_queued() {
    let mut panicked = None;
    while let Some((pool, effect)) = with_queue(|queue| {
        let next = queue.effects.pop_front();
        queue.running = next.is_some();
        if next.is_none() && queue.effects.capacity() > USUAL {
            queue.effects.shrink_to(USUAL);
        }
        next
    })
    .flatten()
    {
        // Dropping the last handle to the pool is foreign too: it closes what the pool still holds.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(move || carry_out(&pool, effect))) {
            panicked.get_or_insert(panic);
        }
    }
    // Another one would end the process.
    if let Some(panic) = panicked.filter(|_| !panicking()) {
        resume_unwind(panic);
    }
}

/// How many effects this thread's queue has room for.
#[cfg(test)]
pub(super) fn room() -> usize {
    with_queue(|queue| queue.effects.capacity()).unwrap_or_default()
}

fn carry_out(pool: &Arc<Pool>, effect: Effect) {
    match effect {
        Effect::Wake(waker) => waker.wake(),
        // The descriptor is closed here, and its slot reports that in an event of its own.
        Effect::Close(socket) => drop(socket),
        #[cfg(feature = "http2")]
        Effect::End(link) => link.close(),
        Effect::Shutdown(raw) => {
            if let Some(raw) = raw.upgrade() {
                raw.shutdown_now();
            }
        }
        Effect::Dial { socket, id, origin, runtime, stop } => {
            dial::start(pool, socket, id, origin, &runtime, stop);
        }
        Effect::Notify(notify) => notify.notify_one(),
        Effect::Look { socket, id } => pool.stir(socket, id),
        Effect::Emptied => pool.emptied.notify_waiters(),
    }
}
