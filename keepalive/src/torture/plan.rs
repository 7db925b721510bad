//! What goes wrong in a run, and what has been done in it so far.
//!
//! One plan at a time belongs to a thread: a run has a runtime of one thread, and its sockets find the plan
//! there when they are made. Who has no plan works as ever.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::fault::{Fault, Op, Way};

/// How much a socket takes or gives at once, so that a small message makes many operations, and as many in
/// each run whatever the kernel has got together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    pub(crate) read: usize,
    pub(crate) write: usize,
}

pub(crate) struct Plan {
    /// And whether it has met its operation.
    faults: Vec<(Fault, AtomicBool)>,
    pub(crate) caps: Caps,
    /// Idle sockets are not looked at: that their server closed them is found by the next request.
    pub(crate) blind: bool,
    done: [AtomicUsize; Op::ALL.len()],
    /// All faults are over: none comes any more, and what stalled goes on.
    healed: AtomicBool,
    stalled: AtomicUsize,
    stalls: Notify,
    wires: AtomicUsize,
    sleepers: Mutex<Vec<Waker>>,
    /// Looks at the accounts after each operation.
    witness: Mutex<Option<Witness>>,
    /// The first thing that it did not like.
    complaint: Mutex<Option<String>>,
}

type Witness = Box<dyn Fn() -> Result<(), String> + Send>;

thread_local! {
    static PLAN: RefCell<Option<Arc<Plan>>> = const { RefCell::new(None) };
}

/// The plan of this thread.
pub(crate) fn current() -> Option<Arc<Plan>> {
    PLAN.with_borrow(Clone::clone)
}

/// An operation that comes before there is a socket.
pub(crate) async fn pass(op: Op) -> io::Result<()> {
    let Some(plan) = current() else { return Ok(()) };
    let way = plan.begin(op);
    plan.end(op);
    match way {
        None => Ok(()),
        Some(Way::Stall) => {
            let _stalled = Stalled::new(&plan);
            poll_fn(|cx| plan.poll_healed(cx)).await;
            Ok(())
        }
        Some(_) => Err(ErrorKind::ConnectionRefused.into()),
    }
}

/// The same in front of one that says itself how it fails.
#[cfg(feature = "tls")]
pub(crate) async fn before<T>(
    op: Op,
    future: impl std::future::Future<Output = io::Result<T>>,
) -> io::Result<T> {
    pass(op).await?;
    future.await
}

/// Makes a plan this thread's until it is dropped.
pub(super) struct InForce;

impl InForce {
    pub(super) fn new(plan: &Arc<Plan>) -> Self {
        PLAN.set(Some(Arc::clone(plan)));
        Self
    }
}

impl Drop for InForce {
    fn drop(&mut self) {
        if let Some(plan) = PLAN.take() {
            plan.dismiss();
        }
    }
}

impl Plan {
    pub(super) fn new(faults: &[Fault], caps: Caps, blind: bool) -> Arc<Self> {
        Arc::new(Self {
            faults: faults.iter().map(|&fault| (fault, AtomicBool::new(false))).collect(),
            caps,
            blind,
            done: Default::default(),
            healed: AtomicBool::new(false),
            stalled: AtomicUsize::new(0),
            stalls: Notify::new(),
            wires: AtomicUsize::new(0),
            sleepers: Mutex::default(),
            witness: Mutex::default(),
            complaint: Mutex::default(),
        })
    }

    /// Has `witness` asked after each operation.
    pub(super) fn watch(&self, witness: impl Fn() -> Result<(), String> + Send + 'static) {
        *lock(&self.witness) = Some(Box::new(witness));
    }

    pub(super) fn dismiss(&self) {
        let witness = lock(&self.witness).take();
        drop(witness);
    }

    /// Ends all faults.
    pub(super) fn heal(&self) {
        self.healed.store(true, Relaxed);
        let sleepers = std::mem::take(&mut *lock(&self.sleepers));
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// What is to go wrong with the operation that comes next.
    pub(crate) fn next(&self, op: Op) -> Option<Way> {
        self.due(op).map(|(fault, _)| fault.way)
    }

    /// As [`next`](Self::next), and so it does.
    pub(crate) fn begin(&self, op: Op) -> Option<Way> {
        let (fault, fired) = self.due(op)?;
        fired.store(true, Relaxed);
        Some(fault.way)
    }

    fn due(&self, op: Op) -> Option<&(Fault, AtomicBool)> {
        let next = self.count(op) + 1;
        let is_due = |(fault, fired): &&(Fault, AtomicBool)| {
            fault.op == op && fault.at == next && !fired.load(Relaxed)
        };
        // Shutdowns come when all is over.
        let may_come = op == Op::Shutdown || !self.healed.load(Relaxed);
        self.faults.iter().filter(|_| may_come).find(is_due)
    }

    /// An operation was done, well or not.
    pub(crate) fn end(&self, op: Op) {
        self.done[op as usize].fetch_add(1, Relaxed);
        let unhappy = lock(&self.witness).as_ref().and_then(|witness| witness().err());
        if let Some(unhappy) = unhappy {
            lock(&self.complaint).get_or_insert(unhappy);
        }
    }

    pub(crate) fn poll_healed(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.healed.load(Relaxed) {
            return Poll::Ready(());
        }
        lock(&self.sleepers).push(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn count(&self, op: Op) -> usize {
        self.done[op as usize].load(Relaxed)
    }

    /// Whether every fault has met its operation.
    pub(super) fn has_fired(&self) -> bool {
        self.faults.iter().all(|(_, fired)| fired.load(Relaxed))
    }

    /// How many sockets and dials do not get on.
    pub(super) fn stalled(&self) -> usize {
        if self.healed.load(Relaxed) { 0 } else { self.stalled.load(Relaxed) }
    }

    /// Waits until one more does not.
    pub(super) async fn stalls(&self) {
        self.stalls.notified().await;
    }

    /// How many sockets there are.
    pub(super) fn wires(&self) -> usize {
        self.wires.load(Relaxed)
    }

    pub(super) fn complaint(&self) -> Option<String> {
        lock(&self.complaint).clone()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("faults", &self.faults).finish_non_exhaustive()
    }
}

/// A socket of a plan, counted.
#[derive(Debug)]
pub(crate) struct Wired(pub(crate) Arc<Plan>);

impl Wired {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        plan.wires.fetch_add(1, Relaxed);
        Self(plan)
    }
}

impl Drop for Wired {
    fn drop(&mut self) {
        self.0.wires.fetch_sub(1, Relaxed);
    }
}

/// Something that does not get on, counted.
#[derive(Debug)]
pub(crate) struct Stalled(Arc<Plan>);

impl Stalled {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
        plan.stalled.fetch_add(1, Relaxed);
        plan.stalls.notify_one();
        Self(Arc::clone(plan))
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        self.0.stalled.fetch_sub(1, Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
