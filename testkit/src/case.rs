//! The fixture: runs a test on a client's runtime and fails it if it leaves a socket or a task behind.
//!
//! Not a test harness: it is called inside `#[test]` functions.
//!
//! Invariants:
//! 1. The case keeps its origins alive until after the check, so that what the test dropped, and not the end
//!    of an origin, must have closed the sockets.
//! 2. In a paused case time moves only by `tokio::time::advance`, however long the runtime waits for sockets.
//! 3. A case ends in bounded real time.

use std::fmt;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::held::held;
#[cfg(feature = "http2")]
use crate::http2::{FrameBuilder, FrameOrigin};
use crate::listen::Address;
use crate::plain::{PlainBuilder, PlainOrigin};
use crate::scripted::{ScriptedBuilder, ScriptedOrigin};
use crate::server::{Ledger, Server};
#[cfg(feature = "tls")]
use crate::tls::ServerTls;
use crate::watchdog::Watchdog;

/// The limits of every public entry. A test takes milliseconds; these are for what hangs.
const LIMITS: Limits = Limits { run: Duration::from_secs(30), settle: Duration::from_secs(15) };

/// Between two looks at what is left the fixture sleeps this long, in real time.
const NAP: Duration = Duration::from_millis(1);
/// How far a paused clock moves at each look: what ends by itself does so within a few.
const STEP: Duration = Duration::from_millis(10);

/// Runs a test on a current-thread runtime.
///
/// ```
/// use testkit::{Case, Script, ok};
///
/// testkit::run(async |case: &Case| {
///     let origin = case.scripted(Script::new().request().send(ok("hello")));
///     let client = tokio::net::TcpStream::connect(origin.addr()).await.unwrap();
///     drop(client); // with this line gone from a test that keeps the socket, the test fails
/// });
/// ```
///
/// # Panics
///
/// If the test panics; if it takes more than 30 s; if 5 s after it a connection to one of the case's origins
/// is open, a client's socket to one of them is not closed (seen on Linux also where the origin closed its
/// side), or a task of the runtime lives.
pub fn run(test: impl AsyncFnOnce(&Case)) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    run_on(&runtime, false, LIMITS, test);
}

/// Runs a test on a current-thread runtime whose clock stands still until `tokio::time::advance` moves it.
///
/// Sockets work as ever, and so do the origins, whose clock runs. Waiting for a socket does not move the
/// client's clock, unlike with a bare `start_paused`.
///
/// # Panics
///
/// As [`run`]; for the check 5 s pass on the paused clock, too.
pub fn run_paused(test: impl AsyncFnOnce(&Case)) {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    run_on(&runtime, true, LIMITS, test);
}

/// Runs a test on a runtime with this many worker threads.
///
/// # Panics
///
/// As [`run`].
pub fn run_threads(workers: usize, test: impl AsyncFnOnce(&Case)) {
    let runtime =
        Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("a runtime");
    run_on(&runtime, false, LIMITS, test);
}

/// A running test: starts origins that are checked when it is over.
#[derive(Debug, Default)]
pub struct Case {
    origins: Origins,
    /// For origins that say nothing of TLS.
    #[cfg(feature = "tls")]
    tls: OnceLock<ServerTls>,
}

impl Case {
    /// Makes origins that are started from now on speak TLS, unless they were told otherwise.
    ///
    /// # Panics
    ///
    /// The second time.
    #[cfg(feature = "tls")]
    pub fn speak_tls(&self, tls: &ServerTls) {
        self.tls.set(tls.clone()).expect("said once");
    }

    /// Starts a scripted origin, from its builder or from the one [`Script`](crate::Script) of all connections.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[track_caller]
    pub fn scripted(&self, origin: impl Into<ScriptedBuilder>) -> ScriptedOrigin {
        let origin = origin.into();
        #[cfg(feature = "tls")]
        let origin = origin.tls_if_unset(self.tls.get());
        let origin = origin.start();
        self.origins.keep(origin.server());
        origin
    }

    /// Starts a plain origin.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[track_caller]
    pub fn plain(&self, origin: PlainBuilder) -> PlainOrigin {
        #[cfg(feature = "tls")]
        let origin = origin.tls_if_unset(self.tls.get());
        let origin = origin.start();
        self.origins.keep(origin.server());
        origin
    }

    /// Starts an origin that follows a script of frames.
    ///
    /// # Panics
    ///
    /// If it cannot listen.
    #[cfg(feature = "http2")]
    #[track_caller]
    pub fn frames(&self, origin: FrameBuilder) -> FrameOrigin {
        let origin = origin.start();
        self.origins.keep(origin.server());
        origin
    }
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    /// For the test itself.
    run: Duration,
    /// For what it dropped to be gone.
    settle: Duration,
}

/// The origins of a case, shared with its watchdog.
#[derive(Clone, Default)]
struct Origins(Arc<Mutex<Vec<Arc<dyn Origin>>>>);

impl Origins {
    fn keep(&self, origin: Arc<dyn Origin>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(origin);
    }

    fn all(&self) -> Vec<Arc<dyn Origin>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

/// What the fixture asks of either kind of origin.
trait Origin: fmt::Debug + Send + Sync {
    /// Connections that have not ended at the origin.
    fn open(&self) -> usize;

    /// Where it listens, if that is TCP.
    fn tcp(&self) -> Option<SocketAddr>;
}

impl<L: Ledger> Origin for Server<L> {
    fn open(&self) -> usize {
        self.ledger().see(Ledger::open)
    }

    fn tcp(&self) -> Option<SocketAddr> {
        match self.address() {
            Address::Tcp(address) => Some(*address),
            #[cfg(unix)]
            Address::Unix(_) => None,
        }
    }
}

/// Keeps a paused clock from moving by itself: tokio does not auto-advance while a blocking task runs.
#[derive(Debug)]
struct Still {
    /// Its drop ends the task.
    _parked: Sender<()>,
}

impl Still {
    fn new(runtime: &Runtime) -> Self {
        let (still, over) = mpsc::channel();
        runtime.handle().spawn_blocking(move || over.recv());
        Self { _parked: still }
    }
}

fn run_on(runtime: &Runtime, paused: bool, limits: Limits, test: impl AsyncFnOnce(&Case)) {
    // Dropped before the runtime, whose own drop waits for blocking tasks.
    let _still = paused.then(|| Still::new(runtime));
    let case = Case::default();
    let origins = case.origins.clone();
    let mut watchdog = Watchdog::start(limits.run, move || format!("{origins:#?}"));
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = watchdog.expired() => panic!("the test takes more than {:?}: {:#?}", limits.run, case.origins),
            () = test(&case) => {}
        }
    });
    drop(watchdog);
    settle(runtime, paused, limits.settle, &case.origins);
}

/// Waits until nothing is left of what the test began.
fn settle(runtime: &Runtime, paused: bool, limit: Duration, origins: &Origins) {
    let origins = origins.all();
    let addresses: Vec<_> = origins.iter().filter_map(|origin| origin.tcp()).collect();
    let end = Instant::now() + limit;
    loop {
        // Read before the look, which may take long itself: the last one must not be from before the end.
        let now = Instant::now();
        runtime.block_on(turn(paused));
        let connections: usize = origins.iter().map(|origin| origin.open()).sum();
        let sockets = held(&addresses);
        let tasks = runtime.metrics().num_alive_tasks();
        if connections + sockets + tasks == 0 {
            return;
        }
        assert!(
            now < end,
            "the test left behind {connections} open connections, {sockets} client sockets, {tasks} tasks: {origins:#?}"
        );
        std::thread::sleep(NAP);
    }
}

/// Lets every task of the client run that can, and a paused clock go on by one nap.
async fn turn(paused: bool) {
    if paused {
        tokio::time::advance(STEP).await;
    }
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::net::TcpStream;
    use tokio::runtime::Builder;

    use super::{Case, Limits, run_on};
    use crate::Script;

    /// For tests that must fail: the limits decide only how soon.
    const SHORT: Limits = Limits { run: Duration::from_millis(200), settle: Duration::from_millis(200) };

    fn fails(paused: bool, test: impl AsyncFnOnce(&Case)) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap();
        run_on(&runtime, paused, SHORT, test);
    }

    async fn leak_a_socket(case: &Case) {
        let origin = case.scripted(Script::new());
        let socket = TcpStream::connect(origin.addr()).await.unwrap();
        origin.wait(|record| record.open() == 1).await;
        std::mem::forget(socket.into_std().unwrap());
    }

    #[test]
    #[should_panic(expected = "left behind 1 open connections")]
    fn a_socket_left_behind_fails() {
        fails(false, leak_a_socket);
    }

    #[test]
    #[should_panic(expected = "left behind 1 open connections")]
    fn a_socket_left_behind_fails_a_paused_case() {
        fails(true, leak_a_socket);
    }

    #[cfg(target_os = "linux")]
    #[test]
    #[should_panic(expected = "left behind 0 open connections, 1 client sockets, 0 tasks")]
    fn a_socket_left_behind_fails_though_the_origin_closed_it() {
        fails(false, async |case: &Case| {
            let origin = case.scripted(Script::new().close());
            let socket = TcpStream::connect(origin.addr()).await.unwrap();
            origin.wait(|record| record.accepted() == 1 && record.open() == 0).await;
            std::mem::forget(socket.into_std().unwrap());
        });
    }

    #[test]
    #[should_panic(expected = "left behind 0 open connections, 0 client sockets, 1 tasks")]
    fn a_task_left_behind_fails() {
        fails(false, async |_: &Case| drop(tokio::spawn(pending::<()>())));
    }

    #[test]
    #[should_panic(expected = "left behind 0 open connections, 0 client sockets, 1 tasks")]
    fn a_task_left_behind_fails_a_paused_case() {
        fails(true, async |_: &Case| drop(tokio::spawn(pending::<()>())));
    }

    #[test]
    #[should_panic(expected = "the test takes more than 200ms")]
    fn a_test_that_hangs_fails() {
        fails(false, async |_: &Case| pending().await);
    }

    #[test]
    #[should_panic(expected = "the test takes more than 200ms")]
    fn a_test_that_hangs_fails_though_its_clock_stands_still() {
        fails(true, async |_: &Case| pending().await);
    }

    #[test]
    #[should_panic(expected = "as the test said")]
    fn a_test_that_panics_fails_with_its_own_words() {
        fails(true, async |_: &Case| panic!("as the test said"));
    }
}
