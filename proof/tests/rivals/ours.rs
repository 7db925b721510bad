//! Our own agent, where the table does not say what it makes of some bytes.

use keepalive::{Agent, CloseReason};
use proof::cases::{Case, Seen};
use testkit::{Case as Fixture, Script, ScriptedOrigin};

use crate::wire::fetch;

/// What is seen of cases with one exchange whose server closes, and why each connection was closed.
pub(crate) async fn see(fixture: &Fixture, cases: &[Case]) -> Vec<(Seen, CloseReason)> {
    let script = |bytes: Vec<u8>| Script::new().request().send(bytes).half_close();
    let origin =
        cases.iter().fold(ScriptedOrigin::builder(), |origin, case| origin.connection(script(case.bytes())));
    let origin = fixture.scripted(origin);
    let mut all = Vec::new();
    for case in cases {
        let agent = Agent::new();
        let seen = fetch(&agent, &origin, &case.exchanges[0]).await;
        while agent.status().totals.closed == 0 {
            tokio::task::yield_now().await;
        }
        let reason = agent.status().totals.closed_by.into_keys().next();
        all.push((seen, reason.expect("it was closed for a reason")));
    }
    all
}
