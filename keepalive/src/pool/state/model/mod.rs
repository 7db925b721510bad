//! The model test: random events, and after each of them the machine against a simple model of it.
//!
//! - [`world`]: the driver. Carries actions out late and in any order; [`requests`] and [`connections`]
//!   are its random events, with [`hardship`]; [`limits`] are the limits that change meanwhile.
//! - [`facts`], [`oracle`] and [`rare`] (its events), [`rules`] and [`ends`]: the model. Plain lists, scanned anew for
//!   every question; it knows the promises and none of the machine's code.
//! - [`compare`]: the machine's answers, actions, phases, lists and counts against the model's.
//! - [`replay`]: what the machine's notes tell, against the machine.
//! - [`invariants`]: what must hold whatever the model says.
//! - [`liveness`]: nobody starves.
//! - [`streams`]: the same for sockets that carry many requests at once, with a world of its own.
//! - [`seen`]: whether all that matters did happen.
//!
//! `KEEPALIVE_SEED` and `KEEPALIVE_STEPS` set the first seed and the number of steps. A failure prints
//! its seed and the events that led to it; `KEEPALIVE_SEED=<it> KEEPALIVE_STEPS=1` repeats it. A fuzzer chooses
//! the events itself, see [`live`].

mod compare;
mod connections;
mod ends;
mod facts;
mod hardship;
mod invariants;
mod limits;
mod liveness;
mod oracle;
mod rare;
mod replay;
mod requests;
mod rng;
mod rules;
mod seen;
#[cfg(feature = "tls")]
mod streams;
mod world;

use self::seen::Seen;
use self::world::World;

#[cfg(test)]
const STEPS: u64 = 120_000;
/// Events of one machine's life; after these everything is ended and the machine must be empty.
#[cfg(test)]
const LIFE: u64 = 300;

/// One machine's life whose events the bytes choose, all promises checked: the first says which world it is.
///
/// # Panics
///
/// A promise is broken.
#[cfg(feature = "unstable")]
pub fn live(script: &[u8]) {
    match script.split_first() {
        #[cfg(feature = "tls")]
        Some((kind, events)) if kind % 2 == 1 => streams::live(events),
        Some((_, events)) => World::scripted(events).live_on(),
        None => {}
    }
}

#[test]
fn random_events_keep_every_promise() {
    let mut seed = setting("KEEPALIVE_SEED").unwrap_or(1);
    let mut steps = setting("KEEPALIVE_STEPS").unwrap_or(STEPS);
    let mut seen = Seen::default();
    let all = steps >= STEPS;
    while steps > 0 {
        seen.add(&World::new(seed).live(LIFE));
        seed += 1;
        steps = steps.saturating_sub(LIFE);
    }
    if all {
        seen.enough();
    }
}

#[cfg(test)]
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}
