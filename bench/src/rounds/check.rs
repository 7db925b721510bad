//! Whether a client has done what it was told: a figure of other work would be worse than none.

use crate::job::Outcome;
use crate::work::{Kind, Work};

/// An error says what is wrong.
pub(super) fn check(work: &Work, outcome: &Outcome) -> Result<(), String> {
    let &Outcome { requests, body_bytes, errors, cpu_s, .. } = outcome;
    if errors > 0 {
        return Err(format!("{errors} requests failed"));
    }
    match work.kind {
        Kind::Idle if outcome.idle.is_none() => return Err("says nothing of its idle sockets".into()),
        Kind::Idle => return Ok(()),
        Kind::Queue if outcome.latency_us.is_none_or(|times| times.p50 < 1.0) => {
            return Err(format!("the times of its requests cannot be: {:?}", outcome.latency_us));
        }
        _ => {}
    }
    if requests == 0 || cpu_s <= 0.0 {
        return Err(format!("{requests} requests in {cpu_s} s of CPU time"));
    }
    if work.is_cold() && requests != work.tasks as u64 {
        return Err(format!("{requests} requests, not {}", work.tasks));
    }
    // A client may count the bytes before the end of their body.
    let (body, under_way) = (work.ask.body() as u64, if work.is_cold() { 0 } else { work.tasks as u64 });
    let right = requests.saturating_sub(under_way) * body..=(requests + under_way) * body;
    if right.contains(&body_bytes) {
        Ok(())
    } else {
        Err(format!("{body_bytes} bytes of bodies in {requests} requests of {body}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Latency;

    fn outcome(requests: u64, body_bytes: u64) -> Outcome {
        Outcome {
            requests,
            body_bytes,
            errors: 0,
            wall_s: 0.5,
            cpu_s: 0.5,
            latency_us: None,
            turns: None,
            allocs_per_req: None,
            idle: None,
        }
    }

    #[test]
    fn bodies_that_are_not_read_are_found_out() {
        let work = Work::named("get_small_64_1t").expect("it is in the table");
        assert_eq!(check(work, &outcome(1000, 12_000)), Ok(()));
        assert_eq!(check(work, &outcome(1000, 12_000 + 64 * 12)), Ok(()));
        assert!(check(work, &outcome(1000, 12_000 + 65 * 12)).is_err());
        assert!(check(work, &outcome(1000, 0)).is_err());
        assert!(check(work, &outcome(0, 0)).is_err());
    }

    #[test]
    fn failed_requests_are_found_out() {
        let work = Work::named("get_small_64_1t").expect("it is in the table");
        let outcome = Outcome { errors: 1, ..outcome(1000, 12_000) };
        assert_eq!(check(work, &outcome), Err("1 requests failed".into()));
    }

    #[test]
    fn times_that_cannot_be_are_found_out() {
        let work = Work::named("queue_1000_on_8").expect("it is in the table");
        let with = |p50| Outcome {
            latency_us: Some(Latency { p50, p90: 90.0, p99: 99.0, max: 100.0 }),
            ..outcome(1000, 12_000)
        };
        assert_eq!(check(work, &with(50.0)), Ok(()));
        assert!(check(work, &with(0.002)).is_err());
        assert!(check(work, &outcome(1000, 12_000)).is_err());
    }

    #[test]
    fn a_cold_start_is_of_so_many_requests() {
        let work = Work::named("cold_100").expect("it is in the table");
        assert_eq!(check(work, &outcome(100, 1200)), Ok(()));
        assert!(check(work, &outcome(99, 99 * 12)).is_err());
        assert!(check(work, &outcome(100, 1200 - 12)).is_err());
    }
}
