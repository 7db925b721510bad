//! One case through the real agent, against an origin that sends its bytes in given ways.
//!
//! Called by the test of the table.

mod way;

use std::fmt::Write as _;
use std::time::Duration;

use keepalive::Agent;
use proof::cases::{Ask, Case, End, Exchange, Verdict};
use testkit::{Case as Fixture, Script, ScriptedOrigin, ok};

pub(crate) use way::{Way, ways};

use crate::wire::fetch;

/// A client that waits longer than this for what a server has sent waits for what will not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A case in all its ways, one after the other, against one origin.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    case: &'a Case,
    ways: &'a [Way],
    origin: ScriptedOrigin,
}

impl<'a> Bench<'a> {
    /// For each way there is a connection that is the case's, and serves one more request if it may. If it may
    /// not, there is another one, which serves well.
    pub(crate) fn new(fixture: &Fixture, case: &'a Case, ways: &'a [Way]) -> Self {
        let mut origin = ScriptedOrigin::builder();
        for (at, way) in ways.iter().enumerate() {
            origin = origin.connection(script(case, at, way));
            if case.verdict != Verdict::Reused {
                origin = origin.connection(Script::new().request().send(ok("next")).repeat());
            }
        }
        Self { case, ways, origin: fixture.scripted(origin) }
    }

    /// The next way: everything that is not as the table says, a line each. After an error the ways that are
    /// left mean nothing.
    pub(crate) async fn check(&self, at: usize, patience: Duration) -> Result<(), String> {
        let case = self.case;
        let agent = if case.exchanges[0].ask.one_shot { Agent::one_shot() } else { Agent::new() };
        let mut wrong = String::new();
        for (nth, exchange) in case.exchanges.iter().enumerate() {
            let fetched = tokio::time::timeout(patience, fetch(&agent, &self.origin, exchange));
            let (seen, conducted) = tokio::join!(fetched, self.conduct(at, nth));
            let Ok(seen) = seen else { return Err("the client waits for what was sent already".to_owned()) };
            for difference in exchange.expected.compare(&seen) {
                let _ = writeln!(wrong, "exchange {nth}: {difference}");
            }
            if let Some((_, text)) = &seen.error {
                if text.contains(char::is_control) || text.starts_with(char::is_uppercase) {
                    let _ = writeln!(wrong, "exchange {nth}: the error's text is not as texts are: {text:?}");
                }
            }
            if !wrong.is_empty() {
                return Err(wrong);
            }
            let is_last = nth + 1 == case.exchanges.len();
            let totals = agent.status().totals;
            if !is_last && (conducted.is_err() || (totals.idle, totals.closed) != (1, 0)) {
                return Err(format!("exchange {nth}: the connection is not kept: {:?}", totals.closed_by));
            }
        }
        self.verdict(&agent, at, patience).await
    }

    /// The connection's fate, and the next request's.
    async fn verdict(&self, agent: &Agent, at: usize, patience: Duration) -> Result<(), String> {
        let verdict = &self.case.verdict;
        if *verdict != Verdict::Reused {
            let closed = async {
                while agent.status().totals.closed == 0 {
                    tokio::task::yield_now().await;
                }
            };
            if tokio::time::timeout(patience, closed).await.is_err() {
                return Err("verdict: expected the connection to be closed, and it is kept".to_owned());
            }
        }
        let closed: Vec<_> = agent.status().totals.closed_by.into_iter().collect();
        match verdict {
            Verdict::Reused if !closed.is_empty() => {
                return Err(format!("verdict: expected reused, and it was closed: {closed:?}"));
            }
            Verdict::Reused => {}
            Verdict::Closed(reasons) => {
                let in_one_piece = matches!(self.ways[at], Way::Whole);
                let allowed = if in_one_piece { &reasons[..1] } else { &reasons[..] };
                if !matches!(closed[..], [(reason, 1)] if allowed.contains(&reason)) {
                    return Err(format!("verdict: expected closed {allowed:?}, saw {closed:?}"));
                }
            }
        }
        let exchange = Exchange { ask: Ask::default(), ..self.case.exchanges[0].clone() };
        let next = fetch(agent, &self.origin, &exchange).await;
        if next.body != b"next" {
            return Err(format!("verdict: the next request failed: {next:?}"));
        }
        let connection = self.origin.record().requests().last().map(|request| request.connection);
        let wanted = self.connection(at) + usize::from(*verdict != Verdict::Reused);
        if connection != Some(wanted) {
            return Err(format!("verdict: the next request came on connection {connection:?}, not {wanted}"));
        }
        Ok(())
    }

    /// Has the origin send the next piece when the client has read the last one, until all is sent, or the
    /// connection has ended before.
    async fn conduct(&self, at: usize, nth: usize) -> Result<(), Ended> {
        let way = &self.ways[at];
        let pieces = if way.is_slow() { way.pieces(&self.case.exchanges[nth].segments).len() } else { 0 };
        for piece in 0..pieces.saturating_sub(1) {
            self.reached(at, &step("sent", at, nth, piece)).await?;
            turns().await;
            self.origin.signal(&step("go", at, nth, piece));
        }
        self.reached(at, &step("all", at, nth, 0)).await?;
        turns().await;
        self.origin.signal(&step("end", at, nth, 0));
        Ok(())
    }

    async fn reached(&self, at: usize, name: &str) -> Result<(), Ended> {
        let connection = self.connection(at);
        tokio::select! {
            biased;
            () = self.origin.reached(name) => Ok(()),
            () = self.origin.wait(|record| {
                record.connections.get(connection).is_some_and(|it| it.ended.is_some())
            }) => Err(Ended),
        }
    }

    /// The place of a way's first connection.
    fn connection(&self, at: usize) -> usize {
        if self.case.verdict == Verdict::Reused { at } else { 2 * at }
    }
}

/// The client closed the connection.
#[derive(Debug)]
struct Ended;

/// The case's connection in this way, which is the `at`-th.
fn script(case: &Case, at: usize, way: &Way) -> Script {
    let mut script = Script::new();
    for (nth, exchange) in case.exchanges.iter().enumerate() {
        script = script.request();
        let pieces = way.pieces(&exchange.segments);
        if way.is_slow() {
            let last = pieces.len().saturating_sub(1);
            for (piece, bytes) in pieces.into_iter().enumerate() {
                script = script.send(bytes).reached(step("sent", at, nth, piece));
                if piece < last {
                    script = script.signal(step("go", at, nth, piece));
                }
            }
        } else {
            script = script.pieces(pieces);
        }
        script = script.reached(step("all", at, nth, 0));
    }
    match case.end {
        End::Open => script.request().send(ok("next")),
        End::Fin => script.half_close(),
        // Only when the client has read all that came before.
        End::Reset => script.signal(step("end", at, case.exchanges.len() - 1, 0)).reset(),
    }
}

fn step(what: &str, at: usize, nth: usize, piece: usize) -> String {
    format!("{what} {at} {nth} {piece}")
}

/// Lets the client read what there is, and do what follows from it.
async fn turns() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}
