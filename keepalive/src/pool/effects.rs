//! What is left to do once the lock is free.

use std::sync::{Arc, Weak};
use std::task::Waker;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::lease::Socket;
use super::state::SocketKey;
use super::{Pool, dial, keeper};
use crate::Origin;
use crate::io::RawSocket;

/// Something that must not happen under the lock.
pub(super) enum Effect {
    Wake(Waker),
    Close(Box<Socket>),
    Shutdown(Weak<RawSocket>),
    Dial { socket: SocketKey, id: u64, origin: Origin, runtime: Handle, stop: Arc<Notify> },
    Stop(Arc<Notify>),
    NudgeKeeper,
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

    pub(super) fn run(self, pool: &Arc<Pool>) {
        for effect in self.first.into_iter().chain(self.more) {
            match effect {
                Effect::Wake(waker) => waker.wake(),
                // The descriptor is closed here, and its slot reports that in an event of its own.
                Effect::Close(socket) => drop(socket),
                Effect::Shutdown(raw) => {
                    if let Some(raw) = raw.upgrade() {
                        raw.shutdown_now();
                    }
                }
                Effect::Dial { socket, id, origin, runtime, stop } => {
                    dial::start(pool, socket, id, origin, &runtime, stop);
                }
                Effect::Stop(stop) => stop.notify_one(),
                Effect::NudgeKeeper => keeper::nudge(pool),
                Effect::Emptied => pool.emptied.notify_waiters(),
            }
        }
    }
}
