//! The model test of sockets that carry many requests: random events at origins that are known to, that
//! choose, and that never do, side by side.
//!
//! - [`world`]: the driver, and a ledger of its own: who holds a stream of what, what each peer allows,
//!   what each server chose. [`events`] are its random events.
//! - [`checks`]: what must hold after each of them, by the ledger and by a look at the machine.
//! - [`seen`]: whether all that matters did happen.
//!
//! Unlike the model beside it, it does not say what the machine will do; that is said by the tables.

mod checks;
mod events;
mod seen;
mod world;

#[cfg(test)]
use self::seen::Seen;
use self::world::World;
#[cfg(test)]
use super::setting;

#[cfg(test)]
const STEPS: u64 = 80_000;
/// Events of one machine's life.
#[cfg(test)]
const LIFE: u64 = 200;

/// One machine's life whose events the bytes choose.
#[cfg(feature = "unstable")]
pub(super) fn live(script: &[u8]) {
    World::scripted(script).live_on();
}

#[test]
fn random_streams_keep_every_promise() {
    let mut seed = setting("KEEPALIVE_SEED").unwrap_or(1);
    let mut steps = setting("KEEPALIVE_STEPS").unwrap_or(STEPS);
    let all = steps >= STEPS;
    let mut seen = Seen::default();
    while steps > 0 {
        seen.add(World::new(seed).live(LIFE));
        seed += 1;
        steps = steps.saturating_sub(LIFE);
    }
    if all {
        seen.enough();
    }
}
