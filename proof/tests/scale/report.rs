//! What a run has to show: figures, and the agent's accounts against what its users saw.

use std::collections::BTreeMap;

use keepalive::{Agent, CloseReason, Totals};

use crate::judge::Fate;
use crate::ledger::Ledger;
use crate::plan::{Plan, Reading};

/// How requests ended, as their users saw it.
fn outcomes(fates: &[Fate]) -> BTreeMap<&'static str, usize> {
    let mut outcomes = BTreeMap::new();
    for fate in fates {
        let outcome = match fate {
            Fate::Open => "never ended",
            Fate::Wrong(_) => "wrong",
            Fate::Done { attempts: 1 } => "answered",
            Fate::Done { .. } => "answered at the second attempt",
            Fate::Cut(_) => "failed in the answer's body",
            Fate::Failed(failure) if failure.written == 0 => "failed, nothing written",
            Fate::Failed(failure) if failure.safe => "failed, safe to send again",
            Fate::Failed(_) => "failed, and may have run",
            Fate::Cancelled => "given up by its user",
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

pub(crate) fn print(fates: &[Fate], ledger: &Ledger, agent: &Agent) {
    println!("for the users:");
    for (outcome, count) in outcomes(fates) {
        println!("{count:9} {outcome}");
    }
    println!("at the origins:");
    for (deed, count) in ledger.deeds() {
        println!("{count:9} {deed}");
    }
    let seen = ledger.seen();
    println!("{:9} requests executed", seen.iter().filter(|seen| seen.whole > 0).count());
    println!("{:9} of them twice", seen.iter().filter(|seen| seen.whole > 1).count());
    let totals = accounts(agent);
    println!("in the agent:");
    println!("{:9} sockets opened, {} requests on a reused one", totals.opened, totals.reused);
    for (reason, count) in &totals.closed_by {
        println!("{count:9} closed: {reason}");
    }
}

/// Every socket and every request is in exactly one place, at any instant.
#[track_caller]
pub(crate) fn accounts(agent: &Agent) -> Totals {
    let it = agent.status().totals;
    let open = it.active + it.idle + it.connecting + it.draining + it.closing + it.upgraded;
    assert_eq!(it.opened, open as u64 + it.closed, "{it:#?}");
    assert_eq!(it.closed, it.closed_by.values().sum::<u64>(), "{it:#?}");
    let ended = it.done + it.failed + it.cancelled;
    assert_eq!(it.requests, ended + it.running + it.waiting as u64, "{it:#?}");
    assert!(open <= it.max_total_sockets.unwrap_or(usize::MAX), "{it:#?}");
    it
}

pub(crate) fn is_at_rest(agent: &Agent) -> bool {
    let it = agent.status().totals;
    it.active + it.connecting + it.draining + it.closing + it.waiting == 0 && it.running == 0
}

/// What the agent counted is what its users saw. Of a body that its user dropped the agent may know more: that
/// it came broken with its head, which is a request failed, or that it was one at all when its user gave up.
pub(crate) fn assert_accounts(fates: &[Fate], plans: impl Fn(usize) -> Plan, agent: &Agent) {
    let totals = accounts(agent);
    assert_eq!(totals.requests, fates.len() as u64, "{totals:#?}");
    let (mut read, mut failed, mut given_up) = (0, 0, 0);
    for (n, fate) in fates.iter().enumerate() {
        match fate {
            Fate::Failed(_) | Fate::Cut(_) => failed += 1,
            Fate::Cancelled => given_up += 1,
            _ if matches!(plans(n).reading, Reading::Drop(_)) => given_up += 1,
            _ => read += 1,
        }
    }
    assert!((failed..=failed + given_up).contains(&totals.failed), "{failed} failed: {totals:#?}");
    assert!((read..=read + given_up).contains(&totals.done), "{read} read: {totals:#?}");
    assert!(totals.cancelled <= given_up, "{given_up} given up: {totals:#?}");
    // The origins end connections anywhere, but break no rule: what looks so was another's answer.
    assert_eq!(totals.closed_by.get(&CloseReason::ProtocolError), None, "{totals:#?}");
}

/// A run in which nothing went wrong proves nothing: each way to end, and each deed, was there.
pub(crate) fn assert_all_happened(fates: &[Fate], ledger: &Ledger) {
    if fates.len() < 5_000 {
        return;
    }
    let (outcomes, deeds) = (outcomes(fates), ledger.deeds());
    assert_eq!(outcomes.len(), 7, "{outcomes:?}");
    assert_eq!(deeds.len(), 22, "{deeds:?}");
    let twice = ledger.seen().iter().filter(|seen| seen.whole > 1).count();
    assert!(twice > 0, "no request was executed a second time, as those may be that allow it");
}
