//! A real-time limit on a test, from a thread of its own.
//!
//! Not a clock for tests. Called by the fixture, once per case.
//!
//! Invariant: a test that hangs does not hang the whole run, whether it waits or blocks its thread.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

/// A test whose thread is blocked cannot be told by a future: after this much more the process ends.
const GRACE: Duration = Duration::from_secs(5);

/// Armed until dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    expired: oneshot::Receiver<()>,
    /// Its drop ends the thread.
    armed: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// `state` tells what to print when nobody listens any more.
    pub(crate) fn start(limit: Duration, state: impl FnOnce() -> String + Send + 'static) -> Self {
        let (armed, disarmed) = mpsc::channel::<()>();
        let (bark, expired) = oneshot::channel();
        let expires = move |after| disarmed.recv_timeout(after) == Err(RecvTimeoutError::Timeout);
        let watch = move || {
            if expires(limit) {
                let _ = bark.send(());
                if expires(GRACE) {
                    eprintln!("the test blocks its thread for more than {limit:?}: {}", state());
                    process::abort();
                }
            }
        };
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(watch);
        let thread = thread.expect("a thread for the watchdog");
        Self { expired, armed: Some(armed), thread: Some(thread) }
    }

    /// Comes when the limit is over.
    pub(crate) async fn expired(&mut self) {
        // The sender lives as long as the thread, and that as long as `armed`.
        let _ = (&mut self.expired).await;
    }
}

impl Drop for Watchdog {
    /// Waits for the thread, which holds what `state` holds.
    fn drop(&mut self) {
        self.armed.take();
        if let Some(thread) = self.thread.take() {
            // It runs nothing that panics but `state`, and then the process is about to end.
            let _ = thread.join();
        }
    }
}
