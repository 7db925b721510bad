//! One line on stderr that says where the bench is; none where stderr is not a terminal.

use std::io::{IsTerminal, Write, stderr};

pub(super) struct Progress {
    shown: bool,
    done: usize,
    of: usize,
}

impl Progress {
    pub(super) fn new(of: usize) -> Self {
        Self { shown: stderr().is_terminal(), done: 0, of }
    }

    pub(super) fn step(&mut self, round: u32, work: &str, client: &str) {
        self.done += 1;
        if self.shown {
            let (done, of, round) = (self.done, self.of, round + 1);
            let _ = write!(stderr(), "\r\x1b[Kround {round}, run {done} of {of}: {work}, {client}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
