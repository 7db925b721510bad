//! Random events: requests, time, and the agent's face.

use std::time::Duration;

use super::facts::{Answer, ORIGINS, Oracle};
use super::world::{Held, Waiting, World, origin};
use crate::CloseReason;
use crate::pool::state::{CLAIM, Limits, Mode, OriginKey, Outcome, State, Ticket, Turn};

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
        let at = self.rng.below(ORIGINS);
        let arrived = self.state.arrive();
        assert_eq!(arrived.is_some(), self.oracle.arrive());
        if let Some(ticket) = arrived {
            self.request(ticket, at);
        }
    }

    pub(super) fn request(&mut self, ticket: Ticket, at: usize) {
        let (turn, answer) = self.step(
            format!("{ticket:?} asks {at}"),
            |state, now| state.request(&origin(at), ticket, now),
            |oracle, now| oracle.request(at, ticket, now),
        );
        self.turn(turn, answer, ticket, at);
    }

    /// Mostly somebody who was woken.
    fn poll(&mut self) {
        let woken = self.waiting.iter().position(|it| it.woken).filter(|_| self.rng.percent(80));
        let waiting = match woken {
            Some(at) => Some(self.waiting.swap_remove(at)),
            None => self.rng.take(&mut self.waiting),
        };
        let Some(Waiting { ticket, origin, key, .. }) = waiting else { return };
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
                self.held.push(Held { id, request: Some((ticket, origin)), untouched: true });
            }
            Turn::Wait(key) => {
                assert_eq!(answer, Answer::Wait);
                self.waiting.push(Waiting { ticket, origin, key, woken: false });
            }
            Turn::Full => panic!("there is no limit"),
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
            5..9 => due.unwrap_or_default(),
            _ => CLAIM + Duration::from_millis(20),
        };
        // The keeper may be late.
        if self.rng.percent(85) {
            self.tick();
        }
    }

    fn tick(&mut self) {
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

    fn set_limits(&mut self) {
        let (which, few, many) = (self.rng.below(4), self.rng.below(5), 1 + self.rng.below(7));
        let change = |limits: &mut Limits| match which {
            0 => limits.max_sockets = 1 + few,
            1 => limits.max_total_sockets = many,
            2 => limits.max_free_sockets = few,
            _ => limits.max_total_free_sockets = many,
        };
        self.step(
            format!("set_limits {which} {few} {many}"),
            |state, now| state.set_limits(now, change),
            |oracle, now| {
                change(&mut oracle.limits);
                oracle.settle(None, now);
            },
        );
    }

    fn rarely(&mut self) {
        match self.rng.below(100) {
            0..60 => self.close_idle(),
            60..70 => self.destroy(true),
            70..73 => self.destroy(false),
            73..96 => {
                let model = |oracle: &mut Oracle, now| {
                    if oracle.mode != Mode::Destroyed {
                        oracle.mode = Mode::Closing;
                        oracle.close_idle(now, CloseReason::AgentClosed);
                    }
                };
                self.step("close".into(), State::close, model);
            }
            _ => {
                let model = |oracle: &mut Oracle, now| {
                    if oracle.mode == Mode::Open {
                        oracle.mode = Mode::Orphaned;
                        oracle.close_idle(now, CloseReason::AgentDropped);
                    }
                };
                self.step("orphan".into(), State::orphan, model);
            }
        }
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
