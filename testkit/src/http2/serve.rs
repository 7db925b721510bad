//! One HTTP/2 connection of a plain origin.
//!
//! Invariants: 1. a stream counts as open from its head until its last frame is made or it was reset, and
//! never longer than the client can see; 2. all that runs for a connection ends with it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::plain::Rules;
use crate::record::End;
use crate::request::Request;
use crate::stream::Stream;
use crate::tally::Tally;
use crate::watched::Watched;

pub(crate) async fn serve(
    connection: usize,
    stream: Arc<Stream>,
    rules: Arc<Rules>,
    tally: Arc<Watched<Tally>>,
) -> End {
    let (near, far) = tokio::io::duplex(BUFFER);
    let (mut from_h2, mut to_h2) = tokio::io::split(near);
    let inbound = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) => return End::ClosedByPeer,
                // Over already: what is left to say is being said.
                Ok(read) if to_h2.write_all(&buffer[..read]).await.is_err() => {}
                Ok(_) => {}
                Err(_) => return End::ResetByPeer,
            }
        }
    };
    let outbound = async {
        let mut buffer = vec![0; BUFFER];
        while let Ok(read @ 1..) = from_h2.read(&mut buffer).await {
            if stream.write_all(&buffer[..read]).await.is_err() {
                return End::ResetByPeer;
            }
        }
        End::ClosedByScript
    };
    let speaking = speak(connection, far, &rules, &tally);
    let mut inbound = pin!(inbound);
    let end = tokio::select! {
        end = &mut inbound => return end,
        ((), end) = async { tokio::join!(speaking, outbound) } => end,
    };
    // Closed with bytes unread it would be reset, and what the client has not read yet be lost.
    stream.half_close();
    let _ = timeout(LINGER, inbound).await;
    end
}

/// How long a client may take to close after the server.
const LINGER: Duration = Duration::from_secs(2);

/// What may be under way between the socket and the frames.
const BUFFER: usize = 64 * 1024;

/// Answers until the connection is over.
async fn speak(connection: usize, io: DuplexStream, rules: &Arc<Rules>, tally: &Arc<Watched<Tally>>) {
    let mut builder = Builder::new();
    builder.max_concurrent_streams(rules.max_streams).initial_window_size(rules.window);
    builder.initial_connection_window_size(rules.window.max(MIN_WINDOW));
    let Ok(mut h2): Result<Connection<_, Bytes>, _> = builder.handshake(io).await else { return };
    let mut answers = JoinSet::new();
    let mut answered = 0;
    loop {
        tokio::select! {
            accepted = h2.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let guard = Streaming::begin(connection, tally);
                    let (rules, tally) = (Arc::clone(rules), Arc::clone(tally));
                    answers.spawn(answer(connection, request, respond, rules, tally, guard));
                }
                Some(Err(_)) | None => return,
            },
            Some(closes) = answers.join_next() => {
                answered += 1;
                if closes.unwrap_or(true) || rules.max_requests == Some(answered) {
                    h2.graceful_shutdown();
                }
                if rules.close_after == Some(answered) {
                    // What was answered is still in h2's hands.
                    let _ = poll_fn(|cx| Poll::Ready(h2.poll_closed(cx))).await;
                    return;
                }
            }
        }
    }
}

/// RFC 9113 §6.9.2: the connection's window has this at least.
const MIN_WINDOW: u32 = 65_535;

/// Reads a request and answers it; whether the connection is to end.
async fn answer(
    connection: usize,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    rules: Arc<Rules>,
    tally: Arc<Watched<Tally>>,
    guard: Streaming,
) -> bool {
    let Some(request) = read(connection, request, &mut respond).await else { return false };
    let (request, turn) = tally.change(|tally| {
        let request = Request { order: tally.stats.requests, ..request };
        tally.stats.requests += 1;
        if rules.record {
            tally.requests.push(request.clone());
        }
        (request, rules.gate.as_ref().map(Gate::enter))
    });
    let held = async {
        if let Some(turn) = turn {
            turn.come().await;
        }
        if !rules.delay.is_zero() {
            tokio::time::sleep(rules.delay).await;
        }
    };
    tokio::select! {
        biased;
        () = held => {}
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return false,
    }
    let reply = (rules.reply)(&request);
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status");
    *response.headers_mut() = fields(&reply.headers);
    let has_body = reply.has_body();
    if has_body && !reply.chunked {
        response.headers_mut().insert("content-length", reply.body.len().into());
    }
    let trailers = fields(&reply.trailers);
    let body = if has_body && request.method != Method::HEAD.as_str() { reply.body } else { Vec::new() };
    let empty = body.is_empty() && trailers.is_empty();
    if let Ok(stream) = respond.send_response(response, empty) {
        if !empty {
            send(stream, body.into(), trailers).await;
        }
    }
    drop(guard);
    reply.close
}

async fn read(
    connection: usize,
    request: http::Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
) -> Option<Request> {
    let (parts, mut content) = request.into_parts();
    let mut headers = Vec::new();
    let authority = parts.uri.authority().map(ToString::to_string);
    headers.extend(authority.map(|authority| (":authority".to_owned(), authority)));
    headers.extend(parts.uri.scheme_str().map(|scheme| (":scheme".to_owned(), scheme.to_owned())));
    headers.extend(lines(&parts.headers));
    if parts.headers.get("expect").is_some_and(|value| value == "100-continue") {
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::CONTINUE;
        respond.send_informational(response).ok()?;
    }
    let mut body = Vec::new();
    while let Some(data) = content.data().await {
        let data = data.ok()?;
        content.flow_control().release_capacity(data.len()).ok()?;
        body.extend_from_slice(&data);
    }
    let trailers = content.trailers().await.ok()?.unwrap_or_default();
    Some(Request {
        connection,
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or("*", |path| path.as_str()).to_owned(),
        headers,
        body,
        trailers: lines(&trailers).collect(),
        ..Request::default()
    })
}

/// Sends as the client's windows allow.
async fn send(mut stream: SendStream<Bytes>, mut body: Bytes, trailers: HeaderMap) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len().min(BUFFER));
        let Some(Ok(capacity)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
        let piece = body.split_to(capacity.min(body.len()));
        let last = body.is_empty() && trailers.is_empty();
        if stream.send_data(piece, last).is_err() {
            return;
        }
    }
    if !trailers.is_empty() && stream.send_trailers(trailers).is_err() {
        stream.send_reset(Reason::INTERNAL_ERROR);
    }
}

fn fields(lines: &[(String, String)]) -> HeaderMap {
    let field = |(name, value): &(String, String)| {
        let name = HeaderName::try_from(name.as_str()).expect("the name of a field");
        (name, HeaderValue::try_from(value.as_str()).expect("the value of a field"))
    };
    let mut fields = HeaderMap::new();
    lines.iter().map(field).for_each(|(name, value)| {
        fields.append(name, value);
    });
    fields
}

fn lines(fields: &HeaderMap) -> impl Iterator<Item = (String, String)> + '_ {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    fields.iter().map(move |(name, value)| (name.to_string(), text(value)))
}

/// A stream in the tally.
struct Streaming {
    connection: usize,
    tally: Arc<Watched<Tally>>,
}

impl Streaming {
    fn begin(connection: usize, tally: &Arc<Watched<Tally>>) -> Self {
        tally.change(|tally| tally.begin_stream(connection));
        Self { connection, tally: Arc::clone(tally) }
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.tally.change(|tally| tally.end_stream(self.connection));
    }
}
