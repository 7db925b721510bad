//! What a request that waited too long is told: what held the sockets, and what to do about it.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Inner, Pool};
use crate::error::{Error, Phase};
use crate::{Origin, clock};

/// The error of a request that waited `waited` in vain for a socket to `origin`.
pub(super) fn explain(pool: &Pool, origin: &Origin, waited: Duration) -> Error {
    let now = clock::now().into_std().saturating_duration_since(pool.epoch);
    let inner = pool.lock();
    let of_origin = Holders::count(&inner, Some(origin), now);
    let at_origin_cap = of_origin.sockets >= inner.state.limits().max_sockets;
    let holders = if at_origin_cap { of_origin } else { Holders::count(&inner, None, now) };
    let at_total_cap = holders.sockets >= inner.state.limits().max_total_sockets;
    let refused = inner.state.has_refused(origin);
    drop(inner);

    let option = if at_origin_cap { "max_sockets" } else { "max_total_sockets" };
    let whose = if at_origin_cap { "" } else { " of the agent" };
    let text = match holders {
        _ if !at_origin_cap && !at_total_cap && refused => format!(
            "{} in the queue for {origin}: the last dial there failed, and until one succeeds there is only one at a time; see whether the server can be reached",
            Seconds(waited),
        ),
        Holders { sockets, .. } if sockets == 0 || (!at_origin_cap && !at_total_cap) => {
            format!("{} in the queue for {origin}: no connection came about", Seconds(waited))
        }
        Holders { sockets, connecting, .. } if connecting == sockets => format!(
            "{} in the queue for {origin}: all {sockets} sockets{whose} are still connecting; see whether the server can be reached, or raise {option}",
            Seconds(waited),
        ),
        Holders { sockets, connecting, reading: 0, .. } => {
            let connecting = match connecting {
                0 => String::new(),
                some => format!(", {some} of them still connecting"),
            };
            format!(
                "{} in the queue for {origin}: all {sockets} sockets{whose} are in use{connecting}; make fewer requests at once, or raise {option}",
                Seconds(waited),
            )
        }
        Holders { sockets, reading, oldest, .. } => format!(
            "{} in the queue for {origin}: all {sockets} sockets{whose} are held, {reading} by response bodies not read to the end (oldest {}); read or drop the bodies, or raise {option}",
            Seconds(waited),
            Seconds(oldest),
        ),
    };
    Error::timeout(Phase::Queue, text)
}

/// Who holds the sockets of an origin, or of all.
struct Holders {
    sockets: usize,
    /// Those that are being dialled.
    connecting: usize,
    /// Those with a response whose body is not read to the end.
    reading: usize,
    /// How long the oldest of these has been so.
    oldest: Duration,
}

impl Holders {
    /// `now` is the time since the pool's epoch.
    fn count(inner: &Inner, origin: Option<&Origin>, now: Duration) -> Self {
        let mut holders = Self { sockets: 0, connecting: 0, reading: 0, oldest: Duration::ZERO };
        for key in inner.state.sockets_of(origin) {
            holders.sockets += 1;
            holders.connecting += usize::from(inner.state.has_no_connection(key));
            let since = inner
                .sockets
                .get(key.0)
                .and_then(|held| held.about.as_ref())
                .map_or(0, |about| about.body_since.load(Ordering::Relaxed));
            if since > 0 {
                holders.reading += 1;
                holders.oldest = holders.oldest.max(now.saturating_sub(Duration::from_nanos(since - 1)));
            }
        }
        holders
    }
}

/// A duration as people say it: `30 s`, `1.5 s`, `250 ms`.
pub(crate) struct Seconds(pub(crate) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis < 1000 {
            write!(f, "{millis} ms")
        } else if millis < 10_000 && millis % 1000 >= 100 {
            write!(f, "{}.{} s", millis / 1000, millis % 1000 / 100)
        } else {
            write!(f, "{} s", millis / 1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (millis, text) in [(0, "0 ms"), (250, "250 ms"), (1000, "1 s"), (1540, "1.5 s"), (30_040, "30 s")]
        {
            assert_eq!(Seconds(Duration::from_millis(millis)).to_string(), text);
        }
    }
}
