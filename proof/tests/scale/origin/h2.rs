//! One connection over HTTP/2.

use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

use crate::ledger::Ledger;
use crate::plan::{Framing, Plan, Upload};
use crate::rng::Rng;

pub(super) async fn serve(stream: TlsStream<TcpStream>, ledger: &Arc<Ledger>) {
    let Ok(mut connection) = h2::server::Builder::new().max_concurrent_streams(8).handshake(stream).await
    else {
        return;
    };
    let mut streams = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = connection.accept() => accepted,
            Some(Ok(end)) = streams.join_next() => {
                match end {
                    End::Stream => {}
                    End::Goodbye => connection.graceful_shutdown(),
                    End::Broken => return,
                }
                continue;
            }
        };
        let Some(Ok((request, respond))) = accepted else { return };
        let ledger = Arc::clone(ledger);
        let plan = match plan(&request, &ledger) {
            Ok(plan) => plan,
            Err(text) => return ledger.offence(text),
        };
        streams.spawn(async move { visit(plan, request.into_body(), respond, &ledger).await });
    }
}

/// What ends with a stream.
enum End {
    Stream,
    /// The connection, when the other streams have ended.
    Goodbye,
    /// The connection, at once.
    Broken,
}

fn plan(request: &Request<RecvStream>, ledger: &Ledger) -> Result<Plan, String> {
    let token = request.uri().path().strip_prefix("/t/").unwrap_or_default();
    let plan = Plan::by_token(ledger.seed, token, ledger.requests());
    let plan = plan.ok_or_else(|| format!("a token of nobody: {request:?}"))?;
    let has = |name: &str, value: Option<&str>| {
        request.headers().get(name).map(HeaderValue::as_bytes) == value.map(str::as_bytes)
    };
    let token = plan.token.as_str();
    if request.method() != plan.method
        || !has("x-token", Some(token))
        || !has("idempotency-key", plan.key.then_some(token))
    {
        return Err(format!("parts of different requests: {request:?}"));
    }
    Ok(plan)
}

async fn visit(plan: Plan, body: RecvStream, mut respond: SendResponse<Bytes>, ledger: &Ledger) -> End {
    let nth = ledger.saw(plan.n, |seen| seen.heads += 1).heads;
    let mut rng = plan.visit(nth);
    let fault = rng.below(100);
    if fault < 3 {
        ledger.saw(plan.n, |seen| seen.refused += 1);
        ledger.did("HTTP/2: refused a stream");
        respond.send_reset(Reason::REFUSED_STREAM);
        return End::Stream;
    }
    if plan.expect {
        // Fails where the stream is gone.
        let _ = respond.send_informational(Response::builder().status(100).body(()).expect("a head"));
    }
    match receive(body, &plan, fault == 3).await {
        Ok(true) => ledger.saw(plan.n, |seen| seen.whole += 1),
        Ok(false) => return End::Stream,
        Err(text) => {
            ledger.offence(text);
            return End::Broken;
        }
    };
    match fault {
        4..7 => {
            ledger.did("HTTP/2: executed, and reset the stream");
            respond.send_reset(Reason::INTERNAL_ERROR);
            End::Stream
        }
        7..10 => {
            ledger.did("HTTP/2: executed, and broke the connection");
            End::Broken
        }
        _ => {
            for _ in 0..rng.below(10) {
                tokio::task::yield_now().await;
            }
            let cut = (10..13).contains(&fault);
            ledger.did(if cut { "HTTP/2: executed, and cut the answer" } else { "HTTP/2: answered well" });
            // Fails where the client gave the stream up.
            let _ = answer(&plan, &mut respond, cut, &mut rng);
            if (13..16).contains(&fault) {
                ledger.did("HTTP/2: said goodbye");
                return End::Goodbye;
            }
            End::Stream
        }
    }
}

/// Whether it came to its end; what it should not be is an error.
async fn receive(mut body: RecvStream, plan: &Plan, leaves: bool) -> Result<bool, String> {
    let (expected, mut at) = (plan.request_body(), 0);
    while let Some(data) = body.data().await {
        let Ok(data) = data else { return Ok(false) };
        if expected.get(at..at + data.len()) != Some(&data[..]) {
            return Err(format!("a body of another request: {} from byte {at}", plan.token));
        }
        at += data.len();
        if leaves || body.flow_control().release_capacity(data.len()).is_err() {
            return Ok(false);
        }
    }
    if body.trailers().await.is_err() {
        return Ok(false);
    }
    let whole = at == expected.len();
    if whole || matches!(plan.upload, Upload::Streamed { breaks: Some(_), .. }) {
        return Ok(whole);
    }
    Err(format!("a body too short: {}", plan.token))
}

fn answer(plan: &Plan, respond: &mut SendResponse<Bytes>, cut: bool, rng: &mut Rng) -> Result<(), h2::Error> {
    let token = HeaderValue::from_str(&plan.token).expect("a field's value");
    let mut head = Response::builder().status(plan.status).header("x-token", &token);
    if plan.framing == Framing::Length {
        head = head.header("content-length", plan.len);
    }
    let head = head.body(()).expect("a head");
    let mut body = Bytes::from(plan.answer_body());
    let trailer = plan.framing == Framing::ChunkedWithTrailer && plan.method != Method::HEAD;
    if body.is_empty() && !trailer && !cut {
        return respond.send_response(head, true).map(drop);
    }
    let mut stream = respond.send_response(head, false)?;
    if cut {
        stream.send_data(body.split_to(rng.below(body.len())), false)?;
        stream.send_reset(Reason::CANCEL);
        return Ok(());
    }
    while !body.is_empty() {
        let piece = body.split_to(1 + rng.below(body.len()));
        stream.send_data(piece, body.is_empty() && !trailer)?;
    }
    if trailer {
        stream.send_trailers(HeaderMap::from_iter([(http::HeaderName::from_static("x-token"), token)]))?;
    }
    Ok(())
}
