//! The line of all dials in the process that wait for a descriptor.
//!
//! First come, first served: only the first looks for one, makes room by closing the least recently used
//! idle socket of any agent, and looks again when a socket somewhere is closed or becomes idle, and every
//! [`LOOK`], as descriptors also come free outside of the agents. A dial that comes while others wait
//! stands behind them before its first try.
//!
//! - **Patience.** Sockets that are handed from request to request are never idle. A dial that has waited
//!   for [`order::PATIENCE`] gets the next one that comes free, in any agent: it is closed instead of handed on.
//!   If that socket would serve the dial's own origin, it is handed on, which is as good, and the dial
//!   goes to the end of the line.
//! - **Presence.** A dial lives on a runtime that may stand still. Who is first and has not looked for
//!   [`ABSENT`] is passed over until it looks again.
//!
//! Invariants: nothing is woken and no agent is asked under the line's lock; a request that gives its
//! socket back reads one relaxed atomic and no more, as long as nobody waits.

mod order;

use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use self::order::{ABSENT, Line, NOBODY};
use super::{probe, registry};
use crate::{Origin, clock};

/// How often the first in the line looks again.
const LOOK: Duration = Duration::from_millis(50);

/// A dial's place in the line, which it has only while it needs one. Dropping it leaves the line.
pub(crate) struct Place {
    dialer: Arc<dyn Dialer>,
    origin: Origin,
    standing: Option<(usize, Arc<Notify>)>,
    in_line: bool,
    /// The turn was given because there seemed to be room.
    had_room: bool,
    /// And yet there was none: only something new, or a little time, can change that.
    in_vain: bool,
    /// What the system said last.
    met: Option<io::Error>,
}

/// Whose dial it is.
pub(crate) trait Dialer: Send + Sync {
    /// Whether a request waits for the dial. If not, it is given up.
    fn is_wanted(&self) -> bool;

    /// Tells agents apart.
    fn agent(&self) -> usize;
}

/// Nobody waits for the dial any more.
#[derive(Debug)]
pub(crate) struct Unwanted;

impl Place {
    pub(crate) fn new(dialer: Arc<dyn Dialer>, origin: Origin) -> Self {
        Self { dialer, origin, standing: None, in_line: false, had_room: false, in_vain: false, met: None }
    }

    /// Waits until it is this dial's turn to try something that needs so many descriptors at once. That is
    /// at once if nobody waits and it has not failed before. [`leave`](Self::leave) ends the turn.
    pub(crate) async fn turn(&mut self, descriptors: usize) -> Result<(), Unwanted> {
        if !self.in_line && LEVEL.load(Ordering::SeqCst) == NOBODY {
            self.had_room = false;
            return Ok(());
        }
        loop {
            let first = self.look();
            if first && !std::mem::take(&mut self.in_vain) {
                if !self.dialer.is_wanted() {
                    return Err(Unwanted);
                }
                match make_room(descriptors) {
                    Ok(()) => {
                        self.had_room = true;
                        return Ok(());
                    }
                    Err(error) => self.met = Some(error),
                }
                self.lose_patience();
            }
            let Some((_, told)) = &self.standing else { continue };
            // Time is up or something has happened: either way it looks again.
            let _ = timeout(if first { LOOK } else { ABSENT }, told.notified()).await;
        }
    }

    /// The try failed for want of a descriptor, or may have: the dial keeps its place, or gets one.
    pub(crate) fn stay(&mut self, error: io::Error) {
        if probe::is_shortage(&error) {
            probe::note_shortage();
            self.met = Some(error);
        }
        self.in_vain = self.had_room;
        self.look();
    }

    /// The try is over, one way or the other.
    pub(crate) fn leave(&mut self) {
        if std::mem::take(&mut self.in_line) {
            if let Some((key, _)) = self.standing {
                change(|line| line.step_out(key));
            }
        }
    }

    /// If it stands in the line, why: what the system said, to this dial or to those before it.
    pub(crate) fn shortage(&mut self) -> Option<io::Error> {
        self.in_line.then(|| self.met.take().unwrap_or_else(probe::shortage))
    }

    /// Stands in the line and says whether it is the first of those present.
    fn look(&mut self) -> bool {
        let now = clock::now().into_std();
        self.in_line = true;
        change(|line| {
            let (key, _) = self.standing.get_or_insert_with(|| {
                let told = Arc::new(Notify::new());
                (line.enter(self.dialer.agent(), self.origin.clone(), Arc::clone(&told), now), told)
            });
            line.look(*key, now)
        })
    }

    fn lose_patience(&self) {
        let now = clock::now().into_std();
        if let Some((key, _)) = self.standing {
            change(|line| line.lose_patience(key, now));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
        if let Some((key, _)) = self.standing {
            // Dropped when the lock is free.
            let _gone = change(|line| line.standings.try_remove(key));
        }
    }
}

/// A descriptor has come free, or can be had by closing an idle socket: whoever is first looks.
pub(crate) fn tell() {
    if LEVEL.load(Ordering::SeqCst) != NOBODY {
        let told = lock().told();
        told.inspect(|told| told.notify_one());
    }
}

/// Whether any dial waits, as read by those who give a socket back.
pub(crate) fn somebody_waits() -> bool {
    LEVEL.load(Ordering::Relaxed) != NOBODY
}

/// Whether the socket of this origin that an agent has back must be closed for a dial that has waited
/// long enough. `true` is said once.
pub(crate) fn claims(agent: usize, origin: &Origin) -> bool {
    let now = clock::now().into_std();
    change(|line| line.claims(agent, origin, now))
}

/// Whether so many descriptors can be had at once, if need be at the cost of idle sockets.
fn make_room(descriptors: usize) -> io::Result<()> {
    loop {
        let Err(error) = probe::try_open(descriptors) else { return Ok(()) };
        probe::note_shortage();
        if !registry::evict_oldest() {
            return Err(error);
        }
    }
}

/// Applies a change and tells whoever became the first by it.
fn change<T>(change: impl FnOnce(&mut Line) -> T) -> T {
    let mut line = lock();
    let before = line.first();
    let result = change(&mut line);
    let told = if line.first() == before { None } else { line.told() };
    LEVEL.store(line.level(), Ordering::SeqCst);
    drop(line);
    told.inspect(|told| told.notify_one());
    result
}

fn lock() -> MutexGuard<'static, Line> {
    static LINE: Mutex<Line> = Mutex::new(Line::new());
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// [`Line::level`], for those who do not hold the lock. Written under it.
static LEVEL: AtomicU8 = AtomicU8::new(NOBODY);
