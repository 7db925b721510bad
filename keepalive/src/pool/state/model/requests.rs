//! Random events: requests, time, and the agent's face.

use std::time::Duration;

use super::facts::{Answer, ORIGINS, Oracle, Phase};
use super::world::{Held, Waiting, World, origin};
use crate::CloseReason;
use crate::pool::state::{CLAIM, Mode, OriginKey, Outcome, State, Ticket, Turn};

/// Requests and time.
impl World {
    pub(super) fn event(&mut self) {
        match self.rng.below(100) {
            0..20 => self.ask(),
            20..38 => self.poll(),
            38..44 => self.cancel(),
            44..58 => self.end_dial(),
            58..74 => self.end_use(),
            74..83 => self.end_closing(),
            83..86 => self.inspect(),
            86..95 => self.pass(),
            95..98 => self.set_limits(),
            _ => self.rarely(),
        }
    }

    fn ask(&mut self) {
        // Without quiet times there would hardly be idle sockets.
        if self.rng.percent(3) {
            self.crowd = self.rng.below(16);
        }
        if self.waiting.len() > self.crowd {
            return;
        }
        self.ask_somewhere();
    }

    pub(super) fn ask_somewhere(&mut self) {
        let at = self.rng.below(ORIGINS);
        let arrived = self.state.arrive();
        assert_eq!(arrived.is_some(), self.oracle.arrive());
        if let Some(ticket) = arrived {
            self.request(ticket, at, true);
        }
    }

    pub(super) fn request(&mut self, ticket: Ticket, at: usize, is_new: bool) {
        let (turn, answer) = self.step(
            format!("{ticket:?} asks {at}"),
            |state, now| state.request(&origin(at), ticket, now),
            |oracle, now| oracle.request(at, ticket, is_new, now),
        );
        self.turn(turn, answer, ticket, at);
    }

    /// Mostly somebody who was woken.
    fn poll(&mut self) {
        let woken = self.waiting.iter().position(|it| it.woken).filter(|_| self.rng.percent(80));
        let any = (!self.waiting.is_empty()).then(|| self.rng.below(self.waiting.len()));
        woken.or(any).into_iter().for_each(|at| self.poll_at(at));
    }

    pub(super) fn poll_at(&mut self, at: usize) {
        let Waiting { ticket, origin, key, .. } = self.waiting.swap_remove(at);
        let (turn, answer) = self.step(
            format!("{ticket:?} polls"),
            |state, now| state.poll_waiter(key, now),
            |oracle, now| oracle.poll(ticket, now),
        );
        self.turn(turn, answer, ticket, origin);
    }

    fn turn(&mut self, turn: Turn, answer: Answer, ticket: Ticket, origin: usize) {
        match turn {
            Turn::Go(key) => {
                let id = self.state.socket_id(key);
                assert_eq!(answer, Answer::Go(id));
                assert!(self.held.iter().all(|held| held.id != id), "{id} is held twice");
                // Found dead by the very poll that got it, or good.
                if self.rng.percent(10) {
                    self.ask_again(id, ticket, origin);
                } else {
                    self.held.push(Held { id, request: Some((ticket, origin)), untouched: true });
                }
            }
            Turn::Wait(key) => {
                assert_eq!(answer, Answer::Wait);
                self.waiting.push(Waiting { ticket, origin, key, woken: false });
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
        self.now += match self.rng.below(10) {
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
        let mut order = [usize::MAX; ORIGINS];
        for (index, place) in order.iter_mut().enumerate() {
            *place = self.state.index.get(&origin(index)).map_or(usize::MAX, |&OriginKey(key)| key);
        }
        self.seen.lapses += self.oracle.sockets.iter().filter(|it| it.is_overdue(self.now)).count() as u64;
        let name = format!("tick, {:?} later", self.now - self.start);
        self.step(name, State::tick, |oracle, now| oracle.tick(now, order));
        assert!(self.state.next_deadline().is_none_or(|at| at > self.now), "what is due is done");
        self.seen.ramps += self.oracle.pace.iter().filter(|it| it.ramp > 1).count() as u64;
    }

    fn rarely(&mut self) {
        match self.rng.below(100) {
            0..40 => self.close_idle(),
            40..55 => self.retire(),
            55..70 => self.destroy(true),
            70..74 => self.destroy(false),
            74..83 => {
                let model = |oracle: &mut Oracle, now| {
                    if oracle.mode != Mode::Destroyed {
                        oracle.mode = Mode::Closing;
                        oracle.close_idle(now, CloseReason::AgentClosed);
                    }
                };
                self.step("close".into(), State::close, model);
            }
            83..88 => {
                let model = |oracle: &mut Oracle, now| {
                    if oracle.mode == Mode::Open {
                        oracle.mode = Mode::Orphaned;
                        oracle.close_idle(now, CloseReason::AgentDropped);
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
            |state, now| state.close_idle(now, CloseReason::CloseIdle),
            |oracle, now| oracle.close_idle(now, CloseReason::CloseIdle),
        );
    }
}
