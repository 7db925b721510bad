//! The writer of standard output: a thread that takes whole lines, so that a slow reader holds up neither
//! the requests' clocks nor a signal.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::progress::Progress;
use crate::exit::Fault;

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Lines {
    sender: mpsc::Sender<String>,
    /// Comes when the thread is done.
    written: oneshot::Receiver<io::Result<()>>,
}

/// The writer takes no more.
#[derive(Debug)]
pub(crate) struct Closed;

impl Lines {
    /// Starts the thread.
    pub(crate) fn start(progress: Progress) -> Result<Self, Fault> {
        let (sender, lines) = mpsc::channel(WAITING);
        let (done, written) = oneshot::channel();
        let write = move || {
            // Nobody waits for it when the program has been stopped.
            let _ = done.send(write(lines, &progress));
        };
        let thread = thread::Builder::new().name("output".to_owned()).spawn(write);
        thread.map_err(|error| Fault::io("cannot start", "a thread", &error))?;
        Ok(Self { sender, written })
    }

    /// Waits until there is room for a line.
    pub(crate) async fn reserve(&self) -> Result<mpsc::Permit<'_, String>, Closed> {
        self.sender.reserve().await.map_err(|_| Closed)
    }

    /// Gives it a line if there is room.
    pub(crate) fn offer(&self, line: String) {
        let _ = self.sender.try_send(line);
    }

    /// Waits until all lines are written.
    ///
    /// # Errors
    ///
    /// Standard output did not take them, see [`Fault::stdout`].
    pub(crate) async fn finish(self) -> Result<(), Fault> {
        drop(self.sender);
        self.written.await.unwrap_or(Ok(())).map_err(|error| Fault::stdout(&error))
    }

    /// As [`finish`](Self::finish), but gives a stuck reader only a moment.
    pub(crate) async fn finish_soon(self) -> Result<(), Fault> {
        tokio::time::timeout(MOMENT, self.finish()).await.unwrap_or(Ok(()))
    }
}

/// Writes what comes, and flushes when nothing more is there.
fn write(mut lines: mpsc::Receiver<String>, progress: &Progress) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    // Elsewhere the bar is not in the way, and a reader that is stuck must not stop it.
    let pauses = io::stdout().is_terminal();
    let mut batch = Vec::with_capacity(WAITING);
    while lines.blocking_recv_many(&mut batch, WAITING) > 0 {
        let mut write = || {
            batch.drain(..).try_for_each(|line| out.write_all(line.as_bytes()))?;
            out.flush()
        };
        if pauses { progress.pause(write)? } else { write()? }
    }
    Ok(())
}

/// Lines that may wait for the writer: enough for it to write many at once.
const WAITING: usize = 64;

/// How long a program that was stopped waits for a reader that does not read.
const MOMENT: Duration = Duration::from_millis(500);
