//! One case through the real agent, against an origin that sends its bytes in a given way.
//!
//! Called by the tests of the table and of the comparisons.

mod way;

use std::fmt::Write as _;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use keepalive::{Agent, Body, Error};
use proof::cases::{Ask, Case, End, Exchange, Kind, Seen, Verdict};
use testkit::{Case as Fixture, Script, ScriptedOrigin, ok};
use tokio::io::AsyncReadExt;

pub(crate) use way::{Way, ways};

/// A client that waits longer than this for what a server has sent waits for what will not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The case, its bytes sent in this way: everything that is not as the table says, a line each.
pub(crate) async fn check(
    fixture: &Fixture,
    case: &Case,
    way: &Way,
    patience: Duration,
) -> Result<(), String> {
    let origin = origin(fixture, case, way);
    let agent = if case.exchanges[0].ask.one_shot { Agent::one_shot() } else { Agent::new() };
    let mut wrong = String::new();
    for (nth, exchange) in case.exchanges.iter().enumerate() {
        let (seen, conducted) = {
            let fetched = tokio::time::timeout(patience, fetch(&agent, &origin, exchange));
            let steps = if way.is_slow() { way.pieces(&exchange.segments).len() } else { 0 };
            tokio::join!(fetched, conduct(&origin, nth, steps))
        };
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
        if is_last || conducted.is_err() {
            break;
        }
        let totals = agent.status().totals;
        if (totals.idle, totals.closed) != (1, 0) {
            return Err(format!("exchange {nth}: the connection is not kept: {:?}", totals.closed_by));
        }
    }
    verdict(&agent, &origin, case, way, patience).await
}

/// The connection's fate, and the next request's.
async fn verdict(
    agent: &Agent,
    origin: &ScriptedOrigin,
    case: &Case,
    way: &Way,
    patience: Duration,
) -> Result<(), String> {
    if let Verdict::Closed(_) = case.verdict {
        let closed = async {
            while agent.status().totals.closed == 0 {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(patience, closed).await.is_err() {
            return Err("verdict: expected the connection to be closed, and it is kept".to_owned());
        }
    }
    turns().await;
    let closed: Vec<_> = agent.status().totals.closed_by.into_iter().collect();
    match &case.verdict {
        Verdict::Reused if !closed.is_empty() => {
            return Err(format!("verdict: expected reused, and it was closed: {closed:?}"));
        }
        Verdict::Reused => {}
        Verdict::Closed(reasons) => {
            let allowed = if matches!(way, Way::Whole) { &reasons[..1] } else { &reasons[..] };
            if !matches!(closed[..], [(reason, 1)] if allowed.contains(&reason)) {
                return Err(format!("verdict: expected closed {allowed:?}, saw {closed:?}"));
            }
        }
    }
    let next = fetch(agent, origin, &Exchange { ask: Ask::default(), ..case.exchanges[0].clone() }).await;
    if next.body != b"next" {
        return Err(format!("verdict: the next request failed: {next:?}"));
    }
    let connection = origin.record().requests().last().map(|request| request.connection);
    if (connection == Some(0)) != (case.verdict == Verdict::Reused) {
        return Err(format!("verdict: the next request came on connection {connection:?}"));
    }
    Ok(())
}

/// Its first connection is the case's, and serves one more request if it may; others serve well.
fn origin(fixture: &Fixture, case: &Case, way: &Way) -> ScriptedOrigin {
    let mut script = Script::new();
    for (nth, exchange) in case.exchanges.iter().enumerate() {
        script = script.request();
        let pieces = way.pieces(&exchange.segments);
        if way.is_slow() {
            let last = pieces.len().saturating_sub(1);
            for (at, piece) in pieces.into_iter().enumerate() {
                script = script.send(piece).reached(step("sent", nth, at));
                if at < last {
                    script = script.signal(step("go", nth, at));
                }
            }
        } else {
            script = script.pieces(pieces);
        }
        script = script.reached(step("all", nth, 0));
    }
    let script = match case.end {
        End::Open => script.request().send(ok("next")),
        End::Fin => script.half_close(),
        // Only when the client has read all that came before.
        End::Reset => script.signal("end").reset(),
    };
    let next = Script::new().request().send(ok("next")).repeat();
    fixture.scripted(ScriptedOrigin::builder().connection(script).otherwise(next))
}

/// Has the origin send the next piece when the client has read the last one, until all is sent, or the
/// connection has ended before.
async fn conduct(origin: &ScriptedOrigin, nth: usize, pieces: usize) -> Result<(), Ended> {
    for at in 0..pieces.saturating_sub(1) {
        reached(origin, &step("sent", nth, at)).await?;
        turns().await;
        origin.signal(&step("go", nth, at));
    }
    reached(origin, &step("all", nth, 0)).await?;
    turns().await;
    origin.signal("end");
    Ok(())
}

/// The client closed the connection.
struct Ended;

async fn reached(origin: &ScriptedOrigin, name: &str) -> Result<(), Ended> {
    tokio::select! {
        biased;
        () = origin.reached(name) => Ok(()),
        () = origin.wait(|record| record.connections.first().is_some_and(|it| it.ended.is_some())) => Err(Ended),
    }
}

fn step(what: &str, nth: usize, at: usize) -> String {
    format!("{what} {nth} {at}")
}

/// Lets the client read what there is, and do what follows from it.
async fn turns() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

async fn fetch(agent: &Agent, origin: &ScriptedOrigin, exchange: &Exchange) -> Seen {
    let mut seen = Seen::default();
    if let Err(error) = try_fetch(agent, origin, exchange, &mut seen).await {
        seen.error = Some((kind(&error), error.to_string()));
    }
    seen
}

async fn try_fetch(
    agent: &Agent,
    origin: &ScriptedOrigin,
    exchange: &Exchange,
    seen: &mut Seen,
) -> Result<(), Error> {
    let Ask { method, fields, body, .. } = &exchange.ask;
    let uri = if method == http::Method::CONNECT { origin.addr().to_string() } else { origin.url("/") };
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(body.clone())).expect("the table has checked its parts");
    let (head, body) = agent.request(request).await?.into_parts();
    seen.head = Some((head.version, head.status.as_u16(), head.headers));
    let mut body = match body.into_upgraded() {
        Err(body) => body,
        Ok(mut io) => {
            let wanted = exchange.expected.upgraded.as_ref().map_or(0, Vec::len);
            let mut bytes = vec![0; wanted];
            let read = io.read_exact(&mut bytes).await;
            seen.upgraded = Some(if read.is_ok() { bytes } else { Vec::new() });
            return Ok(());
        }
    };
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => seen.body.extend_from_slice(&data),
            Err(frame) => seen.trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok(())
}

fn kind(error: &Error) -> Kind {
    if error.is_stale() {
        Kind::Stale
    } else if !error.is_protocol() {
        Kind::Io
    } else if error.to_string().starts_with("the connection ended") {
        Kind::Truncated
    } else {
        Kind::Protocol
    }
}
