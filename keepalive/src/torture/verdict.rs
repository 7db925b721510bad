//! What must hold after a run, whatever went wrong in it.

use std::error::Error as _;

use testkit::Request;

use super::fault::{Fault, Misfortune, Op, Way};
use super::rig::Outcome;
use super::workloads::Workload;
use crate::{Error, Phase, Totals};

/// Each request came to an end that fits what went wrong, and the server saw it as often as it may.
pub(super) fn requests(workload: &Workload, misfortune: &Misfortune, outcomes: &[Outcome], seen: &[Request]) {
    let made: usize = workload.waves.iter().map(|wave| wave.len()).sum();
    assert_eq!(outcomes.len(), made, "each request ends");
    let mut failures = 0;
    for outcome in outcomes {
        let Outcome { kind, nth, end } = outcome;
        let path = kind.path(*nth);
        let times = seen.iter().filter(|request| request.target == path).count();
        let most = if kind.is_repeatable() { 2 } else { 1 };
        assert!(times <= most, "{outcome:?} was seen {times} times");
        match end {
            None => {}
            Some(Ok(answer)) => {
                assert!(times >= 1, "{outcome:?} was answered, and never seen");
                let whole = kind.answer(*nth);
                assert!(
                    answer.as_ref().is_none_or(|answer| *answer == whole),
                    "{outcome:?} is not {whole:?}"
                );
            }
            Some(Err(error)) => {
                failures += 1;
                evidence(outcome, error, times);
                phase(workload, misfortune, error);
            }
        }
    }
    let allowed = misfortune.faults.iter().map(|fault| may_fail(workload, *fault, made)).sum::<usize>();
    // Less only if the stale socket that fails a request was closed before, or the request was dropped.
    let least = if *misfortune == Misfortune::default() { workload.failures } else { 0 };
    let range = least..=workload.failures + allowed;
    assert!(range.contains(&failures), "{failures} failures are not within {range:?}: {outcomes:#?}");
}

/// How many requests a fault may fail. What only comes in pieces fails nobody; one connection that breaks
/// fails one request, over HTTP/2 all that are on it.
fn may_fail(workload: &Workload, fault: Fault, made: usize) -> usize {
    match fault.way {
        Way::Short => 0,
        Way::Stall => made,
        _ if workload.is_http2() => made,
        _ => 1,
    }
}

/// What the error says of its request is so.
fn evidence(outcome: &Outcome, error: &Error, times: usize) {
    let text = error.to_string();
    assert!(!text.is_empty() && !error.is_request(), "{error:?} is nobody's fault here");
    let source = error.source().map(ToString::to_string);
    assert!(source.is_none_or(|source| !text.contains(&source)), "{error:?} repeats its source");
    if error.bytes_written() == 0 {
        assert_eq!(times, 0, "{outcome:?} was not written, and seen");
    }
    let safe = outcome.kind.is_repeatable() || error.bytes_written() == 0;
    assert_eq!(error.safe_to_retry(), safe, "{outcome:?}");
    if error.phase() == Phase::Receive {
        assert!(error.bytes_read() > 0, "{outcome:?}");
    }
}

/// The phase is one in which something that went wrong can be met.
fn phase(workload: &Workload, misfortune: &Misfortune, error: &Error) {
    if workload.stale && error.is_stale() {
        // That one was stale from the beginning.
        return;
    }
    let fits = misfortune.faults.iter().any(|fault| is_met(workload, *fault, error));
    assert!(fits, "{misfortune} has nothing to do with {error:?}");
}

fn is_met(workload: &Workload, Fault { op, way, .. }: Fault, error: &Error) -> bool {
    let stall = way == Way::Stall;
    if error.is_timeout() && !stall {
        return false;
    }
    match (op, error.phase()) {
        (_, Phase::Queue) => stall,
        (Op::Resolve | Op::Connect, phase) => phase == Phase::Connect,
        (Op::Handshake, phase) => phase == Phase::Tls,
        (_, Phase::Tls) => workload.tls,
        (_, Phase::Connect) => workload.is_http2(),
        // An idle socket that proves dead fails nobody, unless it is new.
        (Op::Look, Phase::Send) => !error.reused_connection(),
        (Op::Look, _) => false,
        (_, phase) => matches!(phase, Phase::Send | Phase::Wait | Phase::Receive),
    }
}

/// The accounts in the end. Where a body was dropped it may have failed before that; a request that was
/// dropped may have been in its body.
pub(super) fn totals(outcomes: &[Outcome], totals: &Totals) {
    let count = |which: fn(&Outcome) -> bool| outcomes.iter().filter(|it| which(it)).count() as u64;
    let failed = count(|it| matches!(it.end, Some(Err(_))));
    let (unread, dropped) = (count(|it| matches!(it.end, Some(Ok(None)))), count(|it| it.end.is_none()));
    let all = format!("{totals:#?}\n{outcomes:#?}");
    assert!((failed..=failed + unread + dropped).contains(&totals.failed), "{all}");
    assert!(totals.cancelled <= dropped, "{all}");
    let ended = totals.done + totals.failed + totals.cancelled;
    assert_eq!((totals.requests, ended), (outcomes.len() as u64, outcomes.len() as u64), "{all}");
}
