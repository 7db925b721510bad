//! A request of the table through the real agent. Called by the tests of the table and of the comparisons.

mod random;

use http::Request;
use http_body_util::BodyExt;
use keepalive::{Agent, Body, Error};
use proof::cases::{Ask, Exchange, Kind, Seen};
use testkit::ScriptedOrigin;
use tokio::io::AsyncReadExt;

pub(crate) use random::Random;

/// Asks what the exchange asks, and reads to the end.
pub(crate) async fn fetch(agent: &Agent, origin: &ScriptedOrigin, exchange: &Exchange) -> Seen {
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
