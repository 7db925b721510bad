//! Promise 2: nobody starves.

use std::time::Duration;

use super::world::World;

impl World {
    /// Everybody does his part: uses, dials and closings end, waiters are polled, time passes, and the
    /// limits stay as they are; newcomers keep coming. Those who wait now are served, or fail, within a
    /// number of rounds that depends on their own number alone.
    pub(super) fn nobody_starves(&mut self) {
        if self.rng.percent(30) {
            self.lower_the_caps();
        }
        self.seen.written_in_time += self.waiting.iter().filter(|it| it.written).count() as u64;
        let old: Vec<_> = self.waiting.iter().map(|it| it.ticket).collect();
        let mut rounds = 0;
        while self.waiting.iter().any(|it| old.contains(&it.ticket)) {
            assert!(rounds < 8 + 4 * old.len(), "{old:?} waited, and of them still {:?}", self.waiting);
            rounds += 1;
            (0..2).for_each(|_| self.ask_somewhere());
            (0..self.closing.len()).for_each(|_| self.end_closing());
            (0..self.dialing.len()).for_each(|_| self.end_dial());
            (0..self.held.len()).for_each(|_| self.end_use());
            for ticket in self.waiting.iter().map(|it| it.ticket).collect::<Vec<_>>() {
                let at = self.waiting.iter().position(|it| it.ticket == ticket);
                at.into_iter().for_each(|at| self.poll_at(at));
            }
            let deadline = self.state.next_deadline();
            self.now = deadline.unwrap_or(self.now + Duration::from_millis(1)).max(self.now);
            self.tick();
        }
        self.seen.served_in_time += old.len() as u64;
    }
}
