//! The journal: the latest events, for whoever listens.
//!
//! The pool writes it under its own lock, after each event of the machine, so that the order of the events is
//! the machine's. Nobody else has two locks at a time: a listener takes only the journal's, which is held for
//! no longer than moving a few events takes. Wakers are handed out and woken by the caller, without any lock.
//!
//! Invariants:
//! 1. At most [`EVENTS_KEPT`] events are held, and none while nobody listens.
//! 2. Every event has a number. A listener knows the number that is next for it, so what it missed is the
//!    distance to the oldest event there is.
//! 3. The end is known when the pool is gone and every socket of it: each holds the [`Journal`].

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use slab::Slab;

use crate::Event;

/// How many events an agent keeps for listeners that are behind: a burst of a few hundred requests. It
/// keeps none while nobody listens.
pub const EVENTS_KEPT: usize = 1024;

/// The writers' end; the last one to be dropped is the end.
#[derive(Debug, Default)]
pub(super) struct Journal(Arc<Board>);

/// What writers and listeners share.
#[derive(Debug, Default)]
struct Board {
    /// How many listeners there are; changes under the lock of `page` only.
    listeners: AtomicUsize,
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    events: VecDeque<Event>,
    /// The number of the first of `events`.
    first: u64,
    /// Of the listeners that wait, by listener.
    wakers: Slab<Option<Waker>>,
    ended: bool,
}

/// One listener's place.
#[derive(Debug)]
pub(super) struct Place {
    board: Arc<Board>,
    key: usize,
    /// The number of the event that is next.
    next: u64,
}

impl Journal {
    /// Whether anybody listens.
    pub(super) fn is_read(&self) -> bool {
        self.0.listeners.load(Ordering::Relaxed) > 0
    }

    /// Adds events and hands out the wakers of those who wait for them, to be woken without a lock.
    pub(super) fn append(&self, events: impl IntoIterator<Item = Event>, wakers: impl FnMut(Waker)) {
        let mut page = self.0.page();
        if !page.wakers.is_empty() {
            events.into_iter().for_each(|event| page.push(event));
            page.waiting().for_each(wakers);
        }
    }

    /// A place for a new listener: behind all there is.
    pub(super) fn listen(&self) -> Place {
        let mut page = self.0.page();
        let (key, next) = (page.wakers.insert(None), page.end());
        self.0.listeners.fetch_add(1, Ordering::Relaxed);
        Place { board: Arc::clone(&self.0), key, next }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let mut page = self.0.page();
        page.ended = true;
        let waiting: Vec<_> = page.waiting().collect();
        drop(page);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Place {
    /// Copies what comes next into the empty `batch`, with `Event::Lost` in front if some of it is gone.
    /// With nothing there `waker` is kept until something is.
    pub(super) fn read(&mut self, batch: &mut VecDeque<Event>, waker: Option<Waker>) -> Found {
        let mut page = self.board.page();
        let lost = page.first.saturating_sub(self.next);
        if lost > 0 {
            batch.push_back(Event::Lost { count: lost });
            self.next = page.first;
        }
        let seen = usize::try_from(self.next - page.first).unwrap_or(usize::MAX);
        let copied = batch.len();
        batch.extend(page.events.iter().skip(seen).take(BATCH).cloned());
        self.next += (batch.len() - copied) as u64;
        if !batch.is_empty() {
            return Found::Events;
        }
        if page.ended {
            return Found::End;
        }
        let kept = &mut page.wakers[self.key];
        let old = if waker.is_some() { mem::replace(kept, waker) } else { None };
        drop(page);
        drop(old);
        Found::Nothing
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut page = self.board.page();
        let waker = page.wakers.remove(self.key);
        self.board.listeners.fetch_sub(1, Ordering::Relaxed);
        let unread = if page.wakers.is_empty() { page.clear() } else { VecDeque::new() };
        drop(page);
        drop((waker, unread));
    }
}

/// What a listener found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Events,
    Nothing,
    End,
}

impl Board {
    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn push(&mut self, event: Event) {
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
            self.first += 1;
        }
        self.events.push_back(event);
    }

    fn waiting(&mut self) -> impl Iterator<Item = Waker> + '_ {
        self.wakers.iter_mut().filter_map(|(_, waker)| waker.take())
    }

    fn clear(&mut self) -> VecDeque<Event> {
        self.first = self.end();
        mem::take(&mut self.events)
    }

    /// The number of the next event.
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }
}

/// How many events a listener copies at once, so that the lock is held for a moment only.
const BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize) -> Event {
        Event::Lost { count: number as u64 }
    }

    fn write(journal: &Journal, events: std::ops::Range<usize>) {
        journal.append(events.map(event), |_| ());
    }

    fn all(place: &mut Place) -> Vec<Event> {
        let (mut all, mut batch) = (Vec::new(), VecDeque::new());
        while place.read(&mut batch, None) == Found::Events {
            assert!(batch.len() <= BATCH + 1);
            all.extend(batch.drain(..));
        }
        all
    }

    #[test]
    fn a_listener_is_told_how_many_events_it_lost_one_more_and_one_less_than_are_kept() {
        for (written, lost) in [(EVENTS_KEPT - 1, 0), (EVENTS_KEPT, 0), (EVENTS_KEPT + 1, 1), (5000, 3976)] {
            let journal = Journal::default();
            let mut place = journal.listen();
            write(&journal, 0..written);
            let mut expected: Vec<_> = (lost..written).map(event).collect();
            if lost > 0 {
                expected.insert(0, Event::Lost { count: lost as u64 });
            }
            assert_eq!(all(&mut place), expected, "{written} written");
            assert_eq!(journal.0.page().events.len(), written.min(EVENTS_KEPT));
        }
    }

    #[test]
    fn a_batch_taken_before_the_loss_comes_before_it() {
        let journal = Journal::default();
        let mut place = journal.listen();
        write(&journal, 0..BATCH + 1);
        let mut batch = VecDeque::new();
        assert_eq!(place.read(&mut batch, None), Found::Events);
        assert_eq!(batch, (0..BATCH).map(event).collect::<Vec<_>>());
        write(&journal, BATCH + 1..BATCH + 3 + EVENTS_KEPT);
        assert_eq!(all(&mut place)[..2], [Event::Lost { count: 3 }, event(BATCH + 3)]);
    }

    #[test]
    fn each_listener_sees_what_comes_after_it_and_the_last_leaves_nothing() {
        let journal = Journal::default();
        write(&journal, 0..1);
        let mut first = journal.listen();
        write(&journal, 1..3);
        let mut second = journal.listen();
        write(&journal, 3..4);
        assert_eq!(all(&mut first), [event(1), event(2), event(3)]);
        drop(first);
        assert_eq!(all(&mut second), [event(3)]);
        assert!(journal.is_read());
        drop(second);
        let page = journal.0.page();
        assert_eq!((page.events.capacity(), page.wakers.len(), page.first), (0, 0, 3));
        drop(page);
        assert!(!journal.is_read());
        write(&journal, 4..5);
        assert!(journal.0.page().events.is_empty());
    }
}
