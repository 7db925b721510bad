//! SIGINT and SIGTERM as something that can be waited for, so that the work is ended in order.

use crate::exit::{Exit, Fault};

/// Both signals, from the moment this is made.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Takes the signals over. Inside a runtime only.
    pub(crate) fn new() -> Result<Self, Fault> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind, name| signal(kind).map_err(|error| Fault::io("cannot listen for", name, &error));
        Ok(Self {
            interrupt: take(SignalKind::interrupt(), "SIGINT")?,
            terminate: take(SignalKind::terminate(), "SIGTERM")?,
        })
    }

    /// The next signal, as the exit code that belongs to it.
    ///
    /// # Cancel safety
    ///
    /// No signal is lost.
    pub(crate) async fn recv(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Nothing to take over: Ctrl-C is asked for when it is waited for.
    #[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
    pub(crate) fn new() -> Result<Self, Fault> {
        Ok(Self {})
    }

    /// Ctrl-C, as the exit code of SIGINT.
    pub(crate) async fn recv(&mut self) -> Exit {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Exit::Interrupted,
            Err(_) => std::future::pending().await,
        }
    }
}
