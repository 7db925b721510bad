//! Every socket and every request is in exactly one place, at any instant.

use crate::{OriginStatus, Status};

pub(super) fn check(status: &Status) -> Result<(), String> {
    let it = &status.totals;
    let sum = |count: fn(&OriginStatus) -> usize| status.origins.iter().map(count).sum::<usize>();
    let open = it.active + it.idle + it.connecting + it.draining + it.closing + it.upgraded;
    let ended = it.done + it.failed + it.cancelled;
    for (what, holds) in [
        ("opened = the phases + closed", it.opened == open as u64 + it.closed),
        ("closed = the sum of its reasons", it.closed == it.closed_by.values().sum::<u64>()),
        ("requests = ended + running + waiting", it.requests == ended + it.running + it.waiting as u64),
        ("active = the origins'", sum(|it| it.active) == it.active),
        ("idle = the origins'", sum(|it| it.idle) == it.idle),
        ("connecting = the origins'", sum(|it| it.connecting) == it.connecting),
        ("draining = the origins'", sum(|it| it.draining) == it.draining),
        ("closing = the origins'", sum(|it| it.closing) == it.closing),
        ("queued = the origins', and waits", sum(|it| it.queued) == it.queued && it.queued <= it.waiting),
        ("nobody is above its limit", status.origins.iter().all(is_within_limit)),
    ] {
        if !holds {
            return Err(format!("it does not hold that {what}: {status:#?}"));
        }
    }
    Ok(())
}

fn is_within_limit(it: &OriginStatus) -> bool {
    let open = it.active + it.idle + it.connecting + it.draining + it.closing;
    it.max_sockets.is_none_or(|most| open <= most)
}
