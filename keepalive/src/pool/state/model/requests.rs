//! Random events: requests, time, and the agent's face.

use std::time::Duration;

use super::facts::{ALL, Answer, Ask, ORIGINS, Oracle, Phase, Place};
use super::world::{Held, Waiting, World, origin};
use crate::pool::state::{CLAIM, Mode, Outcome, State, Ticket, Turn};

/// Requests and time.
impl World {
    pub(super) fn event(&mut self) {
        match self.rng.below(100) {
            0..20 => self.ask(),
            20..38 => self.poll(),
            38..41 => self.cancel(),
            41 => self.lull(),
            42..44 => self.restart(),
            44..58 => self.end_dial(),
            58..74 => self.end_use(),
            74..83 => self.end_closing(),
            83..86 => self.inspect(),
            86..88 => self.lack_descriptors(),
            88..94 => self.pass(),
            94 => self.suspend(),
            95..98 => self.set_limits(),
            _ => self.rarely(),
        }
    }

    fn ask(&mut self) {
        // Without quiet times there would hardly be idle sockets.
        if self.rng.percent(3) {
            self.crowd = self.rng.below(if self.roomy { 5 } else { 16 });
        }
        if self.waiting.len() > self.crowd {
            return;
        }
        self.ask_somewhere();
    }

    pub(super) fn ask_somewhere(&mut self) {
        let at = self.rng.below(ORIGINS);
        self.ask_at(at);
    }

    pub(super) fn ask_at(&mut self, at: usize) {
        let arrived = self.state.arrive();
        assert_eq!(arrived.is_some(), self.oracle.arrive());
        if let Some(ticket) = arrived {
            self.request(ticket, at, Ask::New);
        }
    }

    pub(super) fn request(&mut self, ticket: Ticket, at: usize, ask: Ask) {
        let (turn, answer) = self.step(
            format!("{ticket:?} asks {at}: {ask:?}"),
            |state, now| match ask {
                Ask::New | Ask::Again => state.request(&origin(at), ticket, now),
                Ask::Retry => state.request_again(&origin(at), ticket, now),
                Ask::Fresh => state.request_fresh(&origin(at), ticket, now),
            },
            |oracle, now| oracle.request(at, ticket, ask, now),
        );
        let written = matches!(ask, Ask::Retry | Ask::Fresh);
        assert!(!written || !matches!(turn, Turn::Go(_)), "what is there already is not fresh");
        self.turn(turn, answer, ticket, at, written);
    }

    /// Mostly somebody who was woken.
    fn poll(&mut self) {
        if self.sleepy && self.rng.percent(60) {
            return;
        }
        let woken = self.waiting.iter().position(|it| it.woken).filter(|_| self.rng.percent(80));
        let any = (!self.waiting.is_empty()).then(|| self.rng.below(self.waiting.len()));
        woken.or(any).into_iter().for_each(|at| self.poll_at(at));
    }

    pub(super) fn poll_at(&mut self, at: usize) {
        let Waiting { ticket, origin, key, written, .. } = self.waiting.swap_remove(at);
        let asleep = self.oracle.waiter(ticket).place == Place::Asleep;
        let (turn, answer) = self.step(
            format!("{ticket:?} polls"),
            |state, now| state.poll_waiter(key, now),
            |oracle, now| oracle.poll(ticket, now),
        );
        if asleep {
            *(match turn {
                Turn::Go(_) => &mut self.seen.sleepers_served,
                _ => &mut self.seen.sleepers_waiting,
            }) += 1;
        }
        self.turn(turn, answer, ticket, origin, written);
    }

    fn turn(&mut self, turn: Turn, answer: Answer, ticket: Ticket, origin: usize, written: bool) {
        match turn {
            Turn::Go(key) => {
                let id = self.state.socket_id(key);
                assert_eq!(answer, Answer::Go(id));
                assert!(self.held.iter().all(|held| held.id != id), "{id} is held twice");
                if written {
                    assert_eq!(self.state.served(key), 1, "{id} was used before");
                    self.seen.fresh += 1;
                }
                // Found dead by the very poll that got it, or good.
                if self.rng.percent(10) {
                    self.ask_again(id, ticket, origin, written);
                } else {
                    self.held.push(Held { id, request: Some((ticket, origin)), written, untouched: true });
                }
            }
            Turn::Wait(key) => {
                assert_eq!(answer, Answer::Wait);
                self.waiting.push(Waiting { ticket, origin, key, written, woken: false });
            }
            Turn::Full => {
                assert_eq!(answer, Answer::Full);
                self.seen.full += 1;
            }
            Turn::Failed => assert_eq!(answer, Answer::Failed),
        }
    }

    pub(super) fn cancel(&mut self) {
        let Some(Waiting { ticket, key, .. }) = self.rng.take(&mut self.waiting) else { return };
        let outcome = if self.rng.percent(70) { Outcome::Cancelled } else { Outcome::Failed };
        self.step(
            format!("{ticket:?} leaves: {outcome:?}"),
            |state, now| state.leave_queue(key, outcome, now),
            |oracle, now| oracle.leave(ticket, outcome, now),
        );
    }

    fn pass(&mut self) {
        let due = self.state.next_deadline().map(|at| at.saturating_duration_since(self.now));
        let kinds = if self.sleepy { 12 } else { 10 };
        self.now += match self.rng.below(kinds) {
            0..5 => Duration::from_micros(self.rng.below(4000) as u64),
            5..8 => due.unwrap_or_default(),
            8 => self.an_age().unwrap_or_default(),
            _ => CLAIM + Duration::from_millis(20),
        };
        if self.rng.percent(self.on_time) {
            self.tick();
        }
    }

    /// Until a socket in use is too old, which is no deadline.
    fn an_age(&self) -> Option<Duration> {
        let used = self.oracle.sockets.iter().filter(|it| it.phase == Phase::Active);
        let ends = used.filter_map(|it| it.end_of_age).filter(|&end| end > self.now);
        ends.min().map(|end| end - self.now)
    }

    pub(super) fn tick(&mut self) {
        self.seen.lapses += self.oracle.sockets.iter().filter(|it| it.is_overdue(self.now)).count() as u64;
        let name = format!("tick, {:?} later", self.now - self.start);
        self.step(name, State::tick, Oracle::tick);
        assert!(self.state.next_deadline().is_none_or(|at| at > self.now), "what is due is done");
        self.seen.ramps += self.oracle.pace.iter().filter(|it| it.ramp > 1).count() as u64;
    }

    fn rarely(&mut self) {
        // The agent's end comes early enough in the other lives.
        match self.rng.below(if self.roomy { 70 } else { 100 }) {
            0..40 => self.close_idle(),
            40..55 => self.retire(),
            55..70 => self.destroy(true),
            70..74 => self.destroy(false),
            74..83 => {
                let model = |oracle: &mut Oracle, now| {
                    if oracle.mode != Mode::Destroyed {
                        oracle.mode = Mode::Closing;
                        oracle.settle(&ALL, now);
                    }
                };
                self.step("close".into(), State::close, model);
            }
            83..88 => {
                let model = |oracle: &mut Oracle, now| {
                    if oracle.mode == Mode::Open {
                        oracle.mode = Mode::Orphaned;
                        oracle.settle(&ALL, now);
                    }
                };
                self.step("orphan".into(), State::orphan, model);
            }
            _ => {}
        }
    }

    fn retire(&mut self) {
        self.seen.retired +=
            self.state.sockets.iter().filter(|(_, it)| it.id >= self.state.retired).count() as u64;
        self.step("retire".into(), State::retire, Oracle::retire);
    }

    fn destroy(&mut self, stay_open: bool) {
        self.step(
            format!("destroy, stay open: {stay_open}"),
            |state, now| state.destroy(now, stay_open),
            |oracle, now| oracle.destroy(now, stay_open),
        );
    }

    pub(super) fn close_idle(&mut self) {
        self.step(
            "close_idle".into(),
            |state, now| state.close_idle(now, crate::CloseReason::CloseIdle),
            |oracle, now| oracle.close_idle(now, crate::CloseReason::CloseIdle),
        );
    }
}
