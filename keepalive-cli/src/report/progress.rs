//! The progress bar: on standard error if that is a terminal, and nowhere else.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar, or nothing. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Begins one. `total` is how many requests there will be, if that is known.
    pub(crate) fn new(total: Option<usize>) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total as u64), WITH_TOTAL),
            None => (ProgressBar::new_spinner(), WITHOUT_TOTAL),
        };
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        bar.set_message("0 failed");
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// One more request is done.
    pub(crate) fn advance(&self, failed: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
            bar.set_message(format!("{failed} failed"));
        }
    }

    /// Takes the bar away while something else is printed, so that the two do not mix on a terminal.
    pub(crate) fn pause<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes it away for good.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

const WITH_TOTAL: &str = "{bar:30} {pos}/{len} done, {msg}, {per_sec}, {eta} left";

const WITHOUT_TOTAL: &str = "{spinner} {pos} done, {msg}, {per_sec}, {elapsed}";

/// The bar also moves while no request ends.
const TICK: Duration = Duration::from_millis(100);
