//! A request waiting for a socket.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::{self, Handle};

use super::lease::{Dead, Past};
use super::request::Request;
use super::state::{Outcome, SocketKey, Turn, WaiterKey};
use super::{Inner, Lease, Leased, Pool, Waiting, keeper, queue_error};
use crate::error::{Error, Phase};
use crate::timer::Sleeper;
use crate::{CloseReason, Origin, Unserved, clock};

/// Resolves to a socket that is good at that moment. Dropping it leaves the queue at once.
///
/// It can be polled again for another socket after [`again`](Self::again).
pub(crate) struct Acquire {
    pool: Arc<Pool>,
    request: Request,
    runtime: Handle,
    /// The one it asks on at present; `None` outside of all.
    here: Option<runtime::Id>,
    waiter: Option<WaiterKey>,
    /// The socket that failed the request, until the request is back in the queue: it wants to be there
    /// when the slot comes free.
    dead: Option<Dead>,
    /// Only a socket just dialled will do: it was written once.
    fresh: bool,
    /// That is not counted yet.
    retried: bool,
    /// For the limits of the request's time; goes with the socket.
    sleeper: Sleeper,
}

/// What the driver finds under the lock.
enum Answer {
    Go { leased: Leased, noted: bool },
    Wait,
    Fail(Error),
}

impl Acquire {
    /// To be polled at once: it is `now`.
    pub(crate) fn new(pool: Arc<Pool>, origin: Origin, runtime: Handle, now: tokio::time::Instant) -> Self {
        Self {
            pool,
            request: Request::new(origin, now.into_std()),
            here: Some(runtime.id()),
            runtime,
            waiter: None,
            dead: None,
            fresh: false,
            retried: false,
            sleeper: Sleeper::default(),
        }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.request.origin
    }

    /// For the limits of the wait.
    pub(crate) fn sleeper(&mut self) -> &mut Sleeper {
        &mut self.sleeper
    }

    /// The socket proved stale before a byte of the response came: asks for another, at the old place.
    /// `written`: it must be one just dialled, since the request is written twice then.
    pub(crate) fn again(&mut self, mut leased: Leased, written: bool) {
        if written {
            self.request.retried(&self.pool, leased.facts().socket);
        }
        self.dead = Some(leased.give_up(written));
        self.fresh = written;
        self.retried = written;
    }

    /// Whether it waits for a slot, and not for a dial that is under way for it.
    pub(crate) fn is_queued(&self) -> bool {
        self.waiter.is_some_and(|waiter| !self.pool.lock().state.is_connecting(waiter))
    }

    /// Leaves the queue because the time for it is up; the error explains what holds the sockets.
    pub(crate) fn time_out(&mut self, waited: Duration) -> Error {
        let error = queue_error::explain(&self.pool, &self.request.origin, waited);
        self.leave(Unserved::TimedOut);
        error
    }

    /// Leaves the queue because the whole request's time is up.
    pub(crate) fn fail(&mut self) {
        self.leave(Unserved::TimedOut);
    }

    /// One question to the pool, the first or another.
    fn ask(&mut self, cx: &Context<'_>) -> Answer {
        // It asks for the first time as soon as it is made, on the runtime that it was made on.
        let asks_at_once = self.request.ticket.is_none();
        let now = if asks_at_once { self.request.since } else { clock::now().into_std() };
        // A future may move to another runtime; what is done for it must run where it is.
        if !asks_at_once {
            let here = Handle::try_current().ok();
            self.here = here.as_ref().map(Handle::id);
            self.runtime = here.unwrap_or_else(|| self.runtime.clone());
        }
        // Cloned before the lock is taken, dropped after: wakers are foreign.
        let waker = cx.waker().clone();
        let again = std::mem::take(&mut self.retried);
        let fresh = self.fresh;
        let (answer, keeper, _old) = self.pool.event_at(now, |inner, now| {
            inner.notice(now);
            let turn = match (self.waiter, self.request.ticket) {
                (Some(waiter), _) => inner.state.poll_waiter(waiter, now),
                (None, Some(ticket)) if again => inner.state.request_again(&self.request.origin, ticket, now),
                // The fresh one it got died before it was used: what holds for the request holds still.
                (None, Some(ticket)) if fresh => inner.state.request_fresh(&self.request.origin, ticket, now),
                (None, Some(ticket)) => inner.state.request(&self.request.origin, ticket, now),
                (None, None) => match inner.state.arrive() {
                    None => return (Answer::Fail(Error::closed()), None, (None, Some(waker))),
                    Some(ticket) => {
                        self.request.ticket = Some(ticket);
                        inner.state.request(&self.request.origin, ticket, now)
                    }
                },
            };
            let keeper = inner.lacks_keeper(&self.pool, &self.runtime);
            if self.sleeper.is_new() {
                self.sleeper = inner.sleepers.take();
            }
            let noted = inner.state.notes_wanted();
            if noted {
                self.request.note(inner, turn, self.waiter.is_none(), now);
            }
            if let Turn::Wait(key) = turn {
                self.waiter = Some(key);
                return (Answer::Wait, keeper, inner.wait(key, waker, &self.runtime));
            }
            let mut waiting = self.waiter.take().and_then(|key| inner.waiters[key.0].take());
            let answer = match turn {
                Turn::Go(key) => {
                    let sleeper = std::mem::take(&mut self.sleeper);
                    Answer::Go { leased: inner.lend(&self.pool, key, now, sleeper), noted }
                }
                Turn::Full => Answer::Fail(Error::queue_full(inner.state.limits().max_queued)),
                _ => Answer::Fail(failure(waiting.as_mut(), &self.request.origin)),
            };
            (answer, keeper, (waiting, Some(waker)))
        });
        if let Some(keeper) = keeper {
            keeper::start(&self.runtime, keeper);
        }
        answer
    }

    fn leave(&mut self, why: Unserved) {
        if let Some(key) = self.waiter.take() {
            let cancelled = why == Unserved::Cancelled;
            let outcome = if cancelled { Outcome::Cancelled } else { Outcome::Failed };
            let waiting = self.pool.event(|inner, now| {
                inner.tell(|| self.request.unserved(why, now));
                inner.state.leave_queue(key, outcome, now);
                inner.waiters[key.0].take()
            });
            drop(waiting);
        }
    }
}

impl Future for Acquire {
    type Output = Result<Leased, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let answer = self.ask(cx);
            self.dead = None;
            let (leased, noted) = match answer {
                Answer::Go { leased, noted } => (leased, noted),
                Answer::Wait => return Poll::Pending,
                Answer::Fail(error) => return Poll::Ready(Err(error)),
            };
            // A parked socket that died costs nothing but itself: the request asks again, at its old
            // place. A new one that dies at once is the server's answer; asking again could go on for ever.
            let (checked, parked) = match leased {
                Leased::One(lease) => {
                    let parked = lease.was_parked();
                    (lease.checked(parked, self.here).map(Leased::One), parked)
                }
                #[cfg(feature = "http2")]
                Leased::Many(stream) => (stream.checked().map(Leased::Many), true),
            };
            match checked {
                Ok(mut leased) => {
                    if noted {
                        self.request.assigned(&self.pool, &leased.facts());
                    }
                    return Poll::Ready(Ok(leased));
                }
                Err(socket) if parked => self.dead = Some(socket),
                Err(socket) => {
                    self.pool.event(|inner, now| inner.tell(|| self.request.unserved(Unserved::Failed, now)));
                    return Poll::Ready(Err(dead_at_once(&self.request.origin, &socket)));
                }
            }
        }
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if self.dead.is_some() {
            self.pool.event(|inner, now| {
                inner.state.finish(Outcome::Cancelled, false);
                inner.tell(|| self.request.unserved(Unserved::Cancelled, now));
            });
        }
        self.leave(Unserved::Cancelled);
    }
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire")
            .field("origin", &self.request.origin)
            .field("ticket", &self.request.ticket)
            .finish()
    }
}

impl Inner {
    fn lend(&mut self, pool: &Arc<Pool>, key: SocketKey, now: Instant, sleeper: Sleeper) -> Leased {
        #[cfg(feature = "http2")]
        if let Some(mut stream) = self.take_stream(pool, key, now) {
            stream.sleeper = sleeper;
            return Leased::Many(stream);
        }
        let (request_number, parked) = (self.state.served(key), self.state.was_kept(key));
        let idle_for = now.saturating_duration_since(self.state.free_since(key));
        match self.held(key).parked.take() {
            Some(mut socket) => {
                let emptied = socket.past.emptied;
                socket.past = Past { request_number, idle_for, parked, emptied, taken_at: now };
                Leased::One(Lease::new(pool, socket, sleeper))
            }
            None => unreachable!("the pool holds every socket that the machine gives out"),
        }
    }

    /// Notes whom to wake, and where; returns what to drop when the lock is free.
    fn wait(&mut self, key: WaiterKey, waker: Waker, runtime: &Handle) -> (Option<Waiting>, Option<Waker>) {
        if self.waiters.len() <= key.0 {
            self.waiters.resize_with(key.0 + 1, || None);
        }
        match &mut self.waiters[key.0] {
            Some(waiting) if waiting.runtime.id() == runtime.id() => (None, waiting.waker.replace(waker)),
            place => {
                let error = place.as_mut().and_then(|waiting| waiting.error.take());
                let waiting = Waiting { waker: Some(waker), runtime: runtime.clone(), error };
                (place.replace(waiting), None)
            }
        }
    }
}

fn failure(waiting: Option<&mut Waiting>, origin: &Origin) -> Error {
    match waiting {
        None => Error::destroyed(Phase::Queue),
        Some(waiting) => waiting.error.take().unwrap_or_else(|| {
            let text = format!("the connection to {origin} was given up");
            Error::connect(
                text,
                "the server allowed no request on it, or the runtime that made it was shut down",
            )
        }),
    }
}

fn dead_at_once(origin: &Origin, socket: &Dead) -> Error {
    if let Some(text) = socket.complaint() {
        return Error::io(Phase::Send, text, std::io::ErrorKind::InvalidData.into());
    }
    match socket.reason {
        CloseReason::UnsolicitedBytes => {
            Error::protocol(Phase::Send, format!("{origin} sent bytes before it was asked anything"))
        }
        _ => Error::io(
            Phase::Send,
            format!("{origin} closed the new connection before the request was written"),
            std::io::ErrorKind::ConnectionReset.into(),
        ),
    }
}
